package raft

import "slices"

// transfer is a leader's attempt to hand over (§3.10). It is part of the leadership, so
// it ends with it: no later leadership of this node inherits a refusal of proposals.
type transfer struct {
	to NodeID
	// due is when the attempt is given up.
	due uint64
	// asked: TimeoutNow was sent.
	asked bool
}

// transferLeadership begins to hand over.
func (c *Core) transferLeadership(to NodeID) error {
	switch {
	case c.lead == nil:
		return ErrNotLeader
	case c.lead.transfer.to != None:
		return ErrTransferring
	}
	if to == None {
		if p := c.furthest(); p != nil {
			to = p.id
		}
	}
	if c.self(to) || !slices.Contains(c.members.current().Voters, to) {
		return ErrNotVoter
	}
	c.lead.transfer = c.transferTo(to)
	return nil
}

// transferTo is an attempt that begins now.
func (c *Core) transferTo(to NodeID) transfer {
	return transfer{to: to, due: c.now + uint64(c.config.ElectionTicksMin)}
}

// continueTransfer asks the successor to stand as soon as it has the whole log.
func (c *Core) continueTransfer() {
	t := &c.lead.transfer
	if t.to == None || t.asked {
		return
	}
	if p := c.lead.peer(t.to); p != nil && p.match == c.log.last.Index {
		t.asked = true
		c.send(t.to, &TimeoutNow{})
	}
}

// expireTransfer resumes normal work if the successor did not take over.
func (c *Core) expireTransfer() {
	if t := &c.lead.transfer; t.to != None && c.now >= t.due {
		*t = transfer{}
	}
}

// timeoutNow stands for election because the leader asks for it.
func (c *Core) timeoutNow(m Message) {
	if (c.role == Follower || c.role == PreCandidate) && (c.leader == m.From || c.leader == None) && c.electable() {
		c.stand(true)
	}
}
