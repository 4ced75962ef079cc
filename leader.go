package gaggle

import (
	"context"

	"github.com/ben-ng/gaggle/raft"
)

// A Leader is the node on which a leader handler runs, as long as it leads.
type Leader[T any] struct {
	node *Node[T]
	term raft.Term
}

// Term is the term that the node leads.
func (l *Leader[T]) Term() Term { return l.term }

// Node is the node itself. What is done with it, other than with l, does not depend
// on its leading.
func (l *Leader[T]) Node() *Node[T] { return l.node }

// Append appends a value if this node still leads the term in which the handler was
// called: in that term, or not at all. So decisions that a handler takes by what it
// knows are appended only as long as nobody else can decide.
// Errors: ErrNotLeader if nothing was appended as leadership had ended; that of the
// context, and ErrUncertain with it if it may yet be; ErrTooLarge; ErrClosed.
func (l *Leader[T]) Append(ctx context.Context, v T) (Entry[T], error) {
	data, err := encode(l.node.codec, v)
	if err != nil {
		return Entry[T]{}, l.node.failure("append", err)
	}
	item, err := l.node.engine.AppendInTerm(ctx, l.term, data)
	return Entry[T]{item.Index, item.Term, v}, err
}

// OnLeader registers a handler under a name and returns a function that runs it on the
// leader, from any node. Register it on every node, before the first call: whichever
// node leads will run it. A name can be registered once on a node.
//
// The handler runs once the leader has committed an entry of its own term, so that it
// has seen everything that was acknowledged before. Its context ends when that
// leadership does, or after as much time as the caller's deadline left when it called.
// Many may run at once.
//
// The returned function waits for a leader, runs the handler at most once, and returns
// its result. Errors: *RemoteError with the text of the handler's error;
// ErrUncertain if the handler may have run but its result is not known;
// ErrNoHandler; ErrTooLarge; ErrStandby; ErrClosed; that of the context.
func OnLeader[T, A, R any](n *Node[T], name string, handler func(context.Context, *Leader[T], A) (R, error)) func(context.Context, A) (R, error) {
	registered := n.engine.Handle(name, func(ctx context.Context, term raft.Term, payload []byte) ([]byte, error) {
		var args A
		if err := decode(n.codec, payload, &args); err != nil {
			return nil, err
		}
		result, err := handler(ctx, &Leader[T]{n, term}, args)
		if err != nil {
			return nil, err
		}
		return encode(n.codec, result)
	})
	return func(ctx context.Context, args A) (result R, err error) {
		if registered != nil {
			return result, registered
		}
		payload, err := encode(n.codec, args)
		if err != nil {
			return result, n.failure("call", err)
		}
		answer, err := n.engine.Call(ctx, name, payload)
		if err != nil {
			return result, err
		}
		if err := decode(n.codec, answer, &result); err != nil {
			return result, n.failure("call", err)
		}
		return result, nil
	}
}
