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

// Term is the term in which the handler was called. As a term has one leader at most, what
// a node numbers within it, in its own memory, is unique together with it.
func (l *Leader[T]) Term() Term { return l.term }

// Node is the node itself. What is done with it, other than with l, does not depend
// on its leading. Its Entries, up to its Status().Applied, show everything that was
// acknowledged before the handler was called.
func (l *Leader[T]) Node() *Node[T] { return l.node }

// Append appends a value if this node still leads the term in which the handler was
// called: in that term, or not at all. It waits until the value is committed and applied
// on this node; the entry's Value is v itself.
//
// So no other leader comes between what a handler knows and what it appends. Two things
// do: other handlers, which run at the same time on this node, and Append and Propose on
// any node, which do not ask the handlers. A handler that checks and then appends
//
//   - holds a mutex of its own over both, from bringing its state up to date (see
//     OnLeader) until Append returns,
//   - passes context.WithoutCancel(ctx), so that Append returns when the outcome is known:
//     on ErrUncertain the mutex would be free while the value may still be appended,
//   - and guards only what is appended by nothing but handlers under that mutex.
//
// Errors: ErrNotLeader if nothing was appended, or will be, as leadership had ended; that
// of the context, with ErrUncertain if the value may yet be appended; ErrTooLarge;
// ErrClosed, with ErrUncertain if the value may yet be appended; that of encoding the
// value. After ErrUncertain, a value that is in the log was appended. One that is absent
// was not, once an entry of a later Term is there; before, that proves nothing.
func (l *Leader[T]) Append(ctx context.Context, v T) (Entry[T], error) {
	data, err := encode(l.node.codec, v)
	if err != nil {
		return Entry[T]{}, l.node.failure("append", err, encodeHint)
	}
	item, err := l.node.engine.AppendInTerm(ctx, l.term, data)
	return Entry[T]{item.Index, item.Term, v}, err
}

// OnLeader registers a handler under a name and returns a function that runs it on the
// leader, from any node. Register it on every node, before the first call: whichever
// node leads will run it. Names have at most 255 bytes. A name can be registered once on a
// node; the function of a second registration, or of a name that is too long, returns an
// error that says so, and runs nothing. A nil handler panics.
//
// When a handler starts, its node has confirmed that it leads, and the node's Entries, up
// to its Status().Applied, show everything that was acknowledged anywhere before the call
// was made. A state that the handler keeps of them has to be brought up to date first:
// loop over l.Node().Entries with From(seen+1) and Until(l.Node().Status().Applied). See
// the example of Leader.Append.
//
// The handler's context ends when that leadership does, or after as much time as the
// caller's deadline left when it called. Handlers run at the same time, each in a
// goroutine: at most 1,024 on a leader, with arguments, and results that are not sent yet,
// of at most 64 MiB together. Further calls wait, except those that a handler makes itself
// at its own node with its own context: it waits for them in its place.
//
// The returned function waits for a leader, runs the handler at most once, and returns its
// result. Arguments and results are encoded as entries are, to at most MaxValue. Errors:
//
//   - *RemoteError, with text alone, if the handler returned an error or panicked, if its
//     arguments could not be decoded, or its result not be encoded or too large; with the
//     error of the caller's context, if that has ended too;
//   - ErrUncertain if the handler may have run, or may yet, but its result is not known:
//     the handler returned ErrUncertain itself, the leader changed, the context ended,
//     whose error comes with it, or the node was closed, with ErrClosed;
//   - that of the context if the handler did not run, with ErrQuorumLost if no leader was
//     heard;
//   - ErrNoHandler if the leader has none of that name;
//   - ErrBusy if 65,536 reads and calls of this node are under way, or calls with 64 MiB;
//   - ErrTooLarge if the arguments are; ErrStandby; ErrClosed;
//   - that of encoding the arguments or decoding the result.
//
// A call that ended with ErrUncertain may be made again only if the handler can tell that
// it is the same, as by an identity in its arguments that it appends.
func OnLeader[T, A, R any](n *Node[T], name string, handler func(context.Context, *Leader[T], A) (R, error)) func(context.Context, A) (R, error) {
	if handler == nil {
		panic("gaggle: OnLeader: the handler is nil")
	}
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
			return result, n.failure("call", err, encodeHint)
		}
		answer, err := n.engine.Call(ctx, name, payload)
		if err != nil {
			return result, err
		}
		if err := decode(n.codec, answer, &result); err != nil {
			return result, n.failure("call", err, "the handler ran; "+decodeHint)
		}
		return result, nil
	}
}
