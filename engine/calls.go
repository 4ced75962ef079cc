package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// maxRunningCalls is how many handlers run at once on a leader; further calls wait
// at their callers.
const maxRunningCalls = 1024

// A Handler runs on the leader for a call from any node. term is the term in which
// this node leads; the context ends when that leadership does, or when the caller has
// stopped to wait.
type Handler func(ctx context.Context, term raft.Term, payload []byte) ([]byte, error)

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
	// sent: the leader has it; its outcome is uncertain until it answers.
	sent bool
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
	running     int
	// seen are the calls that other nodes have made here.
	seen map[raft.NodeID]*callsSeen
}

// Handle registers the handler of a name. Every node should have the same handlers,
// before it calls any: whichever leads will run them.
func (n *Node) Handle(name string, h Handler) error {
	n.handlersMu.Lock()
	defer n.handlersMu.Unlock()
	if _, ok := n.handlers[name]; ok {
		return n.failure("handle", fmt.Errorf("there is a handler %q already", name), "")
	}
	n.handlers[name] = h
	return nil
}

// Call runs a handler on the leader, whichever node that is, at most once, and returns
// its result. It waits for a leader, and for one that has committed in its term.
// Errors: *RemoteError if the handler returned one; ErrNoHandler, ErrTooLarge,
// ErrBusy, ErrStandby, ErrClosed; ErrUncertain if the handler may have run.
func (n *Node) Call(ctx context.Context, name string, payload []byte) ([]byte, error) {
	if len(payload) > MaxValue {
		return nil, n.failure("call", ErrTooLarge, "")
	}
	c := &call{name: name, payload: payload, done: make(chan callResult, 1)}
	if due, ok := ctx.Deadline(); ok {
		c.timeout = uint64(max(time.Until(due).Milliseconds(), 1))
	}
	err := n.inbox.put(func(in *input) error {
		if len(in.calls) >= maxWaitingRequests {
			return ErrBusy
		}
		in.calls = append(in.calls, c)
		return nil
	})
	if err != nil {
		return nil, n.failure("call", err, "")
	}
	select {
	case r := <-c.done:
		return r.payload, r.err
	case <-ctx.Done():
		return nil, n.cancelCall(ctx, c)
	}
}

// cancelCall withdraws a call, and says whether it may have run.
func (n *Node) cancelCall(ctx context.Context, c *call) error {
	answer := make(chan callResult, 1)
	err := n.inbox.put(func(in *input) error {
		in.tasks = append(in.tasks, func() {
			if c.sent {
				n.endCall(c, callResult{err: n.failure("call", errors.Join(ErrUncertain, ctx.Err()), "the handler ran once or not at all")})
			} else {
				n.endCall(c, callResult{err: n.gaveUp("call", ctx.Err(), "the handler did not run")})
			}
			answer <- callResult{}
		})
		return nil
	})
	if err != nil {
		return (<-c.done).err
	}
	select {
	case <-answer:
	case <-n.stopped:
	}
	return (<-c.done).err
}

// endCall answers a call once.
func (n *Node) endCall(c *call, r callResult) {
	delete(n.caller.open, c.id)
	select {
	case c.done <- r:
	default:
	}
}

// pumpCalls sends the calls that wait to the leader.
func (n *Node) pumpCalls() {
	k := &n.caller
	_, term, leader := n.core.Leadership()
	if leader != raft.None && (leader != k.leader || term != k.term) {
		k.leader, k.term, k.notBefore = leader, term, 0
		n.loseCalls("the leader changed while it ran")
	}
	if leader == raft.None || n.now < k.notBefore {
		return
	}
	waiting := k.waiting
	k.waiting = nil
	for _, c := range waiting {
		if len(c.done) > 0 {
			continue
		}
		k.ids++
		c.id, c.sent = k.ids, true
		k.open[c.id] = c
		m := &wire.Call{ID: c.id, Name: c.name, Timeout: c.timeout, Payload: c.payload}
		if leader == n.config.ID {
			n.called(n.config.ID, m)
		} else {
			n.post(leader, m)
		}
	}
}

// loseCalls answers the calls that a leader had and will not answer.
func (n *Node) loseCalls(why string) {
	for _, c := range n.caller.open {
		n.endCall(c, callResult{err: n.failure("call", ErrUncertain, why+"; the handler ran once or not at all")})
	}
}

// called is a call that this node should run, as the leader.
func (n *Node) called(from raft.NodeID, m *wire.Call) {
	k := &n.caller
	reply := func(status wire.CallStatus) { n.replyCall(from, &wire.CallReply{ID: m.ID, Status: status}) }
	n.handlersMu.Lock()
	h := n.handlers[m.Name]
	n.handlersMu.Unlock()
	switch {
	case k.leading == nil:
		reply(wire.CallNotLeader)
		return
	case h == nil:
		reply(wire.CallUnknown)
		return
	case k.running >= maxRunningCalls:
		reply(wire.CallBusy)
		return
	case !n.mayRun(from, m.ID):
		return
	}
	k.running++
	ctx, cancel := k.leading, func() {}
	if m.Timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(m.Timeout)*time.Millisecond)
	}
	term := k.leadingTerm
	n.background.Go(func() {
		defer cancel()
		r := n.runHandler(ctx, h, term, m)
		_ = n.inbox.put(func(in *input) error {
			in.tasks = append(in.tasks, func() {
				k.running--
				n.replyCall(from, r)
			})
			return nil
		})
	})
}

// runHandler runs a handler; its panic is the caller's error, not the end of the
// process.
func (n *Node) runHandler(ctx context.Context, h Handler, term raft.Term, m *wire.Call) (r *wire.CallReply) {
	r = &wire.CallReply{ID: m.ID, Status: wire.CallDone}
	defer func() {
		if p := recover(); p != nil {
			n.log.Error("a leader handler panicked", slog.String("call", m.Name), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			r.Status, r.Payload = wire.CallFailed, fmt.Appendf(nil, "the handler panicked: %v", p)
		}
	}()
	result, err := h(ctx, term, m.Payload)
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errLeadershipEnded):
		r.Status, r.Payload = wire.CallUncertain, []byte(err.Error())
	case err != nil:
		r.Status, r.Payload = wire.CallFailed, []byte(err.Error())
	case len(result) > MaxValue:
		r.Status, r.Payload = wire.CallFailed, []byte(ErrTooLarge.Error())
	default:
		r.Payload = result
	}
	return r
}

// errLeadershipEnded is why a handler's context ends with its leader.
var errLeadershipEnded = errors.New("leadership ended")

func (n *Node) replyCall(to raft.NodeID, r *wire.CallReply) {
	if to == n.config.ID {
		n.callReplied(to, r)
	} else {
		n.post(to, r)
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
		n.endCall(c, callResult{err: n.failure("call", ErrUncertain, "the leader stepped down while the handler ran: "+string(r.Payload))})
	case wire.CallNotLeader, wire.CallBusy:
		k.putBack(c, n.now+1)
	}
}

// putBack lets a call that was not run wait for the leader again.
func (k *caller) putBack(c *call, notBefore uint64) {
	delete(k.open, c.id)
	c.sent = false
	k.waiting = append(k.waiting, c)
	k.notBefore = notBefore
}

// callWindow is how far behind a node's latest call another one of it may be and still
// be run.
const callWindow = 1 << 12

// callsSeen are the calls of one node that this one has been asked to run. A channel may
// repeat a message, also long after; a handler must not run twice for it.
type callsSeen struct {
	latest uint64
	ids    map[uint64]struct{}
}

// first reports whether a call is seen for the first time. One that is too old to tell
// is not.
func (s *callsSeen) first(id uint64) bool {
	if _, seen := s.ids[id]; seen || id+callWindow <= s.latest {
		return false
	}
	s.latest = max(s.latest, id)
	s.ids[id] = struct{}{}
	if len(s.ids) > 2*callWindow {
		for old := range s.ids {
			if old+callWindow <= s.latest {
				delete(s.ids, old)
			}
		}
	}
	return true
}

// mayRun reports whether a call of another node is not one that was run before. Only
// members may call, which bounds what has to be remembered.
func (n *Node) mayRun(from raft.NodeID, id uint64) bool {
	if from == n.config.ID {
		return true
	}
	s := n.caller.seen[from]
	if s == nil {
		if !n.sessions.members.Member(from) {
			return false
		}
		s = &callsSeen{ids: map[uint64]struct{}{}}
		n.caller.seen[from] = s
	}
	return s.first(id)
}

// followLeadership starts and ends the context that handlers run in. Handlers only run
// once this leader has committed in its own term, so they see all that was
// acknowledged before.
func (n *Node) followLeadership() {
	k := &n.caller
	_, term, _ := n.core.Leadership()
	leads := n.core.LeadsSettled()
	if k.leading != nil && (!leads || term != k.leadingTerm) {
		k.endLeading()
		k.leading, k.endLeading = nil, nil
	}
	if k.leading == nil && leads {
		ctx, cancel := context.WithCancelCause(context.Background())
		k.leading, k.endLeading = ctx, func() { cancel(errLeadershipEnded) }
		k.leadingTerm = term
	}
}
