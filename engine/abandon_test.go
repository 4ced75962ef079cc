package engine

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// wantWithdrawn checks the error of an append that certainly did not happen.
func wantWithdrawn(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUncertain) {
		t.Errorf("the error is %v; want the context's, and no uncertainty", err)
	}
}

func TestAProposalAbandonedBeforeItWasSentIsNeverAppended(t *testing.T) {
	f := newFlock(t, 3)
	n := f.nodes[0]
	first, abandoned, last := propose(t, n, "first"), propose(t, n, "abandoned"), propose(t, n, "last")
	f.settle()
	_, err := abandoned.Wait(ended())
	wantWithdrawn(t, err)
	f.until("the others have ended", func() bool { return len(first.ready) > 0 && len(last.ready) > 0 })
	if got := values(n); len(got) != 2 || got[0] != "first" || got[1] != "last" {
		t.Errorf("in the log are %q", got)
	}
	if n.inbox.proposals != (load{}) {
		t.Errorf("proposals are still counted as open: %+v", n.inbox.proposals)
	}
}

func TestAProposalAbandonedAfterItWasSentIsUncertain(t *testing.T) {
	f, _, follower := leads(t, 3)
	p := propose(t, follower, "x")
	follower.Turn()
	if _, err := p.Wait(ended()); !errors.Is(err, ErrUncertain) || !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	f.until("the proposal has ended", func() bool { return len(p.ready) > 0 })
	if _, err := p.Wait(ended()); err != nil {
		t.Errorf("waiting again, when the outcome is known, gives %v", err)
	}
}

func TestAnAbandonedProposalEndsForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlock(t, 3) // nobody leads, so nothing is sent
		n := f.nodes[0]
		p := propose(t, n, "x")
		n.Turn()
		other := make(chan error, 1)
		go func() {
			_, err := p.Wait(context.Background())
			other <- err
		}()
		synctest.Wait()
		_, err := p.Wait(ended())
		wantWithdrawn(t, err)
		_, err = p.Wait(ended())
		wantWithdrawn(t, err)
		pass(n, n.config.Raft.HeartbeatTicks+1)
		synctest.Wait()
		if len(other) == 0 {
			t.Fatal("another goroutine that waits for the proposal waits for ever")
		}
		wantWithdrawn(t, <-other)
		_, err = p.Wait(context.Background())
		wantWithdrawn(t, err)
	})
}

func TestWhatWasAbandonedMakesRoomAlsoWhenNothingCanBeSent(t *testing.T) {
	founding := newFlock(t, 3).nodes[0]
	_, _, leaderless := leads(t, 3)
	spyOn(t, leaderless)
	for leaderless.Status().Leader != "" {
		pass(leaderless, 1)
	}
	_, _, sessionless := leads(t, 3)
	spyOn(t, sessionless)
	sessionless.proposer.session = 0
	for _, n := range []*Node{founding, leaderless, sessionless} {
		n.inbox.proposals.count = maxOpenProposals - 3
		all := []*Proposal{propose(t, n, ""), propose(t, n, ""), propose(t, n, "")}
		if _, err := n.Propose(nil); !errors.Is(err, ErrBusy) {
			t.Fatalf("one more than the limit: %v", err)
		}
		for _, p := range all[1:] {
			_, err := p.Wait(ended())
			wantWithdrawn(t, err)
		}
		pass(n, n.config.Raft.HeartbeatTicks+1)
		if got := n.inbox.proposals.count; got != maxOpenProposals-2 {
			t.Errorf("%d proposals are counted as open, want %d", got, maxOpenProposals-2)
		}
		propose(t, n, "")
	}
}

func TestAnEndedContextAppendsNothing(t *testing.T) {
	_, leader, _ := leads(t, 1)
	last := leader.core.Last()
	_, err := leader.Append(ended(), []byte("x"))
	wantWithdrawn(t, err)
	_, err = leader.AppendInTerm(ended(), leader.Status().Term, []byte("x"))
	wantWithdrawn(t, err)
	wantWithdrawn(t, leader.Read(ended()))
	_, err = leader.Call(ended(), "x", nil)
	wantWithdrawn(t, err)
	if hasWork(leader) || leader.core.Last() != last {
		t.Error("something was begun")
	}
}

func TestAnAppendWaitsForRoomAndStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, leader, _ := leads(t, 1)
		leader.inbox.proposals.count = maxOpenProposals - 1
		last := propose(t, leader, "")
		ctx, cancel := context.WithCancel(context.Background())
		results := make(chan error, 2)
		for _, ctx := range []context.Context{ctx, context.Background()} {
			go func() {
				_, err := leader.Append(ctx, []byte("x"))
				results <- err
			}()
		}
		synctest.Wait()
		if len(results) > 0 {
			t.Fatalf("an append beyond the limit ended with %v", <-results)
		}
		cancel()
		synctest.Wait()
		wantWithdrawn(t, <-results)
		f.until("there is room", func() bool { return len(last.ready) > 0 })
		synctest.Wait()
		f.settle()
		if err := <-results; err != nil {
			t.Errorf("when there was room the append ended with %v", err)
		}
	})
}

func TestTheLimitOfProposalsIsAlsoOneOfBytes(t *testing.T) {
	n := newFlock(t, 3).nodes[0]
	value := make([]byte, MaxValue)
	taken := 0
	for ; taken < 1000; taken++ {
		if _, err := n.Propose(value); err != nil {
			if !errors.Is(err, ErrBusy) {
				t.Fatal(err)
			}
			break
		}
	}
	if want := maxOpenProposalBytes / (MaxValue + appendHeader); taken != want {
		t.Errorf("%d values of %d bytes were taken, want %d", taken, MaxValue, want)
	}
	propose(t, n, "a small one fits")
}

func TestAValueBeyondTheLimitIsRefused(t *testing.T) {
	_, leader, _ := leads(t, 1)
	tooLarge := make([]byte, MaxValue+1)
	for op, do := range map[string]func() error{
		"Propose":      func() error { _, err := leader.Propose(tooLarge); return err },
		"Append":       func() error { _, err := leader.Append(t.Context(), tooLarge); return err },
		"AppendInTerm": func() error { _, err := leader.AppendInTerm(t.Context(), 1, tooLarge); return err },
		"Call":         func() error { _, err := leader.Call(t.Context(), "x", tooLarge); return err },
	} {
		if err := do(); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s of one byte more than fits: %v", op, err)
		}
	}
}
