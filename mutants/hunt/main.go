// Command hunt plays one random schedule after the other in the simulator until it has found a
// violation of each class of properties that it looks for, or the time is over, and prints what
// it found as JSON.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ben-ng/gaggle/sim"
)

// A result is what a hunt has come to.
type result struct {
	Runs    int     `json:"runs"`
	Seconds float64 `json:"seconds"`
	// Found has the first violation of each class, for those where there was one.
	Found map[sim.Class]finding `json:"found"`
}

// A finding is a violation, and when and where it was found.
type finding struct {
	Property string  `json:"property"`
	Detail   string  `json:"detail"`
	Seed     uint64  `json:"seed"`
	Profile  string  `json:"profile"`
	Runs     int     `json:"runs"`
	Seconds  float64 `json:"seconds"`
}

// What a run may take: beyond that, a turn does not come to an end.
const (
	maxRun  = 30 * time.Second
	maxHeap = 2 << 30
)

func main() {
	seconds := flag.Float64("seconds", 60, "how long to go on")
	seed := flag.Uint64("seed", 1, "the first `seed`; each run takes the next")
	profile := flag.String("profile", "", "the only `profile`; all if it is empty")
	classes := flag.String("classes", "safety,invariants,checker", "the `classes` of properties that count")
	flag.Parse()
	if sim.Generate(*seed, *profile) == nil {
		fmt.Fprintf(os.Stderr, "hunt: there is no profile %q\n", *profile)
		os.Exit(2)
	}
	h := hunt{began: time.Now(), profile: *profile, found: map[sim.Class]finding{}}
	for name := range strings.SplitSeq(*classes, ",") {
		if !slices.Contains(sim.Classes(), sim.Class(name)) {
			fmt.Fprintf(os.Stderr, "hunt: there is no class %q, only %v\n", name, sim.Classes())
			os.Exit(2)
		}
		h.wanted = append(h.wanted, sim.Class(name))
	}
	h.at.Store(*seed)
	stalled := make(chan time.Duration)
	go h.watch(stalled)
	all := make(chan struct{})
	go func() {
		h.search(time.Duration(*seconds * float64(time.Second)))
		close(all)
	}()
	select {
	case <-all:
		h.end(h.found)
	case took := <-stalled:
		h.end(h.stalled(took))
	}
}

type hunt struct {
	began   time.Time
	profile string
	// at is the seed of the present run, since when it goes on.
	at    atomic.Uint64
	since atomic.Int64
	runs  atomic.Int64
	// wanted are the classes that nothing was found of yet.
	wanted []sim.Class
	found  map[sim.Class]finding
}

// search plays schedules until there is a finding of each class, or the time is over.
func (h *hunt) search(limit time.Duration) {
	for len(h.wanted) > 0 && time.Since(h.began) < limit {
		h.since.Store(int64(time.Since(h.began)))
		s := sim.Generate(h.at.Load(), h.profile)
		_, violations := sim.Survey(s, h.wanted)
		runs := int(h.runs.Add(1))
		for _, v := range violations {
			class := v.Property.Class()
			h.found[class] = finding{string(v.Property), v.Detail, s.Seed, s.Profile, runs, time.Since(h.began).Seconds()}
			h.wanted = slices.DeleteFunc(slices.Clone(h.wanted), func(c sim.Class) bool { return c == class })
		}
		h.at.Add(1)
	}
}

// watch ends the hunt when a run does not come to an end: the simulator counts events,
// and sees no end of what happens within one.
func (h *hunt) watch(stalled chan<- time.Duration) {
	for range time.Tick(500 * time.Millisecond) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		took := time.Since(h.began) - time.Duration(h.since.Load())
		if took > maxRun || m.HeapAlloc > maxHeap {
			stalled <- took
			return
		}
	}
}

// stalled is what was found, and that a turn does not end, which is for users to see. The search
// is in the middle of that turn, and has found what it has before.
func (h *hunt) stalled(took time.Duration) map[sim.Class]finding {
	if slices.Contains(h.wanted, sim.Visible) {
		s := sim.Generate(h.at.Load(), h.profile)
		h.found[sim.Visible] = finding{
			"a turn ends", fmt.Sprintf("a run has taken %v, or more than %d MiB", took.Round(time.Second), maxHeap>>20),
			s.Seed, s.Profile, int(h.runs.Load()) + 1, time.Since(h.began).Seconds(),
		}
	}
	return h.found
}

func (h *hunt) end(found map[sim.Class]finding) {
	r := result{Runs: int(h.runs.Load()), Seconds: time.Since(h.began).Seconds(), Found: found}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		fmt.Fprintln(os.Stderr, "hunt:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
