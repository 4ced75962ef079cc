package raft

// reads are the leader's reads that are not answered yet (§6.4). A read is answered
// with the commit index of the moment it came in, once a quorum has confirmed, in
// a round of heartbeats begun after that moment, that it still follows this leader.
// Rounds are numbered by the leader and never reused, so a late confirmation of an
// old round confirms nothing newer.
type reads struct {
	// sequence is the number of the last round begun.
	sequence uint64
	// waiting came before the leader had committed in its own term: it does not know
	// the commit index yet.
	waiting []uint64
	// open are the others, in the order they came.
	open []openRead
	// unsent: the last of open wait for a round that has not begun.
	unsent bool
}

type openRead struct {
	token uint64
	index Index
	round uint64
}

// read takes a read.
func (c *Core) read(token uint64) error {
	if c.lead == nil {
		return ErrNotLeader
	}
	r := &c.lead.reads
	if len(r.waiting)+len(r.open) >= c.config.MaxReads {
		return ErrBusy
	}
	if !c.ownTermCommitted() {
		r.waiting = append(r.waiting, token)
		return nil
	}
	c.openRead(token)
	return nil
}

func (c *Core) openRead(token uint64) {
	r := &c.lead.reads
	r.open = append(r.open, openRead{token, c.commit, r.sequence + 1})
	c.effect(Effect{Kind: ReadOpened, Token: token, Index: c.commit})
	r.unsent = true
}

// confirmReads begins one round for all reads that came since the last.
func (c *Core) confirmReads() {
	r := &c.lead.reads
	if !r.unsent {
		return
	}
	r.unsent = false
	r.sequence++
	c.heartbeats()
	c.releaseReads()
}

// releaseReads answers the reads whose round is confirmed, and opens those that
// waited for the first commit of the term.
func (c *Core) releaseReads() {
	r := &c.lead.reads
	if len(r.waiting) > 0 && c.ownTermCommitted() {
		for _, token := range r.waiting {
			c.openRead(token)
		}
		r.waiting = nil
	}
	if len(r.open) == 0 {
		return
	}
	conf := c.members.current()
	confirmed := quorumReached(&conf, c.roundConfirmedBy)
	n := 0
	for n < len(r.open) && r.open[n].round <= confirmed {
		c.out.Reads = append(c.out.Reads, ReadResult{Token: r.open[n].token, Index: r.open[n].index})
		c.effect(Effect{Kind: ReadAnswered, Token: r.open[n].token})
		n++
	}
	r.open = append(r.open[:0], r.open[n:]...)
}

func (c *Core) roundConfirmedBy(id NodeID) uint64 {
	if c.self(id) {
		return c.lead.reads.sequence
	}
	if p := c.lead.peer(id); p != nil {
		return p.readAcked
	}
	return 0
}

// failReads answers all reads when leadership ends.
func (c *Core) failReads() {
	r := &c.lead.reads
	for _, token := range r.waiting {
		c.out.Reads = append(c.out.Reads, ReadResult{Token: token, Err: ErrNotLeader})
	}
	for _, o := range r.open {
		c.out.Reads = append(c.out.Reads, ReadResult{Token: o.token, Err: ErrNotLeader})
	}
}
