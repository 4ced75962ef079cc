package engine

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/ben-ng/gaggle/raft"
)

// MaxValue is the largest value that can be appended, encoded, in bytes.
const MaxValue = 1 << 20

// A Proposal is an append under way. It is safe for concurrent use.
type Proposal struct {
	command []byte
	// fence, if not 0, is the only term in which the value may be appended.
	fence raft.Term
	state atomic.Uint32
	node  *Node
	// ready holds one token once result and err are set.
	ready  chan struct{}
	result Item
	// outcome is what the state machine returned.
	outcome any
	err     error
}

// The states of a proposal.
const (
	proposalWaiting   uint32 = iota // nobody else has seen it
	proposalSent                    // it may be in somebody's log
	proposalAbandoned               // its caller gave up before it was sent
)

// Wait waits until the value is committed and applied on this node, by the state machine
// too if there is one, and returns it with its place in the log. If the context ends first, the error is the context's,
// and also ErrUncertain if the value may yet be appended, as the node goes on trying; if
// it may not, others who wait get an error too. Waiting again is allowed.
func (p *Proposal) Wait(ctx context.Context) (Item, error) {
	if err := p.await(ctx); err != nil {
		return Item{}, err
	}
	p.ready <- struct{}{}
	return p.result, p.err
}

// Poll reports, without waiting, whether the outcome is known, and what it is.
func (p *Proposal) Poll() (item Item, done bool, err error) {
	select {
	case <-p.ready:
		p.ready <- struct{}{}
		return p.result, true, p.err
	default:
		return Item{}, false, nil
	}
}

// Result is what the state machine returned for the value, once Wait or Poll has said that
// it was applied; nil if there is none.
func (p *Proposal) Result() any {
	if _, done, err := p.Poll(); !done || err != nil {
		return nil
	}
	return p.outcome
}

// await takes the token, or gives up when the context ends first.
func (p *Proposal) await(ctx context.Context) error {
	select {
	case <-p.ready:
		return nil
	default:
	}
	select {
	case <-p.ready:
		return nil
	case <-ctx.Done():
		return p.abandon(ctx.Err())
	}
}

// abandon gives up on a proposal: for good if it was not sent, else its outcome is
// uncertain.
func (p *Proposal) abandon(cause error) error {
	if p.state.CompareAndSwap(proposalWaiting, proposalAbandoned) || p.state.Load() == proposalAbandoned {
		return p.node.gaveUp("append", cause, "nothing was appended")
	}
	return p.node.failure("append", errors.Join(ErrUncertain, cause), "the value is in the log, or may yet come into it, once; wait for it again, or look out for it in the entries")
}

// Propose begins to append a value and returns at once. Values of one node are
// appended in the order of its Propose calls. The value is copied.
// Errors: ErrTooLarge, ErrBusy, ErrClosed; that of a standby comes with Wait.
func (n *Node) Propose(value []byte) (*Proposal, error) {
	if len(value) > MaxValue {
		return nil, n.tooLarge("append", len(value))
	}
	p := newProposal()
	p.node, p.command = n, newAppend(value)
	if err := n.submit(p); err != nil {
		return nil, err
	}
	return p, nil
}

func (n *Node) submit(p *Proposal) error {
	err := n.inbox.putProposal(p)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrBusy):
		return n.failure("append", err, "wait for some of the appends in flight")
	}
	return n.failure("append", err, "")
}

// Append appends a value and returns when it is committed and applied on this node.
// It waits while too much is in flight. Errors: those of Propose but ErrBusy, and of
// Wait, with ErrStandby.
func (n *Node) Append(ctx context.Context, value []byte) (Item, error) {
	item, _, err := n.Do(ctx, value)
	return item, err
}

// Do is Append that also returns what the state machine returned for the value.
func (n *Node) Do(ctx context.Context, value []byte) (Item, any, error) {
	if len(value) > MaxValue {
		return Item{}, nil, n.tooLarge("append", len(value))
	}
	p := n.proposals.Get().(*Proposal)
	p.node, p.command = n, newAppend(value)
	if err := n.proposeWhenRoom(ctx, p); err != nil {
		n.recycle(p)
		return Item{}, nil, err
	}
	if err := p.await(ctx); err != nil {
		return Item{}, nil, err
	}
	item, outcome, err := p.result, p.outcome, p.err
	n.recycle(p)
	return item, outcome, err
}

// recycle keeps a proposal that nobody else knows any more for the next Append.
func (n *Node) recycle(p *Proposal) {
	p.node, p.command, p.fence, p.result, p.outcome, p.err = nil, nil, 0, Item{}, nil, nil
	p.state.Store(proposalWaiting)
	n.proposals.Put(p)
}

func newProposal() *Proposal { return &Proposal{ready: make(chan struct{}, 1)} }

func (n *Node) proposeWhenRoom(ctx context.Context, p *Proposal) error {
	if ctx.Err() != nil {
		return n.failure("append", ctx.Err(), "nothing was appended")
	}
	for {
		err := n.submit(p)
		if !errors.Is(err, ErrBusy) {
			return err
		}
		select {
		case <-n.inbox.whenRoom(len(p.command)):
		case <-ctx.Done():
			return n.failure("append", ctx.Err(), "nothing was appended: too much is in flight")
		}
	}
}

// dropAbandoned ends a proposal that a caller gave up. Others may wait for it.
func (n *Node) dropAbandoned(q *Proposal) {
	n.resolve(q, Item{}, n.failure("append", context.Canceled, "nothing was appended: a wait for it ended before it was sent"))
}
