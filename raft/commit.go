package raft

// ownTermCommitted reports whether the leader has committed an entry of its own
// term. Only then does its commit index cover all that was committed before it (§6.4).
func (c *Core) ownTermCommitted() bool {
	return c.commit >= c.lead.firstIndex
}

// advanceCommit commits what a quorum has on disk, if it is of this term: older
// entries are committed by what follows them, never by counting (§3.6.2, figure 3.7).
func (c *Core) advanceCommit() {
	conf := c.members.current()
	reached := quorumReached(&conf, c.durableOn)
	if reached <= c.commit || reached < c.lead.firstIndex {
		return
	}
	c.setCommit(reached)
	c.releaseReads()
	c.configurationCommitted()
}

// durableOn is the highest index up to which a member is known to hold this
// leader's log on disk.
func (c *Core) durableOn(id NodeID) Index {
	if c.self(id) {
		return c.persist.durable
	}
	if p := c.lead.peer(id); p != nil {
		return p.match
	}
	return 0
}

// setCommit raises the commit index.
func (c *Core) setCommit(index Index) {
	if index <= c.commit {
		return
	}
	if index > c.log.last.Index {
		c.broken("commit index %d would pass the end of the log, %v", index, c.log.last)
	}
	if c.lead != nil {
		c.lead.uncommittedBytes -= c.log.bytes(c.commit+1, index)
	}
	c.commit = index
	c.effect(Effect{Kind: Committed, Index: index})
}

// handOutCommitted puts the entries to apply into the update.
func (c *Core) handOutCommitted() {
	if c.handed >= c.commit {
		return
	}
	next := c.handed + 1
	if next < c.log.memory {
		c.out.CommittedStored = Range{next, min(c.commit, c.log.memory-1)}
	}
	c.out.Committed = c.log.runs(max(next, c.log.memory), c.commit)
	c.handed = c.commit
}

// entriesApplied takes note of how far the owner has applied.
func (c *Core) entriesApplied(index Index) error {
	if index > c.handed {
		return outOfRange("applied", index, c.handed)
	}
	c.applied = max(c.applied, index)
	return nil
}
