package engine

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wire"
)

// withLists gives each node a state machine that is a list, and small checkpoints.
func withLists(c *Config) {
	c.CheckpointBytes, c.TailBytes = 600, 64
	c.Machine = &listMachine{}
}

// listOf is the list of a node's state machine.
func listOf(n *Node) []string { return n.applier.machine.(*listMachine).values }

// Header and footer do not show what the middle of a snapshot is like. The one before it, and
// the log from there on, are there for this.
func TestANodeWhoseNewestSnapshotIsDamagedBeginsFromTheOneBefore(t *testing.T) {
	h := newHomes(t, 3, withLists)
	h.until("one leads", func() bool { return h.leader() != nil })
	var want []string
	for i := range 60 {
		want = append(want, fmt.Sprintf("value %d", i))
		h.append(h.nodes[i%3], want[i])
	}
	h.agree()
	newest, ok := h.nodes[1].snapshots.Latest()
	if !ok || len(h.nodes[1].snapshots.List()) != 2 || h.nodes[1].core.Status().Base.Index == 0 {
		t.Fatal("there are no two snapshots, and a log that begins behind")
	}
	h.crash(1)
	if h.rotIn(1, newest.Name, want[0]) == 0 {
		t.Fatal("it is not where it is thought to be")
	}
	n := h.start(1)
	if len(n.home.damaged) != 1 {
		t.Errorf("of the damage is known: %v", n.home.damaged)
	}
	if err := n.Status().Problem; !errors.Is(err, ErrDamaged) {
		t.Errorf("the problem is %v", err)
	}
	want = append(want, "after")
	h.append(n, "after")
	h.until("it has applied everything", func() bool { return slices.Equal(listOf(n), want) })
	// It goes on, and makes itself another one.
	h.until("there are two again", func() bool {
		h.append(n, "more")
		latest, _ := n.snapshots.Latest()
		return latest.Meta.Last.Index > newest.Meta.Last.Index && len(n.snapshots.List()) == 2
	})
	if err := n.Status().Problem; err != nil {
		t.Errorf("there are two again, and the problem is %v", err)
	}
}

// What is removed as it is damaged is not there to begin from, so the log has to reach back to
// what is.
func TestTheLogReachesBackToTheOldestSnapshotThatIsLeft(t *testing.T) {
	h := newHomes(t, 1, withLists)
	h.until("it leads", func() bool { return h.leader() != nil })
	n := h.nodes[0]
	checkpoints := func(count int) {
		for range count {
			latest := n.checkpoints.latest
			h.until("there is another snapshot", func() bool {
				h.append(n, "value")
				return n.checkpoints.latest > latest
			})
		}
	}
	checkpoints(3)
	latest, _ := n.snapshots.Latest()
	if err := n.snapshots.Remove(latest.Name); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		checkpoints(1)
		list := n.snapshots.List()
		if oldest := list[len(list)-1].Meta.Last.Index; n.core.Status().Base.Index > oldest {
			t.Fatalf("the log begins after %d, the oldest snapshot is at %d", n.core.Status().Base.Index, oldest)
		}
	}
	if n.core.Status().Base.Index == 0 {
		t.Error("nothing was compacted")
	}
}

// What a log says that was begun when the node had promised nothing does not matter, nor that
// it cannot be read: it is no reason to begin anew, as a node that may found nothing.
func TestALogThatWasBegunForNothingMayBeUnreadable(t *testing.T) {
	disk := vfs.NewDisk()
	open := func(id raft.NodeID) *Home {
		t.Helper()
		home, err := OpenHome(disk, HomeConfig{ID: id, Cluster: "test", Size: 1, Mark: [16]byte{1}, SegmentBytes: 16 << 10})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = home.Close() })
		return home
	}
	home := open("a#1")
	saved, err := raft.Found([]raft.NodeID{"a#1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := home.begin(saved); err != nil {
		t.Fatal(err)
	}
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	rot := func(b []byte) {
		for i := range b {
			b[i] = 0xaa
		}
	}
	if !disk.Garble("log-0000000000000001", 1024, rot, 4096) {
		t.Fatal("the log is not where it is thought to be")
	}
	if home := open("b#1"); home.Lost != nil || home.ID() != "a#1" || home.log != nil {
		t.Errorf("%s begins with a log (%v): %v", home.ID(), home.log != nil, home.Lost)
	}
}

// What is committed is known in a term that the disk does not have yet. A node that came back from
// a crash with the snapshot, and without the term, would listen to a leader who is gone.
func TestASnapshotWaitsForTheTermToBeDurable(t *testing.T) {
	h := newHomes(t, 3, nil)
	h.until("one leads", func() bool { return h.leader() != nil })
	h.appendMany(h.nodes[0], 10)
	h.agree()
	follower := slices.IndexFunc(h.nodes, func(n *Node) bool { return n != h.leader() })
	n, other := h.nodes[follower], h.nodes[(follower+1)%3].ID()
	h.storages[follower].hung = true
	later := n.core.Status().Term + 1
	_ = n.do(func() {
		n.step(raft.Receive{Message: &raft.Message{From: other, To: n.ID(), Term: later, Body: &raft.Heartbeat{Session: 1}}})
		n.checkpoint(n.applied)
	})
	h.settle()
	if n.core.TermDurable() || n.core.Status().Durable < n.applied {
		t.Fatal("it is not the term alone that waits for the disk")
	}
	if info, ok := n.snapshots.Latest(); ok {
		t.Fatalf("there is a snapshot at %v", info.Meta.Last)
	}
	turnWith(n, func() {
		n.chunkReceived(other, &wire.SnapshotChunk{Term: later, Session: 1, Last: raft.Position{Index: 99, Term: later}, Size: 100})
		if n.receiving.writing {
			t.Error("a snapshot is taken from the leader of that term")
		}
	})
	h.storages[follower].hung = false
	h.until("the snapshot is there", func() bool { _, ok := n.snapshots.Latest(); return ok })
}
