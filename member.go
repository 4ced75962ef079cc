package gaggle

import (
	"context"
	"errors"
	"iter"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/trace"
)

// A member is what Node and Replica have in common.
type member struct {
	engine *engine.Node
	codec  Codec
	trace  *trace.Writer // nil if there is none
}

// join makes a member, with a state machine or none, and attaches it to a channel. The
// function it is for is named in errors.
func join(ctx context.Context, function string, ch channel.Channel, options []Option, machine func(Codec) engine.Machine) (member, error) {
	s, err := newSettings(function, ch, options)
	if err != nil {
		return member{}, err
	}
	e, tracer, err := s.join(ctx.Err(), ch, machine(s.codec))
	if err != nil {
		return member{}, err
	}
	return member{e, s.codec, tracer}, nil
}

// Ready returns when the node is a member of its cluster and knows a leader. Nothing
// needs it: calls wait by themselves. It returns nil if that is so already, though the
// context has ended.
// Errors: that of the context, with what the node is waiting for as the hint; ErrStandby
// if the cluster has all its members; ErrClosed.
func (n *member) Ready(ctx context.Context) error { return n.engine.Ready(ctx) }

// Status says how the node stands as of a moment ago. It does not wait, and may be
// called when the node is closed.
func (n *member) Status() Status { return n.engine.Status() }

// Watch yields what happens to the node from the call of Watch on, until the context
// ends or the node is closed. Events wait for the loop, 1,024 at most: beyond that the
// oldest go, and Missed says how many. Of several Committed in a row, the last is kept.
//
// There can be one loop over what it returns, which ends the watching. If there is none,
// the events are kept until the context ends, so a Watch that may not be looped over needs
// a context that does.
func (n *member) Watch(ctx context.Context) iter.Seq[Event] {
	w := n.engine.Watch()
	release := context.AfterFunc(ctx, w.Stop)
	return func(yield func(Event) bool) {
		defer w.Stop()
		defer release()
		for {
			e, ok := w.Next(ctx)
			if !ok || !yield(e) {
				return
			}
		}
	}
}

// ID is the node's identity: its name, "#", and a part that is new at each start. It is
// how status, events, errors and the faults of channel/memory refer to the node.
func (n *member) ID() NodeID { return n.engine.ID() }

// Close stops the node and everything it runs, and returns nil when it has stopped. A
// leader first hands over, if it can do so within Timing.ElectionMin. Calls that wait get
// ErrClosed, and ErrUncertain with it if what they asked for may still happen. The
// contexts of leader handlers that run end, and Close waits for the handlers to return,
// so closing from within one deadlocks. Closing is not leaving the cluster, which still
// counts on this node. Closing again is harmless.
func (n *member) Close() error {
	err := n.engine.Close()
	if n.trace != nil {
		err = errors.Join(err, n.trace.Close())
	}
	return err
}

func (n *member) failure(op string, err error, hint string) error {
	return &Error{Op: op, Node: n.ID(), Term: n.Status().Term, Err: err, Hint: hint}
}

// wrapped makes err an *Error unless it is one.
func (n *member) wrapped(op string, err error, hint string) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return n.failure(op, err, hint)
}
