package gaggle_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

var (
	nemesisSeeds = flag.Uint64("seeds", 30, "how many random histories to try")
	nemesisSeed  = flag.Uint64("seed", 0, "the one random history to try")
)

// A nemesis does harm to a cluster, at random, while clients use every node in every
// way.
type nemesis struct {
	*lab
	// clients are those who use the nodes; over is closed when they should end.
	clients sync.WaitGroup
	over    chan struct{}
	calls   tally
	closed  int
}

func TestWhateverHappensAllIsWellInTheEnd(t *testing.T) {
	first, last := uint64(1), *nemesisSeeds
	if testing.Short() {
		last = min(last, 4)
	}
	if *nemesisSeed != 0 {
		first, last = *nemesisSeed, *nemesisSeed
	}
	for seed := first; seed <= last; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			inLab(t, seed, 3+2*int(seed%2), func(l *lab) {
				m := &nemesis{lab: l, over: make(chan struct{}), calls: tally{ran: map[string]int{}}}
				for _, n := range l.nodes {
					m.employ(n)
				}
				for end := time.Now().Add(time.Minute); time.Now().Before(end); {
					time.Sleep(time.Duration(l.random.IntN(1500)) * time.Millisecond)
					m.harm()
				}
				m.reconcile()
			})
		})
	}
}

// reconcile ends all harm and waits until everything that was begun has ended.
func (m *nemesis) reconcile() {
	m.t.Logf("%v: all is well again", time.Now().Format("04:05.000"))
	m.ch.Heal()
	m.ch.SetFaults(memory.Faults{})
	close(m.over)
	m.awaitAll("all that was begun has ended", &m.clients)
	m.settle()
	m.calls.examine(m.lab)
	log := m.members()[0].log()
	m.t.Logf("%d entries, the last of term %d; of %d calls, %d were answered", len(log), log[len(log)-1].Term, m.calls.number, len(m.calls.must))
}

// harm does one thing to the cluster or its network.
func (m *nemesis) harm() {
	r := m.random
	some := func() *labNode { return m.nodes[r.IntN(len(m.nodes))] }
	what := ""
	switch r.IntN(11) {
	case 0, 1:
		groups := make([][]gaggle.NodeID, 2+r.IntN(2))
		for _, n := range m.nodes {
			g := r.IntN(len(groups))
			groups[g] = append(groups[g], n.ID())
		}
		m.ch.Partition(groups...)
		what = fmt.Sprintf("partition %v", groups)
	case 2:
		n := some()
		for _, other := range m.nodes {
			if other.Status().Leader == other.ID() && r.IntN(3) > 0 {
				n = other
			}
		}
		m.ch.Isolate(n.ID())
		what = "isolate " + n.name
	case 3:
		from, to := some(), some()
		m.ch.Cut(from.ID(), to.ID())
		what = fmt.Sprintf("cut %s to %s", from.name, to.name)
	case 4, 5, 6:
		m.ch.Heal()
		what = "heal"
	case 7:
		f := randomFaults(r)
		m.ch.SetFaults(f)
		what = fmt.Sprintf("faults %+v", f)
	case 8:
		from, to, f := some(), some(), randomFaults(r)
		m.ch.SetLink(from.ID(), to.ID(), f)
		what = fmt.Sprintf("link %s to %s %+v", from.name, to.name, f)
	case 9:
		m.ch.SetFaults(memory.Faults{})
		what = "no faults"
	case 10:
		what = m.come(r)
	}
	m.t.Logf("%v: %s", time.Now().Format("04:05.000"), what)
}

// come has a node come, or go for good, as long as a majority stays. Neither may happen
// before there is a cluster: founding takes as many nodes as there are.
func (m *nemesis) come(r *rand.Rand) string {
	members := slices.DeleteFunc(m.members(), func(n *labNode) bool { return n.closing.Load() })
	size := m.nodes[0].Status().Size
	switch {
	case len(members)+m.closed < size:
		return "nothing"
	case r.IntN(3) > 0 && m.closed < (size-1)/2:
		n := members[r.IntN(len(members))]
		m.closed++
		n.closing.Store(true)
		m.clients.Go(func() { _ = n.Close() })
		return "close " + n.name
	case len(m.nodes) == size:
		n := m.join(gaggle.Size(size))
		m.employ(n)
		return n.name + " comes"
	}
	return "nothing"
}

func randomFaults(r *rand.Rand) memory.Faults {
	some := func(most float64) float64 { return most * r.Float64() * float64(r.IntN(2)) }
	return memory.Faults{
		Drop: some(0.4), Duplicate: some(0.4), Reorder: some(0.4),
		MinDelay: time.Duration(some(20e6)), MaxDelay: time.Duration(some(100e6)),
	}
}

// employ has clients use a node until the end, each in its way.
func (m *nemesis) employ(n *labNode) {
	claim := m.onLeader(n)
	for number, client := range []func(*rand.Rand, *writer) error{
		m.appends,
		m.appends,
		m.proposes,
		func(r *rand.Rand, w *writer) error {
			ctx, cancel := someContext(r)
			defer cancel()
			return m.read(ctx, w.node)
		},
		func(r *rand.Rand, _ *writer) error { return claim(r) },
	} {
		w, r := m.writer(n), rand.New(rand.NewPCG(m.seed, uint64(len(m.nodes)*100+number)))
		m.clients.Go(func() {
			for {
				select {
				case <-m.over:
					return
				case <-time.After(time.Duration(r.IntN(300)) * time.Millisecond):
				}
				if err := client(r, w); errors.Is(err, gaggle.ErrClosed) || errors.Is(err, gaggle.ErrStandby) {
					return
				}
			}
		})
	}
}

// someContext returns one without an end, one that ends at some time, or one that is
// cancelled.
func someContext(r *rand.Rand) (context.Context, context.CancelFunc) {
	long := time.Duration(r.IntN(1000)) * time.Millisecond
	switch r.IntN(3) {
	case 0:
		return context.WithTimeout(context.Background(), long)
	case 1:
		ctx, cancel := context.WithCancel(context.Background())
		stop := time.AfterFunc(long, cancel)
		return ctx, func() { stop.Stop(); cancel() }
	}
	return context.WithCancel(context.Background())
}

func (m *nemesis) appends(r *rand.Rand, w *writer) error {
	ctx, cancel := someContext(r)
	defer cancel()
	return w.append(ctx)
}

// proposes keeps many under way, and waits for each, perhaps impatiently, and then for
// certain.
func (m *nemesis) proposes(r *rand.Rand, w *writer) error {
	var waits []func(context.Context) error
	for range 1 + r.IntN(20) {
		wait, err := w.propose()
		if err != nil {
			return err
		}
		waits = append(waits, wait)
	}
	for _, wait := range waits {
		ctx, cancel := someContext(r)
		err := wait(ctx)
		cancel()
		if errors.Is(err, gaggle.ErrUncertain) && !errors.Is(err, gaggle.ErrClosed) {
			err = wait(context.Background())
		}
		if errors.Is(err, gaggle.ErrClosed) || errors.Is(err, gaggle.ErrStandby) {
			return err
		}
	}
	return nil
}
