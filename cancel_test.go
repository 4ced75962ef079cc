package gaggle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

func TestAContextThatHasEndedBeforeStartsNothing(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		ran := make(chan string, 1)
		calls := f.edgeEcho("echo", ran)
		for i, n := range f.nodes {
			edgeAppend(t, n, "before")
			for name, do := range edgeOperations(n, calls[i]) {
				if name == "Propose" || name == "Ready" {
					continue // Propose has no context, and Ready need not wait
				}
				if err := do(edgeEnded()); !edgeIs(err, []error{context.Canceled}, gaggle.ErrUncertain, gaggle.ErrQuorumLost) {
					t.Errorf("%s: %v", name, err)
				}
			}
			for e := range n.Watch(edgeEnded()) {
				t.Errorf("Watch yields %v", e)
			}
		}
		time.Sleep(time.Second)
		if got := edgeEntries(t, f.nodes[0]); len(got) != 3 || len(ran) > 0 {
			t.Errorf("in the log are %q, and %d handlers ran", got, len(ran))
		}
	})
}

func TestAContextBoundsTheWaitForACluster(t *testing.T) {
	edgeAlone(t, func(t *testing.T, f *edgeFlock[string]) {
		n := f.nodes[0]
		ran := make(chan string, 1)
		call := f.edgeEcho("echo", ran)[0]
		operations := edgeOperations(n, call)
		for name, do := range operations {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			err := do(ctx)
			if !edgeIs(err, []error{context.DeadlineExceeded}, gaggle.ErrUncertain) || time.Since(began) != time.Minute {
				t.Errorf("%s after %v: %v", name, time.Since(began), err)
			}
			cancel()
		}
		f.join(gaggle.Size(3))
		f.join(gaggle.Size(3))
		for _, n := range f.nodes[1:] {
			gaggle.OnLeader(n, "echo", func(_ context.Context, _ *gaggle.Leader[string], arg string) (string, error) {
				ran <- arg
				return arg, nil
			})
		}
		f.ready()
		time.Sleep(time.Minute)
		if got := edgeEntries(t, n); len(got) > 0 || len(ran) > 0 {
			t.Errorf("although the callers were told otherwise, in the log are %q, and %d handlers ran", got, len(ran))
		}
		edgeAppend(t, n, "now")
	})
}

// Values sent to a leader without a quorum may be in the log later, once. Whoever was
// told so plainly can rely on it.
func TestAnAppendCancelledWithoutAQuorumIsUncertainAtMostOnce(t *testing.T) {
	for _, at := range []string{"the leader", "a follower"} {
		edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
			leader, follower := f.leader()
			n := leader
			if at == "a follower" {
				n = follower
			}
			edgeAppend(t, n, "session")
			f.ch.Isolate(n.ID())
			uncertain := map[string]bool{}
			for i := range 20 {
				ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
				v := fmt.Sprint(i)
				_, err := n.Append(ctx, v)
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("at %s, append %d ended with %v", at, i, err)
				}
				uncertain[v] = errors.Is(err, gaggle.ErrUncertain)
				if i == 19 && !errors.Is(err, gaggle.ErrQuorumLost) {
					t.Errorf("at %s, after 10 s without a leader: %v", at, err)
				}
			}
			if !uncertain["0"] {
				t.Errorf("at %s, what was sent was said not to have been", at)
			}
			f.ch.Heal()
			edgeAppend(t, n, "after")
			seen := map[string]int{}
			for _, v := range edgeEntries(t, follower) {
				seen[v]++
			}
			for v, count := range seen {
				if isUncertain, was := uncertain[v]; count > 1 || was && !isUncertain {
					t.Errorf("at %s, %q is in the log %d times, and uncertain was %v", at, v, count, isUncertain)
				}
			}
		})
	}
}

func TestAContextThatEndsAfterwardsChangesNothing(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		ctx, cancel := context.WithCancel(t.Context())
		n := f.nodes[0]
		if _, err := n.Append(ctx, "one"); err != nil {
			t.Fatal(err)
		}
		p, err := n.Propose("two")
		if err != nil {
			t.Fatal(err)
		}
		e, err := p.Wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if again, err := p.Wait(ctx); err != nil || again != e {
			t.Errorf("waiting again with an ended context gives %v, %v", again, err)
		}
		if got := edgeEntries(t, n); !slices.Equal(got, []string{"one", "two"}) {
			t.Errorf("in the log are %q", got)
		}
	})
}

func TestTheContextOfJoinBoundsJoinAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := memory.New()
		var e *gaggle.Error
		n, err := gaggle.Join[string](edgeEnded(), ch, gaggle.Size(1), gaggle.ID("goose"))
		if n != nil || !edgeIs(err, []error{context.Canceled}) || !errors.As(err, &e) || e.Op != "join" || !strings.HasPrefix(string(e.Node), "goose#") {
			t.Errorf("with an ended context: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		n, err = gaggle.Join[string](ctx, ch, gaggle.Size(1))
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		cancel()
		edgeAppend(t, n, "x")
	})
}

func TestSeveralMayWaitForAProposalAndEachHasItsContext(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		_, follower := f.leader()
		edgeAppend(t, follower, "session")
		f.ch.Isolate(follower.ID())
		p, err := follower.Propose("x")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it has been sent
		results := make(chan error, 10)
		for range 10 {
			go func() {
				_, err := p.Wait(context.Background())
				results <- err
			}()
		}
		if _, err := p.Wait(edgeEnded()); !edgeIs(err, []error{context.Canceled, gaggle.ErrUncertain}) {
			t.Errorf("who gives up gets %v", err)
		}
		f.ch.Heal()
		for range 10 {
			if err := <-results; err != nil {
				t.Errorf("who waits on gets %v", err)
			}
		}
	})
}

func TestAProposalThatOneGivesUpBeforeItWasSentEndsForAll(t *testing.T) {
	edgeAlone(t, func(t *testing.T, f *edgeFlock[string]) {
		p, err := f.nodes[0].Propose("x")
		if err != nil {
			t.Fatal(err)
		}
		other := make(chan error)
		go func() {
			_, err := p.Wait(context.Background())
			other <- err
		}()
		synctest.Wait()
		_, first := p.Wait(edgeEnded())
		_, again := p.Wait(context.Background())
		for who, err := range map[string]error{"who gives up": first, "who waits again": again, "who waits on": <-other} {
			if !edgeIs(err, []error{context.Canceled}, gaggle.ErrUncertain) {
				t.Errorf("%s gets %v", who, err)
			}
		}
	})
}

func TestEntriesAndWatchEndWithTheirContext(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[int]) {
		n := f.nodes[0]
		for i := range 3000 {
			if _, err := n.Propose(i); err != nil {
				t.Fatal(err)
			}
		}
		edgeAppend(t, n, 3000)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		count := 0
		for _, err := range n.Entries(ctx) {
			if err != nil {
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				break
			}
			count++
		}
		if count != 3001 {
			t.Errorf("%d entries came before the context ended", count)
		}
		ctx, cancel = context.WithCancel(t.Context())
		last := error(nil)
		for e, err := range n.Entries(ctx) {
			if last = err; err == nil && e.Value == 10 {
				cancel()
			}
			count = e.Value
		}
		if !errors.Is(last, context.Canceled) || count > 2000 {
			t.Errorf("when its context ended at entry 10, the loop went on to %d and ended with %v", count, last)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for range n.Watch(ctx) {
		}
		if ctx.Err() == nil {
			t.Error("the watching ended early")
		}
	})
}

func TestALeadersAppendWithoutAQuorumIsUncertainOrNotThere(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		leader, _ := f.leader()
		began, cut := make(chan bool), make(chan bool)
		appends := make(chan error, 2)
		call := gaggle.OnLeader(leader, "append", func(ctx context.Context, l *gaggle.Leader[string], _ string) (string, error) {
			began <- true
			<-cut
			_, err := l.Append(ctx, "uncertain")
			appends <- err
			_, err = l.Append(context.Background(), "never")
			appends <- err
			return "", err
		})
		failed := make(chan error)
		go func() {
			_, err := call(context.Background(), "")
			failed <- err
		}()
		<-began
		f.ch.Isolate(leader.ID())
		cut <- true
		time.Sleep(time.Minute)
		f.ch.Heal()
		if err := <-failed; !errors.Is(err, gaggle.ErrUncertain) {
			t.Errorf("the caller got %v", err)
		}
		if err := <-appends; !edgeIs(err, []error{context.Canceled, gaggle.ErrUncertain}) {
			t.Errorf("an append that was under way when leadership ended: %v", err)
		}
		if err := <-appends; !edgeIs(err, []error{gaggle.ErrNotLeader}, gaggle.ErrUncertain) {
			t.Errorf("an append after leadership: %v", err)
		}
		edgeAppend(t, leader, "after")
		if got := edgeEntries(t, leader); !slices.Equal(got, []string{"after"}) {
			t.Errorf("in the log are %q", got)
		}
	})
}

// A revivable context seems not to have ended, once it is told to.
type revivable struct {
	context.Context
	alive atomic.Bool
}

func (c *revivable) Err() error {
	if c.alive.Load() {
		return nil
	}
	return c.Context.Err()
}

func TestAWatchThatIsNeverLoopedOverEndsWithItsContext(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[string]) {
		inner, cancel := context.WithCancel(t.Context())
		ctx := &revivable{Context: inner}
		events := f.nodes[0].Watch(ctx)
		cancel()
		synctest.Wait()
		edgeAppend(t, f.nodes[0], "x")
		// A loop that does not see that its context has ended shows what was collected.
		ctx.alive.Store(true)
		for e := range events {
			t.Errorf("after its context ended, the watch collected %v", e)
			break
		}
	})
}

func TestANilContextPanicsAtTheCall(t *testing.T) {
	edgeAlone(t, func(t *testing.T, f *edgeFlock[string]) {
		n := f.nodes[0]
		var none context.Context
		for name, do := range map[string]func(){
			"Join":    func() { _, _ = gaggle.Join[string](none, f.ch, gaggle.Size(1)) },
			"Append":  func() { _, _ = n.Append(none, "x") },
			"Read":    func() { _ = n.Read(none) },
			"Ready":   func() { _ = n.Ready(none) },
			"Entries": func() { n.Entries(none) },
			"Watch":   func() { n.Watch(none) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s does not panic", name)
					}
				}()
				do()
			}()
		}
	})
}
