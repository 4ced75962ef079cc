package wal

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// The default takes some fifteen seconds.
var exploreHistories = flag.Uint64("wal.histories", 6, "how many histories lose power at each of their steps")

const (
	// everySubset is up to how many ways to lose power at one point are all tried; beyond
	// it, so many of them are, at random, after the two that keep nothing and everything.
	everySubset   = 1 << 10
	someSubsets   = 40
	atRecoveries  = 3
	deepRecovery  = 2
	historyLength = 5
)

// A deed is one batch of a history.
type deed struct {
	writes   []*raft.Write
	states   []twin // before, and after each write
	snapshot raft.SnapshotMeta
	compact  raft.Index
}

// history makes deeds that are the same for each seed.
func history(seed uint64, most int) []deed {
	p := &player{Rand: rand.New(rand.NewPCG(seed, 3)), most: most}
	var deeds []deed
	for range historyLength {
		d := deed{states: []twin{p.twin}}
		for range 1 + p.IntN(2) {
			d.writes = append(d.writes, p.write())
			d.states = append(d.states, p.twin)
		}
		d.snapshot, d.compact = p.snapshot, p.snapshot.Last.Index
		deeds = append(deeds, d)
	}
	return deeds
}

// live does what a history says, until the power goes. It returns which deed that was, and
// whether its writes were acknowledged; created says that there was a log at all.
func live(d *disk, deeds []deed) (at int, acknowledged, created bool, err error) {
	l, err := Create(d, testOptions())
	if err != nil {
		return 0, false, false, err
	}
	for i := range deeds {
		if err := l.Append(deeds[i].writes); err != nil {
			return i, false, true, err
		}
		if err := l.Compact(deeds[i].compact); err != nil {
			return i, true, true, err
		}
	}
	return len(deeds) - 1, true, true, l.Close()
}

// explore tries the ways in which a disk may lose power.
func explore(r *rand.Rand, d *disk, try func(after *disk) error) error {
	var radix []int
	ways := 1
	d.crash(func(n int) int {
		radix = append(radix, n+1)
		if ways *= n + 1; ways > everySubset {
			ways = everySubset + 1
		}
		return 0
	})
	if ways <= everySubset {
		for way := range ways {
			rest := way
			if err := try(d.crash(func(n int) int {
				k := rest % (n + 1)
				rest /= n + 1
				return k
			})); err != nil {
				return fmt.Errorf("way %d of %d: %w", way, ways, err)
			}
		}
		return nil
	}
	for way := range someSubsets {
		odds := r.IntN(5)
		if err := try(d.crash(func(n int) int {
			switch {
			case way == 0:
				return 0
			case way == 1 || odds < 3 && r.IntN(4) > odds:
				return n
			case odds == 4 && r.IntN(10) > 0:
				return 0
			}
			return r.IntN(n + 1)
		})); err != nil {
			return fmt.Errorf("way %d of some: %w", way, err)
		}
	}
	return nil
}

// survives opens what a crash left, also when the power goes while it is opened, and
// compares. Deep is how often the power may go again.
func survives(r *rand.Rand, d *disk, now deed, acknowledged, created bool, deep int) error {
	first := d.copy()
	if deep > 0 {
		for range atRecoveries {
			again := d.copy()
			again.failAt, again.failure = r.IntN(12), errPower
			if _, _, err := Open(again, testOptions(now.snapshot)); errors.Is(err, errPower) {
				half := again.crash(func(n int) int { return r.IntN(n + 1) })
				if err := survives(r, half, now, acknowledged, created, deep-1); err != nil {
					return fmt.Errorf("after a second crash at step %d: %w", again.failAt, err)
				}
			}
		}
	}
	l, found, err := Open(first, testOptions(now.snapshot))
	if !created && errors.Is(err, ErrNoLog) {
		_, err := Create(first, testOptions())
		return err
	}
	if err != nil {
		return err
	}
	if found.Lost != nil || len(found.Faulty) > 0 {
		return fmt.Errorf("lost %w, faulty %v", found.Lost, found.Faulty)
	}
	p := &player{Rand: r, most: 300, snapshot: now.snapshot}
	if err := p.settle(l, found, now.states, acknowledged); err != nil {
		return err
	}
	// It goes on, and what it appends now is there the next time.
	if err := l.Append([]*raft.Write{p.write(), p.write()}); err != nil {
		return err
	}
	l, found, err = Open(first.crash(func(int) int { return 0 }), testOptions(p.snapshot))
	if err != nil {
		return err
	}
	return p.twin.equals(l, found)
}

func TestNoCrashAtAnyStepLosesOrInventsAnything(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes one goroutine, and long under the race detector")
	}
	for seed := range *exploreHistories {
		deeds := history(seed, []int{20, 600, 1500}[seed%3])
		for step := 0; ; step++ {
			d := newDisk()
			d.failAt, d.failure = step, errPower
			at, acknowledged, created, err := live(d, deeds)
			r := rand.New(rand.NewPCG(seed, uint64(step)))
			if err := explore(r, d, func(after *disk) error {
				return survives(r, after, deeds[at], acknowledged, created, deepRecovery)
			}); err != nil {
				t.Fatalf("seed %d, power gone at step %d, in batch %d, acknowledged %v: %v", seed, step, at, acknowledged, err)
			}
			if err == nil {
				break
			}
		}
	}
}
