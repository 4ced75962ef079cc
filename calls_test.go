package gaggle_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

type edgeHandler = func(context.Context, *gaggle.Leader[string], string) (string, error)

// onLeader registers a handler on all nodes and returns the function of the leader and
// that of a follower.
func (f *edgeFlock[T]) onLeader(name string, handler func(context.Context, *gaggle.Leader[T], string) (string, error)) (calls [2]func(context.Context, string) (string, error)) {
	f.t.Helper()
	leader, _ := f.leader()
	for _, n := range f.nodes {
		call := gaggle.OnLeader(n, name, handler)
		if n == leader {
			calls[0] = call
		} else {
			calls[1] = call
		}
	}
	return calls
}

func TestWhatAHandlerReturnsReachesItsCaller(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		for name, c := range map[string]struct {
			handler edgeHandler
			result  string
			remote  string
			err     error
		}{
			"a result": {handler: func(_ context.Context, _ *gaggle.Leader[string], arg string) (string, error) {
				return "<" + arg + ">", nil
			}, result: "<x>"},
			"an error": {handler: func(context.Context, *gaggle.Leader[string], string) (string, error) {
				return "ignored", errors.New("no eggs")
			}, remote: "no eggs"},
			"a panic": {handler: func(context.Context, *gaggle.Leader[string], string) (string, error) {
				panic("oops")
			}, remote: "oops"},
			"an error of this package": {handler: func(context.Context, *gaggle.Leader[string], string) (string, error) {
				return "", gaggle.ErrNotLeader
			}, remote: gaggle.ErrNotLeader.Error()},
			"a result that is too large": {handler: func(context.Context, *gaggle.Leader[string], string) (string, error) {
				return strings.Repeat("x", gaggle.MaxValue), nil
			}, remote: gaggle.ErrTooLarge.Error()},
			"an error without an end": {handler: func(context.Context, *gaggle.Leader[string], string) (string, error) {
				return "", errors.New(strings.Repeat("no ", gaggle.MaxValue))
			}, remote: "no no no"},
		} {
			for i, call := range f.onLeader(name, c.handler) {
				got, err := call(t.Context(), "x")
				var remote *gaggle.RemoteError
				switch {
				case c.remote == "" && err == nil && got == c.result:
				case c.remote != "" && errors.As(err, &remote) && remote.Call == name && strings.Contains(remote.Text, c.remote) && got == "":
				default:
					t.Errorf("%s, from node %d: %.50q, %.200v", name, i, got, err)
				}
			}
		}
	})
}

func TestACallThatCannotBeMadeIsAnError(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		leader, follower := f.leader()
		echo := func(_ context.Context, _ *gaggle.Leader[string], arg string) (string, error) { return arg, nil }
		if _, err := gaggle.OnLeader(follower, "only here", echo)(t.Context(), ""); !edgeIs(err, []error{gaggle.ErrNoHandler}, gaggle.ErrUncertain) {
			t.Errorf("a handler that the leader does not have: %v", err)
		}
		first, second := gaggle.OnLeader(leader, "twice", echo), gaggle.OnLeader(leader, "twice", echo)
		if got, err := first(t.Context(), "x"); err != nil || got != "x" {
			t.Errorf("the first of a name: %q, %v", got, err)
		}
		for range 2 {
			if _, err := second(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "twice") {
				t.Errorf("the second of a name: %v", err)
			}
		}
		if _, err := gaggle.OnLeader(leader, strings.Repeat("n", 256), echo)(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "256 bytes") {
			t.Errorf("a name that is too long: %v", err)
		}
		if _, err := first(t.Context(), strings.Repeat("x", gaggle.MaxValue)); !errors.Is(err, gaggle.ErrTooLarge) {
			t.Errorf("an argument that is too large: %.200v", err)
		}
		if got, err := first(t.Context(), strings.Repeat("x", gaggle.MaxValue-2)); err != nil || len(got) != gaggle.MaxValue-2 {
			t.Errorf("an argument and result that just fit: %d bytes, %v", len(got), err)
		}
		_, err := gaggle.OnLeader(leader, "func", func(context.Context, *gaggle.Leader[string], func()) (string, error) { return "", nil })(t.Context(), func() {})
		var e *gaggle.Error
		if !errors.As(err, &e) || e.Op != "call" || !strings.Contains(err.Error(), "func()") {
			t.Errorf("an argument that JSON cannot carry: %v", err)
		}
		var remote *gaggle.RemoteError
		_, err = gaggle.OnLeader(leader, "to func", func(context.Context, *gaggle.Leader[string], string) (func(), error) { return func() {}, nil })(t.Context(), "")
		if !errors.As(err, &remote) || !strings.Contains(remote.Text, "func()") {
			t.Errorf("a result that JSON cannot carry: %v", err)
		}
	})
}

func TestNodesThatDisagreeAboutTypesGetErrors(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		leader, follower := f.leader()
		gaggle.OnLeader(leader, "args", func(_ context.Context, _ *gaggle.Leader[string], n int) (int, error) { return n, nil })
		args := gaggle.OnLeader(follower, "args", func(_ context.Context, _ *gaggle.Leader[string], s string) (int, error) { return len(s), nil })
		var remote *gaggle.RemoteError
		if _, err := args(t.Context(), "no number"); !errors.As(err, &remote) || !strings.Contains(remote.Text, "cannot unmarshal") {
			t.Errorf("an argument of another type: %v", err)
		}
		gaggle.OnLeader(leader, "result", func(_ context.Context, _ *gaggle.Leader[string], _ int) (string, error) { return "no number", nil })
		result := gaggle.OnLeader(follower, "result", func(_ context.Context, _ *gaggle.Leader[string], n int) (int, error) { return n, nil })
		var e *gaggle.Error
		if _, err := result(t.Context(), 1); !errors.As(err, &e) || e.Op != "call" || !strings.Contains(err.Error(), "cannot unmarshal") {
			t.Errorf("a result of another type: %v", err)
		}
	})
}

func TestAHandlerMayAppendReadAndCall(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		inner := f.onLeader("inner", func(ctx context.Context, l *gaggle.Leader[string], arg string) (string, error) {
			e, err := l.Append(ctx, "in term "+arg)
			if err == nil && e.Term != l.Term() {
				err = fmt.Errorf("the entry is of term %d, the leader's is %d", e.Term, l.Term())
			}
			return e.Value, err
		})
		outer := f.onLeader("outer", func(ctx context.Context, l *gaggle.Leader[string], arg string) (string, error) {
			if _, err := l.Node().Append(ctx, "plain "+arg); err != nil {
				return "", err
			}
			if err := l.Node().Read(ctx); err != nil {
				return "", err
			}
			return inner[0](ctx, arg)
		})
		for i, call := range outer {
			if got, err := call(t.Context(), fmt.Sprint(i)); err != nil || got != fmt.Sprint("in term ", i) {
				t.Errorf("from node %d: %q, %v", i, got, err)
			}
		}
		if got := strings.Join(edgeEntries(t, f.nodes[0]), ", "); got != "plain 0, in term 0, plain 1, in term 1" {
			t.Errorf("in the log are %q", got)
		}
	})
}

// Handlers that wait for calls of their own hold all places that there are for handlers.
func TestCallsOfHandlersRunWhenAllHandlersWaitForThem(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		const places = 1024
		var begun atomic.Int32
		full := make(chan struct{})
		inner := f.onLeader("inner", func(context.Context, *gaggle.Leader[string], string) (string, error) { return "x", nil })
		outer := f.onLeader("outer", func(ctx context.Context, _ *gaggle.Leader[string], _ string) (string, error) {
			if begun.Add(1) == places {
				close(full)
			}
			<-full
			return inner[0](ctx, "")
		})
		ctx, cancel := context.WithTimeout(t.Context(), longest)
		defer cancel()
		var waiting sync.WaitGroup
		for i := range places + 100 { // the last ones wait before the calls of handlers come
			waiting.Go(func() {
				if got, err := outer[0](ctx, ""); err != nil || got != "x" {
					t.Errorf("call %d returned %q, %v", i, got, err)
				}
			})
		}
		waiting.Wait()
	})
}

func TestASlowHandlerHoldsUpNobodyAndItsContextEndsWithItsCallersDeadline(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		ended := make(chan time.Duration, 2)
		slow := f.onLeader("slow", func(ctx context.Context, _ *gaggle.Leader[string], _ string) (string, error) {
			began := time.Now()
			<-ctx.Done()
			ended <- time.Since(began)
			return "", ctx.Err()
		})
		for i, call := range slow {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			failed := make(chan error)
			go func() {
				_, err := call(ctx, "")
				failed <- err
			}()
			synctest.Wait()
			edgeAppend(t, f.nodes[i], "meanwhile")
			err := <-failed
			var remote *gaggle.RemoteError // the leader's clock may be ahead
			if !edgeIs(err, []error{context.DeadlineExceeded, gaggle.ErrUncertain}) && !errors.As(err, &remote) {
				t.Errorf("from node %d: %v", i, err)
			}
			cancel()
			if after := <-ended; after > time.Minute {
				t.Errorf("from node %d: the handler's context ended after %v", i, after)
			}
		}
	})
}

func TestMoreCallsThanHandlersThatMayRunAllEnd(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		var running, most, ran atomic.Int32
		calls := f.onLeader("busy", func(context.Context, *gaggle.Leader[string], string) (string, error) {
			ran.Add(1)
			now := running.Add(1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			time.Sleep(time.Second)
			running.Add(-1)
			return "", nil
		})
		var waiting sync.WaitGroup
		for i := range 3000 {
			waiting.Go(func() {
				if _, err := calls[i%2](t.Context(), ""); err != nil {
					t.Error(err)
				}
			})
		}
		waiting.Wait()
		if most.Load() > 1024 || ran.Load() != 3000 {
			t.Errorf("%d handlers ran, at most %d at once", ran.Load(), most.Load())
		}
	})
}

// edgeTally counts how often each call ran.
type edgeTally struct {
	mu  sync.Mutex
	ran map[string]int
}

func (c *edgeTally) count(_ context.Context, _ *gaggle.Leader[string], arg string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ran[arg]++
	return arg, nil
}

func TestACallRunsAtMostOnceThoughMessagesAreLostAndRepeatedAndLeadersChange(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		tally := edgeTally{ran: map[string]int{}}
		calls := make([]func(context.Context, string) (string, error), len(f.nodes))
		for i, n := range f.nodes {
			calls[i] = gaggle.OnLeader(n, "tally", tally.count)
		}
		f.ch.SetFaults(memory.Faults{Drop: 0.1, Duplicate: 0.3, Reorder: 0.1, MaxDelay: 30 * time.Millisecond})
		outcomes := make([]error, 600)
		var waiting sync.WaitGroup
		for i := range outcomes {
			waiting.Go(func() {
				time.Sleep(time.Duration(i) * 20 * time.Millisecond)
				_, outcomes[i] = calls[i%3](t.Context(), fmt.Sprint(i))
			})
		}
		for range 6 { // the leader is cut off again and again
			time.Sleep(2 * time.Second)
			leader, _ := f.leader()
			f.ch.Isolate(leader.ID())
			time.Sleep(2 * time.Second)
			f.ch.Heal()
		}
		waiting.Wait()
		done := 0
		for i, err := range outcomes {
			switch ran := tally.ran[fmt.Sprint(i)]; {
			case err == nil && ran == 1:
				done++
			case errors.Is(err, gaggle.ErrUncertain) && ran <= 1:
			default:
				t.Errorf("call %d ran %d times and ended with %v", i, ran, err)
			}
		}
		if done < len(outcomes)/2 {
			t.Errorf("only %d of %d calls ended well", done, len(outcomes))
		}
	})
}

func TestAHandlersContextAndAppendsEndWhenLeadershipMoves(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		var ran atomic.Int32
		began, appended := make(chan bool, 1), make(chan error, 1)
		leader, _ := f.leader()
		calls := f.onLeader("move", func(ctx context.Context, l *gaggle.Leader[string], _ string) (string, error) {
			ran.Add(1)
			began <- true
			<-ctx.Done()
			_, err := l.Append(context.Background(), "too late")
			appended <- err
			return "", err
		})
		failed := make(chan error)
		go func() {
			_, err := calls[1](context.Background(), "")
			failed <- err
		}()
		<-began
		f.ch.Isolate(leader.ID())
		if err := <-failed; !edgeIs(err, []error{gaggle.ErrUncertain}) {
			t.Errorf("the caller got %v", err)
		}
		if err := <-appended; !edgeIs(err, []error{gaggle.ErrNotLeader}, gaggle.ErrUncertain) {
			t.Errorf("the append got %v", err)
		}
		f.ch.Heal()
		time.Sleep(time.Minute)
		if got := edgeEntries(t, leader); ran.Load() != 1 || len(got) > 0 {
			t.Errorf("the handler ran %d times, in the log are %q", ran.Load(), got)
		}
	})
}

func TestBytesOfCallsAreNotShared(t *testing.T) {
	edgeCluster(t, 1, func(t *testing.T, f *edgeFlock[[]byte]) {
		shared := []byte("result")
		var kept []byte
		call := gaggle.OnLeader(f.nodes[0], "bytes", func(_ context.Context, _ *gaggle.Leader[[]byte], arg []byte) ([]byte, error) {
			kept = arg
			return shared, nil
		})
		mine := []byte("argument")
		got, err := call(t.Context(), mine)
		if err != nil {
			t.Fatal(err)
		}
		copy(mine, "changed")
		copy(shared, "changed")
		if string(kept) != "argument" || string(got) != "result" {
			t.Errorf("the handler has %q, its caller %q", kept, got)
		}
	})
}

func TestALeaderOfAnEarlierTermAppendsNothingThoughItsNodeLeadsAgain(t *testing.T) {
	edgeCluster(t, 3, func(t *testing.T, f *edgeFlock[string]) {
		kept := make(chan *gaggle.Leader[string], 1)
		calls := f.onLeader("keep", func(_ context.Context, l *gaggle.Leader[string], _ string) (string, error) {
			kept <- l
			return "", nil
		})
		if _, err := calls[0](t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		former := <-kept
		f.await("another node leads", func() bool {
			f.ch.Isolate(former.Node().ID())
			leader, _ := f.leader()
			return leader.Status().Term > former.Term()
		})
		f.await("the node leads again", func() bool {
			f.ch.Heal()
			time.Sleep(5 * time.Second)
			leader, _ := f.leader()
			if leader == former.Node() {
				return true
			}
			f.ch.Isolate(leader.ID())
			time.Sleep(5 * time.Second)
			return false
		})
		if _, err := former.Append(t.Context(), "too late"); !edgeIs(err, []error{gaggle.ErrNotLeader}, gaggle.ErrUncertain) {
			t.Errorf("the error is %v", err)
		}
		if got := edgeEntries(t, former.Node()); len(got) > 0 {
			t.Errorf("in the log are %q", got)
		}
	})
}
