package engine

import (
	"fmt"

	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

const (
	// forwardBytes is how much of proposals is put into one message to the leader.
	forwardBytes = 256 << 10
	// forwardWindowBytes limits what is sent to a leader elsewhere and not committed:
	// enough to keep a fast network busy, little enough to send again.
	forwardWindowBytes = 4 << 20
	// maxRetryDoublings limits how far the patience with a silent leader grows.
	// More would leave a lone append waiting for long after a link is whole again.
	maxRetryDoublings = 2
)

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
	// progressAt is the tick of the last sign of progress or attempt, waitingSince that
	// of the last progress or first attempt, doublings how often the patience was
	// doubled, and notBefore when to try again after a refusal.
	progressAt, waitingSince, notBefore uint64
	doublings                           int
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
	if p.base == p.next { // nothing was waited for
		p.progressAt, p.waitingSince = n.now, n.now
	}
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

// appliedOwn follows an append of this node's session.
func (n *Node) appliedOwn(e *raft.Entry, c *command, v verdict) {
	p := &n.proposer
	switch v {
	case accepted:
		if p.window.size == 0 || p.base != c.serial {
			n.fail(fmt.Errorf("%w: entry %d has number %d of this node's session, which waits for %d of %d", raft.ErrInvariant, e.Index, c.serial, p.base, p.next-1))
			return
		}
		q := p.window.pop()
		p.sentBytes = max(0, p.sentBytes-len(q.command))
		p.base++
		p.sent = max(p.sent, p.base)
		// Patience falls back only where half of it would do with time to spare. Where it
		// would be only just enough, every few appends one would be sent twice.
		if took := n.now - p.waitingSince; 3*took < n.patience() {
			p.doublings = max(0, p.doublings-1)
		}
		p.progressAt, p.waitingSince = n.now, n.now
		n.succeed(q, Item{e.Index, e.Term, c.value})
	case overtaken:
		if p.gapAt != p.base && p.leader != n.config.ID {
			p.gapAt = p.base
			p.sendAgain(n.now)
		}
	case repeated, unknownSession:
	}
}

// opened takes note of this node's new session. A node that has lost its place, and applies what
// was before that, does not: who waited for what it sent in that session has got an answer.
func (n *Node) opened(s *session) {
	p := &n.proposer
	if s.node != n.config.ID || s.nonce != p.nonce || p.session == s.id || n.founder.State() != founding.Member {
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
		return
	}
	waiting := p.opening || p.base < p.sent
	if !waiting || p.leader == n.config.ID || n.now-p.progressAt < n.patience() {
		return
	}
	p.opening = false
	p.doublings = min(p.doublings+1, maxRetryDoublings)
	p.sendAgain(n.now)
}

// patience is how many ticks a leader elsewhere has for the next sign of progress.
func (n *Node) patience() uint64 {
	return uint64(n.config.Raft.ElectionTicksMax) << n.proposer.doublings
}

// sweepQueue makes room of what was abandoned before it could be sent.
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
