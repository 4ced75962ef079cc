package engine

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
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

// Without a snapshot a member that needs one would wait until the log has grown by enough.
func TestALeaderThatHasNoSnapshotToSendTakesOne(t *testing.T) {
	for name, lose := range map[string]func(*homes, *Node, snapshot.Info){
		"it was removed": func(h *homes, n *Node, info snapshot.Info) {
			if err := n.snapshots.Remove(info.Name); err != nil {
				h.t.Fatal(err)
			}
		},
		"it is damaged": func(h *homes, n *Node, info snapshot.Info) {
			h.disks[slices.Index(h.nodes, n)].Garble(info.Name, 0, func(b []byte) { b[0]++ }, 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, leader, follower, info := leadsWithSnapshot(t)
			lose(h, leader, info)
			h.begins(leader, follower)
			h.until("there is another", func() bool {
				latest, ok := leader.snapshots.Latest()
				if !ok {
					return false
				}
				b, err := vfs.ReadFile(h.disks[slices.Index(h.nodes, leader)], latest.Name)
				if err != nil {
					return false
				}
				_, err = snapshot.Verify(bytes.NewReader(b))
				return err == nil
			})
		})
	}
}

// What a leader sends ahead comes while the disk is at work on what came before.
func TestChunksWaitForTheDisk(t *testing.T) {
	h := newHomes(t, 3, func(c *Config) {
		withLists(c)
		c.CheckpointBytes = 5 * chunkBytes
	})
	h.until("one leads", func() bool { return h.leader() != nil })
	h.crash(2)
	leader := h.leader()
	h.until("there is a large snapshot", func() bool {
		h.append(leader, strings.Repeat("v", 8000))
		_, ok := leader.snapshots.Latest()
		return ok
	})
	info, _ := leader.snapshots.Latest()
	reader, err := leader.snapshots.Open(info)
	if err != nil {
		t.Fatal(err)
	}
	n := h.start(2)
	_, term, _ := leader.core.Leadership()
	hear(n, leader.ID(), &raft.Message{From: leader.ID(), To: n.ID(), Term: term, Body: &raft.Heartbeat{Session: 1}})
	chunk := func(offset, size int) *wire.SnapshotChunk {
		data := make([]byte, size)
		if _, err := reader.ReadRaw(data, int64(offset)); err != nil {
			t.Fatal(err)
		}
		return &wire.SnapshotChunk{
			Term: term, Session: 1, Last: info.Meta.Last,
			Size: uint64(info.Size), Sum: info.Sum, Offset: uint64(offset), Data: data,
		}
	}
	hear(n, leader.ID(), chunk(0, 0))
	h.storages[2].work()
	n.Turn()
	for i := range 10 * chunksAhead { // and again and again
		hear(n, leader.ID(), chunk(i%chunksAhead*chunkBytes, chunkBytes))
	}
	if len(n.receiving.waiting) > chunksAhead {
		t.Errorf("%d chunks are kept", len(n.receiving.waiting))
	}
	for n.receiving.writing {
		h.storages[2].work()
		n.Turn()
	}
	if got := n.receiving.incoming.Offset(); got != chunksAhead*chunkBytes {
		t.Errorf("of %d bytes that came, %d were taken", chunksAhead*chunkBytes, got)
	}
	h.until("it has caught up", func() bool { return n.applied == leader.applied && slices.Equal(listOf(n), listOf(leader)) })
}
