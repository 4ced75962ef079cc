package engine

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

const (
	// MaxValue is the largest value that can be appended, encoded, in bytes.
	MaxValue = 1 << 20
	// forwardBytes is how much of proposals is put into one message to the leader.
	forwardBytes = 256 << 10
	// forwardWindowBytes limits what is sent to a leader elsewhere and not committed:
	// enough to keep a fast network busy, little enough to send again.
	forwardWindowBytes = 4 << 20
	// maxRetryDoublings limits how far the patience with a silent leader grows.
	maxRetryDoublings = 5
)

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
	err    error
}

// The states of a proposal.
const (
	proposalWaiting   uint32 = iota // nobody else has seen it
	proposalSent                    // it may be in somebody's log
	proposalAbandoned               // its caller gave up before it was sent
)

// Wait waits until the value is committed and applied on this node, and returns it
// with its place in the log. If the context ends first, the error is the context's,
// and also ErrUncertain if the value may yet be appended; if it may not, others who wait
// get an error too. Waiting again is allowed.
func (p *Proposal) Wait(ctx context.Context) (Item, error) {
	select {
	case <-p.ready:
	default:
		select {
		case <-p.ready:
		case <-ctx.Done():
			return Item{}, p.abandon(ctx.Err())
		}
	}
	p.ready <- struct{}{}
	return p.result, p.err
}

// abandon gives up on a proposal: for good if it was not sent, else its outcome is
// uncertain.
func (p *Proposal) abandon(cause error) error {
	if p.state.CompareAndSwap(proposalWaiting, proposalAbandoned) || p.state.Load() == proposalAbandoned {
		return p.node.gaveUp("append", cause, "nothing was appended")
	}
	return p.node.failure("append", errors.Join(ErrUncertain, cause), "the value is in the log once or not at all; read the entries to find out")
}

// Propose begins to append a value and returns at once. Values of one node are
// appended in the order of its Propose calls. The value is copied.
// Errors: ErrTooLarge, ErrBusy, ErrStandby, ErrClosed.
func (n *Node) Propose(value []byte) (*Proposal, error) {
	if len(value) > MaxValue {
		return nil, n.failure("append", ErrTooLarge, "")
	}
	p := n.newProposal()
	p.command = newAppend(value)
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
// Wait.
func (n *Node) Append(ctx context.Context, value []byte) (Item, error) {
	if len(value) > MaxValue {
		return Item{}, n.failure("append", ErrTooLarge, "")
	}
	p := n.proposals.Get().(*Proposal)
	p.command = newAppend(value)
	if err := n.proposeWhenRoom(ctx, p); err != nil {
		n.recycle(p)
		return Item{}, err
	}
	select {
	case <-p.ready:
	default:
		select {
		case <-p.ready:
		case <-ctx.Done():
			return Item{}, p.abandon(ctx.Err())
		}
	}
	item, err := p.result, p.err
	n.recycle(p)
	return item, err
}

// recycle keeps a proposal that nobody else knows any more for the next Append.
func (n *Node) recycle(p *Proposal) {
	p.command, p.fence, p.result, p.err = nil, 0, Item{}, nil
	p.state.Store(proposalWaiting)
	n.proposals.Put(p)
}

func (n *Node) newProposal() *Proposal {
	return &Proposal{node: n, ready: make(chan struct{}, 1)}
}

// AppendInTerm appends a value if this node leads the given term, in that term or
// not at all. If it cannot be appended any more the error is ErrNotLeader.
func (n *Node) AppendInTerm(ctx context.Context, term raft.Term, value []byte) (Item, error) {
	if len(value) > MaxValue {
		return Item{}, n.failure("append", ErrTooLarge, "")
	}
	p := n.newProposal()
	p.command, p.fence = newOnce(value), term
	if err := n.proposeWhenRoom(ctx, p); err != nil {
		return Item{}, err
	}
	return p.Wait(ctx)
}

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
		case <-n.inbox.whenRoom():
		case <-ctx.Done():
			return n.failure("append", ctx.Err(), "nothing was appended: too much is in flight")
		}
	}
}

// proposer sees this node's proposals into the log. Only turns touch it.
type proposer struct {
	// session is the open session's number, 0 if none is. nonce tells this process
	// from others of the same node.
	session, nonce uint64
	// queue are proposals nobody else has seen; window those with serial numbers base,
	// base+1, …, next−1 that are not applied.
	queue, window ring
	base, next    uint64
	// sent is the first serial number that the present leader has not been sent.
	// sentBytes is the size of what it has been sent and is not applied.
	sent      uint64
	sentBytes int
	// leader and term are where sent refers to; opening: it was asked for a session.
	leader  raft.NodeID
	term    raft.Term
	opening bool
	// progressAt is the tick of the last sign of progress, doublings how often the
	// patience was doubled since, and notBefore when to try again after a refusal.
	progressAt, notBefore uint64
	doublings             int
	// gapAt is the base for which a gap was noticed and sent again.
	gapAt uint64
	// once are the appends of leader handlers, by the index they have in this
	// leader's log.
	once map[raft.Index]*Proposal
	// entries is scratch space.
	entries []raft.Entry
}

func newProposer(nonce uint64) proposer {
	return proposer{nonce: nonce, base: 1, next: 1, sent: 1, once: map[raft.Index]*Proposal{}}
}

// pump hands out what can be handed out now.
func (n *Node) pumpProposals() {
	p := &n.proposer
	_, term, leader := n.core.Leadership()
	if leader == raft.None {
		return
	}
	if leader != p.leader || term != p.term {
		// What the last leader got may be lost. Repetitions do no harm.
		p.leader, p.term, p.opening, p.notBefore = leader, term, false, 0
		p.sendAgain(n.now)
		p.doublings = 0
	}
	if n.now < p.notBefore || p.queue.size == 0 && p.sent == p.next {
		return
	}
	if p.session == 0 {
		n.openSession()
		return
	}
	if leader == n.config.ID {
		n.proposeHere()
	} else {
		n.forward()
	}
}

// sendAgain goes back to the first proposal that is not applied.
func (p *proposer) sendAgain(now uint64) {
	p.sent, p.sentBytes, p.progressAt = p.base, 0, now
}

// nextToSend returns the next proposal that the present leader has not been sent, nil
// if there is none. One that was never sent gets its serial number now; from then on
// it has to be in the log before those behind it, so it cannot be abandoned any more.
func (n *Node) nextToSend() *Proposal {
	p := &n.proposer
	for p.sent == p.next && p.queue.size > 0 {
		q := p.queue.pop()
		if !q.state.CompareAndSwap(proposalWaiting, proposalSent) {
			n.dropAbandoned(q)
			continue
		}
		setSerial(q.command, p.session, p.next)
		p.next++
		p.window.push(q)
	}
	if p.sent == p.next {
		return nil
	}
	q := p.window.at(int(p.sent - p.base))
	p.sent++
	p.sentBytes += len(q.command)
	return q
}

func (n *Node) openSession() {
	p := &n.proposer
	if p.opening {
		return
	}
	command := newOpenSession(n.config.ID, p.nonce)
	if p.leader == n.config.ID {
		p.opening = n.core.Step(raft.Propose{Entries: []raft.Entry{{Data: command}}}) == nil
	} else {
		n.post(p.leader, &wire.Proposals{Entries: [][]byte{command}})
		p.opening = true
	}
	p.progressAt = n.now
}

// proposeHere appends to this leader's own log, all at once.
func (n *Node) proposeHere() {
	p := &n.proposer
	first, firstBytes := p.sent, p.sentBytes
	p.entries = p.entries[:0]
	for bytes := 0; bytes < forwardWindowBytes; {
		q := n.nextToSend()
		if q == nil {
			break
		}
		bytes += len(q.command)
		p.entries = append(p.entries, raft.Entry{Data: q.command})
	}
	if len(p.entries) == 0 {
		return
	}
	if err := n.core.Step(raft.Propose{Entries: p.entries}); err != nil {
		// The core is full, or handing over. What it commits, or the next tick,
		// brings the next attempt.
		p.sent, p.sentBytes = first, firstBytes
		p.notBefore = n.now + 1
	}
}

// forward sends proposals to the leader, as many as may be on their way.
func (n *Node) forward() {
	p := &n.proposer
	for p.sentBytes < forwardWindowBytes {
		m := &wire.Proposals{}
		for bytes := 0; bytes < forwardBytes; {
			q := n.nextToSend()
			if q == nil {
				break
			}
			m.Entries = append(m.Entries, q.command)
			bytes += len(q.command)
		}
		if len(m.Entries) == 0 {
			return
		}
		n.post(p.leader, m)
	}
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
		// This leader's log has everything that is committed, and not the old value.
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
	q := n.proposer.once[e.Index]
	if q == nil {
		return
	}
	delete(n.proposer.once, e.Index)
	if e.Term == q.fence {
		n.resolve(q, Item{e.Index, e.Term, value}, nil)
	} else {
		n.resolve(q, Item{}, n.failure("append", ErrNotLeader, lostInTerm))
	}
}

// appliedOwn follows an append of this node's session.
func (n *Node) appliedOwn(e *raft.Entry, c *command, v verdict) {
	p := &n.proposer
	switch v {
	case accepted:
		q := p.window.pop()
		p.sentBytes = max(0, p.sentBytes-len(q.command))
		p.base++
		p.sent = max(p.sent, p.base)
		p.progressAt, p.doublings = n.now, 0
		n.resolve(q, Item{e.Index, e.Term, c.value}, nil)
	case overtaken:
		if p.gapAt != p.base && p.leader != n.config.ID {
			p.gapAt = p.base
			p.sendAgain(n.now)
		}
	case repeated, unknownSession:
	}
}

// opened takes note of this node's new session.
func (n *Node) opened(s *session) {
	p := &n.proposer
	if s.node != n.config.ID || s.nonce != p.nonce || p.session == s.id {
		return
	}
	p.session = s.id
	p.opening = false
	p.progressAt = n.now
}

// refused follows the leader's word that it did not append.
func (n *Node) refused(from raft.NodeID) {
	p := &n.proposer
	if from != p.leader {
		return
	}
	p.opening = false
	p.notBefore = n.now + uint64(n.config.Raft.HeartbeatTicks)
	p.sendAgain(n.now)
}

// tickProposals sends again what a leader elsewhere has not answered for a while, with
// growing patience: it may be slow because it is overloaded.
func (n *Node) tickProposals() {
	p := &n.proposer
	if _, _, leader := n.core.Leadership(); leader == raft.None {
		n.sweepQueue()
		return
	}
	waiting := p.opening || p.base < p.sent
	patience := uint64(n.config.Raft.ElectionTicksMax) << p.doublings
	if !waiting || p.leader == n.config.ID || n.now-p.progressAt < patience {
		return
	}
	p.opening = false
	p.doublings = min(p.doublings+1, maxRetryDoublings)
	p.sendAgain(n.now)
}

// dropAbandoned ends a proposal that a caller gave up. Others may wait for it.
func (n *Node) dropAbandoned(q *Proposal) {
	n.resolve(q, Item{}, n.failure("append", context.Canceled, "nothing was appended: a wait for it ended before it was sent"))
}

// sweepQueue makes room of what was abandoned while there is no leader.
func (n *Node) sweepQueue() {
	q := &n.proposer.queue
	for range q.size {
		p := q.pop()
		if p.state.Load() == proposalAbandoned {
			n.dropAbandoned(p)
		} else {
			q.push(p)
		}
	}
}

// ring is a queue of proposals.
type ring struct {
	slots       []*Proposal
	start, size int
}

func (r *ring) at(i int) *Proposal { return r.slots[(r.start+i)&(len(r.slots)-1)] }

func (r *ring) push(p *Proposal) {
	if r.size == len(r.slots) {
		slots := make([]*Proposal, max(16, 2*len(r.slots)))
		for i := range r.size {
			slots[i] = r.at(i)
		}
		r.slots, r.start = slots, 0
	}
	r.slots[(r.start+r.size)&(len(r.slots)-1)] = p
	r.size++
}

func (r *ring) pop() *Proposal {
	p := r.at(0)
	r.slots[r.start] = nil
	r.start = (r.start + 1) & (len(r.slots) - 1)
	r.size--
	return p
}
