package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ben-ng/gaggle/raft"
)

func TestANodeTellsItsStateAndWhatItWaitsForWhileFounding(t *testing.T) {
	f := newFlock(t, 3)
	f.nodes = f.nodes[:2] // the third is silent
	w := f.nodes[0].Watch()
	for range 100 {
		f.tick()
	}
	s := f.nodes[0].Status()
	if s.State != Founding || !strings.Contains(s.Waiting, "1 more node") || s.Size != 3 || s.Cluster != "test" {
		t.Errorf("the status is %+v", s)
	}
	if len(w.events) > 0 {
		t.Errorf("events are %v", w.events)
	}
}

func TestTheFoundingNodesBecomeMembersOfOneCluster(t *testing.T) {
	f := newFlock(t, 3)
	w := f.nodes[0].Watch()
	f.until("one node leads", func() bool { return f.leader() != nil })
	if e, ok := w.Next(t.Context()); !ok || e != (StateChanged{Member}) {
		t.Errorf("the first event is %#v", e)
	}
	for _, n := range f.nodes {
		s := n.Status()
		if s.State != Member || s.Waiting != "" || s.ClusterID != f.nodes[0].Status().ClusterID || len(s.Members) != 3 {
			t.Errorf("%s has the status %+v", n.ID(), s)
		}
	}
}

func TestANodeThatIsNotNeededAnswersWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, _, _ := leads(t, 3)
		spare := f.join("z", 3)
		p := propose(t, spare, "x")
		abandoned := propose(t, spare, "y")
		_, err := abandoned.Wait(ended())
		wantWithdrawn(t, err)
		results := make(chan error, 3)
		go func() { results <- spare.Read(t.Context()) }()
		go func() {
			_, err := spare.Call(t.Context(), "x", nil)
			results <- err
		}()
		go func() { results <- spare.Ready(t.Context()) }()
		synctest.Wait()
		f.until("it stands by", func() bool { return spare.Status().State == Standby })
		if _, err := wait(t, p); !errors.Is(err, ErrStandby) {
			t.Errorf("an append ended with %v", err)
		}
		for range 3 {
			if err := <-results; !errors.Is(err, ErrStandby) {
				t.Errorf("who waited got %v", err)
			}
		}
		late := propose(t, spare, "late")
		spare.Turn()
		if _, err := wait(t, late); !errors.Is(err, ErrStandby) {
			t.Errorf("a later append ended with %v", err)
		}
		if spare.inbox.proposals != (load{}) || spare.inbox.requests != (load{}) {
			t.Errorf("still counted as open are %+v and %+v", spare.inbox.proposals, spare.inbox.requests)
		}
		if s := spare.Status(); s.ClusterID != f.nodes[0].Status().ClusterID {
			t.Error("it waits for another cluster")
		}
	})
}

func TestADisagreementAboutTheSizeIsReportedToPeople(t *testing.T) {
	f := newFlock(t, 3)
	w := f.nodes[0].Watch()
	z := f.join("z", 5)
	f.until("it is reported", func() bool { return f.nodes[0].Status().Problem != nil })
	problem := f.nodes[0].Status().Problem
	if !errors.Is(problem, ErrSizeMismatch) || errors.Is(problem, ErrTwoClusters) {
		t.Errorf("the problem is %v", problem)
	}
	if e, ok := w.Next(t.Context()); !ok || !errors.Is(e.(ProblemFound).Problem, ErrSizeMismatch) {
		t.Errorf("the event is %#v", e)
	}
	f.until("the others go on", func() bool { return f.nodes[0].Status().Leader != raft.None })
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	f.nodes = f.nodes[:3]
	f.until("it is over", func() bool { return f.nodes[0].Status().Problem == nil })
	if got := problemsTold(w); !slices.Equal(got, []string{"solved"}) {
		t.Errorf("when it is over, watchers are told: %v", got)
	}
}

func TestTwoClustersOfOneNameAreReportedToPeople(t *testing.T) {
	f := newFlock(t, 2)
	f.ch.Partition([]raft.NodeID{"a", "b"}, []raft.NodeID{"y", "z"})
	f.join("y", 2)
	f.join("z", 2)
	f.until("there are two", func() bool {
		for _, n := range f.nodes {
			if n.Status().State != Member {
				return false
			}
		}
		return true
	})
	f.ch.Heal()
	for _, n := range f.nodes {
		f.until("it is reported", func() bool { return errors.Is(n.Status().Problem, ErrTwoClusters) })
	}
}

func TestReadyNamesWhatIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlock(t, 3)
		n := f.nodes[0]
		pass(n, 100)
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() { failed <- n.Ready(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "2 more nodes") {
			t.Errorf("the error is %v", err)
		}
		go func() { failed <- n.Ready(t.Context()) }()
		synctest.Wait()
		if f.until("one node leads", func() bool { return f.leader() != nil }); <-failed != nil {
			t.Error("it is not ready")
		}
		if n.watchers.watched() {
			t.Error("a watcher is left")
		}
	})
}
