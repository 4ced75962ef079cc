package raft

// A disk that hangs without an error is not noticed by anyone else: the node's heartbeats
// go out, and a leader whose own disk stands still would lead for ever. As long as
// the others have quick disks it even commits, but it takes no more than
// Config.MaxUncommittedBytes, then nothing, and whoever asks it is kept from finding
// another. So who leads looks at its own disk as at anybody's silence, by ticks: it
// hands over, and if nobody takes over, it stops. And who has such a disk does not
// stand for election: its vote for itself would not become durable, while its terms ran
// away from those of the others.

// TermDurable reports whether the present term and vote are durable.
func (c *Core) TermDurable() bool { return c.persist.hardDurable() }

// DiskTicks is for how many ticks the oldest write that is not durable has been handed out, 0 if
// all are.
func (c *Core) DiskTicks() uint64 {
	if len(c.persist.open) == 0 {
		return 0
	}
	return c.now - c.persist.open[0].since
}

// stalled reports whether the disk has not got done with a write for as long as a leader
// may be silent.
func (c *Core) stalled() bool {
	return c.DiskTicks() >= uint64(c.config.ElectionTicksMin)
}

// electable reports whether the node may stand for election, and could then do its work.
func (c *Core) electable() bool {
	return !c.impaired && !c.stalled() && c.members.mayLead(c.config.ID, c.commit)
}

// yieldStalled hands over when the own disk stalls: once in each election timeout to whoever is
// furthest, and when that has not helped for two of the longest, to whoever finds out.
func (c *Core) yieldStalled() {
	if !c.stalled() || !c.othersCanLead() {
		return
	}
	if c.DiskTicks() >= uint64(2*c.config.ElectionTicksMax) {
		c.becomeFollower(c.hard.Term, None)
		return
	}
	if p := c.furthest(); p != nil && c.lead.transfer.to == None {
		c.lead.transfer = c.transferTo(p.id)
	}
}

// othersCanLead reports whether those that this leader hears could elect another without
// its vote, which would wait for its disk. If they cannot, as in a cluster of one or two,
// nobody is better off without this leader: it answers reads at least.
func (c *Core) othersCanLead() bool {
	conf := c.members.current()
	return quorum(&conf, func(id NodeID) bool { return !c.self(id) && c.hears(id) })
}
