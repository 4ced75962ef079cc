package gaggle

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/raft"
)

// An Index is a position in the log, a uint64; the first is 1. Entries have rising indexes,
// not consecutive ones: the cluster's own entries are not shown.
type Index = raft.Index

// A Term numbers a period with at most one leader, a uint64. Terms rise.
type Term = raft.Term

// A NodeID is a node's identity, a string: its name, "#", and a part that is new at each
// start. See ID.
type NodeID = raft.NodeID

// An Entry is a value in its agreed place in the log.
type Entry[T any] struct {
	Index Index
	// Term is the term of the leader that ordered the entry.
	Term  Term
	Value T
}

// A Node is this process's member of a cluster whose log holds values of type T. All
// nodes of a cluster must have the same T, and the same codec: that is not checked. A
// node of another T gets errors when it decodes, or, where the codec lets it pass, as
// JSON does with fields that it does not know, values that are not what was appended.
type Node[T any] struct{ member }

// Join makes a node, attaches it to a channel and returns. The node then joins its
// cluster in the background: Ready waits for that, and so does everything that needs
// it. The context bounds Join alone.
//
// Size is the only option that is needed, and Dir or InMemory on a channel that crosses
// processes. With Dir, Join reads what is in the directory, which takes about a second for
// each GiB of log. Close the node when it is done with.
//
// Errors: an *Error around that of the context, if it has ended already; around what is
// wrong with the directory, see Dir; or around what the channel says: channel.ErrInUse if a
// node is attached to a channel that has room for one, and errors of package net if an
// address is malformed or cannot be listened on. What is wrong with an option is an error in
// words, which is no *Error.
func Join[T any](ctx context.Context, ch channel.Channel, options ...Option) (*Node[T], error) {
	m, err := join(ctx, "Join", ch, options, func(Codec) engine.Machine { return nil })
	if err != nil {
		return nil, err
	}
	return &Node[T]{m}, nil
}

// Append appends a value and returns its entry when it is committed, and applied on
// this node. It may be called on any node, whoever leads, and waits while there is no
// cluster or no leader, or while 65,536 appends of this node, or 64 MiB of them, are in
// flight. The entry's Value is v itself, not what the other nodes decode.
//
// Errors: that of the context, with ErrUncertain if the value was sent and may still be
// appended, once, or with ErrQuorumLost if it was not sent as no leader was heard;
// ErrTooLarge; ErrStandby; ErrClosed, with ErrUncertain if the value was sent; that of
// encoding the value.
//
// After ErrUncertain, reading tells only one half: a value that is in the log was
// appended, but one that is absent proves nothing, as the node goes on sending it while
// it lives. Do not append it again, unless the value has an identity of your own by
// which repetitions are ignored where entries are applied. Or use Propose, keep the
// Proposal, and wait again. The examples of ErrUncertain show both.
func (n *Node[T]) Append(ctx context.Context, v T) (Entry[T], error) {
	data, err := encode(n.codec, v)
	if err != nil {
		return Entry[T]{}, n.failure("append", err, encodeHint)
	}
	item, err := n.engine.Append(ctx, data)
	return Entry[T]{item.Index, item.Term, v}, err
}

// A Proposal is an append under way. Waiting for it may begin, end and begin again, as
// long as the node lives.
type Proposal[T any] struct {
	proposal *engine.Proposal
	value    T
}

// Propose begins to append a value and returns without waiting for it. The values that
// one node proposes are appended in the order of the calls, with those of Append. The
// value may be changed when Propose has returned, though Wait returns it as it then is.
// Errors: ErrBusy if 65,536 appends of this node, or 64 MiB of them, are in flight;
// ErrTooLarge; ErrClosed; that of encoding the value. A standby says so in Wait.
func (n *Node[T]) Propose(v T) (*Proposal[T], error) {
	data, err := encode(n.codec, v)
	if err != nil {
		return nil, n.failure("append", err, encodeHint)
	}
	p, err := n.engine.Propose(data)
	if err != nil {
		return nil, err
	}
	return &Proposal[T]{p, v}, nil
}

// Wait waits until the value is committed and applied on this node, and returns its
// entry, with the value that was given to Propose. It may be called by several
// goroutines, and again, with another context, until the outcome is known; then it
// returns that, whatever the context.
//
// Errors: those of Append. If the context ends when the value was sent, the error has
// ErrUncertain, the node goes on, and whoever waits again learns the outcome. If it ends
// before, the value is given up: it is not appended, and all who wait get a context's
// error. After ErrClosed with ErrUncertain the outcome can only be learned by finding the
// value in another node's log.
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
// everything that was committed before the Read. An index that nothing has reached yet is
// waited for.
func Until(i Index) EntriesOption {
	return func(s *entriesSettings) { s.until = i }
}

// Entries yields the log's entries as this node learns that they are committed: first
// those that are there, then, waiting for each, those that come. What the node had
// applied when it was closed can still be read. On a standby, which gets no entries, and
// before there is a cluster, it waits.
//
// It ends with the loop, or by yielding an error: that of the context; ErrClosed; or that
// of decoding a value, with the index and term of the entry that could not be decoded. To
// go on behind it, loop again with From(e.Index + 1).
//
// It may be looped over again, which begins again, and by many at once. A loop that is
// slow delays nobody. To keep a state built from entries up to date, remember the index
// of the last one that went into it, and go on with From(last + 1). A nil option panics.
func (n *Node[T]) Entries(ctx context.Context, options ...EntriesOption) iter.Seq2[Entry[T], error] {
	_ = ctx.Done() // a nil context is found here, not in the loop
	s := entriesSettings{from: 1, until: math.MaxUint64}
	for _, option := range options {
		if option == nil {
			panic("gaggle: Entries: an option is nil")
		}
		option(&s)
	}
	return func(yield func(Entry[T], error) bool) {
		from := s.from
		for {
			items, err := n.engine.Feed().Next(ctx, from, s.until)
			if err != nil {
				yield(Entry[T]{}, n.wrapped("entries", err, "go on with From, behind the last entry that was yielded"))
				return
			}
			if len(items) == 0 {
				return
			}
			for _, item := range items {
				e := Entry[T]{Index: item.Index, Term: item.Term}
				err := decode(n.codec, item.Value, &e.Value)
				if err != nil {
					err = n.failure("entries", err, fmt.Sprintf("%s; the entry after it is reached with From(%d)", decodeHint, item.Index+1))
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
// nothing to the log. It costs a message to the leader and back, and in between a round
// of the leader to a majority, which confirms that it leads; all reads of a node that
// wait at the same time share them.
// Errors: that of the context, with ErrQuorumLost if no leader was heard; ErrBusy if
// 65,536 reads and calls of this node are under way; ErrStandby; ErrClosed.
func (n *Node[T]) Read(ctx context.Context) error { return n.engine.Read(ctx) }
