package sim

import "github.com/ben-ng/gaggle/raft"

// sent looks at a message as it leaves.
func (o *oracle) sent(n *node, msg *raft.Message) {
	m := n.mirror
	switch b := msg.Body.(type) {
	case *raft.RequestVote:
		if !b.PreVote {
			o.votes(m, msg.Term, n.id)
		}
	case *raft.VoteReply:
		if b.Granted && !b.PreVote {
			o.votes(m, msg.Term, msg.To)
			o.helps(n, msg)
		}
		if b.PreVote && b.Granted {
			return // it promises nothing
		}
		o.speaksOf(m, msg)
	case *raft.AppendEntries:
		o.speaksOf(m, msg)
		o.sendsEntries(n, msg, b)
	case *raft.Heartbeat:
		o.speaksOf(m, msg)
		t, known := o.leads(n, msg), n.process.core().Commit()
		if _, begun := t.rounds[b.ReadSequence]; !begun {
			t.rounds[b.ReadSequence] = o.world.step
		}
		if to := o.mirrors[msg.To]; to != nil {
			known = min(known, to.acked[t.number])
		}
		if b.Commit > known {
			o.world.violated(CommitKnown, "%s tells %s of commit %d, which may be %d at most", n.id, msg.To, b.Commit, known)
		}
	case *raft.InstallSnapshot:
		o.leads(n, msg)
		o.checkSnapshot(n, &b.Meta)
	case *raft.AppendReply:
		o.speaksOf(m, msg)
		if !b.Rejected {
			o.acknowledges(n, msg, b)
		}
	case *raft.HeartbeatReply:
		o.speaksOf(m, msg)
		if t := o.terms[msg.Term]; t != nil {
			m.confirmed[msg.Term] = max(m.confirmed[msg.Term], t.rounds[b.ReadSequence])
		}
	case *raft.TimeoutNow:
		o.speaksOf(m, msg)
	}
}

// speaksOf holds the term of a message against its sender's disk.
func (o *oracle) speaksOf(m *mirror, msg *raft.Message) {
	if msg.Term > m.hardDisk.Term {
		o.world.violated(Promise, "%s says %T in term %d, its disk has term %d", m.id, msg.Body, msg.Term, m.hardDisk.Term)
	}
}

// votes takes note of a vote that its voter now speaks of.
func (o *oracle) votes(m *mirror, number raft.Term, candidate raft.NodeID) {
	if had := m.votes[number]; had != raft.None && number <= m.left {
		return // it has forgotten that
	} else if had != raft.None && had != candidate {
		o.world.violated(OneVote, "%s votes for %s and for %s in term %d", m.id, had, candidate, number)
	}
	m.votes[number] = candidate
	if m.hardDisk.Term < number || m.hardDisk.Term == number && m.hardDisk.VotedFor != candidate {
		o.world.violated(Promise, "%s says that it votes for %s in term %d, its disk has term %d and a vote for %q", m.id, candidate, number, m.hardDisk.Term, m.hardDisk.VotedFor)
	}
}

// helps looks at whom a node helps to power: one that has everything which the node has
// acknowledged and a quorum may have.
func (o *oracle) helps(n *node, msg *raft.Message) {
	c := o.mirrors[msg.To]
	if c == nil || c.role != raft.Candidate || c.hard.Term != msg.Term {
		return // it has gone on
	}
	for _, number := range o.order {
		acked := n.mirror.acked[number]
		if number >= msg.Term || acked == 0 || number <= n.mirror.left {
			continue
		}
		lost := o.lacks(&c.log, o.terms[number])
		if lost != nil && lost.Index <= acked && o.choosable(number, lost.Index, n.id) {
			o.world.violated(Choosable, "%s votes in term %d for %s, which lacks %v; %s has acknowledged that, and a quorum may have", n.id, msg.Term, msg.To, lost.Position, n.id)
		}
	}
}

// leads is the term in which a node says something as its leader.
func (o *oracle) leads(n *node, msg *raft.Message) *term {
	t := o.terms[msg.Term]
	if t == nil {
		role, number, _ := n.process.core().Leadership()
		if role != raft.Leader || number != msg.Term {
			o.world.violated(Elected, "%s says %T in term %d, which has no leader", n.id, msg.Body, msg.Term)
		}
		o.elected(n, msg.Term)
		t = o.terms[msg.Term]
	}
	if t.leader != n.id {
		o.world.violated(ElectionSafety, "%s says %T in term %d, which %s leads", n.id, msg.Body, msg.Term, t.leader)
	}
	return t
}

// sendsEntries holds what a leader sends against its log.
func (o *oracle) sendsEntries(n *node, msg *raft.Message, b *raft.AppendEntries) {
	t := o.leads(n, msg)
	has := func(p raft.Position) bool {
		if t.log.below(p.Index) {
			return p.Index <= o.commit() && o.committed[p.Index].Position == p
		}
		s := t.log.at(p.Index)
		return s != nil && s.Position == p
	}
	if !has(b.Prev) {
		o.world.violated(MessageFromLog, "%s sends entries that follow %v, which it does not have", n.id, b.Prev)
	}
	for i := range b.Entries {
		e := &b.Entries[i]
		if e.Index != b.Prev.Index+1+raft.Index(i) || !has(raft.Position{Index: e.Index, Term: e.Term}) {
			o.world.violated(MessageFromLog, "%s sends entry %d@%d after %v, which is not in its log", n.id, e.Index, e.Term, b.Prev)
		}
	}
	if b.Commit > n.process.core().Commit() {
		o.world.violated(CommitKnown, "%s tells %s of commit %d, it knows %d", n.id, msg.To, b.Commit, n.process.core().Commit())
	}
}

// acknowledges holds what a follower acknowledges against its disk and the leader's log.
func (o *oracle) acknowledges(n *node, msg *raft.Message, b *raft.AppendReply) {
	m, t := n.mirror, o.terms[msg.Term]
	if t == nil || t.leader != msg.To {
		o.world.violated(Acknowledged, "%s acknowledges %d to %s, which does not lead term %d", n.id, b.Index, msg.To, msg.Term)
		return
	}
	if p, ok := n.process.(*coreProcess); ok && p.impaired && b.Index >= p.damaged {
		o.world.violated(Promise, "%s acknowledges %d, entry %d is damaged on its disk", n.id, b.Index, p.damaged)
	}
	if m.disk.last().Index < b.Index {
		o.world.violated(Promise, "%s acknowledges %d, its disk ends at %v", n.id, b.Index, m.disk.last().Position)
	}
	mine, leaders := m.disk.at(b.Index), t.log.at(b.Index)
	if m.disk.below(b.Index) || t.log.below(b.Index) {
		if b.Index > o.commit() {
			o.world.violated(Acknowledged, "%s acknowledges %d, which is compacted and not committed", n.id, b.Index)
			return
		}
		if mine == nil {
			mine = o.committed[b.Index]
		}
		if leaders == nil {
			leaders = o.committed[b.Index]
		}
	}
	if leaders == nil || mine != leaders {
		o.world.violated(Acknowledged, "%s acknowledges %d to %s, but the logs differ there", n.id, b.Index, msg.To)
		return
	}
	if msg.Term < m.left {
		return // nobody counts it
	}
	m.acked[msg.Term] = max(m.acked[msg.Term], b.Index)
}

// committedBy looks at what a node has come to know as committed.
func (o *oracle) committedBy(n *node, index raft.Index) {
	m := n.mirror
	var in raft.Term
	if index > o.commit() {
		in = o.witnessed(n, index)
	}
	for i := m.commit + 1; i <= index; i++ {
		s := m.log.at(i)
		switch {
		case m.log.below(i):
			continue // by a snapshot, which was held against what is committed
		case s == nil:
			o.world.ends(StateMachineSafety, "%s has committed %d of a log to %v", n.id, index, m.log.last().Position)
		case i <= o.commit():
			if o.committed[i] != s {
				o.world.violated(StateMachineSafety, "%s has committed %v, elsewhere it is %v", n.id, s.Position, o.committed[i].Position)
			}
		default:
			o.committed, o.committedIn = append(o.committed, s), append(o.committedIn, in)
		}
	}
	m.commit = index
}

// quorumOfTurn reports whether those for whom has is true are a quorum of a configuration
// that was in effect in this turn: the last before it, or one that it has appended.
func (o *oracle) quorumOfTurn(m *mirror, has func(raft.NodeID) bool) bool {
	for i := len(m.configurations) - 1; i >= 0; i-- {
		c := &m.configurations[i]
		if quorum(&c.conf, has) {
			return true
		}
		if c.index <= m.lastBefore {
			break
		}
	}
	return false
}

// answered holds the answer to a read, which was asked at a step, against what others
// have confirmed since.
func (o *oracle) answered(n *node, number raft.Term, step int) {
	if !o.quorumOfTurn(n.mirror, func(id raft.NodeID) bool {
		m := o.mirrors[id]
		return id == n.id || m != nil && m.confirmed[number] >= step
	}) {
		o.world.violated(ReadConfirmed, "%s answers a read in term %d, which no quorum has confirmed", n.id, number)
	}
}

// witnessed looks at what nobody knew to be committed: a leader may commit what is of its
// own term and acknowledged by a quorum, and with it what is before. It returns that term.
func (o *oracle) witnessed(n *node, index raft.Index) raft.Term {
	m := n.mirror
	s := m.log.at(index)
	if s == nil {
		o.world.ends(CommitWitness, "%s has committed %d, its log ends at %v", n.id, index, m.log.last().Position)
	}
	t := o.terms[s.Term]
	if t == nil || t.leader != n.id {
		o.world.violated(CommitWitness, "%s is the first to commit %v, and did not lead that term", n.id, s.Position)
	}
	acked := func(id raft.NodeID) bool {
		if id == n.id {
			return m.disk.below(index) || m.disk.at(index) == s
		}
		other := o.mirrors[id]
		return other != nil && other.acked[s.Term] >= index
	}
	if o.quorumOfTurn(m, acked) {
		return s.Term
	}
	o.world.violated(CommitWitness, "%s has committed %v without a quorum", n.id, s.Position)
	return o.committedIn[len(o.committedIn)-1]
}
