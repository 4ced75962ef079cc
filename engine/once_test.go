package engine

import (
	"errors"
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
