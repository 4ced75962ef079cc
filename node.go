package gaggle

import (
	"context"
	"iter"
	"math"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/raft"
)

// An Index is a position in the log. Entries have rising indexes, not consecutive ones:
// the cluster's own entries are not shown.
type Index = raft.Index

// A Term numbers a period with at most one leader.
type Term = raft.Term

// A NodeID is a node's identity: its name, and a part that is new at each start.
type NodeID = raft.NodeID

// An Entry is a value in its agreed place in the log.
type Entry[T any] struct {
	Index Index
	// Term is the term of the leader that ordered the entry.
	Term  Term
	Value T
}

// A Node is this process's member of a cluster whose log holds values of type T. All
// nodes of a cluster must have the same T.
type Node[T any] struct {
	engine *engine.Node
	codec  Codec
}

// Join makes a node, attaches it to a channel and returns. The node then joins its
// cluster in the background: Ready waits for that, and so does everything that needs
// it. The context bounds Join alone.
//
// Size is the only option that is needed, and InMemory on a channel that crosses
// processes. Close the node when it is done with.
func Join[T any](ctx context.Context, ch channel.Channel, options ...Option) (*Node[T], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s, err := newSettings(ch, options)
	if err != nil {
		return nil, err
	}
	e, err := engine.New(s.engineConfig())
	if err != nil {
		return nil, err
	}
	if err := e.Open(ch); err != nil {
		return nil, err
	}
	e.Start()
	return &Node[T]{engine: e, codec: s.codec}, nil
}

// Append appends a value and returns its entry when it is committed, and applied on
// this node. It may be called on any node, whoever leads, and waits while there is
// no leader or too much of this node's is in flight.
//
// Errors: that of the context, and with it ErrUncertain if the value was sent and may
// still be appended, once; ErrTooLarge; ErrStandby; ErrClosed.
func (n *Node[T]) Append(ctx context.Context, v T) (Entry[T], error) {
	data, err := encode(n.codec, v)
	if err != nil {
		return Entry[T]{}, n.failure("append", err)
	}
	item, err := n.engine.Append(ctx, data)
	return Entry[T]{item.Index, item.Term, v}, err
}

// A Proposal is an append under way.
type Proposal[T any] struct {
	proposal *engine.Proposal
	value    T
}

// Propose begins to append a value and returns without waiting for it. The values that
// one node proposes are appended in the order of the calls, with those of Append.
// Errors: ErrBusy if too much is in flight, ErrTooLarge, ErrStandby, ErrClosed.
func (n *Node[T]) Propose(v T) (*Proposal[T], error) {
	data, err := encode(n.codec, v)
	if err != nil {
		return nil, n.failure("append", err)
	}
	p, err := n.engine.Propose(data)
	if err != nil {
		return nil, err
	}
	return &Proposal[T]{p, v}, nil
}

// Wait waits for the outcome, as Append does, and with its errors. It may be called
// again, and by several goroutines. If the context of one ends before the value was
// sent, the value is not appended, and all get a context's error.
func (p *Proposal[T]) Wait(ctx context.Context) (Entry[T], error) {
	item, err := p.proposal.Wait(ctx)
	return Entry[T]{item.Index, item.Term, p.value}, err
}

// An EntriesOption says which entries Entries yields.
type EntriesOption func(*entriesSettings)

type entriesSettings struct{ from, until Index }

// From begins with the first entry at or after an index. The default is the first entry
// of the log.
func From(i Index) EntriesOption {
	return func(s *entriesSettings) { s.from = i }
}

// Until ends with the last entry at or before an index, once this node has applied
// that index. The default is to go on for ever. After Read, Until(Status().Applied) is
// everything that was committed before the Read.
func Until(i Index) EntriesOption {
	return func(s *entriesSettings) { s.until = i }
}

// Entries yields the log's entries as this node learns that they are committed: first
// those that are there, then, waiting for each, those that come. It ends with the
// loop, or by yielding an error: that of the context, ErrClosed, or that of decoding a
// value, with the entry's index and term. A loop that is slow delays nobody.
func (n *Node[T]) Entries(ctx context.Context, options ...EntriesOption) iter.Seq2[Entry[T], error] {
	s := entriesSettings{from: 1, until: math.MaxUint64}
	for _, option := range options {
		option(&s)
	}
	return func(yield func(Entry[T], error) bool) {
		from := s.from
		for {
			items, err := n.engine.Feed().Next(ctx, from, s.until)
			if err != nil {
				yield(Entry[T]{}, n.wrapped("entries", err))
				return
			}
			if len(items) == 0 {
				return
			}
			for _, item := range items {
				e := Entry[T]{Index: item.Index, Term: item.Term}
				err := decode(n.codec, item.Value, &e.Value)
				if err != nil {
					err = n.failure("entries", err)
				}
				if !yield(e, err) || err != nil {
					return
				}
				from = item.Index + 1
			}
		}
	}
}

// Read is a linearizable read barrier: when it returns nil, this node has applied
// every entry that was committed anywhere in the cluster before the call. It writes
// nothing, and on whatever node it is called, one message each way to the leader
// serves all that are waiting.
// Errors: that of the context, ErrBusy, ErrStandby, ErrClosed.
func (n *Node[T]) Read(ctx context.Context) error { return n.engine.Read(ctx) }

// Ready returns when the node is a member of its cluster and knows a leader.
// Errors: that of the context, with what the node is waiting for; ErrStandby if the
// cluster has all its members; ErrClosed.
func (n *Node[T]) Ready(ctx context.Context) error { return n.engine.Ready(ctx) }

// Status says how the node stands. It does not wait.
func (n *Node[T]) Status() Status { return n.engine.Status() }

// Watch yields what happens to the node from the call on, until the context ends or
// the node is closed. A loop that is too slow misses events and is told so. There can be
// one loop over what it returns; it ends the watching.
func (n *Node[T]) Watch(ctx context.Context) iter.Seq[Event] {
	w := n.engine.Watch()
	return func(yield func(Event) bool) {
		defer w.Stop()
		for {
			e, ok := w.Next(ctx)
			if !ok || !yield(e) {
				return
			}
		}
	}
}

// ID is the node's identity.
func (n *Node[T]) ID() NodeID { return n.engine.ID() }

// Close stops the node and everything it runs. A leader first hands over, if it can
// do so within one election timeout. Calls that wait get ErrClosed, or ErrUncertain
// with it if what they asked for may still happen. Closing is not leaving the
// cluster, which still counts on this node. Closing again is harmless; closing from
// within a leader handler deadlocks.
func (n *Node[T]) Close() error { return n.engine.Close() }
