package raft

// candidacy is what a pre-candidate or candidate knows: who answered, and how.
type candidacy struct{ votes []vote }

type vote struct {
	from    NodeID
	granted bool
}

// awaitElection draws the time at which the node will stand for election unless it
// hears of a leader before (§3.4).
func (c *Core) awaitElection() {
	timeout := c.config.ElectionTicksMin + c.random.below(c.config.ElectionTicksMax-c.config.ElectionTicksMin)
	c.electionDue = c.now + uint64(timeout)
}

// campaign asks, as a pre-candidate, whether an election could be won. It disturbs
// nobody: no term changes (§9.6). Its own vote counts only if it has one. A candidate whose
// disk stalls goes on to wait for its vote to be durable.
func (c *Core) campaign() {
	if !c.electable() {
		return
	}
	c.leaveRole()
	c.become(PreCandidate)
	c.leader = None
	c.askForVotes(c.hard.Term+1, &RequestVote{PreVote: true, Last: c.log.last})
	c.countVote(c.config.ID, true)
}

// stand starts a term, votes for this node in it, and asks the others to. Its own
// vote counts when it is durable, like everybody's. transfer says that the leader asked
// for it, so that nobody protects that leader.
func (c *Core) stand(transfer bool) {
	c.leaveRole()
	c.become(Candidate)
	c.leader = None
	c.setHardState(HardState{Term: c.hard.Term + 1, VotedFor: c.config.ID})
	c.awaitElection()
	c.askForVotes(c.hard.Term, &RequestVote{Transfer: transfer, Last: c.log.last})
}

func (c *Core) askForVotes(term Term, request *RequestVote) {
	conf := c.members.current()
	for _, id := range conf.Members() {
		if conf.Voter(id) && !c.self(id) {
			c.sendInTerm(id, term, request)
		}
	}
}

// hearsLeader reports whether the node leads, or has heard the leader of its term
// within the shortest election timeout. It then helps nobody else to power (§4.2.3).
func (c *Core) hearsLeader() bool {
	if c.lead != nil {
		return true
	}
	return c.leader != None && c.now < c.protectUntil
}

// ignoresNewTerm reports whether a message of a newer term is to be left unread: a
// candidate's, while this node hears a leader that did not ask for the election.
func (c *Core) ignoresNewTerm(m Message) bool {
	r, ok := m.Body.(*RequestVote)
	return ok && !r.PreVote && !r.Transfer && c.hearsLeader()
}

// voteRequested answers a candidate of this term, or a pre-candidate for a later one.
func (c *Core) voteRequested(m Message, r *RequestVote) {
	upToDate := r.Last.AtLeastAsUpToDate(c.log.last)
	if r.PreVote {
		// A pre-vote promises nothing and refreshes nothing.
		if m.Term > c.hard.Term && upToDate && !c.hearsLeader() {
			c.sendInTerm(m.From, m.Term, &VoteReply{PreVote: true, Granted: true})
		} else {
			c.send(m.From, &VoteReply{PreVote: true})
		}
		return
	}
	free := c.hard.VotedFor == m.From || c.hard.VotedFor == None && c.leader == None
	if !free || !upToDate {
		c.send(m.From, &VoteReply{})
		return
	}
	if c.hard.VotedFor == None {
		c.setHardState(HardState{Term: c.hard.Term, VotedFor: m.From})
	}
	c.awaitElection()
	c.send(m.From, &VoteReply{Granted: true})
}

// voteReplied counts an answer to the question that this node is asking now.
func (c *Core) voteReplied(m Message, r *VoteReply) {
	switch {
	case r.PreVote && c.role == PreCandidate && r.Granted && m.Term == c.hard.Term+1:
	case r.PreVote && c.role == PreCandidate && !r.Granted:
	case !r.PreVote && c.role == Candidate:
	default:
		return
	}
	c.countVote(m.From, r.Granted)
}

// countVote takes one answer and draws the conclusion as soon as there is one. Only
// the first answer of a member of the configuration counts.
func (c *Core) countVote(from NodeID, granted bool) {
	conf := c.members.current()
	if !conf.Voter(from) {
		return
	}
	for _, v := range c.candidacy.votes {
		if v.from == from {
			return
		}
	}
	c.candidacy.votes = append(c.candidacy.votes, vote{from, granted})
	switch {
	case quorum(&conf, func(id NodeID) bool { return c.voted(id, true) }):
		if c.role == PreCandidate {
			c.stand(false)
		} else {
			c.becomeLeader()
		}
	case !quorum(&conf, func(id NodeID) bool { return !c.voted(id, false) }):
		// It cannot be won any more. The node waits, with its term and vote.
		c.becomeFollower(c.hard.Term, None)
	}
}

// voted reports whether a node's answer came, and was this.
func (c *Core) voted(id NodeID, granted bool) bool {
	for _, v := range c.candidacy.votes {
		if v.from == id {
			return v.granted == granted
		}
	}
	return false
}
