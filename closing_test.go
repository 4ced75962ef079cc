package gaggle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

func TestAfterCloseEverythingGivesErrClosed(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		var mine *gaggle.Leader[string]
		keep := func(_ context.Context, l *gaggle.Leader[string], _ string) (string, error) {
			mine = l
			return "", nil
		}
		leader, _ := f.leader()
		call := gaggle.OnLeader(leader, "keep", keep)
		if _, err := call(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		edgeAppend(t, leader, "before")
		if err := leader.Close(); err != nil {
			t.Error(err)
		}
		for name, do := range edgeOperations(leader, call) {
			var e *gaggle.Error
			if err := do(t.Context()); !edgeIs(err, []error{gaggle.ErrClosed}, gaggle.ErrUncertain) || !errors.As(err, &e) || e.Node != leader.ID() {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := mine.Append(t.Context(), "late"); !edgeIs(err, []error{gaggle.ErrClosed}, gaggle.ErrUncertain) {
			t.Errorf("Leader.Append: %v", err)
		}
		for e := range leader.Watch(t.Context()) {
			t.Errorf("Watch yields %v", e)
		}
		for e, err := range leader.Entries(t.Context(), gaggle.Until(leader.Status().Applied)) {
			if err != nil || e.Value != "before" {
				t.Errorf("Entries yields %v, %v", e, err)
			}
		}
		s := leader.Status()
		if s.State != gaggle.Stopped || s.Leader != "" || s.ID != leader.ID() || s.Problem != nil {
			t.Errorf("the status is %+v", s)
		}
		if _, err := gaggle.OnLeader(leader, "late", keep)(t.Context(), ""); !errors.Is(err, gaggle.ErrClosed) {
			t.Errorf("a call registered later: %v", err)
		}
		if err := leader.Close(); err != nil {
			t.Errorf("closing again: %v", err)
		}
	})
}

func TestCloseAnswersEverybodyWhoWaitsForACluster(t *testing.T) {
	edgeAlone(t, func(t *testing.T, f *edgeFlock[string]) {
		n := f.nodes[0]
		call := f.edgeEcho("echo", make(chan string))[0]
		type result struct {
			name string
			err  error
		}
		results := make(chan result, 100)
		waiting := 0
		for range 10 {
			for name, do := range edgeOperations(n, call) {
				waiting++
				go func() { results <- result{name, do(context.Background())} }()
			}
		}
		watched := make(chan int)
		go func() {
			count := 0
			for range n.Watch(context.Background()) {
				count++
			}
			watched <- count
		}()
		time.Sleep(time.Minute)
		if len(results) > 0 {
			t.Fatal("there was something to wait for: ", <-results)
		}
		_ = n.Close()
		for range waiting {
			if r := <-results; !edgeIs(r.err, []error{gaggle.ErrClosed}, gaggle.ErrUncertain) {
				t.Errorf("%s: %v", r.name, r.err)
			}
		}
		if got := <-watched; got != 1 {
			t.Errorf("the watcher got %d events, not only that the node stopped", got)
		}
	})
}

// What a node that closes says of each append must be true on the others: nil, in the
// log once; ErrUncertain, at most once; neither, not at all.
func TestCloseSaysTheTruthAboutPendingAppends(t *testing.T) {
	for moment := range 30 {
		edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
			f.ch.SetFaults(memory.Faults{MinDelay: time.Millisecond, MaxDelay: 4 * time.Millisecond})
			leader, follower := f.leader()
			if moment%2 == 0 {
				leader, follower = follower, leader
			}
			closing, other := leader, follower
			edgeAppend(t, closing, "session")
			outcomes := make([]error, 300)
			var running sync.WaitGroup
			for i := range outcomes {
				running.Go(func() {
					time.Sleep(time.Duration(i) * 50 * time.Microsecond)
					_, outcomes[i] = closing.Append(context.Background(), fmt.Sprint(i))
				})
			}
			time.Sleep(time.Duration(moment) * 700 * time.Microsecond)
			_ = closing.Close()
			running.Wait()
			time.Sleep(10 * time.Second) // whatever was on its way has arrived
			edgeAppend(t, other, "after")
			log := edgeEntries(t, other)
			for i, err := range outcomes {
				count := 0
				for _, v := range log {
					if v == fmt.Sprint(i) {
						count++
					}
				}
				switch {
				case err == nil && count != 1,
					errors.Is(err, gaggle.ErrUncertain) && count > 1,
					err != nil && !errors.Is(err, gaggle.ErrUncertain) && count != 0,
					err != nil && !errors.Is(err, gaggle.ErrClosed):
					t.Errorf("closed at moment %d, append %d ended with %v and is in the log %d times", moment, i, err, count)
				}
			}
		})
	}
}

func TestCloseAtAnyMomentReturnsAndLeavesNothing(t *testing.T) {
	for moment := range 40 {
		synctest.Test(t, func(t *testing.T) {
			ch := memory.New()
			var closing sync.WaitGroup
			for i := range 3 {
				n, err := gaggle.Join[string](t.Context(), ch, gaggle.Size(3), gaggle.Local())
				if err != nil {
					t.Fatal(err)
				}
				closing.Go(func() {
					time.Sleep(time.Duration(moment) * time.Duration(10+i) * time.Millisecond)
					_ = n.Close()
				})
			}
			closing.Wait() // a goroutine that is left fails the test
		})
	}
}

func TestManyMayCloseAtOnce(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		leader, _ := f.leader()
		var closing sync.WaitGroup
		for range 20 {
			closing.Go(func() {
				if err := leader.Close(); err != nil {
					t.Error(err)
				}
				if s := leader.Status().State; s != gaggle.Stopped {
					t.Errorf("Close returned when the node was %v", s)
				}
			})
		}
		closing.Wait()
	})
}

func TestTheOthersGoOnWhenALeaderCloses(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		leader, follower := f.leader()
		edgeAppend(t, leader, "one")
		_ = leader.Close()
		edgeAppend(t, follower, "two")
		if got := edgeEntries(t, follower); !slices.Equal(got, []string{"one", "two"}) {
			t.Errorf("in the log are %q", got)
		}
	})
}

func TestCloseEndsTheContextsOfHandlersAndWaitsForThem(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[string]) {
		n := f.nodes[0]
		began, finished := make(chan bool), false
		call := gaggle.OnLeader(n, "wait", func(ctx context.Context, _ *gaggle.Leader[string], _ string) (string, error) {
			began <- true
			<-ctx.Done()
			time.Sleep(time.Minute)
			finished = true
			return "too late", nil
		})
		failed := make(chan error)
		go func() {
			_, err := call(context.Background(), "")
			failed <- err
		}()
		<-began
		_ = n.Close()
		if !finished {
			t.Error("Close did not wait for the handler")
		}
		if err := <-failed; !edgeIs(err, []error{gaggle.ErrClosed, gaggle.ErrUncertain}) {
			t.Errorf("its caller got %v", err)
		}
	})
}

func TestAHandlerMayHaveItsNodeClosed(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[string]) {
		closed := make(chan error)
		call := gaggle.OnLeader(f.nodes[0], "close", func(_ context.Context, l *gaggle.Leader[string], _ string) (string, error) {
			go func() { closed <- l.Node().Close() }()
			return "", nil
		})
		_, _ = call(t.Context(), "") // it may be answered before the node closes, or not
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

func TestALoopMayCloseItsNode(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[string]) {
		n := f.nodes[0]
		edgeAppend(t, n, "one", "two")
		var got []string
		for e, err := range n.Entries(t.Context()) {
			if err != nil {
				if !errors.Is(err, gaggle.ErrClosed) {
					t.Error(err)
				}
				break
			}
			got = append(got, e.Value)
			_ = n.Close()
		}
		if !slices.Equal(got, []string{"one", "two"}) {
			t.Errorf("the loop got %q", got)
		}
	})
}

func TestANodeMayJoinAgainAfterClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := memory.New()
		var last gaggle.NodeID
		for range 5 {
			n, err := gaggle.Join[string](t.Context(), ch, gaggle.Size(1), gaggle.ID("again"))
			if err != nil {
				t.Fatal(err)
			}
			if n.ID() == last {
				t.Error("an identity came back")
			}
			last = n.ID()
			edgeAppend(t, n, "x")
			if got := edgeEntries(t, n); len(got) != 1 {
				t.Errorf("its log has %q", got)
			}
			_ = n.Close()
		}
	})
}
