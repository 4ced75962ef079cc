package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// twiceUnlucky are three nodes, the third of which can make no snapshots, so that it has all of
// its log to itself. It is down, one of its entries is damaged, and the others have compacted
// that: nobody has it. The values are of the size given.
func twiceUnlucky(t *testing.T, checkpoint, size int) (h *homes, want []string) {
	t.Helper()
	h = emptyHomes(t, 3, func(c *Config) {
		c.CheckpointBytes, c.TailBytes = checkpoint, 64
		m := &oddList{}
		if strings.HasPrefix(string(c.ID), "c") {
			m.snapshotErr = errSpring
		}
		c.Machine = m
	})
	h.sparse = true
	for i := range h.nodes {
		h.start(i)
	}
	h.until("one leads", func() bool { return h.leader() != nil })
	add := func(value string) {
		h.append(h.nodes[0], value)
		want = append(want, value)
	}
	add("first")
	add("rotten" + strings.Repeat("n", 500)) // too large to be written twice
	at := h.nodes[0].applied
	compacted := func(n *Node) bool { return n.core.Status().Base.Index > at }
	for i := 0; !compacted(h.nodes[0]) || !compacted(h.nodes[1]); i++ {
		add(fmt.Sprint(i, strings.Repeat("v", size)))
	}
	add("last")
	h.haveAll(want)
	return h, want
}

// haveAll waits until all nodes that live have applied everything.
func (h *homes) haveAll(want []string) {
	h.t.Helper()
	h.until("all have applied everything", func() bool {
		return !slices.ContainsFunc(h.nodes, func(n *Node) bool { return n != nil && !slices.Equal(oddOf(n).values, want) })
	})
}

// spoil crashes the third node, and damages what nobody else has.
func (h *homes) spoil() {
	h.t.Helper()
	h.crash(2)
	if h.rot(2, "rottennnn") != 1 {
		h.t.Fatal("it is not where it is thought to be")
	}
}

// mends waits until the third node has all, and nothing is wrong with it.
func (h *homes) mends(want []string) {
	h.t.Helper()
	n := h.nodes[2]
	h.until("it has everything", func() bool { return slices.Equal(oddOf(n).values, want) })
	h.until("it is whole", func() bool { return len(n.mending.wanted) == 0 && !n.core.Status().Impaired })
}

// The snapshot of any of them stands for it.
func TestWhatAllOthersHaveCompactedComesInASnapshot(t *testing.T) {
	h, want := twiceUnlucky(t, 600, 10)
	h.spoil()
	n := h.start(2)
	if !n.core.Status().Impaired {
		t.Fatal("its log is not damaged")
	}
	last := n.core.Last()
	h.mends(want)
	if s := n.core.Status(); s.Base.Index == 0 || s.Base.Index >= last.Index || !n.core.Holds(last) {
		t.Errorf("of a log up to %v that from %v to %v is left", last, s.Base, s.Last)
	}
	h.until("nobody sends any more", func() bool { return len(h.nodes[0].sendings.all)+len(h.nodes[1].sendings.all) == 0 })
	want = append(want, "after")
	h.append(n, "after")
	h.mends(want)
	h.until("it leads", func() bool {
		if l := h.leader(); l != nil && l != n {
			_ = l.core.Step(raft.TransferLeadership{To: n.ID()})
		}
		return h.leader() == n
	})
	h.crash(2)
	if n = h.start(2); len(n.mending.wanted) > 0 {
		t.Errorf("when it starts again it wants %v", n.mending.wanted)
	}
	h.mends(want)
}

// The node that has to be helped may be the only one that can be elected: then no leader can.
func TestTheNodeWithTheLongestLogIsHelpedByOneThatDoesNotLead(t *testing.T) {
	h, want := twiceUnlucky(t, 600, 10)
	h.crash(0)
	h.until("another leads", func() bool { return h.leader() != nil })
	h.append(h.nodes[2], "only two have it")
	want = append(want, "only two have it")
	h.haveAll(want)
	h.crash(1)
	h.spoil()
	h.start(0)
	h.start(2)
	h.mends(want)
	if h.until("one leads", func() bool { return h.leader() != nil }); h.leader() != h.nodes[2] {
		t.Errorf("%s leads", h.leader().ID())
	}
}

// Who sends may go, and who leads change: the rest comes from somebody else.
func TestASnapshotForWhatIsDamagedDoesNotDependOnItsSenderNorOnALeader(t *testing.T) {
	h, want := twiceUnlucky(t, 5*chunkBytes, 8000)
	h.spoil()
	n := h.start(2)
	h.until("a part has come", func() bool { return n.receiving.incoming != nil && n.receiving.incoming.Offset() > 0 })
	sender := slices.IndexFunc(h.nodes, func(o *Node) bool { return o.ID() == n.receiving.from })
	h.crash(sender)
	if len(oddOf(n).values) >= len(want) {
		t.Fatal("all of it has come already")
	}
	for range 3 * n.config.Raft.ElectionTicksMax {
		h.tick()
	}
	h.mends(want)
	h.start(sender)
	h.haveAll(want)
}

// Whatever it has done by then, a node whose power goes while it is helped comes back whole.
func TestPowerThatGoesWhileASnapshotStandsInForDamageLosesNothing(t *testing.T) {
	for dies := 0; ; dies++ {
		h, want := twiceUnlucky(t, 600, 10)
		h.spoil()
		operations := 0
		h.disks[2].SetFaults(vfs.Faults{Fail: func(vfs.Op) error {
			if operations++; operations > dies {
				return vfs.ErrCrashed
			}
			return nil
		}})
		n, err := h.tryStart(2)
		if err == nil {
			for range 300 {
				if h.tick(); n.failed != nil || n.Status().Problem != nil || len(n.mending.wanted) == 0 {
					break
				}
			}
		}
		h.disks[2].PowerOff()
		if n != nil {
			_ = n.Close()
		}
		h.disks[2].Crash(h.random.IntN)
		h.disks[2].SetFaults(vfs.Faults{})
		h.nodes[2], h.storages[2] = nil, nil
		h.start(2)
		h.mends(want)
		if operations <= dies {
			if dies < 20 {
				t.Errorf("it takes no more than %d operations", operations)
			}
			return
		}
	}
}
