package engine

import (
	"context"
	"maps"
	"slices"

	"github.com/ben-ng/gaggle/raft"
)

// AppendInTerm appends a value if this node leads the given term, in that term or
// not at all. If it cannot be appended any more the error is ErrNotLeader.
func (n *Node) AppendInTerm(ctx context.Context, term raft.Term, value []byte) (Item, error) {
	if len(value) > MaxValue {
		return Item{}, n.tooLarge("append", len(value))
	}
	p := newProposal()
	p.node, p.command, p.fence = n, newOnce(value), term
	if err := n.proposeWhenRoom(ctx, p); err != nil {
		return Item{}, err
	}
	return p.Wait(ctx)
}

const lostInTerm = "leadership ended before the value was committed; it was not appended"

// pumpOnce appends what handlers that run here want appended.
func (n *Node) pumpOnce() {
	waiting := n.onceWaiting
	n.onceWaiting = nil
	for _, q := range waiting {
		n.proposeOnce(q)
	}
}

// proposeOnce appends for a handler, if this node still leads its term.
func (n *Node) proposeOnce(q *Proposal) {
	if role, term, _ := n.core.Leadership(); role != raft.Leader || term != q.fence {
		n.resolve(q, Item{}, n.failure("append", ErrNotLeader, "the term that the handler was called in is over; nothing was appended"))
		return
	}
	if !n.core.LeadsSettled() {
		// Until an entry of this term is committed, it is not known that what an earlier
		// leadership of this node has put at the same index is gone for good.
		n.onceWaiting = append(n.onceWaiting, q)
		return
	}
	if !q.state.CompareAndSwap(proposalWaiting, proposalSent) {
		n.dropAbandoned(q)
		return
	}
	index := n.core.Last().Index + 1
	if n.core.Step(raft.Propose{Entries: []raft.Entry{{Data: q.command}}}) != nil {
		q.state.Store(proposalWaiting)
		n.onceWaiting = append(n.onceWaiting, q)
		return
	}
	if old := n.proposer.once[index]; old != nil {
		// An entry of this term is committed before it, and none of an earlier term can
		// come behind that.
		n.resolve(old, Item{}, n.failure("append", ErrNotLeader, lostInTerm))
	}
	n.proposer.once[index] = q
}

// appliedOnce settles the handler's append that this node, as a leader, had put at an
// index: by what has been applied there.
func (n *Node) appliedOnce(e *raft.Entry, value []byte) {
	if len(n.proposer.once) == 0 {
		return
	}
	if e.Type == raft.EntryNoOp {
		n.endOnceBefore(e.Term)
	}
	q := n.proposer.once[e.Index]
	if q == nil {
		return
	}
	delete(n.proposer.once, e.Index)
	if e.Term == q.fence {
		n.succeed(q, Item{e.Index, e.Term, value})
	} else {
		n.resolve(q, Item{}, n.failure("append", ErrNotLeader, lostInTerm))
	}
}

// endOnceBefore settles the handlers' appends of earlier terms, once the entry is
// committed that a leader begins its term with: nothing of theirs can follow it.
func (n *Node) endOnceBefore(term raft.Term) {
	once := n.proposer.once
	for _, index := range slices.Sorted(maps.Keys(once)) {
		if q := once[index]; q.fence < term {
			delete(once, index)
			n.resolve(q, Item{}, n.failure("append", ErrNotLeader, lostInTerm))
		}
	}
}
