package engine

import (
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

func TestOnlyWhatCarriesDataMayBeOvertaken(t *testing.T) {
	for _, c := range []struct {
		message any
		want    channel.Class
	}{
		{&raft.Message{Body: &raft.AppendEntries{}}, channel.Bulk},
		{&raft.Message{Body: &raft.AppendReply{}}, channel.Urgent},
		{&raft.Message{Body: &raft.Heartbeat{}}, channel.Urgent},
		{&raft.Message{Body: &raft.RequestVote{}}, channel.Urgent},
		{&raft.Message{Body: &raft.VoteReply{}}, channel.Urgent},
		{&wire.Proposals{}, channel.Bulk},
		{&wire.ProposalsRefused{}, channel.Urgent},
		{&wire.ReadIndex{}, channel.Urgent},
		{&wire.ReadIndexReply{}, channel.Urgent},
		{&wire.Call{}, channel.Bulk},
		{&wire.CallReply{}, channel.Bulk},
	} {
		if got := queueOf(c.message).class(); got != c.want {
			t.Errorf("%T %+v is of class %d, want %d", c.message, c.message, got, c.want)
		}
	}
}

func TestWhatATurnHasToSayToANodeLeavesInOneFrameOfEachClass(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, leader)
	for token := range uint64(10) {
		leader.post(follower.ID(), &wire.ReadIndex{Token: token})
		leader.post(follower.ID(), &wire.Call{ID: token})
	}
	leader.flush()
	if s.frames != [2]int{1, 1} {
		t.Errorf("frames by class: %v", s.frames)
	}
	reads, calls := uint64(0), uint64(0)
	for _, m := range s.sent {
		switch m := m.(type) {
		case *wire.ReadIndex:
			if m.Token != reads {
				t.Errorf("message %d has the token %d", reads, m.Token)
			}
			reads++
		case *wire.Call:
			if m.ID != calls {
				t.Errorf("call %d has the id %d", calls, m.ID)
			}
			calls++
		}
	}
	if reads != 10 || calls != 10 {
		t.Errorf("%d and %d messages were sent", reads, calls)
	}
	s.frames = [2]int{}
	if leader.flush(); s.frames != [2]int{} {
		t.Error("a flush sends the same again")
	}
}

// The core uses the list of an update's messages again while the turn goes on.
func TestMessagesOfTheCoreAreSentAsTheyWereWhenPosted(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, leader)
	list := make([]raft.Message, 1)
	for i := range uint64(100) {
		list[0] = raft.Message{From: leader.ID(), To: follower.ID(), Term: 1, Body: &raft.Heartbeat{Session: i}}
		leader.postRaft(&list[0])
	}
	leader.flush()
	got := taken[*raft.Message](s)
	for i, m := range got {
		if b, ok := m.Body.(*raft.Heartbeat); !ok || b.Session != uint64(i) {
			t.Fatalf("message %d is %+v", i, m.Body)
		}
	}
	if len(got) != 100 {
		t.Errorf("%d messages were sent", len(got))
	}
	kept := leader.outbox.raft
	if slices.ContainsFunc(kept[:cap(kept)], func(m raft.Message) bool { return m.Body != nil }) || len(kept) > 0 {
		t.Error("the outbox keeps what it has sent")
	}
}

func TestFramesAreClosedWhenTheyAreLargeOrFull(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, leader)
	for range 8 {
		leader.post(follower.ID(), &wire.Call{Payload: make([]byte, frameTarget/3)})
	}
	leader.post(follower.ID(), &wire.Call{Payload: make([]byte, wire.MaxCallPayload)}) // beyond the target alone
	for range 2*wire.MaxMessages + 1 {
		leader.post(follower.ID(), &wire.ReadIndex{})
	}
	leader.flush()
	if want := [2]int{channel.Urgent: 3, channel.Bulk: 5}; s.frames != want {
		t.Errorf("frames by class are %v, want %v", s.frames, want)
	}
	if got := len(s.sent); got != 8+1+2*wire.MaxMessages+1 {
		t.Errorf("%d messages were sent", got)
	}
}

func TestWhatTheChannelRefusesIsCounted(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, leader)
	s.refuse = channel.ErrBusy
	before := leader.Status().Dropped
	leader.post(follower.ID(), &wire.ReadIndex{})
	leader.Tick()
	leader.Turn()
	if got := leader.Status().Dropped; got == before {
		t.Error("it was not")
	}
}

func TestEntriesThatTheChannelRefusesReachTheFollowerLater(t *testing.T) {
	f, leader, follower := leads(t, 3)
	port := leader.port
	s := &spy{t: t, refuse: channel.ErrBusy}
	leader.port = s
	p := propose(t, leader, "x")
	f.settle()
	leader.port = port
	f.until("the proposal has ended", func() bool { return len(p.ready) > 0 })
	f.until("the follower has it too", func() bool { return follower.applied == leader.applied })
}

func TestTheCoreIsToldOfEntriesThatTheChannelRefuses(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, leader)
	sendsAtOnce := func(refuse error) bool {
		s.refuse, s.sent = refuse, nil
		propose(t, leader, "x")
		leader.Turn()
		s.refuse, s.sent = nil, nil
		propose(t, leader, "y")
		leader.Turn()
		for _, m := range taken[*raft.Message](s) {
			if _, ok := m.Body.(*raft.AppendEntries); ok && m.To == follower.ID() {
				return true
			}
		}
		return false
	}
	if !sendsAtOnce(nil) {
		t.Error("entries that went well do not let the next follow")
	}
	if sendsAtOnce(channel.ErrBusy) {
		t.Error("entries that were refused are taken to have been sent")
	}
}

func TestQueuesOfNodesThatAreGoneAreNotKept(t *testing.T) {
	_, leader, _ := leads(t, 1)
	spyOn(t, leader)
	for i := range maxPeersKept + 1 {
		leader.post(raft.NodeID(number(i)), &wire.ReadIndex{})
	}
	leader.flush()
	if got := len(leader.outbox.peers); got > maxPeersKept {
		t.Errorf("%d are kept", got)
	}
}

// A log keeps the frames that its entries came in, so nothing else may be in them.
func TestEntriesShareTheirFramesWithNothingElse(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, leader)
	leader.post(follower.ID(), &wire.Call{ID: 1})
	leader.post(follower.ID(), &wire.Proposals{Entries: [][]byte{newOnce([]byte("x"))}})
	leader.post(follower.ID(), &wire.CallReply{ID: 1})
	leader.flush()
	if s.frames != [2]int{0, 2} {
		t.Errorf("frames by class: %v", s.frames)
	}
	if _, ok := s.sent[0].(*wire.Proposals); !ok || len(s.sent) != 3 {
		t.Errorf("sent were %+v", s.sent)
	}
}
