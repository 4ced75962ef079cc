package engine

import (
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// cutOff is a rota of which one follower was cut off, and replaced.
func cutOff(t *testing.T, spares int) (r *rota, lost *Node) {
	t.Helper()
	r = newRota(t, 3, spares)
	lost = r.followers()[0]
	r.mustAppend(lost, "first")
	r.ch.Isolate(lost.ID())
	return r, lost
}

func (r *rota) replaced(n *Node) {
	r.t.Helper()
	r.await("it is replaced", func() bool {
		l := r.leading()
		return l != nil && l != n && r.voters() != "" && !l.Status().Configuration.Member(n.ID())
	})
}

func TestAMemberThatWasCutOffAndReplacedStandsBy(t *testing.T) {
	r, lost := cutOff(t, 1)
	sent := propose(t, lost, "sent")
	lost.Turn()
	r.replaced(lost)
	if s := lost.Status(); s.State != Member {
		t.Errorf("it cannot know yet, and is %+v", s)
	}
	term := r.leading().core.Status().Term
	queued := propose(t, lost, "queued")
	events := lost.Watch()
	r.ch.Heal()
	r.await("it stands by", func() bool { return lost.Status().State == Standby })
	_, err := wait(t, sent)
	wantErrors(t, err, ErrStandby, nil)
	wantErrors(t, err, ErrUncertain, nil) // others may have it, for all it knows
	_, err = wait(t, queued)
	wantErrors(t, err, ErrStandby, nil)
	r.pass(3 * testReplaceAfter)
	if got := r.leading().core.Status().Term; got != term {
		t.Errorf("it has disturbed the others: the term went from %d to %d", term, got)
	}
	if role, _, _ := lost.core.Leadership(); role != raft.Follower {
		t.Errorf("it is a %v", role)
	}
	s := lost.Status()
	if s.State != Standby || s.Role != raft.Follower || s.Leader != raft.None || s.Waiting == "" {
		t.Errorf("its status is %+v", s)
	}
	if got := eventsOf[StateChanged](events); !slices.Equal(got, []StateChanged{{Standby}}) {
		t.Errorf("it tells of %v", got)
	}
	if got := r.leading().founder.Standbys(); !slices.Equal(got, []raft.NodeID{lost.ID()}) {
		t.Errorf("the leader knows the standbys %v", got)
	}
	r.ch.Isolate(lost.ID())
	r.pass(2 * lost.config.Raft.ElectionTicksMax)
	if role, _, _ := lost.core.Leadership(); role != raft.Follower {
		t.Errorf("alone, it is a %v", role)
	}
	r.ch.Heal()
	late := propose(t, lost, "late")
	lost.Turn()
	_, err = wait(t, late)
	wantErrors(t, err, ErrStandby, ErrUncertain)
	r.mustAgree("first")
}

func TestAMemberThatLostItsPlaceMayGetAnother(t *testing.T) {
	r, lost := cutOff(t, 1)
	r.replaced(lost)
	r.ch.Heal()
	r.await("it stands by", func() bool { return lost.Status().State == Standby })
	r.mustAppend(r.leading(), "second")
	gone := r.leading()
	r.kill(gone)
	r.replaced(gone)
	r.await("it is a member again", func() bool { return lost.Status().State == Member })
	r.mustAppend(lost, "third")
	r.mustAppend(lost, "fourth")
	r.mustAgree("first", "second", "third", "fourth")
}

// A request for a session that was repeated comes twice in the log. A node that is told of the
// loss of its place between the two must not take the session for a new one.
func TestAMemberThatLostItsPlaceTakesNoSessionFromBefore(t *testing.T) {
	r, lost := cutOff(t, 1)
	sent := propose(t, lost, "sent")
	lost.Turn()
	leader := r.leading()
	if err := leader.core.Step(raft.Propose{Entries: []raft.Entry{
		{Data: newOpenSession(lost.ID(), lost.proposer.nonce)}, {Data: sent.command},
	}}); err != nil {
		t.Fatal(err)
	}
	r.replaced(lost)
	r.ch.Heal()
	r.await("it stands by", func() bool { return lost.Status().State == Standby })
	_, err := wait(t, sent)
	wantErrors(t, err, ErrStandby, nil)
	gone := r.leading()
	r.kill(gone)
	r.replaced(gone)
	r.await("it is a member again", func() bool { return lost.Status().State == Member })
	r.mustAppend(lost, "again")
	r.mustAgree("first", "sent", "again")
}

// A node that is taken back before anybody told it learns from the log that it was away.
func TestAMemberThatLearnsFromTheLogThatItWasReplacedHasAppendedNothing(t *testing.T) {
	r, lost := cutOff(t, 1)
	sent := propose(t, lost, "sent")
	lost.Turn()
	events := lost.Watch()
	r.replaced(lost)
	index := r.leading().core.Status().ConfigurationIndex
	// It gets the log without a word of its place.
	r.leading().config.ReplaceAfterTicks = 0
	if err := r.leading().core.Step(raft.ChangeConfiguration{
		Voters: r.leading().core.Status().Configuration.Voters, Learners: []raft.NodeID{lost.ID()},
	}); err != nil {
		t.Fatal(err)
	}
	r.ch.Heal()
	r.await("it has the log", func() bool { return lost.applied > index })
	_, err := wait(t, sent)
	wantErrors(t, err, ErrStandby, ErrUncertain)
	if s := lost.Status(); s.State != Member {
		t.Errorf("it is back, and its status is %+v", s)
	}
	if got := eventsOf[StateChanged](events); len(got) > 0 {
		t.Errorf("on its way to the present it tells of %v", got)
	}
	r.mustAppend(lost, "again")
	r.mustAgree("first", "again")
}

func TestAWordOfTheNodesPlaceThatIsOldCountsForNothing(t *testing.T) {
	r := newRota(t, 3, 1)
	n := r.followers()[0]
	r.mustAppend(n, "value")
	hear(n, "d", &wire.Retired{Index: n.applied})
	if n.Status().State != Member || n.retired != 0 {
		t.Errorf("it believes it, and is %+v", n.Status())
	}
	// One that is true of an index which the node has yet to learn of counts until it has.
	hear(n, "d", &wire.Retired{Index: n.applied + 1})
	if n.Status().State != Standby {
		t.Errorf("it does not believe it, and is %+v", n.Status())
	}
	r.mustAppend(r.leading(), "other")
	r.await("it is a member again", func() bool { return n.Status().State == Member })
}

func TestOnlyALeaderMakesAStandbyFollow(t *testing.T) {
	r := newRota(t, 3, 1)
	spare := r.node("d")
	frame := func(messages ...any) *wire.Frame {
		return &wire.Frame{Cluster: spare.cluster, From: "a", To: "d", Messages: messages}
	}
	message := func(b raft.Body) any { return &raft.Message{From: "a", To: "d", Term: 2, Body: b} }
	other := frame(message(&raft.Heartbeat{}))
	other.Cluster[0]++
	for _, f := range []*wire.Frame{
		frame(&wire.ReadIndex{}), frame(message(&raft.RequestVote{})), other,
	} {
		if spare.receive(f); spare.core != nil {
			t.Fatalf("it follows because of %+v", f)
		}
	}
	if spare.receive(frame(message(&raft.Heartbeat{}))); spare.core == nil {
		t.Fatal("it does not follow a leader")
	}
	fresh := r.join("y", 3)
	f := frame(message(&raft.Heartbeat{}))
	f.Cluster = wire.ClusterID{}
	if fresh.receive(f); fresh.core != nil || fresh.failed != nil {
		t.Errorf("a fresh node follows, or stops: %v", fresh.failed)
	}
	for range 10 * spare.config.Raft.ElectionTicksMax {
		spare.step(raft.Tick{})
	}
	if role, term, _ := spare.core.Leadership(); role != raft.Follower || term != 2 {
		t.Errorf("it is a %v of term %d", role, term)
	}
}

func TestNobodyIsToldOfAConfigurationThatIsNotCommitted(t *testing.T) {
	r := newRota(t, 3, 1)
	leader := r.leading()
	told := func() int {
		leader.answerMember(&wire.Frame{Cluster: leader.cluster, From: "x"}, &wire.Hello{State: wire.Member})
		return len(leader.outbox.peer("x").messages[urgentQueue])
	}
	for _, n := range r.followers() {
		r.ch.Isolate(n.ID())
	}
	if err := leader.core.Step(raft.ChangeConfiguration{Voters: leader.core.Status().Configuration.Voters, Learners: []raft.NodeID{"d"}}); err != nil {
		t.Fatal(err)
	}
	if told() != 0 {
		t.Error("it may be taken back")
	}
	r.ch.Heal()
	r.await("it is committed", func() bool { s := leader.core.Status(); return s.Commit >= s.ConfigurationIndex })
	if told() != 1 {
		t.Error("a stranger is not told")
	}
}
