package engine

import (
	"errors"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wire"
)

// members counts the nodes that are members, for all that others are told.
func (h *homes) members() (count int) {
	for _, n := range h.nodes {
		if n != nil && n.Status().State == Member {
			count++
		}
	}
	return count
}

// An eavesdropper hears the hellos of a node.
type eavesdropper struct {
	channel.Port
	hellos []*wire.Hello
}

func (e *eavesdropper) Broadcast(frame []byte) error {
	var (
		d wire.Decoder
		f wire.Frame
	)
	if err := d.Decode(slices.Clone(frame), &f); err == nil {
		e.hellos = append(e.hellos, f.Messages[0].(*wire.Hello))
	}
	return e.Port.Broadcast(frame)
}

func TestNoPledgeIsSaidBeforeItIsDurable(t *testing.T) {
	h := newHomes(t, 3, nil)
	var all []*eavesdropper
	for i, n := range h.nodes {
		e := &eavesdropper{Port: n.port}
		all, n.port = append(all, e), e
		h.storages[i].held = true
	}
	for range 200 {
		h.tick()
	}
	for i, e := range all {
		said := slices.ContainsFunc(e.hellos, func(hello *wire.Hello) bool { return hello.Pledge != nil || hello.State != wire.Fresh })
		if len(e.hellos) == 0 || said {
			t.Errorf("%s has said hello %d times, with a pledge: %t", h.nodes[i].ID(), len(e.hellos), said)
		}
		h.storages[i].held = false
	}
	h.until("all are members", func() bool { return h.members() == 3 })
}

// A leader sends again what a standby did not answer, as it is still making its log.
func TestAStandbyMakesOneLog(t *testing.T) {
	h := newHomes(t, 1, nil)
	h.until("it leads", func() bool { return h.leader() != nil })
	h.addDisk()
	standby := h.start(1)
	h.until("it stands by", func() bool { return standby.Status().State == Standby && !standby.promises.writing })
	h.storages[1].held = true
	leader := h.leader()
	heartbeat := &raft.Message{From: leader.ID(), To: standby.ID(), Term: leader.core.Status().Term, Body: &raft.Heartbeat{Session: 1}}
	for range 3 {
		_ = standby.do(func() {
			standby.receive(&wire.Frame{Cluster: leader.cluster, From: leader.ID(), To: standby.ID(), Messages: []any{heartbeat}})
		})
		standby.Turn()
	}
	if jobs := len(h.storages[1].jobs); jobs != 1 || standby.core != nil {
		t.Errorf("there are %d jobs, and a core: %t", jobs, standby.core != nil)
	}
	h.storages[1].held = false
	h.until("it follows", func() bool { return standby.core != nil })
}

func TestNothingFollowsFromAPromiseBeforeItIsDurable(t *testing.T) {
	h := newHomes(t, 3, nil)
	for _, i := range []int{0, 1} {
		h.storages[i].held = true
	}
	for range 500 {
		h.tick()
		if h.members() > 0 {
			t.Fatal("there is a member, and two of three have kept no promise")
		}
	}
	for i, n := range h.nodes {
		if hangs := errors.Is(n.Status().Problem, ErrDiskHangs); hangs != h.storages[i].held {
			t.Errorf("%s, whose disk is held: %t, says %v", n.ID(), h.storages[i].held, n.Status().Problem)
		}
		if n.now < 500 {
			t.Errorf("%s has counted %d ticks", n.ID(), n.now)
		}
	}
	for _, s := range h.storages {
		s.held = false
	}
	h.until("all are members", func() bool { return h.members() == 3 })
	for _, n := range h.nodes {
		if err := n.Status().Problem; err != nil {
			t.Errorf("%s still says %v", n.ID(), err)
		}
	}
}

// A member that a disk holds up says nothing that is not on it: neither in a hello nor by its log.
func TestAMemberTakesNoPartBeforeItsLogIsThere(t *testing.T) {
	h := newHomes(t, 3, nil)
	for h.nodes[0].founder.State() != founding.Member {
		h.storages[0].held = h.nodes[0].promises.writing // the last promise, too
		h.tick()
		if h.storages[0].held && h.nodes[0].founder.State() != founding.Member {
			h.storages[0].held = false
		}
	}
	h.storages[0].held = true
	for range 200 {
		h.tick()
		if h.nodes[0].core != nil && !h.nodes[0].home.hasLog || h.nodes[0].core != nil && h.nodes[0].promises.writing {
			t.Fatal("it takes part without a log")
		}
	}
	h.storages[0].held = false
	h.until("it takes part", func() bool { return h.nodes[0].core != nil && h.leader() != nil })
	h.append(h.nodes[0], "x")
}

// The disk is full for a while from each of its operations on, while the cluster is founded, and
// while a standby gets its log. That only holds the node up, and what it has promised is there
// after its power has gone.
func TestAFullDiskHoldsUpWhoIsFoundingAndWhoGetsALog(t *testing.T) {
	heldUp := false
	for from, ended := 0, false; !ended; from++ {
		h := emptyHomes(t, 2, nil)
		h.addDisk()
		operations, full := 0, true
		for i := range h.disks {
			h.start(i)
		}
		for _, i := range []int{0, 2} {
			h.disks[i].SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
				if o.Kind != vfs.OpCreate && o.Kind != vfs.OpWrite {
					return nil
				}
				if operations++; operations > from && full {
					return vfs.ErrFull
				}
				return nil
			}})
		}
		for range 100 {
			h.tick()
			for _, n := range h.nodes {
				if s := n.Status(); s.State == Stopped {
					t.Fatalf("from operation %d on: %s has stopped: %v", from, n.ID(), s.Problem)
				}
			}
		}
		ended = operations <= from
		problem := func(n *Node) bool { return errors.Is(n.Status().Problem, ErrDiskFull) }
		for _, n := range h.nodes {
			if n.promises.writing && !problem(n) {
				t.Fatalf("from operation %d on: %s says %v", from, n.ID(), n.Status().Problem)
			}
			heldUp = heldUp || n.promises.writing
		}
		full = false
		h.until("two are members and one stands by", func() bool { return h.members() == 2 && h.leader() != nil })
		h.until("nobody says so any more", func() bool { return !slices.ContainsFunc(h.nodes, problem) })
		h.append(h.leader(), "x")
		for i := range h.nodes {
			id, state := h.nodes[i].ID(), h.nodes[i].Status().State
			h.crash(i)
			n := h.start(i)
			h.until("it is what it was", func() bool { return n.Status().State == state })
			if n.ID() != id {
				t.Fatalf("from operation %d on: %s has become %s", from, id, n.ID())
			}
		}
		h.until("one leads", func() bool { return h.leader() != nil })
		h.append(h.leader(), "y")
	}
	if !heldUp {
		t.Error("nobody was held up")
	}
}
