package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

func TestARepeatedCallRunsOnce(t *testing.T) {
	f, leader, follower := leads(t, 3)
	ran := f.handle("echo")
	s := spyOn(t, leader)
	m := &wire.Call{ID: 1, Name: "echo", Payload: []byte("x")}
	hear(leader, follower.ID(), m, m)
	confirm(t, leader, s, follower.ID())
	if ran() != 1 {
		t.Fatalf("a call that came twice at once ran %d times", ran())
	}
	leader.Turn()
	if r := taken[*wire.CallReply](s); len(r) != 1 || r[0].Status != wire.CallDone || string(r[0].Payload) != "x" {
		t.Fatalf("the answers are %+v", r)
	}
	hear(leader, follower.ID(), m)
	if ran() != 1 {
		t.Error("a call that came again after its end ran again")
	}
	if r := taken[*wire.CallReply](s); len(r) != 1 || r[0].Status != wire.CallUncertain {
		t.Errorf("the call that came again was answered %+v", r)
	}
}

func TestACallThatWasRefusedDoesNotRunWhenItIsRepeated(t *testing.T) {
	f, leader, follower := leads(t, 3)
	ran := f.handle("echo")
	s := spyOn(t, follower)
	m := &wire.Call{ID: 1, Name: "echo"}
	hear(follower, leader.ID(), m) // it does not lead
	if r := taken[*wire.CallReply](s); len(r) != 1 || r[0].Status != wire.CallNotLeader {
		t.Fatalf("a follower answers %+v", r)
	}
	hear(leader, follower.ID(), &wire.Call{ID: 2, Name: "nobody knows"})
	leader.caller.running.count = maxRunningCalls
	hear(leader, follower.ID(), &wire.Call{ID: 3, Name: "echo"})
	leader.caller.running.count = 0
	if err := leader.Handle("nobody knows", func(context.Context, raft.Term, []byte) ([]byte, error) { panic("it ran") }); err != nil {
		t.Fatal(err)
	}
	// The callers have been told by now, and may have asked anew.
	hear(leader, follower.ID(), &wire.Call{ID: 2, Name: "nobody knows"}, &wire.Call{ID: 3, Name: "echo"})
	if ran() != 0 {
		t.Errorf("a call that was refused ran %d times", ran())
	}
}

func TestAMemberIsAnsweredBeforeAnythingIsApplied(t *testing.T) {
	f := newFlock(t, 3)
	n, other := f.nodes[0], f.nodes[1]
	f.until("the cluster is founded", func() bool { return n.core != nil })
	if n.applied > 0 {
		t.Fatal("something is applied already")
	}
	s := spyOn(t, n)
	hear(n, other.ID(), &wire.Call{ID: 1, Name: "echo"})
	if got := taken[*wire.CallReply](s); len(got) != 1 || got[0].Status != wire.CallNotLeader {
		t.Errorf("the answers are %+v", got)
	}
}

func TestACallOfAStrangerDoesNotRun(t *testing.T) {
	f, leader, _ := leads(t, 3)
	ran := f.handle("echo")
	s := spyOn(t, leader)
	hear(leader, "stranger", &wire.Call{ID: 1, Name: "echo"})
	if got := taken[*wire.CallReply](s); ran() != 0 || len(got) > 0 {
		t.Errorf("the call ran %d times and was answered %+v", ran(), got)
	}
}

func TestTheCallsOfANodeThatIsNoMemberAnyMoreAreForgotten(t *testing.T) {
	f, leader, follower := leads(t, 3)
	ran := f.handle("echo")
	hear(leader, follower.ID(), &wire.Call{ID: 1, Name: "echo"})
	f.settle()
	conf := raft.NewConfiguration([]raft.NodeID{leader.ID()}, nil)
	data, err := conf.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = leader.do(func() { leader.applyConfiguration(&raft.Entry{Type: raft.EntryConfiguration, Data: data}) })
	leader.Turn()
	if _, kept := leader.caller.seen[follower.ID()]; kept {
		t.Error("they are remembered")
	}
	hear(leader, follower.ID(), &wire.Call{ID: 2, Name: "echo"})
	f.settle()
	if ran() != 1 {
		t.Error("its calls still run")
	}
}

func TestTheContextOfAHandlerEndsWithTheLeadership(t *testing.T) {
	f, leader, follower := leads(t, 3)
	began := make(chan raft.Term, 1)
	for _, n := range f.nodes {
		_ = n.Handle("wait", func(ctx context.Context, term raft.Term, _ []byte) ([]byte, error) {
			began <- term
			<-ctx.Done()
			return nil, fmt.Errorf("stopped: %w", context.Cause(ctx))
		})
	}
	s := spyOn(t, leader)
	hear(leader, follower.ID(), &wire.Call{ID: 1, Name: "wait"})
	confirm(t, leader, s, follower.ID())
	if term := <-began; term != leader.Status().Term {
		t.Errorf("the handler was told term %d, the leader is in %d", term, leader.Status().Term)
	}
	pass(leader, 2*leader.config.Raft.ElectionTicksMax) // nobody hears it
	leader.background.Wait()
	leader.Turn()
	if r := taken[*wire.CallReply](s); len(r) != 1 || r[0].Status != wire.CallUncertain {
		t.Errorf("the call was answered %+v", r)
	}
}

func TestAHandlerThatDoesNotReturnIsItsCallersError(t *testing.T) {
	f, leader, _ := leads(t, 1)
	_ = leader.Handle("oops", func(context.Context, raft.Term, []byte) ([]byte, error) { panic("oops") })
	_ = leader.Handle("ended", func(context.Context, raft.Term, []byte) ([]byte, error) {
		runtime.Goexit()
		return nil, nil
	})
	for _, name := range []string{"oops", "ended"} {
		c := calls(leader, name, "")
		f.finish(c)
		var remote *RemoteError
		if !errors.As(c.err, &remote) || !strings.Contains(remote.Text, name) {
			t.Errorf("%s: the error is %v", name, c.err)
		}
		if leader.caller.running != (load{}) {
			t.Errorf("%s: the handler is still counted as running: %+v", name, leader.caller.running)
		}
	}
}

func TestAnAnswerThatIsTooLargeIsAnError(t *testing.T) {
	f, leader, follower := leads(t, 3)
	for _, n := range f.nodes {
		_ = n.Handle("result", func(context.Context, raft.Term, []byte) ([]byte, error) { return make([]byte, MaxValue+1), nil })
		_ = n.Handle("error", func(context.Context, raft.Term, []byte) ([]byte, error) {
			return nil, errors.New(strings.Repeat("no ", MaxValue))
		})
		_ = n.Handle("fits", func(context.Context, raft.Term, []byte) ([]byte, error) { return make([]byte, MaxValue), nil })
	}
	for _, n := range []*Node{leader, follower} {
		result, failure, fits := calls(n, "result", ""), calls(n, "error", ""), calls(n, "fits", "")
		f.finish(result, failure, fits)
		var remote *RemoteError
		if !errors.As(result.err, &remote) || !strings.Contains(remote.Text, ErrTooLarge.Error()) {
			t.Errorf("a result of more than the limit: %.100v", result.err)
		}
		if !errors.As(failure.err, &remote) || !strings.HasPrefix(remote.Text, "no no no") {
			t.Errorf("an error with a long text: %.100v", failure.err)
		}
		if fits.err != nil || len(fits.payload) != MaxValue {
			t.Errorf("a result of just the limit: %d bytes, %v", len(fits.payload), fits.err)
		}
	}
}

func TestAHandlerMayChangeItsResultAfterwards(t *testing.T) {
	f, leader, _ := leads(t, 1)
	shared := []byte("result")
	_ = leader.Handle("share", func(context.Context, raft.Term, []byte) ([]byte, error) { return shared, nil })
	c := calls(leader, "share", "")
	leader.Turn()
	leader.background.Wait() // the handler has returned, and nothing was sent yet
	copy(shared, "changed")
	f.finish(c)
	if string(c.payload) != "result" {
		t.Errorf("the result is %q", c.payload)
	}
}

func TestANameIsRegisteredOnceAndFitsIntoAMessage(t *testing.T) {
	n := newFlock(t, 1).nodes[0]
	nothing := func(context.Context, raft.Term, []byte) ([]byte, error) { return nil, nil }
	for name, ok := range map[string]bool{strings.Repeat("x", wire.MaxName): true, strings.Repeat("x", wire.MaxName+1): false} {
		if err := n.Handle(name, nothing); (err == nil) != ok {
			t.Errorf("a name of %d bytes: %v", len(name), err)
		}
	}
	if err := n.Handle(strings.Repeat("x", wire.MaxName), nothing); err == nil {
		t.Error("a name could be registered twice")
	}
	if _, err := n.Call(t.Context(), strings.Repeat("x", wire.MaxName+1), nil); !errors.Is(err, ErrNoHandler) {
		t.Errorf("a call of too long a name: %v", err)
	}
}

func TestMoreCallsThanMayRunWaitAtTheirCaller(t *testing.T) {
	f, leader, follower := leads(t, 3)
	ran := f.handle("echo")
	leader.caller.running = load{count: maxRunningCalls}
	c := calls(follower, "echo", "x")
	for range 20 {
		f.tick()
	}
	if ran() != 0 {
		t.Fatal("a handler beyond the limit ran")
	}
	leader.caller.running = load{bytes: maxRunningBytes}
	for range 20 {
		f.tick()
	}
	if ran() != 0 {
		t.Fatal("a handler beyond the limit of bytes ran")
	}
	leader.caller.running = load{}
	f.finish(c)
	if c.err != nil || ran() != 1 {
		t.Errorf("when there was room the call returned %v, and ran %d times", c.err, ran())
	}
}

func TestALeaderThatWasDeposedAndDoesNotKnowItRunsNoHandler(t *testing.T) {
	f, old, _ := leads(t, 3)
	ran := f.handle("echo")
	all := f.nodes
	f.nodes = slices.DeleteFunc(slices.Clone(all), func(n *Node) bool { return n == old }) // its process stands still
	f.ch.Isolate(old.ID())
	f.until("another leads", func() bool { return f.leader() != nil })
	local, remote := calls(old, "echo", "x"), &wire.Call{ID: 1, Name: "echo"}
	hear(old, f.nodes[0].ID(), remote)
	if _, _, leader := old.core.Leadership(); leader != old.ID() || ran() > 0 || old.caller.running.count != 2 {
		t.Fatalf("%s leads, and %d of 2 handlers ran, %+v hold places", leader, ran(), old.caller.running)
	}
	f.nodes = all
	f.ch.Heal()
	f.finish(local)
	if !errors.Is(local.err, ErrUncertain) || ran() > 0 {
		t.Errorf("the call ended with %v, and %d handlers ran", local.err, ran())
	}
	f.until("its handlers' places are free", func() bool { return old.caller.running == load{} })
	s := spyOn(t, old)
	hear(old, f.nodes[0].ID(), remote)
	if got := taken[*wire.CallReply](s); len(got) != 1 || got[0].Status != wire.CallNotLeader {
		t.Errorf("one who asks again is told %+v", got)
	}
}

func TestANodeThatClosesBeginsNoHandler(t *testing.T) {
	f, leader, _ := leads(t, 3)
	ran := f.handle("echo")
	f.ch.Isolate(leader.ID())
	c := calls(leader, "echo", "x")
	leader.Turn()
	_ = leader.Close()
	<-c.done
	if !errors.Is(c.err, ErrClosed) || ran() > 0 {
		t.Errorf("the call ended with %v, and the handler ran %d times", c.err, ran())
	}
}

// resultsOf has a leader run a handler for so many calls of a follower, whose results are
// of so many bytes, and returns when all have ended.
func resultsOf(t *testing.T, count, bytes int) (leader *Node, follower raft.NodeID, s *spy) {
	t.Helper()
	_, leader, other := leads(t, 3)
	_ = leader.Handle("make", func(context.Context, raft.Term, []byte) ([]byte, error) { return make([]byte, bytes), nil })
	s = spyOn(t, leader)
	var asked []any
	for id := range count {
		asked = append(asked, &wire.Call{ID: uint64(id) + 1, Name: "make"})
	}
	hear(leader, other.ID(), asked...)
	confirm(t, leader, s, other.ID())
	leader.background.Wait()
	return leader, other.ID(), s
}

func TestResultsAreSentInPortions(t *testing.T) {
	const count = 3*replyBytes/MaxValue + 1
	leader, _, s := resultsOf(t, count, MaxValue)
	got := 0
	for turns := 1; got < count; turns++ {
		if !hasWork(leader) {
			t.Fatalf("after %d results no turn follows", got)
		}
		leader.Turn()
		more := len(taken[*wire.CallReply](s))
		if got += more; more > replyBytes/MaxValue {
			t.Fatalf("turn %d sends %d results", turns, more)
		}
		if held := leader.caller.running; held != (load{count - got, (count - got) * MaxValue}) {
			t.Fatalf("when %d of %d are sent, %+v hold places", got, count, held)
		}
	}
	leader.Turn()
	if k := &leader.caller; len(k.replies) > 0 || len(k.replied) > 0 || leader.inbox.requests != (load{}) {
		t.Errorf("in the end %d results wait, %d are kept, and %+v are open", len(k.replies), len(k.replied), leader.inbox.requests)
	}
}

func TestAResultThatTheChannelRefusesIsSentLater(t *testing.T) {
	leader, follower, s := resultsOf(t, 3, 100)
	s.refuse = channel.ErrBusy
	leader.Turn()
	pass(leader, 5)
	if held := leader.caller.running; held != (load{3, 300}) {
		t.Errorf("while they wait, %+v hold places", held)
	}
	s.refuse = nil
	hear(leader, follower, &wire.Call{ID: 2, Name: "make"}) // who asks again learns nothing new
	if got := taken[*wire.CallReply](s); len(got) > 0 {
		t.Fatalf("sent were %+v", got)
	}
	pass(leader, 1)
	if got := taken[*wire.CallReply](s); len(got) != 3 || len(got[0].Payload) != 100 || leader.caller.running != (load{}) {
		t.Errorf("sent were %d, and %+v hold places", len(got), leader.caller.running)
	}
}

func TestAResultThatNobodyTakesIsGivenUp(t *testing.T) {
	leader, follower, s := resultsOf(t, 3, 100)
	s.refuse = channel.ErrBusy
	patience := replyPatience * leader.config.Raft.ElectionTicksMax
	pass(leader, patience-1) // it steps down meanwhile, which changes nothing
	if held := leader.caller.running; held != (load{3, 300}) {
		t.Errorf("while they wait, %+v hold places", held)
	}
	pass(leader, 2)
	if leader.caller.running != (load{}) || len(leader.caller.replies) > 0 {
		t.Errorf("in the end %+v hold places, and %d wait", leader.caller.running, len(leader.caller.replies))
	}
	s.refuse = nil
	hear(leader, follower, &wire.Call{ID: 2, Name: "make"})
	if got := taken[*wire.CallReply](s); len(got) != 1 || got[0].Status != wire.CallUncertain {
		t.Errorf("one who asks later is told %+v", got)
	}
}

func TestAHandlersUncertaintyIsItsCallers(t *testing.T) {
	f, leader, follower := leads(t, 3)
	for _, n := range f.nodes {
		_ = n.Handle("append", func(context.Context, raft.Term, []byte) ([]byte, error) {
			return nil, fmt.Errorf("appending: %w", n.failure("append", ErrUncertain, ""))
		})
	}
	for _, n := range []*Node{leader, follower} {
		c := calls(n, "append", "")
		if f.finish(c); !errors.Is(c.err, ErrUncertain) {
			t.Errorf("the error is %v", c.err)
		}
	}
}

func TestANodeSendsNoMoreCallsThanALeaderRuns(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	for range maxRunningCalls + 10 {
		calls(follower, "echo", "x")
	}
	follower.Turn()
	sent := taken[*wire.Call](s)
	if len(sent) != maxRunningCalls {
		t.Fatalf("%d calls were sent", len(sent))
	}
	for _, c := range sent[:10] {
		hear(follower, leader.ID(), &wire.CallReply{ID: c.ID})
	}
	if more := taken[*wire.Call](s); len(more) != 10 {
		t.Errorf("after 10 answers %d more were sent", len(more))
	}
}
