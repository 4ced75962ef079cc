package engine

import (
	"errors"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// What comes in a frame may be from anybody that the channel lets in.

func TestNobodyAppendsInASessionOfAnother(t *testing.T) {
	f, leader, follower := leads(t, 3)
	forged := newAppend([]byte("forged"))
	setSerial(forged, follower.proposer.session, follower.proposer.next)
	for _, command := range [][]byte{forged, newOpenSession(follower.ID(), 99), newOnce([]byte("once"))} {
		refused, last := leader.Status().Refused, leader.core.Last()
		hear(leader, "stranger", &wire.Proposals{Entries: [][]byte{command}})
		if leader.core.Last() != last || leader.Status().Refused != refused+1 {
			t.Errorf("%x is in the log at %v, refused: %d", command, leader.core.Last(), leader.Status().Refused-refused)
		}
	}
	p := propose(t, follower, "own")
	f.until("the follower's own append is in the log", func() bool { return len(p.ready) > 0 })
	if got := values(follower); got[len(got)-1] != "own" || len(got) != 4 {
		t.Errorf("the log is %q", got)
	}
}

func TestANodeStopsWhenItsSessionHoldsWhatItDidNotPropose(t *testing.T) {
	_, leader, _ := leads(t, 1)
	forged := newAppend([]byte("forged"))
	setSerial(forged, leader.proposer.session, leader.proposer.next)
	_ = leader.do(func() { leader.step(raft.Propose{Entries: []raft.Entry{{Data: forged}}}) })
	leader.Turn()
	if s := leader.Status(); s.State != Stopped || !errors.Is(s.Problem, raft.ErrInvariant) {
		t.Errorf("it is %v, with problem %v", s.State, s.Problem)
	}
}

func TestASnapshotIsRefusedWhereNoneAreSent(t *testing.T) {
	_, leader, follower := leads(t, 3)
	spyOn(t, follower)
	before := follower.core.Status()
	_, term, _ := leader.core.Leadership()
	meta := raft.SnapshotMeta{
		Last:          raft.Position{Index: 1 << 40, Term: term},
		Configuration: before.Configuration, ConfigurationIndex: 1,
	}
	hear(follower, leader.ID(), &raft.Message{
		From: leader.ID(), To: follower.ID(), Term: term, Body: &raft.InstallSnapshot{Session: 1, Meta: meta},
	})
	if after := follower.core.Status(); after.Commit != before.Commit || after.Last != before.Last || follower.Status().Refused != 1 {
		t.Errorf("the log goes to %v, commit %d, refused %d", after.Last, after.Commit, follower.Status().Refused)
	}
}

func TestANodeThatFailedSaysThatItLeadsNothing(t *testing.T) {
	_, leader, follower := leads(t, 3)
	_, term, _ := leader.core.Leadership()
	hear(leader, follower.ID(), &raft.Message{
		From: follower.ID(), To: leader.ID(), Term: term, Body: &raft.Heartbeat{Session: 1},
	})
	if s := leader.Status(); s.State != Stopped || s.Role != raft.Follower || s.Leader != raft.None {
		t.Errorf("it is %v, a %v that follows %q", s.State, s.Role, s.Leader)
	}
}

func TestAConfigurationThatCouldNotWorkIsRefused(t *testing.T) {
	c := testConfig("a", 3)
	c.Raft.MaxMessageBytes = wire.EntriesCapacity + 1
	if _, err := New(c); err == nil {
		t.Error("messages may be larger than frames")
	}
}
