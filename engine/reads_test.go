package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// reads puts reads into a node's inbox, as Read does.
func reads(t *testing.T, n *Node, count int) []*readWaiter {
	t.Helper()
	all := make([]*readWaiter, count)
	for i := range all {
		w := &readWaiter{done: make(chan error, 1)}
		if err := n.inbox.putRequest(0, func(in *input) { in.reads = append(in.reads, w) }); err != nil {
			t.Fatal(err)
		}
		all[i] = w
	}
	return all
}

// answered counts the reads that have returned without an error.
func answered(t *testing.T, all []*readWaiter) int {
	t.Helper()
	count := 0
	for _, w := range all {
		if len(w.done) > 0 {
			err := <-w.done
			if err != nil {
				t.Errorf("a read ended with %v", err)
			}
			w.done <- err
			count++
		}
	}
	return count
}

// tokens lists the read indexes that a node has asked for since the last time.
func tokens(s *spy) []uint64 {
	var all []uint64
	for _, m := range taken[*wire.ReadIndex](s) {
		all = append(all, m.Token)
	}
	return all
}

func TestReadsThatComeTogetherShareOneMessage(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	all := reads(t, follower, 100)
	follower.Turn()
	asked := tokens(s)
	if len(asked) != 1 {
		t.Fatalf("100 reads sent %d messages", len(asked))
	}
	hear(follower, leader.ID(), &wire.ReadIndexReply{Token: asked[0] + 1000, OK: true})
	if got := answered(t, all); got > 0 {
		t.Fatalf("the answer to another question served %d", got)
	}
	hear(follower, leader.ID(), &wire.ReadIndexReply{Token: asked[0], OK: true, Index: follower.applied})
	if got := answered(t, all); got != 100 {
		t.Errorf("the answer served %d", got)
	}
	if follower.inbox.requests != (load{}) {
		t.Errorf("requests are still counted as open: %+v", follower.inbox.requests)
	}
}

func TestAReadThatCameLaterIsNotServedByAnEarlierAnswer(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	early := reads(t, follower, 1)
	follower.Turn()
	late := reads(t, follower, 1)
	follower.Turn()
	asked := tokens(s)
	if len(asked) != 2 {
		t.Fatalf("asked are %v", asked)
	}
	hear(follower, leader.ID(), &wire.ReadIndexReply{Token: asked[0], OK: true})
	if answered(t, early) != 1 || answered(t, late) != 0 {
		t.Error("the first answer did not serve exactly the first read")
	}
	hear(follower, leader.ID(), &wire.ReadIndexReply{Token: asked[1], OK: true})
	if answered(t, late) != 1 {
		t.Error("the second answer did not serve the second read")
	}
}

// A late answer to one question must not be taken for that to another, also when the one
// has long been answered.
func TestNoTwoQuestionsForAReadIndexHaveTheSameToken(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	seen := map[uint64]bool{}
	for range 10 {
		for range maxReadRounds {
			reads(t, follower, 1)
			follower.Turn()
		}
		for _, token := range tokens(s) {
			if seen[token] {
				t.Fatalf("token %d is used again", token)
			}
			seen[token] = true
			hear(follower, leader.ID(), &wire.ReadIndexReply{Token: token, OK: true})
		}
	}
	if len(seen) != 10*maxReadRounds {
		t.Errorf("%d questions were asked", len(seen))
	}
}

func TestReadsBeyondTheRoundsUnderWayShareTheNext(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	for range maxReadRounds {
		reads(t, follower, 1)
		follower.Turn()
	}
	asked := tokens(s)
	if len(asked) != maxReadRounds {
		t.Fatalf("asked are %v", asked)
	}
	var rest []*readWaiter
	for range 50 {
		rest = append(rest, reads(t, follower, 1)...)
		follower.Turn()
	}
	if more := tokens(s); len(more) > 0 {
		t.Fatalf("%d more rounds were begun", len(more))
	}
	hear(follower, leader.ID(), &wire.ReadIndexReply{Token: asked[2], OK: true})
	more := tokens(s)
	if len(more) != 1 {
		t.Fatalf("when there was room, asked are %v", more)
	}
	hear(follower, leader.ID(), &wire.ReadIndexReply{Token: more[0], OK: true})
	if got := answered(t, rest); got != 50 {
		t.Errorf("the next round served %d", got)
	}
}

func TestAReadWaitsUntilItsIndexIsApplied(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	all := reads(t, follower, 3)
	follower.Turn()
	hear(follower, leader.ID(), &wire.ReadIndexReply{Token: tokens(s)[0], OK: true, Index: follower.applied + 2})
	for want := range 2 {
		if got := answered(t, all); got > 0 {
			t.Fatalf("after %d of 2 entries %d reads were served", want, got)
		}
		_ = follower.do(func() {
			follower.apply(&raft.Entry{Index: follower.applied + 1, Term: 1})
			follower.releaseReads()
		})
		follower.Turn()
	}
	if got := answered(t, all); got != 3 {
		t.Errorf("when all was applied %d were served", got)
	}
}

func TestReadsThatFailAreAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		fail  func(f *flock, leader, follower *Node, token uint64)
		after int
	}{
		"the leader refuses": {func(_ *flock, leader, follower *Node, token uint64) {
			hear(follower, leader.ID(), &wire.ReadIndexReply{Token: token})
		}, 1},
		"the connection breaks": {func(_ *flock, leader, follower *Node, _ uint64) {
			receiver{follower}.Unreachable(leader.ID())
			follower.Turn()
		}, 0},
		"another leader comes": {func(f *flock, leader, follower *Node, _ uint64) {
			heartbeat(follower, f.other(leader, follower).ID(), 1)
		}, 0},
		"the leader comes back in another term": {func(_ *flock, leader, follower *Node, _ uint64) {
			heartbeat(follower, leader.ID(), 1)
		}, 0},
	} {
		f, leader, follower := leads(t, 3)
		s := spyOn(t, follower)
		all := reads(t, follower, 5)
		follower.Turn()
		first := tokens(s)
		c.fail(f, leader, follower, first[0])
		now := follower.Status().Leader
		var again []uint64
		ticks := 0
		for again = tokens(s); len(again) == 0 && ticks < 1000; ticks++ {
			heartbeat(follower, now, 0)
			s.sent = nil
			pass(follower, 1)
			again = tokens(s)
		}
		if len(again) != 1 || ticks != c.after {
			t.Errorf("%s: after %d ticks asked are %v, want one after %d", name, ticks, again, c.after)
			continue
		}
		hear(follower, now, &wire.ReadIndexReply{Token: first[0], OK: true})
		if got := answered(t, all); got > 0 {
			t.Errorf("%s: the late answer to the first question served %d", name, got)
		}
		hear(follower, now, &wire.ReadIndexReply{Token: again[0], OK: true})
		if got := answered(t, all); got != 5 {
			t.Errorf("%s: the answer served %d", name, got)
		}
	}
}

// A round may take longer than the patience, every time.
func TestALateAnswerServesTheReadsThatWereAskedAgain(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	all := reads(t, follower, 5)
	follower.Turn()
	first := tokens(s)
	for ticks := 1; ticks <= 3*follower.config.Raft.ElectionTicksMax; ticks++ {
		heartbeat(follower, leader.ID(), 0)
		s.sent = nil
		pass(follower, 1)
		again := tokens(s)
		if due := ticks%follower.config.Raft.ElectionTicksMax == 0; due != (len(again) > 0) {
			t.Fatalf("after %d ticks asked are %v", ticks, again)
		}
		if len(again) > 0 && !slices.Equal(again, first) {
			t.Fatalf("asked again are %v after %v", again, first)
		}
	}
	hear(follower, leader.ID(), &wire.ReadIndexReply{Token: first[0], OK: true, Index: follower.applied})
	if got := answered(t, all); got != 5 {
		t.Errorf("the answer served %d", got)
	}
}

func TestTheFirstOfTwoAnswersCounts(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	all := reads(t, follower, 5)
	follower.Turn()
	token := tokens(s)[0]
	for later := range raft.Index(2) {
		hear(follower, leader.ID(), &wire.ReadIndexReply{Token: token, OK: true, Index: follower.applied + 1 + 9*later})
	}
	_ = follower.do(func() {
		follower.apply(&raft.Entry{Index: follower.applied + 1, Term: 1})
		follower.releaseReads()
	})
	follower.Turn()
	if got := answered(t, all); got != 5 {
		t.Errorf("the answer served %d", got)
	}
}

func TestAnUnansweredRoundWithoutCallersIsForgotten(t *testing.T) {
	_, _, follower := leads(t, 3)
	spyOn(t, follower)
	all := reads(t, follower, 5)
	follower.Turn()
	for i, w := range all {
		if pass(follower, 1); len(follower.reader.rounds) != 1 || follower.inbox.requests.count != 5-i {
			t.Errorf("%d rounds, %+v are open, while %d wait", len(follower.reader.rounds), follower.inbox.requests, 5-i)
		}
		w.gone.Store(true)
	}
	if pass(follower, 1); len(follower.reader.rounds) > 0 || follower.inbox.requests != (load{}) {
		t.Errorf("%d rounds, %+v are open, and none waits", len(follower.reader.rounds), follower.inbox.requests)
	}
}

func TestAReadThatTheChannelRefusesIsAskedLater(t *testing.T) {
	_, _, follower := leads(t, 3)
	s := spyOn(t, follower)
	s.refuse = channel.ErrBusy
	reads(t, follower, 5)
	follower.Turn()
	s.refuse = nil
	pass(follower, follower.config.Raft.HeartbeatTicks-1)
	if asked := tokens(s); len(asked) > 0 {
		t.Fatalf("asked at once were %v", asked)
	}
	pass(follower, 1)
	if asked := tokens(s); len(asked) != 1 {
		t.Errorf("asked later were %v", asked)
	}
}

func TestALeaderAnswersEachNodeUnderItsToken(t *testing.T) {
	f, leader, follower := leads(t, 3)
	other := f.other(leader, follower)
	all := append(reads(t, follower, 3), reads(t, other, 3)...)
	all = append(all, reads(t, leader, 3)...)
	f.settle()
	if got := answered(t, all); got != 9 {
		t.Errorf("%d of 9 reads were served", got)
	}
	if len(leader.reader.sources) > 0 {
		t.Errorf("%d questions are kept", len(leader.reader.sources))
	}
	s := spyOn(t, other)
	hear(other, follower.ID(), &wire.ReadIndex{Token: 77})
	if got := taken[*wire.ReadIndexReply](s); len(got) != 1 || got[0].OK || got[0].Token != 77 {
		t.Errorf("a node that does not lead answers %+v", got)
	}
}

func TestALeaderWithoutAQuorumServesNoRead(t *testing.T) {
	f, leader, _ := leads(t, 3)
	f.ch.Isolate(leader.ID())
	all := reads(t, leader, 3)
	for range 2 * leader.config.Raft.ElectionTicksMax {
		f.tick()
	}
	if got := answered(t, all); got > 0 {
		t.Fatalf("%d reads were served", got)
	}
	f.ch.Heal()
	f.until("the reads are served", func() bool { return answered(t, all) == 3 })
}

func TestReadsWhoseCallersHaveGoneMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFlock(t, 3).nodes[0]
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() { failed <- n.Read(ctx) }()
		synctest.Wait()
		n.Turn()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("the read ended with %v", err)
		}
		pass(n, 1)
		if n.inbox.requests != (load{}) || len(n.reader.waiting) > 0 {
			t.Errorf("counted as open are %+v, and %d wait", n.inbox.requests, len(n.reader.waiting))
		}
	})
}
