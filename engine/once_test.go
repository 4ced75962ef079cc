package engine

import (
	"errors"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// appendInTerm begins what AppendInTerm does.
func appendInTerm(t *testing.T, n *Node, term raft.Term, value string) *Proposal {
	t.Helper()
	p := newProposal()
	p.node, p.command, p.fence = n, newOnce([]byte(value)), term
	if err := n.submit(p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnAppendInATermIsAppendedInThatTerm(t *testing.T) {
	f, leader, _ := leads(t, 3)
	term := leader.Status().Term
	p := appendInTerm(t, leader, term, "x")
	f.until("it has ended", func() bool { return len(p.ready) > 0 })
	item, err := wait(t, p)
	if err != nil || item.Term != term || item.Index != leader.applied || string(item.Value) != "x" {
		t.Errorf("the outcome is %+v, %v", item, err)
	}
	if got := values(leader); got[len(got)-1] != "x" {
		t.Errorf("in the log are %q", got)
	}
	if len(leader.proposer.once) > 0 || leader.inbox.proposals != (load{}) {
		t.Error("it is still kept or counted as open")
	}
}

func TestAnAppendInATermThatTheNodeDoesNotLeadIsRefused(t *testing.T) {
	_, leader, follower := leads(t, 3)
	last := leader.core.Last()
	term := leader.Status().Term
	for name, p := range map[string]*Proposal{
		"an earlier term": appendInTerm(t, leader, term-1, "x"),
		"a later term":    appendInTerm(t, leader, term+1, "x"),
		"a follower":      appendInTerm(t, follower, term, "x"),
	} {
		leader.Turn()
		follower.Turn()
		if _, err := wait(t, p); !errors.Is(err, ErrNotLeader) || errors.Is(err, ErrUncertain) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if leader.core.Last() != last {
		t.Error("something was appended")
	}
}

func TestAnAppendInATermThatIsOverwrittenWasNotAppended(t *testing.T) {
	f, leader, _ := leads(t, 3)
	f.ch.Isolate(leader.ID())
	p := appendInTerm(t, leader, leader.Status().Term, "lost")
	f.settle()
	if len(leader.proposer.once) != 1 {
		t.Fatal("it is not in the leader's log")
	}
	next := f.other(leader)
	f.until("another node leads", func() bool { return next.core.LeadsSettled() || f.other(leader, next).core.LeadsSettled() })
	kept := propose(t, next, "kept")
	f.until("the next leader has committed", func() bool { return len(kept.ready) > 0 })
	f.ch.Heal()
	f.until("it has ended", func() bool { return len(p.ready) > 0 })
	if _, err := wait(t, p); !errors.Is(err, ErrNotLeader) || errors.Is(err, ErrUncertain) {
		t.Errorf("it ended with %v", err)
	}
	if got := values(leader); got[len(got)-1] != "kept" {
		t.Errorf("in the log are %q", got)
	}
}

func TestAnAppendInATermWaitsWhileTheLeaderHandsOver(t *testing.T) {
	_, leader, follower := leads(t, 3)
	spyOn(t, leader) // the successor hears nothing, and the leader stays
	_ = leader.do(func() { leader.step(raft.TransferLeadership{To: follower.ID()}) })
	leader.Turn()
	last := leader.core.Last()
	p := appendInTerm(t, leader, leader.Status().Term, "x")
	leader.Turn()
	if leader.core.Last() != last || len(leader.onceWaiting) != 1 || p.state.Load() != proposalWaiting {
		t.Fatal("it was appended, or counts as sent")
	}
	abandoned := appendInTerm(t, leader, leader.Status().Term, "y")
	leader.Turn()
	_, err := abandoned.Wait(ended())
	wantWithdrawn(t, err)
	pass(leader, 1)
	if len(leader.onceWaiting) != 1 {
		t.Errorf("%d wait", len(leader.onceWaiting))
	}
	pass(leader, 2*leader.config.Raft.ElectionTicksMax)
	if _, err := wait(t, p); !errors.Is(err, ErrNotLeader) {
		t.Errorf("it ended with %v", err)
	}
}

func TestWhatIsToBeDoneIsDoneAlsoByANodeThatCloses(t *testing.T) {
	n := newFlock(t, 3).nodes[0]
	done := false
	_ = n.do(func() { done = true })
	if _ = n.Close(); !done {
		t.Error("whoever waits for it waits for ever")
	}
}

func TestAppendsInATermThatIsOverEndWithTheFirstEntryOfTheNext(t *testing.T) {
	_, leader, follower := leads(t, 3)
	spyOn(t, leader)
	_, term, _ := leader.core.Leadership()
	last := leader.core.Last()
	var lost []*Proposal
	for range 3 {
		lost = append(lost, appendInTerm(t, leader, term, "x"))
	}
	leader.Turn()
	begin := raft.Entry{Index: last.Index + 1, Term: term + 1, Type: raft.EntryNoOp}
	hear(leader, follower.ID(), &raft.Message{From: follower.ID(), To: leader.ID(), Term: term + 1, Body: &raft.AppendEntries{
		Session: 1, Prev: last, Entries: []raft.Entry{begin}, Commit: begin.Index,
	}})
	for i, p := range lost {
		if len(p.ready) == 0 {
			t.Fatalf("append %d waits for an entry that may never come", i)
		}
		if !errors.Is(p.err, ErrNotLeader) {
			t.Errorf("append %d ended with %v", i, p.err)
		}
	}
}

// a leads term T and appends x1, x2, x3, which reach c alone. b wins T+1 with others and
// reaches a, whose log it cuts to one no-op; a wins T+2, and its no-op is the entry behind
// that. Until that is committed, c may still win and bring x3 into the log, so whoever
// appended it is not told that it is gone, whatever a appends at its index meanwhile.
func TestAnAppendInATermIsNotGivenUpWhileItMayComeBack(t *testing.T) {
	_, a, _ := leads(t, 5)
	spyOn(t, a)
	conf := a.core.Status().Configuration
	others := slices.DeleteFunc(conf.Members(), func(id raft.NodeID) bool { return id == a.ID() })
	b, c, d := others[0], others[1], others[2]
	_, term, _ := a.core.Leadership()
	last := a.core.Last()
	old := []raft.Entry{}
	lost := []*Proposal{}
	for i, value := range []string{"x1", "x2", "x3"} {
		lost = append(lost, appendInTerm(t, a, term, value))
		old = append(old, raft.Entry{Index: last.Index + 1 + raft.Index(i), Term: term, Data: newOnce([]byte(value))})
	}
	a.Turn()
	say := func(from raft.NodeID, in raft.Term, body raft.Body) {
		hear(a, from, &raft.Message{From: from, To: a.ID(), Term: in, Body: body})
	}
	noOp := func(i int, in raft.Term) raft.Entry {
		return raft.Entry{Index: last.Index + raft.Index(i), Term: in, Type: raft.EntryNoOp}
	}
	say(b, term+1, &raft.AppendEntries{Session: 1, Prev: last, Entries: []raft.Entry{noOp(1, term+1)}, Commit: last.Index})
	for range 2 * a.config.Raft.ElectionTicksMax {
		if role, _, _ := a.core.Leadership(); role != raft.PreCandidate {
			pass(a, 1)
		}
	}
	for _, preVote := range []bool{true, false} {
		say(b, term+2, &raft.VoteReply{PreVote: preVote, Granted: true})
		say(d, term+2, &raft.VoteReply{PreVote: preVote, Granted: true})
	}
	if role, in, _ := a.core.Leadership(); role != raft.Leader || in != term+2 {
		t.Fatalf("a is a %v of term %d", role, in)
	}
	appendInTerm(t, a, term+2, "y")
	a.Turn()
	if n := len(lost[2].ready); n > 0 {
		t.Fatalf("x3 is given up: %v", lost[2].err)
	}
	say(c, term+3, &raft.AppendEntries{Session: 1, Prev: last, Entries: append(old, noOp(4, term+3)), Commit: last.Index + 4})
	for i, p := range lost {
		if item, err := wait(t, p); err != nil || item.Index != old[i].Index {
			t.Errorf("x%d is at %d: %v", i+1, item.Index, err)
		}
	}
}
