package engine

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wire"
)

// leadsWithSnapshot are nodes of which the leader has a snapshot.
func leadsWithSnapshot(t *testing.T) (h *homes, leader, follower *Node, info snapshot.Info) {
	t.Helper()
	h = newHomes(t, 3, withLists)
	h.until("one leads", func() bool { return h.leader() != nil })
	leader = h.leader()
	h.until("there is a snapshot", func() bool {
		h.append(leader, "value")
		_, ok := leader.snapshots.Latest()
		return ok
	})
	info, _ = leader.snapshots.Latest()
	follower = h.nodes[(slices.Index(h.nodes, leader)+1)%3]
	return h, leader, follower, info
}

// begins has the leader begin to send its snapshot, as if the core had said so.
func (h *homes) begins(leader, follower *Node) *sending {
	h.t.Helper()
	const session = 77 // not that of the core, which is not concerned
	_, term, _ := leader.core.Leadership()
	turnWith(leader, func() {
		leader.sendSnapshot(raft.SendSnapshot{To: follower.ID(), Term: term, Session: session})
	})
	return leader.sendings.all[follower.ID()]
}

func TestATurnDoesNotWaitForTheDiskToSendASnapshot(t *testing.T) {
	h, leader, follower, _ := leadsWithSnapshot(t)
	i := slices.Index(h.nodes, leader)
	operations := 0
	h.disks[i].SetFaults(vfs.Faults{Fail: func(vfs.Op) error { operations++; return nil }})
	s := h.begins(leader, follower)
	if operations > 0 {
		t.Errorf("in a turn there were %d operations on the disk", operations)
	}
	h.storages[i].work()
	leader.Turn()
	if operations == 0 || s.reading || s.reader == nil {
		t.Error("the snapshot was not opened")
	}
}

// No answer, however wrong, makes a leader think that its own snapshot is damaged.
func TestAnAnswerBeyondTheEndOfASnapshotCountsForNothing(t *testing.T) {
	h, leader, follower, info := leadsWithSnapshot(t)
	for _, next := range []uint64{uint64(info.Size) + 1, math.MaxInt64 + 1, math.MaxUint64} {
		s := h.begins(leader, follower)
		i := slices.Index(h.nodes, leader)
		for range 3 {
			hear(leader, follower.ID(), &wire.SnapshotReply{Session: s.Session, Last: info.Meta.Last, Sum: info.Sum, Next: next})
			h.storages[i].work()
			leader.Turn()
		}
		if s.begun || leader.Status().Problem != nil {
			t.Errorf("%d of %d bytes are taken for an answer: %v", next, info.Size, leader.Status().Problem)
		}
		if latest, ok := leader.snapshots.Latest(); !ok || latest.Name != info.Name {
			t.Fatal("the snapshot is gone")
		}
	}
}

// A process that may open no more files, say, has snapshots that are as good as ever.
func TestASnapshotThatCannotBeOpenedIsKept(t *testing.T) {
	h, leader, follower, info := leadsWithSnapshot(t)
	i := slices.Index(h.nodes, leader)
	h.disks[i].SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
		if o.Kind == vfs.OpOpen {
			return errors.New("too many open files")
		}
		return nil
	}})
	h.begins(leader, follower)
	for range 3 {
		h.storages[i].work()
		leader.Turn()
	}
	if len(leader.sendings.all) > 0 {
		t.Error("it goes on to send what it cannot read")
	}
	h.disks[i].SetFaults(vfs.Faults{})
	if latest, ok := leader.snapshots.Latest(); !ok || latest.Name != info.Name || leader.snapshots.Verify(info) != nil {
		t.Error("the snapshot is gone")
	}
}

// give puts a leader's snapshot into the store of another node, as if it had just come in full.
func give(t *testing.T, from, to *Node) snapshot.Info {
	t.Helper()
	info, ok := from.snapshots.Latest()
	if !ok {
		t.Fatal("there is no snapshot")
	}
	reader, err := from.snapshots.Open(info)
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, info.Size)
	if _, err := reader.ReadRaw(raw, 0); err != nil {
		t.Fatal(err)
	}
	incoming, err := to.snapshots.Receive(info.Identity())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := incoming.WriteAt(bytes.Clone(raw), 0); err != nil {
		t.Fatal(err)
	}
	got, err := incoming.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// The leader that sent a snapshot may be none any more when the last of it is on the disk.
// The next leader then offers the same one, or one that is older.
func TestASnapshotThatCameTooLateIsInstalledWhenTheNextLeaderOffersIt(t *testing.T) {
	h := newHomes(t, 3, withLists)
	h.until("one leads", func() bool { return h.leader() != nil })
	h.append(h.nodes[2], "first")
	h.crash(2)
	h.until("the log begins behind what it has", func() bool {
		h.append(h.leader(), "value")
		return h.leader().core.Status().Base.Index > 20
	})
	n := h.start(2)
	info := give(t, h.leader(), n)
	h.until("it has caught up", func() bool { return n.applied == h.leader().applied })
	if n.Status().Problem != nil {
		t.Errorf("it has a problem: %v", n.Status().Problem)
	}
	if n.core.Status().Base.Index < info.Meta.Last.Index {
		t.Error("its log has what is compacted")
	}
	h.append(n, "after")
	h.until("its state is that of the leader", func() bool { return slices.Equal(listOf(n), listOf(h.leader())) })
}
