package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A RemoteError is the error that a handler returned, as text.
type RemoteError struct {
	// Call is the name of the handler.
	Call string
	// Text is what the error said on the leader.
	Text string
}

func (e *RemoteError) Error() string { return e.Call + ": " + e.Text }

// call is one Call under way.
type call struct {
	id      uint64
	name    string
	payload []byte
	timeout uint64 // in milliseconds; 0 is none
	done    chan callResult
	// sent says how often the leader was sent it; if ever, its outcome is uncertain
	// until the leader answers. sentAt is when, in ticks.
	sent   int
	sentAt uint64
	// ended: it was answered, or withdrawn.
	ended bool
	// nested: a handler of this node made it, and waits for it in its own place.
	nested bool
}

type callResult struct {
	payload []byte
	err     error
}

// caller sees this node's calls through, and runs those of others while it leads.
// Only turns touch it.
type caller struct {
	waiting   []*call
	open      map[uint64]*call
	ids       uint64
	leader    raft.NodeID
	term      raft.Term
	notBefore uint64
	// leading is the context of the present leadership's handlers.
	leading     context.Context
	endLeading  context.CancelFunc
	leadingTerm raft.Term
	// running are the calls whose handlers run, with their payloads, or whose results
	// wait to be sent, with those too.
	running load
	// replies are the results that wait, from the tick replyAfter on; replied are those
	// that this turn sends.
	replies, replied []*callEnd
	replyAfter       uint64
	// seen are the calls that other nodes have made here.
	seen map[raft.NodeID]*callsSeen
}

// Call runs a handler on the leader, whichever node that is, at most once, and returns
// its result. It waits for a leader, and for one that has committed in its term.
// Errors: *RemoteError if the handler returned one; ErrNoHandler, ErrTooLarge,
// ErrBusy, ErrStandby, ErrClosed; ErrUncertain if the handler may have run.
func (n *Node) Call(ctx context.Context, name string, payload []byte) ([]byte, error) {
	if len(payload) > MaxValue {
		return nil, n.tooLarge("call", len(payload))
	}
	if len(name) > wire.MaxName {
		return nil, n.failure("call", ErrNoHandler, "no handler can have so long a name")
	}
	if ctx.Err() != nil {
		return nil, n.failure("call", ctx.Err(), "the handler did not run")
	}
	c := &call{
		name: name, payload: slices.Clone(payload), done: make(chan callResult, 1),
		nested: ctx.Value(handlerOf{}) == n,
	}
	if due, ok := ctx.Deadline(); ok {
		c.timeout = uint64(max(time.Until(due).Milliseconds(), 1))
	}
	err := n.inbox.putRequest(len(payload), func(in *input) { in.calls = append(in.calls, c) })
	if err != nil {
		return nil, n.failure("call", err, "")
	}
	var r callResult
	select {
	case r = <-c.done:
	case <-ctx.Done():
		r = n.cancelCall(ctx, c)
	}
	if remote, ok := r.err.(*RemoteError); ok && ctx.Err() != nil { //nolint:errorlint // made by callReplied
		// The handler's context has ended too, so that this may be why.
		r.err = fmt.Errorf("%w (%w)", remote, ctx.Err())
	}
	return r.payload, r.err
}

// cancelCall withdraws a call, and says whether it may have run. If it has been answered
// in the meantime, that counts. A node that stops answers it too.
func (n *Node) cancelCall(ctx context.Context, c *call) callResult {
	_ = n.do(func() {
		if c.sent > 0 {
			n.endCall(c, callResult{err: n.failure("call", errors.Join(ErrUncertain, ctx.Err()), "the handler ran once or not at all")})
		} else {
			n.endCall(c, callResult{err: n.gaveUp("call", ctx.Err(), "the handler did not run")})
		}
	})
	return <-c.done
}

// endCall answers a call once.
func (n *Node) endCall(c *call, r callResult) {
	delete(n.caller.open, c.id)
	if !c.ended {
		c.ended = true
		c.done <- r
		n.settledRequests.add(len(c.payload))
	}
}

// pumpCalls sends the calls that wait to the leader.
func (n *Node) pumpCalls() {
	k := &n.caller
	_, term, leader := n.core.Leadership()
	if leader != raft.None && (leader != k.leader || term != k.term) {
		k.leader, k.term, k.notBefore = leader, term, 0
		n.loseCalls()
	}
	if leader == raft.None || n.now < k.notBefore {
		return
	}
	waiting := k.waiting
	k.waiting = nil
	for i, c := range waiting {
		if len(k.open) >= maxRunningCalls && !c.nested {
			// The leader would not run more. Those that are refused meanwhile come first.
			k.waiting = append(k.waiting, waiting[i:]...)
			break
		}
		if c.ended {
			continue
		}
		k.ids++
		c.id = k.ids
		k.open[c.id] = c
		n.sendCall(c)
	}
}

func (n *Node) sendCall(c *call) {
	c.sent++
	c.sentAt = n.now
	m := &wire.Call{ID: c.id, Name: c.name, Timeout: c.timeout, Payload: c.payload}
	if n.caller.leader == n.config.ID {
		n.called(n.config.ID, m, c.nested)
	} else {
		n.post(n.caller.leader, m)
	}
}

// tickCalls asks a leader elsewhere again what it has not answered for a while, with
// growing patience: the handler may still run, or a message was lost.
func (n *Node) tickCalls() {
	k := &n.caller
	k.waiting = slices.DeleteFunc(k.waiting, func(c *call) bool { return c.ended })
	if k.leader == n.config.ID || k.leader == raft.None {
		return
	}
	for _, c := range k.inOrder(func(c *call) bool {
		patience := uint64(n.config.Raft.ElectionTicksMax) << min(c.sent-1, maxRetryDoublings)
		return n.now-c.sentAt >= patience
	}) {
		n.sendCall(c)
	}
}

// askAgain lets the next tick send again what the leader may not have got.
func (k *caller) askAgain() {
	for _, c := range k.open {
		c.sentAt = 0
	}
}

// inOrder lists some of the calls that the leader has, in the order they were made.
func (k *caller) inOrder(which func(*call) bool) []*call {
	var some []*call
	for _, c := range k.open {
		if which(c) {
			some = append(some, c)
		}
	}
	slices.SortFunc(some, func(a, b *call) int { return cmp.Compare(a.id, b.id) })
	return some
}

// loseCalls answers the calls that a leader had and will not answer.
func (n *Node) loseCalls() {
	for _, c := range n.caller.inOrder(func(*call) bool { return true }) {
		n.endCall(c, callResult{err: n.failure("call", ErrUncertain, "the leader changed; the handler ran once or not at all")})
	}
}

// callReplied is the leader's answer to a call of this node.
func (n *Node) callReplied(from raft.NodeID, r *wire.CallReply) {
	k := &n.caller
	c := k.open[r.ID]
	if c == nil || from != k.leader {
		return
	}
	switch r.Status {
	case wire.CallDone:
		n.endCall(c, callResult{payload: r.Payload})
	case wire.CallFailed:
		n.endCall(c, callResult{err: &RemoteError{Call: c.name, Text: string(r.Payload)}})
	case wire.CallUnknown:
		n.endCall(c, callResult{err: n.failure("call", fmt.Errorf("%w: %q", ErrNoHandler, c.name), "register it on every node before the first call")})
	case wire.CallUncertain:
		why := "the handler ran once, or the call is too old to tell; its result is lost"
		if len(r.Payload) > 0 {
			why = "the handler ran, and ended with: " + string(r.Payload)
		}
		n.endCall(c, callResult{err: n.failure("call", ErrUncertain, why)})
	case wire.CallNotLeader:
		k.putBack(c, n.now+1)
	case wire.CallBusy:
		k.putBack(c, n.now+uint64(n.config.Raft.HeartbeatTicks))
	}
}

// await lets a call wait for the leader. Nested ones come first, as others may wait for
// places that only they can free.
func (k *caller) await(c *call) {
	if c.nested {
		k.waiting = slices.Insert(k.waiting, 0, c)
	} else {
		k.waiting = append(k.waiting, c)
	}
}

// putBack lets a call that was not run wait for the leader again.
func (k *caller) putBack(c *call, notBefore uint64) {
	delete(k.open, c.id)
	c.sent = 0
	k.await(c)
	k.notBefore = notBefore
}
