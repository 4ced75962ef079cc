package engine

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

func TestTheStatusOfALeaderShowsItsFollowers(t *testing.T) {
	f, leader, follower := leads(t, 3)
	silent := f.other(leader, follower)
	f.ch.Isolate(silent.ID())
	for range 20 {
		f.tick()
	}
	p := propose(t, leader, "x")
	f.until("the proposal has ended", func() bool { return len(p.ready) > 0 })
	for range leader.config.Raft.HeartbeatTicks {
		f.tick()
	}
	s := leader.Status()
	if s.Role != raft.Leader || s.Leader != leader.ID() || s.Term == 0 || s.Commit != leader.applied || s.Applied != leader.applied {
		t.Errorf("the status is %+v", s)
	}
	if !slices.IsSortedFunc(s.Members, func(a, b MemberStatus) int { return strings.Compare(string(a.ID), string(b.ID)) }) || len(s.Members) != 3 {
		t.Errorf("the members are %+v", s.Members)
	}
	for _, m := range s.Members {
		isSilent := m.ID == silent.ID()
		if !m.Voter || (m.Match < s.Commit) != isSilent || (m.Silent >= 20*testTick) != isSilent {
			t.Errorf("a member is %+v, the commit index %d", m, s.Commit)
		}
	}
}

func TestAStatusIsACopy(t *testing.T) {
	_, leader, _ := leads(t, 3)
	s := leader.Status()
	s.Members[0].ID = "changed"
	if leader.Status().Members[0].ID == "changed" {
		t.Error("changing it changes the node's")
	}
}

func TestAFollowerShowsHowLongItsLeaderIsSilent(t *testing.T) {
	_, _, follower := leads(t, 3)
	spyOn(t, follower)
	if got := follower.Status().LeaderSilent; got > testTick {
		t.Errorf("with a leader it is %v", got)
	}
	for follower.Status().Leader != raft.None {
		pass(follower, 1)
	}
	pass(follower, 100)
	if got := follower.Status().LeaderSilent; got < 90*testTick || got > 101*testTick {
		t.Errorf("after 100 ticks without one it is %v", got)
	}
}

func TestASilenceBeginsWhenANodeBecomesAMember(t *testing.T) {
	f := newFlock(t, 3)
	f.nodes = f.nodes[:2]
	for range 1000 {
		f.tick() // it takes long until the third is there
	}
	f.join("d", 3)
	n := f.nodes[0]
	f.until("it is a member", func() bool { return n.Status().State == Member })
	if s := n.Status(); s.LeaderSilent > testTick {
		t.Errorf("there has been no leader for %v", s.LeaderSilent)
	}
	if err := n.gaveUp("read", context.Canceled, "nothing was read"); errors.Is(err, ErrQuorumLost) {
		t.Errorf("a read that ends during the first election ends with %v", err)
	}
}

func TestWatchersSeeElectionsRolesMembersAndCommits(t *testing.T) {
	f := newFlock(t, 3)
	n := f.nodes[0]
	w := n.Watch()
	f.until("one node leads", func() bool { return f.leader() != nil })
	s := n.Status()
	var state, elected, members, committed bool
	for len(w.events) > 0 {
		e, _ := w.Next(t.Context())
		switch e := e.(type) {
		case StateChanged:
			state = e.State == Member
		case LeaderElected:
			elected = e.Leader == s.Leader && e.Term == s.Term
		case MembersChanged:
			members = e.Configuration.Equal(s.Configuration)
		case Committed:
			committed = e.Index == s.Applied
		}
	}
	if !state || !elected || !members || !committed {
		t.Errorf("the last state %v, election %v, members %v, commit %v were as they should be", state, elected, members, committed)
	}
}

func TestAnErrorSaysWhyNothingHappened(t *testing.T) {
	_, leader, follower := leads(t, 3)
	p := propose(t, follower, "x")
	_, err := p.Wait(ended())
	if !strings.Contains(err.Error(), string(leader.ID())+" leads term") || errors.Is(err, ErrQuorumLost) {
		t.Errorf("with a leader: %v", err)
	}
	follower.Turn()
	spyOn(t, follower)
	for follower.Status().Leader != raft.None {
		pass(follower, 1)
	}
	wantWithdrawn(t, follower.gaveUp("read", context.Canceled, "nothing was read"))
	err = follower.gaveUp("read", context.Canceled, "nothing was read")
	if !strings.Contains(err.Error(), "no leader is known; 2 of 3 voters") || errors.Is(err, ErrQuorumLost) {
		t.Errorf("soon after the leader was lost: %v", err)
	}
	pass(follower, 2*follower.config.Raft.ElectionTicksMax+follower.config.Raft.HeartbeatTicks)
	err = follower.gaveUp("read", context.Canceled, "nothing was read")
	if !errors.Is(err, ErrQuorumLost) || !errors.Is(err, context.Canceled) {
		t.Errorf("long after the leader was lost: %v", err)
	}
}

// Who sees in the status that there is a leader and then begins to watch must not be told
// that there is one. So nobody sees the status as long as its events are not given out:
// here, because somebody else has the watchers.
func TestAStatusIsNotSeenBeforeItsEventsAreGivenOut(t *testing.T) {
	f := newFlock(t, 1)
	n := f.nodes[0]
	f.until("it is a member", func() bool { return n.Status().State == Member })
	for n.core.Commit() == 0 { // what the turn will show is that it leads
		_ = n.core.Step(raft.Tick{})
		n.carryOut(n.core.Update())
	}
	n.watchers.mu.Lock()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.Turn()
	}()
	for n.published.mu.TryLock() {
		leader := n.published.Leader
		n.published.mu.Unlock()
		if leader != raft.None {
			t.Error("the status shows a leader that no watcher was told of")
			break
		}
		runtime.Gosched()
	}
	n.watchers.mu.Unlock()
	<-ended
	if n.Status().Leader != n.ID() {
		t.Errorf("the status shows %q as leader", n.Status().Leader)
	}
}
