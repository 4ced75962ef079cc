package engine

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

var exploreOutcomes = flag.Int("engine.outcomes", 2, "how many outcomes of each crash are drawn, after the two extremes")

// The power of one node's disk goes before each of its operations in turn: while its directory
// is made a home, while the cluster is founded, at each write, sync, renaming and removal of
// its log and its snapshots. Each time some outcomes of the crash are tried: nothing that was
// not synced is there, all of it is, and drawn ones. Then the node starts again. Whatever was
// acknowledged is there, once, on all nodes, and they go on.
func TestPowerThatGoesBeforeAnyOperationLosesNothing(t *testing.T) {
	dies := 0
	for ; ; dies++ {
		survived := false
		for outcome := range 2 + *exploreOutcomes {
			e := &exploration{dies: dies, outcome: outcome}
			e.homes = emptyHomes(t, 3, func(c *Config) {
				c.CheckpointBytes, c.TailBytes = 300, 64
				m := &listMachine{}
				e.machines[c.ID] = m
				c.Machine = m
			})
			e.machines = map[raft.NodeID]*listMachine{}
			if survived = e.run(); survived {
				break
			}
		}
		if survived {
			break
		}
	}
	if dies < 100 {
		t.Errorf("there are %d operations, not enough for snapshots and compaction", dies)
	}
}

// mortal is the node that loses its power.
const mortal = 0

// An exploration is one short history, in which the power goes after so many operations.
type exploration struct {
	*homes
	dies, outcome, operations int
	died                      bool
	proposed                  []*Proposal
	machines                  map[raft.NodeID]*listMachine
}

// listMachine is a state machine that is a list of all values.
type listMachine struct{ values []string }

func (m *listMachine) Apply(_ raft.Index, _ raft.Term, value []byte) (any, error) {
	m.values = append(m.values, string(value))
	return len(m.values), nil
}

func (m *listMachine) Snapshot() (func(io.Writer) error, error) {
	values := slices.Clone(m.values)
	return func(w io.Writer) error { return json.NewEncoder(w).Encode(values) }, nil
}

func (m *listMachine) Restore(r io.Reader) error {
	m.values = nil
	return json.NewDecoder(r).Decode(&m.values)
}

// run reports whether the history came to its end before the power went.
func (e *exploration) run() (survived bool) {
	e.disks[mortal].SetFaults(vfs.Faults{Fail: func(vfs.Op) error {
		if e.operations++; e.operations > e.dies {
			return vfs.ErrCrashed
		}
		return nil
	}})
	for i := range e.nodes {
		if _, err := e.tryStart(i); err != nil {
			e.restart()
		}
	}
	for step := range 14 {
		n := e.nodes[step%3]
		p, err := n.Propose([]byte(fmt.Sprint(step)))
		if err != nil {
			e.t.Fatal(err)
		}
		e.proposed = append(e.proposed, p)
		if step == 9 { // whoever leads, all have led, or may
			e.transfer()
		}
		for range 300 {
			if len(p.ready) > 0 {
				break
			}
			e.tick()
			if e.operations > e.dies {
				e.restart()
			}
		}
	}
	if e.operations > e.dies {
		e.restart()
	}
	e.disks[mortal].SetFaults(vfs.Faults{})
	e.check()
	return !e.died
}

// transfer has another node lead.
func (e *exploration) transfer() {
	if n := e.leader(); n != nil {
		_ = n.core.Step(raft.TransferLeadership{})
	}
}

// restart crashes the node whose power has gone, if it has not been yet, and starts it again.
func (e *exploration) restart() {
	e.t.Helper()
	if e.died {
		return
	}
	e.died = true
	disk := e.disks[mortal]
	disk.PowerOff()
	if n := e.nodes[mortal]; n != nil {
		_ = n.Close()
	}
	disk.SetFaults(vfs.Faults{})
	switch e.outcome {
	case 0:
		disk.Crash(func(int) int { return 0 })
	case 1:
		disk.Crash(func(n int) int { return n - 1 })
	default:
		for range e.outcome * 7 {
			e.random.IntN(2)
		}
		disk.Crash(e.random.IntN)
	}
	if _, err := e.tryStart(mortal); err != nil {
		e.t.Fatalf("after %d operations, outcome %d: %v\n%v", e.operations, e.outcome, err, disk)
	}
}

// check waits until all have come to the same, and looks at what that is.
func (e *exploration) check() {
	e.t.Helper()
	e.append(e.nodes[1], "last")
	e.until("all have applied the same", func() bool {
		for _, n := range e.nodes {
			if n == nil || n.core == nil || n.applied != e.nodes[1].applied || n.core.Last().Index != n.applied {
				return false
			}
		}
		return true
	})
	want := e.machines[e.nodes[1].ID()].values
	for _, n := range e.nodes {
		if got := e.machines[n.ID()].values; !slices.Equal(got, want) {
			e.fatal("%s has %v, %s has %v", n.ID(), got, e.nodes[1].ID(), want)
		}
	}
	count := map[string]int{}
	for _, v := range want {
		if count[v]++; count[v] > 1 {
			e.fatal("%s is there twice: %v", v, want)
		}
	}
	for step, p := range e.proposed {
		if _, done, err := p.Poll(); done && err == nil && count[fmt.Sprint(step)] == 0 {
			e.fatal("%d was acknowledged, and there is %v", step, want)
		}
	}
}

func (e *exploration) fatal(format string, args ...any) {
	e.t.Helper()
	e.t.Fatalf("power went before operation %d, outcome %d: %s", e.operations, e.outcome, fmt.Sprintf(format, args...))
}
