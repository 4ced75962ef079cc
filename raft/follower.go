package raft

// following is what a follower knows about its log and its leader's, in this term.
type following struct {
	session uint64
	// matched is the last index up to which the log is known to equal the leader's.
	matched Index
	// acknowledged is the last index acknowledged; answerDue asks for an answer even
	// if it says nothing new, because the leader may not have got the last one.
	acknowledged Index
	answerDue    bool
}

// hear takes note of a message from the leader of this term.
func (c *Core) hear(leader NodeID, session uint64) {
	if c.leader != None && c.leader != leader {
		c.broken("%s and %s both lead term %d", c.leader, leader, c.hard.Term)
	}
	if c.role != Follower || c.leader == None {
		c.becomeFollower(c.hard.Term, leader)
	}
	if session > c.following.session {
		c.following = following{session: session}
	}
	c.protectUntil = c.now + uint64(c.config.ElectionTicksMin)
	c.awaitElection()
}

// hearsStranger reports whether a message makes a second leader of this term of a node
// that is in no configuration known here. Two members that lead a term are a broken
// invariant; a stranger is only somebody who sends what is not true, or to the wrong
// cluster, and must not be able to stop this node.
func (c *Core) hearsStranger(m Message) bool {
	if m.Term != c.hard.Term || c.leader == None || c.leader == m.From {
		return false
	}
	switch m.Body.(type) {
	case *AppendEntries, *Heartbeat, *InstallSnapshot:
		return !c.members.knows(m.From)
	}
	return false
}

// appendEntries makes the log equal to the leader's up to the end of the message, if
// it is equal up to its beginning (§3.5).
func (c *Core) appendEntries(m Message, b *AppendEntries) {
	c.hear(m.From, b.Session)
	prev, entries := c.skipCommitted(b.Prev, b.Entries)
	if !c.log.holds(prev) {
		// There is a hint: prev is not below commit, and base is not above it.
		hint, _ := c.log.lastAtOrBelow(b.Prev)
		c.send(m.From, &AppendReply{Session: b.Session, Index: b.Prev.Index, Rejected: true, Hint: hint})
		return
	}
	last := prev.Index + Index(len(entries))
	c.merge(entries)
	c.setCommit(min(b.Commit, last))
	f := &c.following
	f.matched = max(f.matched, last)
	if last > c.whole() {
		// The write, or the repair, will bring an answer; what is below the message need not
		// have one.
		f.acknowledged = max(f.acknowledged, min(prev.Index, c.whole()))
	} else if len(b.Entries) > 0 {
		f.answerDue = true
	}
}

// skipCommitted drops what is committed here already from the front of a message:
// it is in the leader's log as it is in this one (Leader Completeness, §3.6.3), and may
// be compacted here.
func (c *Core) skipCommitted(prev Position, entries []Entry) (Position, []Entry) {
	if prev.Index >= c.commit {
		return prev, entries
	}
	n := min(len(entries), int(c.commit-prev.Index))
	if n > 0 {
		t, known := c.log.term(entries[n-1].Index)
		c.assert(!known || t == entries[n-1].Term, "entry %d is committed in term %d, the leader has it in term %d",
			entries[n-1].Index, t, entries[n-1].Term)
	}
	t, _ := c.log.term(c.commit)
	return Position{c.commit, t}, entries[n:]
}

// merge appends the entries that the log does not have. Only a conflict removes any:
// a message that was overtaken must not cut what came after it.
func (c *Core) merge(entries []Entry) {
	for len(entries) > 0 && c.log.holds(Position{entries[0].Index, entries[0].Term}) {
		entries = entries[1:]
	}
	if len(entries) == 0 {
		return
	}
	if entries[0].Index <= c.log.last.Index {
		c.truncateLog(entries[0].Index)
	}
	c.appendToLog(entries)
}

// heartbeat learns the commit index, which the leader has kept to what it knows this
// node to hold, and repeats the last acknowledgement, which may have been lost.
func (c *Core) heartbeat(m Message, b *Heartbeat) {
	c.hear(m.From, b.Session)
	if b.Commit > c.log.last.Index {
		c.broken("%s knows this node to have had entry %d, but its log ends at %v: it was lost", m.From, b.Commit, c.log.last)
	}
	c.setCommit(b.Commit)
	c.following.answerDue = true
	c.send(m.From, &HeartbeatReply{Session: b.Session, ReadSequence: b.ReadSequence})
}

// whole is the index up to which the log is durable and no entry is damaged.
func (c *Core) whole() Index {
	if c.impaired {
		return min(c.persist.durable, c.intact)
	}
	return c.persist.durable
}

// acknowledge tells the leader how far this node's durable log equals its own.
func (c *Core) acknowledge() {
	f := &c.following
	upTo := min(f.matched, c.whole())
	if c.leader == None || !c.persist.hardDurable() || upTo <= f.acknowledged && !f.answerDue || upTo == 0 {
		return
	}
	f.acknowledged = max(f.acknowledged, upTo)
	f.answerDue = false
	c.send(c.leader, &AppendReply{Session: f.session, Index: upTo})
}
