package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// maxRunningCalls and maxRunningBytes are how many handlers run at once on a leader, and
// how large their payloads may be together; further calls wait at their callers.
const (
	maxRunningCalls = 1024
	maxRunningBytes = 64 << 20
)

// A Handler runs on the leader for a call from any node. term is the term in which
// this node leads; the context ends when that leadership does, or when as much time has
// passed as the caller's deadline left when it called.
type Handler func(ctx context.Context, term raft.Term, payload []byte) ([]byte, error)

// Handle registers the handler of a name. Every node should have the same handlers,
// before it calls any: whichever leads will run them.
func (n *Node) Handle(name string, h Handler) error {
	if len(name) > wire.MaxName {
		return n.failure("handle", fmt.Errorf("the name %.32q… has %d bytes, the most is %d", name, len(name), wire.MaxName), "")
	}
	n.handlersMu.Lock()
	defer n.handlersMu.Unlock()
	if _, ok := n.handlers[name]; ok {
		return n.failure("handle", fmt.Errorf("there is a handler %q already", name), "")
	}
	n.handlers[name] = h
	return nil
}

// called is a call that this node should run, as the leader.
func (n *Node) called(from raft.NodeID, m *wire.Call) {
	k := &n.caller
	seen := n.callsOf(from)
	if seen == nil {
		return
	}
	reply := func(status wire.CallStatus) { n.replyCall(from, &wire.CallReply{ID: m.ID, Status: status}) }
	refuse := func(status wire.CallStatus) {
		seen.note(m.ID, callRefused)
		reply(status)
	}
	n.handlersMu.Lock()
	h := n.handlers[m.Name]
	n.handlersMu.Unlock()
	state := seen.state(m.ID)
	switch {
	case state == callRunning:
	case state == callRan:
		reply(wire.CallUncertain)
	case k.leading == nil || state == callRefused:
		// What was refused once stays refused: its caller may have asked anew.
		refuse(wire.CallNotLeader)
	case h == nil:
		refuse(wire.CallUnknown)
	case k.running.count >= maxRunningCalls || k.running.bytes+len(m.Payload) > maxRunningBytes:
		refuse(wire.CallBusy)
	default:
		n.startHandler(from, seen, h, m)
	}
}

// startHandler runs a handler beside the turns.
func (n *Node) startHandler(from raft.NodeID, seen *callsSeen, h Handler, m *wire.Call) {
	k := &n.caller
	seen.note(m.ID, callRunning)
	size := len(m.Payload)
	k.running.add(size)
	ctx, cancel := k.leading, func() {}
	if m.Timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(m.Timeout)*time.Millisecond)
	}
	term := k.leadingTerm
	n.background.Go(func() {
		defer cancel()
		r := &wire.CallReply{ID: m.ID, Status: wire.CallFailed, Payload: []byte("the handler ended its goroutine")}
		defer func() {
			_ = n.do(func() {
				k.running.sub(load{1, size})
				seen.note(m.ID, callRan)
				n.replyCall(from, r)
			})
		}()
		n.runHandler(ctx, h, term, m, r)
	})
}

// runHandler runs a handler and fills in the reply. A panic is the caller's error, not
// the end of the process.
func (n *Node) runHandler(ctx context.Context, h Handler, term raft.Term, m *wire.Call, r *wire.CallReply) {
	defer func() {
		if p := recover(); p != nil {
			n.log.Error("a leader handler panicked", slog.String("call", m.Name), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			r.Status, r.Payload = wire.CallFailed, textOf(fmt.Errorf("the handler panicked: %v", p))
		}
	}()
	result, err := h(ctx, term, m.Payload)
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errLeadershipEnded):
		r.Status, r.Payload = wire.CallUncertain, textOf(err)
	case err != nil:
		r.Status, r.Payload = wire.CallFailed, textOf(err)
	case len(result) > MaxValue:
		r.Status, r.Payload = wire.CallFailed, textOf(ErrTooLarge)
	default:
		r.Status, r.Payload = wire.CallDone, slices.Clone(result) // the handler may go on using it
	}
}

// textOf is what an error says, as far as it fits into an answer.
func textOf(err error) []byte {
	text := err.Error()
	return []byte(text[:min(len(text), wire.MaxCallPayload)])
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

// followLeadership starts and ends the context that handlers run in. Handlers only run
// once this leader has committed in its own term, and readers of its feed see what it
// had committed then, so they see all that was acknowledged before.
func (n *Node) followLeadership() {
	k := &n.caller
	_, term, _ := n.core.Leadership()
	leads := n.core.LeadsSettled()
	if leads && k.settledTerm != term {
		k.settledTerm, k.settledAt = term, n.core.Commit()
	}
	leads = leads && n.feedApplied >= k.settledAt
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
