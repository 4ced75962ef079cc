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
// how large their payloads, and the results that could not be sent yet, may be together
// for another to begin; further calls wait at their callers. The calls that handlers
// make themselves begin beyond that, as handlers wait for them.
const (
	maxRunningCalls = 1024
	maxRunningBytes = 64 << 20
	// replyBytes is how much of results a turn sends: little enough to be on time for
	// everything else.
	replyBytes = 4 << 20
	// replyPatience is how long a result is kept that the channel does not take, in
	// longest election timeouts.
	replyPatience = 8
)

// A Handler runs on the leader for a call from any node. term is the term in which
// this node leads; the context ends when that leadership does, or when as much time has
// passed as the caller's deadline left when it called.
type Handler func(ctx context.Context, term raft.Term, payload []byte) ([]byte, error)

// Handle registers the handler of a name. Every node should have the same handlers,
// before it calls any: whichever leads will run them.
func (n *Node) Handle(name string, h Handler) error {
	if len(name) > wire.MaxName {
		return n.failure("handle", fmt.Errorf("the name %.32q… has %d bytes, the most is %d", name, len(name), wire.MaxName), "register it under a shorter one")
	}
	n.handlersMu.Lock()
	defer n.handlersMu.Unlock()
	if _, ok := n.handlers[name]; ok {
		return n.failure("handle", fmt.Errorf("there is a handler %q already", name), "register a name once on a node, and use what that returned")
	}
	n.handlers[name] = h
	return nil
}

// handlerOf is the key of the node in the context of a handler that it runs.
type handlerOf struct{}

// called is a call that this node should run, as the leader; nested says that one of its
// handlers made it.
func (n *Node) called(from raft.NodeID, m *wire.Call, nested bool) {
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
	case !nested && (k.running.count >= maxRunningCalls || k.running.bytes+len(m.Payload) > maxRunningBytes):
		refuse(wire.CallBusy)
	default:
		n.startHandler(from, seen, h, m)
	}
}

// startHandler runs a handler beside the turns, after a read barrier: so it sees all that
// was acknowledged before, and a leader that was deposed and does not know it runs none.
func (n *Node) startHandler(from raft.NodeID, seen *callsSeen, h Handler, m *wire.Call) {
	k := &n.caller
	seen.note(m.ID, callRunning)
	k.running.add(len(m.Payload))
	ctx, cancel := k.leading, func() {}
	if m.Timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(m.Timeout)*time.Millisecond)
	}
	term := k.leadingTerm
	end := &callEnd{from: from, seen: seen, reply: &wire.CallReply{ID: m.ID, Status: wire.CallNotLeader}, size: len(m.Payload)}
	begin := func(err error) {
		if err != nil || ctx.Err() != nil { // another leader may have answered the read
			cancel()
			_ = n.do(func() { n.handlerEnded(end) })
			return
		}
		n.background.Go(func() {
			defer cancel()
			defer func() { _ = n.do(func() { n.handlerEnded(end) }) }()
			end.reply.Status, end.reply.Payload = wire.CallFailed, []byte("the handler ended its goroutine")
			n.runHandler(ctx, h, term, m, end.reply)
		})
	}
	n.reader.waiting = append(n.reader.waiting, &readWaiter{begin: begin})
}

// callEnd is a call whose handler has ended, or will not run.
type callEnd struct {
	from  raft.NodeID
	seen  *callsSeen
	reply *wire.CallReply
	// size is what it counts for; since is the tick in which it ended.
	size  int
	since uint64
}

// handlerEnded lets the reply wait for its turn. It keeps the call's place until then.
func (n *Node) handlerEnded(e *callEnd) {
	k := &n.caller
	e.size += len(e.reply.Payload)
	k.running.bytes += len(e.reply.Payload)
	e.since = n.now
	k.replies = append(k.replies, e)
}

// pumpReplies sends replies, some in each turn.
func (n *Node) pumpReplies() {
	k := &n.caller
	clear(k.replied)
	k.replied = k.replied[:0]
	if n.now < k.replyAfter {
		return
	}
	sent, bytes := 0, 0
	for ; sent < len(k.replies) && bytes < replyBytes; sent++ {
		e := k.replies[sent]
		k.running.sub(load{1, e.size})
		state := callRan
		if e.reply.Status == wire.CallNotLeader {
			state = callRefused
		}
		e.seen.note(e.reply.ID, state)
		bytes += len(e.reply.Payload)
		k.replied = append(k.replied, e)
		n.replyCall(e.from, e.reply)
	}
	k.replies = slices.Delete(k.replies, 0, sent)
	if len(k.replies) > 0 {
		_ = n.do(func() {}) // another turn follows
	}
}

// takeBackReply keeps a result that the channel did not take for the next tick, for a
// while: without it, its caller could not know what came of the call.
func (n *Node) takeBackReply(r *wire.CallReply) {
	k := &n.caller
	i := slices.IndexFunc(k.replied, func(e *callEnd) bool { return e.reply == r })
	if i < 0 {
		return // it is small, and follows again when the caller asks again
	}
	e := k.replied[i]
	if n.now-e.since >= replyPatience*uint64(n.config.Raft.ElectionTicksMax) {
		return
	}
	e.seen.note(r.ID, callRunning)
	k.running.add(e.size)
	k.replies = append(k.replies, e)
	k.replyAfter = n.now + 1
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
	result, err := h(context.WithValue(ctx, handlerOf{}, n), term, m.Payload)
	switch {
	case err != nil && (errors.Is(err, ErrUncertain) || errors.Is(context.Cause(ctx), errLeadershipEnded)):
		r.Status, r.Payload = wire.CallUncertain, textOf(err)
	case err != nil:
		r.Status, r.Payload = wire.CallFailed, textOf(err)
	case len(result) > MaxValue:
		r.Status, r.Payload = wire.CallFailed, textOf(fmt.Errorf("the result: %w: %s", ErrTooLarge, sizeHint(len(result))))
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
// once this leader has committed in its own term.
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
