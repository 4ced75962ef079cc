package conform

import (
	"errors"
	"fmt"

	"github.com/ben-ng/gaggle/raft"
)

// effects follows what a core did. msg is the message that it did it for, if it was one.
func (c *Checker) effects(m *member, effects []raft.Effect, msg *raft.Message) error {
	for i := range effects {
		if err := c.effect(m, &effects[i], msg); err != nil {
			return err
		}
	}
	return nil
}

func (c *Checker) effect(m *member, e *raft.Effect, msg *raft.Message) error {
	switch e.Kind {
	case raft.Entered:
		return c.entered(m, e.HardState, msg)
	case raft.Became:
		return c.became(m, e.Role)
	case raft.Said:
		c.saying(&e.Message)
		if err := c.made(m, &e.Message, msg); err != nil {
			return err
		}
		return c.left(m, &e.Message)
	case raft.Withheld:
		return c.made(m, &e.Message, msg)
	case raft.Released:
		c.saying(&e.Message)
		return c.left(m, &e.Message)
	case raft.Appended:
		for i := range e.Entries {
			if err := c.proposed(m, &e.Entries[i]); err != nil {
				return err
			}
		}
	case raft.Committed:
		return c.committed(m, e.Index)
	case raft.ReadOpened:
		return c.readOpened(m, e.Token, e.Index)
	case raft.ReadAnswered:
		return c.confirmed(m, e.Token)
	case raft.Restored:
		return errors.New("it restores a snapshot for no reason")
	}
	return nil
}

// entered follows a new term, or a vote.
func (c *Checker) entered(m *member, h raft.HardState, msg *raft.Message) error {
	now, then := c.now(m), term(h.Term)
	i, u := c.end(m)
	switch {
	case h.VotedFor == m.id && then > now: // it stands for election
		q, ok := c.quorum(m.conf(), func(x uint64) bool {
			return x == m.number || c.state.preVote.Holds(x, then, m.number)
		})
		if !ok && !c.run.Relation("timeout_now").Holds(m.number, now) {
			return fmt.Errorf("it stands for election in term %d, and no quorum of %v would vote for it", h.Term, m.conf())
		}
		return c.do("stand", m.number, now, then, i, u, q)
	case h.VotedFor == raft.None:
		if then == now {
			return nil // both are the first term
		}
		return c.do("enter_term", m.number, now, then)
	}
	if msg == nil {
		return errors.New("it votes, and nobody has asked it to")
	}
	b, ok := msg.Body.(*raft.RequestVote)
	if !ok || b.PreVote || msg.From != h.VotedFor {
		return fmt.Errorf("it votes for %s, which has not asked it to", h.VotedFor)
	}
	return c.do("grant_vote", m.number, now, c.number(msg.From), term(msg.Term), index(b.Last.Index), term(b.Last.Term), i, u)
}

// became follows a role. Who stands for election does so when it enters the term.
func (c *Checker) became(m *member, role raft.Role) error {
	now := c.now(m)
	switch role {
	case raft.Follower:
		return c.do("step_down", m.number)
	case raft.PreCandidate:
		i, u := c.end(m)
		return c.do("campaign", m.number, now, now+1, i, u)
	case raft.Candidate:
		return nil
	default:
	}
	conf := m.conf()
	if conf.Voter(m.id) && !c.state.vote.Holds(m.number, now, m.number) {
		if err := c.do("send_vote", m.number, now, m.number, m.disk); err != nil {
			return err
		}
	}
	q, ok := c.quorum(conf, func(x uint64) bool { return c.state.vote.Holds(x, now, m.number) })
	if !ok {
		return fmt.Errorf("it leads, and no quorum of %v has voted for it", conf)
	}
	m.round = 0
	return c.do("become_leader", m.number, now, q)
}

// proposed follows an entry that a leader appends.
func (c *Checker) proposed(m *member, e *raft.Entry) error {
	if term(e.Term) != c.now(m) {
		return fmt.Errorf("it appends an entry of term %d", e.Term)
	}
	err := c.do("propose", m.number, c.now(m), index(e.Index), c.value(e))
	m.appended(e, c)
	return err
}

// committed follows that a leader commits what a quorum has acknowledged, of which it may be one.
func (c *Checker) committed(m *member, to raft.Index) error {
	now, i, conf := c.now(m), index(to), m.conf()
	if conf.Voter(m.id) {
		if own := min(i, index(m.durable)); own > 0 && !c.state.ack.Rows(m.number).Of(now).Has(own) {
			if err := c.do("acknowledge", m.number, now, own, m.disk); err != nil {
				return err
			}
		}
	}
	q, ok := c.quorum(conf, func(x uint64) bool { return c.state.ack.Rows(x).Of(now).Has(i) })
	if !ok {
		return fmt.Errorf("it commits entry %d, and no quorum of %v has acknowledged it in this term", to, conf)
	}
	return c.do("advance_commit", m.number, now, i, q)
}

// saying takes note of a message.
func (c *Checker) saying(msg *raft.Message) {
	switch msg.Body.(type) {
	case *raft.AppendEntries, *raft.Heartbeat:
	default:
		c.said[c.sumOf(msg)] = struct{}{}
	}
}

// made follows a message that a node makes, whether it leaves or waits for the disk.
func (c *Checker) made(m *member, msg, cause *raft.Message) error {
	now := c.now(m)
	if _, pre := preVote(msg.Body); !pre && term(msg.Term) != now {
		return fmt.Errorf("it says something of term %d", msg.Term)
	}
	switch b := msg.Body.(type) {
	case *raft.RequestVote:
		if b.PreVote && !c.state.preAsked.Holds(m.number, term(msg.Term), index(b.Last.Index), term(b.Last.Term)) {
			return fmt.Errorf("it asks for votes in term %d with a log to %v, which it has not", msg.Term, b.Last)
		}
	case *raft.VoteReply:
		if !b.PreVote || !b.Granted {
			return nil
		}
		if cause == nil {
			return errors.New("it would vote for somebody, and nothing has come")
		}
		ask, ok := preVote(cause.Body)
		if !ok || ask == nil || cause.From != msg.To || cause.Term != msg.Term {
			return errors.New("it would vote for somebody who has not asked")
		}
		i, u := c.end(m)
		return c.do("grant_pre_vote", m.number, now, c.number(msg.To), term(msg.Term), index(ask.Last.Index), term(ask.Last.Term), i, u)
	case *raft.AppendEntries:
		return c.sendAppend(m, msg, b)
	case *raft.Heartbeat:
		return c.sendHeartbeat(m, msg, b)
	case *raft.TimeoutNow:
		return c.do("send_timeout_now", m.number, now, c.number(msg.To))
	}
	return nil
}

// preVote reports whether a body is of a pre-vote, whose term has not begun; it is the request, if
// it is one.
func preVote(b raft.Body) (ask *raft.RequestVote, is bool) {
	switch b := b.(type) {
	case *raft.RequestVote:
		return b, b.PreVote
	case *raft.VoteReply:
		return nil, b.PreVote && b.Granted
	}
	return nil, false
}

// left follows a message that leaves a node.
func (c *Checker) left(m *member, msg *raft.Message) error {
	now := c.now(m)
	switch b := msg.Body.(type) {
	case *raft.RequestVote:
		if !b.PreVote {
			return c.do("send_request_vote", m.number, term(msg.Term), index(b.Last.Index), term(b.Last.Term), m.disk)
		}
	case *raft.VoteReply:
		if b.Granted && !b.PreVote {
			return c.do("send_vote", m.number, term(msg.Term), c.number(msg.To), m.disk)
		}
	case *raft.AppendReply:
		if i := index(b.Index); !b.Rejected && i > 0 {
			return c.do("acknowledge", m.number, now, i, m.disk)
		}
	case *raft.HeartbeatReply:
		return c.confirm(m, c.members[msg.To], b.ReadSequence)
	}
	return nil
}

// sendAppend follows an AppendEntries, and holds what it says against what it should.
func (c *Checker) sendAppend(m *member, msg *raft.Message, b *raft.AppendEntries) error {
	h := c.sumOf(msg)
	if _, there := c.messages[h]; there {
		return nil
	}
	last := b.Prev
	if n := len(b.Entries); n > 0 {
		last = raft.Position{Index: b.Entries[n-1].Index, Term: b.Entries[n-1].Term}
	}
	c.lastMessage++
	thing := c.lastMessage
	c.messages[h] = thing
	if err := c.do("send_append", m.number, c.now(m), thing, index(b.Prev.Index), term(b.Prev.Term), index(last.Index), term(last.Term)); err != nil {
		return err
	}
	r := c.run.Relation
	if known := highest(r("m_commit").Rows(thing)); known != index(b.Commit) {
		return fmt.Errorf("it says that entries to %d are committed, and knows it of those to %d", b.Commit, known+1)
	}
	terms, values := r("m_entry").Column(thing), r("m_value").Column(thing)
	for i := range b.Entries {
		if err := c.says(&b.Entries[i], terms.At, values.At); err != nil {
			return err
		}
	}
	return nil
}

// says holds an entry against what there should be at its index.
func (c *Checker) says(e *raft.Entry, termAt, valueAt func(uint64) (uint64, bool)) error {
	i := index(e.Index)
	if i == 0 {
		return nil
	}
	if t, has := termAt(i); !has || t != term(e.Term) {
		return fmt.Errorf("entry %d@%d should be of term %d", e.Index, e.Term, t+1)
	}
	if v, has := valueAt(i); !has || v != c.value(e) {
		return fmt.Errorf("entry %d@%d does not say what it should", e.Index, e.Term)
	}
	return nil
}

func (c *Checker) sendHeartbeat(m *member, msg *raft.Message, b *raft.Heartbeat) error {
	if err := c.begunRound(m, b.ReadSequence); err != nil {
		return err
	}
	h := c.sumOf(msg)
	if _, there := c.messages[h]; there {
		return nil
	}
	c.lastMessage++
	thing := c.lastMessage
	c.messages[h] = thing
	if err := c.do("send_heartbeat", m.number, c.now(m), thing, c.number(msg.To), index(b.Commit)); err != nil {
		return err
	}
	if known := highest(c.run.Relation("m_commit").Rows(thing)); known != index(b.Commit) {
		return fmt.Errorf("it says that entries to %d are committed, and knows it of those to %d", b.Commit, known+1)
	}
	return nil
}

// maySend follows that a leader may have a snapshot of its sent from now on: its latest, or, where
// that cannot be read, or an earlier one is on its way, another.
func (c *Checker) maySend(m *member) error {
	if !c.state.leads.Set(0).Has(m.number) {
		return nil
	}
	now := c.now(m)
	// One of nothing, which is what every log begins with, says no more than who leads.
	c.said[sumOfSnapshot(m.number, now, raft.Position{})] = struct{}{}
	for _, at := range m.snapshots {
		h := sumOfSnapshot(m.number, now, at)
		if _, there := c.messages[h]; there {
			continue
		}
		c.lastMessage++
		c.messages[h] = c.lastMessage
		s := since(c.state.knows.Rows(m.number), uint64(at.Index))
		if err := c.do("send_snapshot", m.number, now, c.lastMessage, uint64(at.Index), uint64(at.Term), s); err != nil {
			return err
		}
	}
	return nil
}
