package engine

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// calling is a Call under way in a goroutine of its own.
type calling struct {
	cancel  context.CancelFunc
	done    chan struct{}
	payload []byte
	err     error
}

// calls begins a call and returns when the node has it in its inbox.
func calls(n *Node, name, payload string) *calling {
	n.inbox.mu.Lock()
	before := len(n.inbox.in.calls)
	n.inbox.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	c := &calling{cancel: cancel, done: make(chan struct{})}
	go func() {
		c.payload, c.err = n.Call(ctx, name, []byte(payload))
		close(c.done)
	}()
	for has := before; has == before; {
		runtime.Gosched()
		n.inbox.mu.Lock()
		has = len(n.inbox.in.calls)
		n.inbox.mu.Unlock()
	}
	return c
}

// withdraw cancels a call and lets the node take note of it.
func (c *calling) withdraw(n *Node) {
	c.cancel()
	c.wait(n)
}

// wait gives a node turns until the call has ended.
func (c *calling) wait(n *Node) {
	for {
		select {
		case <-c.done:
			return
		default:
			runtime.Gosched()
			if hasWork(n) {
				n.Turn()
			}
		}
	}
}

// handle registers a handler on all nodes that returns its payload, and returns what
// counts how often it ran.
func (f *flock) handle(name string) func() int {
	var mu sync.Mutex
	ran := 0
	for _, n := range f.nodes {
		err := n.Handle(name, func(_ context.Context, _ raft.Term, payload []byte) ([]byte, error) {
			mu.Lock()
			defer mu.Unlock()
			ran++
			return payload, nil
		})
		if err != nil {
			f.t.Fatal(err)
		}
	}
	return func() int {
		for _, n := range f.nodes {
			n.background.Wait()
		}
		mu.Lock()
		defer mu.Unlock()
		return ran
	}
}

// finish lets handlers and messages run until the calls have ended.
func (f *flock) finish(all ...*calling) {
	f.t.Helper()
	f.until("all calls have ended", func() bool {
		for _, n := range f.nodes {
			n.background.Wait()
		}
		f.settle()
		for _, n := range f.nodes {
			if len(n.caller.open) > 0 || len(n.caller.waiting) > 0 {
				return false
			}
		}
		return true
	})
	for _, c := range all {
		<-c.done
		c.cancel()
	}
}

func TestEachCallGetsItsOwnResult(t *testing.T) {
	f, leader, follower := leads(t, 3)
	ran := f.handle("echo")
	var all []*calling
	for i := range 50 {
		all = append(all, calls(follower, "echo", number(i)), calls(leader, "echo", number(1000+i)))
	}
	f.finish(all...)
	for i, c := range all {
		if want := number(i/2 + i%2*1000); c.err != nil || string(c.payload) != want {
			t.Errorf("the call of %s returned %q, %v", want, c.payload, c.err)
		}
	}
	if ran() != len(all) {
		t.Errorf("%d calls ran %d times", len(all), ran())
	}
}

func TestACallWaitsForALeaderAndRunsOnce(t *testing.T) {
	f := newFlock(t, 3)
	ran := f.handle("echo")
	c := calls(f.nodes[0], "echo", "early")
	f.finish(c)
	if c.err != nil || string(c.payload) != "early" || ran() != 1 {
		t.Errorf("the call returned %q, %v and ran %d times", c.payload, c.err, ran())
	}
}

func TestACallWithdrawnBeforeItWasSentDoesNotRun(t *testing.T) {
	f := newFlock(t, 3)
	ran := f.handle("echo")
	early := calls(f.nodes[0], "echo", "1")
	f.nodes[0].Turn()
	early.withdraw(f.nodes[0]) // the node has taken it
	late := calls(f.nodes[0], "echo", "2")
	late.withdraw(f.nodes[0]) // both come in one turn
	for _, c := range []*calling{early, late} {
		if !errors.Is(c.err, context.Canceled) || errors.Is(c.err, ErrUncertain) || !strings.Contains(c.err.Error(), "the handler did not run") {
			t.Errorf("the error is %v", c.err)
		}
	}
	f.until("one node leads", func() bool { return f.leader() != nil })
	f.finish()
	if ran() != 0 {
		t.Error("the handler ran for a caller who was told that it did not")
	}
	if open := f.nodes[0].inbox.requests; open != (load{}) {
		t.Errorf("requests are still counted as open: %+v", open)
	}
}

func TestACallWithdrawnInTheTurnThatTakesItIsNotSent(t *testing.T) {
	_, _, follower := leads(t, 3)
	s := spyOn(t, follower)
	c := calls(follower, "echo", "x")
	c.cancel()
	for withdrawn := false; !withdrawn; runtime.Gosched() {
		follower.inbox.mu.Lock()
		withdrawn = len(follower.inbox.in.tasks) > 0
		follower.inbox.mu.Unlock()
	}
	follower.Turn()
	<-c.done
	wantWithdrawn(t, c.err)
	if sent := taken[*wire.Call](s); len(sent) > 0 {
		t.Errorf("sent is %+v", sent)
	}
}

func TestACallWithdrawnAfterItWasSentIsUncertain(t *testing.T) {
	_, _, follower := leads(t, 3)
	spyOn(t, follower)
	c := calls(follower, "echo", "x")
	follower.Turn()
	c.withdraw(follower)
	if !errors.Is(c.err, ErrUncertain) || !errors.Is(c.err, context.Canceled) {
		t.Errorf("the error is %v", c.err)
	}
}

func TestAResultThatComesWithTheCancellationIsNotLost(t *testing.T) {
	_, leader, follower := leads(t, 3)
	spyOn(t, follower)
	for i := range 20 {
		c := calls(follower, "echo", "x")
		follower.Turn()
		id := follower.caller.ids
		_ = follower.do(func() {
			follower.take(leader.ID(), &wire.CallReply{ID: id, Status: wire.CallDone, Payload: []byte("result")})
		})
		c.cancel() // the withdrawal comes after the answer, in this turn or the next
		c.wait(follower)
		if c.err != nil || string(c.payload) != "result" {
			t.Fatalf("call %d returned %q, %v", i, c.payload, c.err)
		}
	}
}

func TestCallsEndWithTheErrorOfTheLeadersAnswer(t *testing.T) {
	_, leader, follower := leads(t, 3)
	spyOn(t, follower)
	ask := func(status wire.CallStatus, payload string) error {
		c := calls(follower, "echo", "x")
		follower.Turn()
		hear(follower, leader.ID(), &wire.CallReply{ID: follower.caller.ids, Status: status, Payload: []byte(payload)})
		<-c.done
		return c.err
	}
	var remote *RemoteError
	if err := ask(wire.CallFailed, "no eggs"); !errors.As(err, &remote) || *remote != (RemoteError{"echo", "no eggs"}) {
		t.Errorf("failed: %v", err)
	}
	if err := ask(wire.CallUnknown, ""); !errors.Is(err, ErrNoHandler) {
		t.Errorf("unknown: %v", err)
	}
	if err := ask(wire.CallUncertain, "ended"); !errors.Is(err, ErrUncertain) {
		t.Errorf("uncertain: %v", err)
	}
}

// A handler that its context has ended returns an error because of that, and whether the
// caller or the handler is first must make no difference to errors.Is.
func TestTheErrorOfAHandlerThatRanOutOfTimeIsAlsoThatOfTheContext(t *testing.T) {
	_, leader, follower := leads(t, 3)
	spyOn(t, follower)
	for range 20 {
		c := calls(follower, "echo", "x")
		follower.Turn()
		id := follower.caller.ids
		_ = follower.do(func() {
			follower.take(leader.ID(), &wire.CallReply{ID: id, Status: wire.CallFailed, Payload: []byte("late")})
		})
		c.cancel()
		c.wait(follower)
		var remote *RemoteError
		if !errors.As(c.err, &remote) || !errors.Is(c.err, context.Canceled) {
			t.Fatalf("the error is %v", c.err)
		}
	}
}

func TestOnlyTheLeadersAnswerCounts(t *testing.T) {
	_, leader, follower := leads(t, 3)
	spyOn(t, follower)
	c := calls(follower, "echo", "x")
	follower.Turn()
	id := follower.caller.ids
	hear(follower, "stranger", &wire.CallReply{ID: id, Payload: []byte("wrong")})
	hear(follower, leader.ID(), &wire.CallReply{ID: id + 1, Payload: []byte("wrong")})
	hear(follower, leader.ID(), &wire.CallReply{ID: id, Payload: []byte("right")})
	if <-c.done; c.err != nil || string(c.payload) != "right" {
		t.Errorf("the call returned %q, %v", c.payload, c.err)
	}
}

func TestARefusedCallIsSentAgainUnderANewNumber(t *testing.T) {
	for _, status := range []wire.CallStatus{wire.CallNotLeader, wire.CallBusy} {
		_, leader, follower := leads(t, 3)
		s := spyOn(t, follower)
		c := calls(follower, "echo", "x")
		follower.Turn()
		first := taken[*wire.Call](s)
		hear(follower, leader.ID(), &wire.CallReply{ID: first[0].ID, Status: status})
		if again := taken[*wire.Call](s); len(again) > 0 {
			t.Errorf("%v: it was sent again at once", status)
		}
		wait := 1
		if status == wire.CallBusy {
			wait = follower.config.Raft.HeartbeatTicks
		}
		pass(follower, wait-1)
		if again := taken[*wire.Call](s); len(again) > 0 {
			t.Errorf("%v: it was sent again too soon", status)
		}
		pass(follower, 1)
		again := taken[*wire.Call](s)
		if len(again) != 1 || again[0].ID == first[0].ID || string(again[0].Payload) != "x" {
			t.Fatalf("%v: sent again was %+v", status, again)
		}
		hear(follower, leader.ID(), &wire.CallReply{ID: again[0].ID})
		if <-c.done; c.err != nil {
			t.Errorf("%v: the call ended with %v", status, c.err)
		}
	}
}

func TestACallThatIsNotAnsweredIsSentAgainUnderItsNumber(t *testing.T) {
	_, leader, follower := leads(t, 3)
	patience := follower.config.Raft.ElectionTicksMax
	s := spyOn(t, follower)
	c := calls(follower, "echo", "x")
	follower.Turn()
	first := taken[*wire.Call](s)
	for range patience {
		// The core hears its leader.
		hear(follower, leader.ID(), &raft.Message{From: leader.ID(), To: follower.ID(), Term: follower.Status().Term, Body: &raft.Heartbeat{}})
		pass(follower, 1)
	}
	again := taken[*wire.Call](s)
	if len(first) != 1 || len(again) != 1 || again[0].ID != first[0].ID {
		t.Fatalf("sent were %+v and then %+v", first, again)
	}
	hear(follower, leader.ID(), &wire.CallReply{ID: first[0].ID, Payload: []byte("y")})
	if <-c.done; c.err != nil || string(c.payload) != "y" {
		t.Errorf("the call returned %q, %v", c.payload, c.err)
	}
}

func TestACallIsUncertainWhenItsLeaderIsSucceeded(t *testing.T) {
	f, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	c := calls(follower, "echo", "x")
	follower.Turn()
	s.sent = nil
	other := f.other(leader, follower)
	hear(follower, other.ID(), &raft.Message{From: other.ID(), To: follower.ID(), Term: follower.Status().Term + 1, Body: &raft.Heartbeat{}})
	if <-c.done; !errors.Is(c.err, ErrUncertain) {
		t.Errorf("the error is %v", c.err)
	}
	if again := taken[*wire.Call](s); len(again) > 0 {
		t.Errorf("the next leader was asked too: %+v", again)
	}
}

func TestACallThatTheChannelRefusesIsSentLater(t *testing.T) {
	_, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	s.refuse = channel.ErrBusy
	c := calls(follower, "echo", "x")
	follower.Turn()
	s.refuse = nil
	pass(follower, follower.config.Raft.HeartbeatTicks)
	sent := taken[*wire.Call](s)
	if len(sent) != 1 {
		t.Fatalf("sent was %+v", sent)
	}
	hear(follower, leader.ID(), &wire.CallReply{ID: sent[0].ID})
	if <-c.done; c.err != nil {
		t.Errorf("the call ended with %v", c.err)
	}
}
