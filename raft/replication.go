package raft

import (
	"fmt"
	"slices"
)

// leadership is what a node knows as long as it leads.
type leadership struct {
	// peers are the other members, sorted by id.
	peers []*progress
	// sessions counts the memberships seen in this term.
	sessions uint64
	// firstIndex is the index of the leader's first entry, its no-op.
	firstIndex Index
	// uncommittedBytes is what the entries after the commit index count for.
	uncommittedBytes int
	heartbeatDue     uint64

	reads    reads
	transfer transfer
	change   change
}

// peer returns what is known of another member, nil if it is none.
func (l *leadership) peer(id NodeID) *progress {
	for _, p := range l.peers {
		if p.id == id {
			return p
		}
	}
	return nil
}

// becomeLeader starts to lead the term that the node was elected in, with a no-op: its
// commitment commits all that came before (§6.4).
func (c *Core) becomeLeader() {
	c.assert(c.role == Candidate, "a %v would become leader", c.role)
	c.leaveRole()
	c.become(Leader)
	c.leader = c.config.ID
	c.lead = &leadership{
		firstIndex:   c.log.last.Index + 1,
		heartbeatDue: c.now + uint64(c.config.HeartbeatTicks),
	}
	c.lead.uncommittedBytes = c.log.bytes(c.commit+1, c.log.last.Index)
	c.syncPeers(c.log.last.Index + 1)
	c.appendOwn(Entry{Type: EntryNoOp})
}

// endLeadership answers everyone who waits for this leader.
func (c *Core) endLeadership() {
	c.failReads()
	c.endChange(ErrNotLeader)
	c.out.SendSnapshots, c.out.Loads = nil, nil
	c.lead = nil
}

// syncPeers makes the list of peers that of the configuration. Who was in it before
// keeps its progress; who comes starts from next, in a new session.
func (c *Core) syncPeers(next Index) {
	conf := c.members.current()
	peers := make([]*progress, 0, len(c.lead.peers)+1)
	for _, id := range conf.Members() {
		if c.self(id) {
			continue
		}
		p := c.lead.peer(id)
		if p == nil {
			c.lead.sessions++
			p = &progress{id: id, session: c.lead.sessions, next: next, heardAt: c.now}
		}
		peers = append(peers, p)
	}
	c.lead.peers = peers
}

// appendOwn appends an entry of the leader's own making. It is not refused, whatever
// is in flight.
func (c *Core) appendOwn(e Entry) {
	e.Index, e.Term = c.log.last.Index+1, c.hard.Term
	c.lead.uncommittedBytes += e.Size()
	c.appendToLog([]Entry{e})
}

// propose appends the entries of a client.
func (c *Core) propose(entries []Entry) error {
	if c.lead == nil {
		return ErrNotLeader
	}
	if c.lead.transfer.to != None {
		return ErrTransferring
	}
	size := 0
	for i := range entries {
		size += entries[i].Size()
	}
	// Others may commit what this leader's own disk does not get done with.
	before := max(c.lead.uncommittedBytes, c.persist.openBytes)
	if before > 0 && before+size > c.config.MaxUncommittedBytes {
		return ErrBusy
	}
	c.lead.uncommittedBytes += size
	for i := range entries {
		e := &entries[i]
		e.Index, e.Term, e.Type = c.log.last.Index+1+Index(i), c.hard.Term, EntryNormal
	}
	c.appendToLog(entries)
	return nil
}

// tickLeader sends heartbeats, and gives up what does not succeed: leadership
// without a quorum or a disk, a transfer, a change.
func (c *Core) tickLeader() {
	if !c.hearsQuorum() {
		c.becomeFollower(c.hard.Term, None)
		return
	}
	if c.now >= c.lead.heartbeatDue {
		c.lead.heartbeatDue = c.now + uint64(c.config.HeartbeatTicks)
		c.heartbeats()
		c.checkArrivals()
	}
	c.expireTransfer()
	c.expireChange()
	c.yieldStalled()
}

// hearsQuorum reports whether a quorum has answered within the shortest election
// timeout. A leader that is not heard must stop: its heartbeats would keep those it
// does reach from electing one that is (§6.2).
func (c *Core) hearsQuorum() bool {
	conf := c.members.current()
	return quorum(&conf, func(id NodeID) bool {
		return c.self(id) || c.hears(id)
	})
}

// hears reports whether another member has answered within the shortest election timeout.
func (c *Core) hears(id NodeID) bool {
	p := c.lead.peer(id)
	return p != nil && c.now-p.heardAt < uint64(c.config.ElectionTicksMin)
}

// heartbeats sends one to every member. Those that a read asks for come on top of those
// of the clock, which also bring the check of what is in flight.
func (c *Core) heartbeats() {
	for _, p := range c.lead.peers {
		c.send(p.id, &Heartbeat{
			Session:      p.session,
			Commit:       min(c.commit, p.match),
			ReadSequence: c.lead.reads.sequence,
		})
	}
}

// checkArrivals sends, behind what is in flight, a check that it arrived: nothing
// else would notice that the last message was lost, or, when a snapshot covers the
// whole log and there is no entry to probe with, that the snapshot was.
func (c *Core) checkArrivals() {
	for _, p := range c.lead.peers {
		idle := p.state == Replicate || p.state == Probe && p.next > c.log.last.Index && c.now >= p.retryAt
		if idle && p.match+1 < p.next {
			c.sendAppend(p, p.next-1, nil)
		}
	}
}

// replicate sends every member what it lacks and may have now, and the commit index
// at once if it is news.
func (c *Core) replicate() {
	for _, p := range c.lead.peers {
		c.sendEntries(p)
		if news := min(c.commit, p.mayHold()); news > p.commitSent && p.state != Snapshot {
			c.sendAppend(p, news, nil)
		}
	}
	c.continueTransfer()
}

func (c *Core) sendEntries(p *progress) {
	for p.next <= c.log.last.Index {
		if p.state == Snapshot || p.paused {
			return
		}
		if p.next < c.log.first() {
			c.sendSnapshot(p)
			return
		}
		if p.inflight.full(&c.config) {
			return
		}
		if p.next < c.log.memory {
			c.loadEntries(p)
			return
		}
		c.sendRun(p, c.log.run(p.next, c.log.last.Index, c.config.MaxMessageBytes))
	}
}

// sendRun sends a member the entries that it is to have next.
func (c *Core) sendRun(p *progress, entries []Entry) {
	c.sendAppend(p, p.next-1, entries)
	if p.state == Probe {
		p.pause(c.nextHeartbeat())
		return
	}
	s := sent{last: p.next + Index(len(entries)) - 1}
	for i := range entries {
		s.bytes += entries[i].Size()
	}
	p.inflight.add(s)
	p.next = s.last + 1
}

// sendAppend sends entries that follow prev, which the log holds.
func (c *Core) sendAppend(p *progress, prev Index, entries []Entry) {
	term, ok := c.log.term(prev)
	if !ok {
		return
	}
	c.send(p.id, &AppendEntries{
		Session: p.session,
		Prev:    Position{prev, term},
		Entries: entries,
		Commit:  c.commit,
	})
	p.commitSent = max(p.commitSent, min(c.commit, prev+Index(len(entries))))
}

// member returns the progress that an answer is for: nil if this node does not lead
// or the answer belongs to a former membership.
func (c *Core) member(m Message, session uint64) *progress {
	if c.lead == nil {
		return nil
	}
	p := c.lead.peer(m.From)
	if p == nil || p.session != session {
		return nil
	}
	return p
}

// appendReplied learns how far a member's log equals this one.
func (c *Core) appendReplied(m Message, b *AppendReply) error {
	p := c.member(m, b.Session)
	if p == nil {
		return nil
	}
	if b.Index > c.log.last.Index {
		return fmt.Errorf("%w: %s answers for index %d, the log ends at %v", ErrInvalidMessage, m.From, b.Index, c.log.last)
	}
	p.heardAt = c.now
	if b.Rejected {
		c.appendRejected(p, b)
		return nil
	}
	if b.Index <= p.match {
		return nil
	}
	before := p.match
	p.match = b.Index
	switch {
	case p.state == Replicate:
		p.next = max(p.next, p.match+1)
		p.inflight.acknowledge(p.match)
	case p.match >= c.log.base.Index:
		p.replicate()
	default:
		// What it needs next is compacted. It is in a snapshot, which may be on its way.
		p.next = max(p.next, p.match+1)
	}
	c.caughtUp(p, before)
	c.advanceCommit()
	return nil
}

// appendRejected goes back to where the logs may still be equal. Both sides skip
// whole terms: the follower has skipped those above Index's, and this one skips its
// own entries of terms above the hint's (§3.5).
func (c *Core) appendRejected(p *progress, b *AppendReply) {
	stale := b.Index <= p.match || p.state == Snapshot || p.state == Probe && b.Index != p.next-1
	if stale {
		return
	}
	at, ok := c.log.lastAtOrBelow(Position{min(b.Hint.Index, b.Index-1), b.Hint.Term})
	if !ok {
		// It is in what is compacted here.
		p.probeFrom(c.log.base.Index)
		return
	}
	p.probeFrom(at.Index + 1)
}

// heartbeatReplied confirms the leader's authority, and that the member is there:
// a probe that was not answered is repeated.
func (c *Core) heartbeatReplied(m Message, b *HeartbeatReply) error {
	p := c.member(m, b.Session)
	if p == nil {
		return nil
	}
	if b.ReadSequence > c.lead.reads.sequence {
		return fmt.Errorf("%w: %s confirms read round %d of %d", ErrInvalidMessage, m.From, b.ReadSequence, c.lead.reads.sequence)
	}
	p.heardAt = c.now
	if c.now >= p.retryAt {
		p.paused = false
	}
	p.readAcked = max(p.readAcked, b.ReadSequence)
	c.releaseReads()
	return nil
}

// unreachable stops to count on what was sent to a node. The next heartbeat that
// it answers starts it again.
func (c *Core) unreachable(id NodeID) {
	if c.lead == nil {
		return
	}
	p := c.lead.peer(id)
	if p == nil || p.state == Snapshot {
		return
	}
	p.probeFrom(p.match + 1)
	p.pause(c.nextHeartbeat())
}

// nextHeartbeat is the tick at which the leader sends the next heartbeat of its clock.
func (c *Core) nextHeartbeat() uint64 { return c.lead.heartbeatDue }

// furthest is the voter whose log is known to reach furthest, other than this node, among
// those that are heard; nil if there is none.
func (c *Core) furthest() *progress {
	conf := c.members.current()
	var best *progress
	for _, p := range c.lead.peers {
		if slices.Contains(conf.Voters, p.id) && c.hears(p.id) && (best == nil || p.match > best.match) {
			best = p
		}
	}
	return best
}
