package raft

import (
	"fmt"
	"slices"
)

// brokenInvariant is what assert raises and Step turns into ErrInvariant.
type brokenInvariant struct{ what string }

// assert guards a step that would put safety at risk if the condition did not hold.
// It is always on.
func (c *Core) assert(holds bool, format string, args ...any) {
	if !holds {
		c.broken(format, args...)
	}
}

// broken is what assert does if the condition does not hold, for where a message a step
// would pay for arguments that nobody reads.
func (c *Core) broken(format string, args ...any) {
	panic(&brokenInvariant{fmt.Sprintf(format, args...)})
}

// CheckInvariants reports the first property of a single state that does not hold.
// It looks at the whole log, so it is for tests and simulators, to call after every
// step. CheckState and CheckLog are its parts, for those who step millions of times.
func (c *Core) CheckInvariants() error {
	if err := c.CheckState(); err != nil {
		return err
	}
	return c.CheckLog()
}

// CheckState is the part of CheckInvariants that looks at everything but the log as a
// whole.
func (c *Core) CheckState() error {
	for _, k := range [...]invariant{
		{"indexes are in order", (*Core).checkIndexes},
		{"the role fits the state", (*Core).checkRole},
		{"what is durable is part of the log", (*Core).checkPersistence},
		{"what is not in memory is on disk", (*Core).checkStored},
		{"progress fits the log", (*Core).checkProgress},
		{"reads are in order", (*Core).checkReads},
	} {
		if err := k.check(c); err != nil {
			return err
		}
	}
	return nil
}

// CheckLog is the part of CheckInvariants that can only be broken by what changes the
// log.
func (c *Core) CheckLog() error {
	for _, k := range [...]invariant{
		{"the log is a log", (*Core).checkLog},
		{"configurations are those of the log", (*Core).checkMembership},
		{"peers are the other members", (*Core).checkPeers},
	} {
		if err := k.check(c); err != nil {
			return err
		}
	}
	return nil
}

// An invariant is a property, and what says how it does not hold.
type invariant struct {
	name   string
	broken func(*Core) string
}

func (i *invariant) check(c *Core) error {
	if what := i.broken(c); what != "" {
		return fmt.Errorf("%w: %s: %s", ErrInvariant, i.name, what)
	}
	return nil
}

func (c *Core) checkIndexes() string {
	inOrder := []Index{c.log.base.Index, c.applied, c.handed, c.commit, c.log.last.Index}
	if !slices.IsSorted(inOrder) {
		return fmt.Sprintf("base %d, applied %d, handed out %d, commit %d, last %d",
			c.log.base.Index, c.applied, c.handed, c.commit, c.log.last.Index)
	}
	if c.latest.Last.Index < c.log.base.Index {
		return fmt.Sprintf("compacted to %d, the snapshot is at %d", c.log.base.Index, c.latest.Last.Index)
	}
	return ""
}

func (c *Core) checkLog() string {
	if what := c.log.terms.check(c.log.base, c.log.last); what != "" {
		return what
	}
	t, _ := c.log.term(c.log.memory - 1)
	prev := Position{c.log.memory - 1, t}
	for _, run := range c.log.runs(c.log.memory, c.log.last.Index) {
		for i := range run {
			if !c.log.holds(Position{run[i].Index, run[i].Term}) {
				return fmt.Sprintf("entry %d is of term %d, thought to be of another", run[i].Index, run[i].Term)
			}
		}
		if err := c.checkRun(prev, run, c.hard.Term); err != nil {
			return err.Error()
		}
		prev = Position{run[len(run)-1].Index, run[len(run)-1].Term}
	}
	if prev != c.log.last {
		return fmt.Sprintf("ends at %v, thinks it ends at %v", prev, c.log.last)
	}
	return ""
}

func (c *Core) checkMembership() string {
	var inLog []Index
	oldest := c.members.entries[0].index
	if oldest > c.latest.Last.Index {
		return fmt.Sprintf("none is known before that of %d, the snapshot is at %d", oldest, c.latest.Last.Index)
	}
	for _, run := range c.log.runs(c.log.memory, c.log.last.Index) {
		for i := range run {
			if run[i].Type == EntryConfiguration && run[i].Index > oldest {
				inLog = append(inLog, run[i].Index)
			}
		}
	}
	var known []Index
	for _, e := range c.members.entries[1:] {
		if e.index >= c.log.memory {
			known = append(known, e.index)
		}
	}
	if !slices.Equal(inLog, known) {
		return fmt.Sprintf("in the log at %v, known at %v", inLog, known)
	}
	return ""
}

func (c *Core) checkRole() string {
	self := c.config.ID
	switch {
	case (c.role == Leader) != (c.lead != nil):
		return fmt.Sprintf("a %v with leadership %v", c.role, c.lead != nil)
	case c.role == Leader && (c.leader != self || c.hard.VotedFor != self):
		return fmt.Sprintf("leads, knows %q as leader, voted for %q", c.leader, c.hard.VotedFor)
	case c.role == Leader && !c.persist.hardDurable():
		return "leads a term that is not durable"
	case c.role == Candidate && (c.hard.VotedFor != self || c.leader != None):
		return fmt.Sprintf("a candidate that voted for %q and knows %q as leader", c.hard.VotedFor, c.leader)
	case c.role == PreCandidate && c.leader != None:
		return fmt.Sprintf("a pre-candidate that knows %q as leader", c.leader)
	case c.role == Follower && c.leader == self:
		return "follows itself"
	case c.role != Candidate && c.role != PreCandidate && len(c.candidacy.votes) > 0:
		return "counts votes and is no candidate"
	case c.impaired && c.role != Follower:
		return fmt.Sprintf("a %v whose log is impaired", c.role)
	case c.role != Follower && c.following != following{}:
		return "follows a leader and is no follower"
	}
	return ""
}

func (c *Core) checkPersistence() string {
	p := &c.persist
	switch {
	case p.written > c.log.last.Index || p.durable > p.written:
		return fmt.Sprintf("durable %d, written %d, last %d", p.durable, p.written, c.log.last.Index)
	case p.done > p.handedOut || p.hardWrite > p.handedOut:
		return fmt.Sprintf("write %d done, %d has the hard state, %d handed out", p.done, p.hardWrite, p.handedOut)
	case p.hardDurable() && len(p.held) > 0 || len(p.held) > maxHeld:
		return fmt.Sprintf("%d messages are held back, term and vote durable: %t", len(p.held), p.hardDurable())
	}
	number := p.done
	for _, w := range p.open {
		if w.number != number+1 || w.last > c.log.last.Index {
			return fmt.Sprintf("write %d up to %d after write %d", w.number, w.last, number)
		}
		number = w.number
	}
	if number != p.handedOut {
		return fmt.Sprintf("write %d is the last open one, %d the last handed out", number, p.handedOut)
	}
	for _, m := range p.held {
		if m.Term < c.hard.Term || m.From != c.config.ID {
			return fmt.Sprintf("a message of term %d is held back in term %d", m.Term, c.hard.Term)
		}
	}
	bytes := 0
	for _, w := range p.open {
		bytes += w.bytes
	}
	if bytes != p.openBytes {
		return fmt.Sprintf("writes of %d bytes are open, %d are accounted for", bytes, p.openBytes)
	}
	return ""
}

// checkStored: only what is applied and durable, or what the disk had at the start, is not
// in memory.
func (c *Core) checkStored() string {
	l := &c.log
	if l.memory <= l.base.Index || l.memory > l.last.Index+1 || l.memory-1 > max(l.base.Index, c.persist.durable) {
		return fmt.Sprintf("in memory from %d on; base %d, durable %d, last %d", l.memory, l.base.Index, c.persist.durable, l.last.Index)
	}
	if c.lead == nil {
		return ""
	}
	for _, p := range c.lead.peers {
		open := p.load != Load{}
		if open && (p.load.To != p.id || p.load.Session != p.session || p.load.First > p.next || p.state == Snapshot || p.paused) {
			return fmt.Sprintf("%+v is open for %s in session %d: %v, next %d, paused %t", p.load, p.id, p.session, p.state, p.next, p.paused)
		}
	}
	return ""
}

func (c *Core) checkProgress() string {
	if c.lead == nil {
		return ""
	}
	uncommitted := c.log.bytes(c.commit+1, c.log.last.Index)
	if uncommitted != c.lead.uncommittedBytes {
		return fmt.Sprintf("%d bytes are uncommitted, %d are accounted for", uncommitted, c.lead.uncommittedBytes)
	}
	for _, p := range c.lead.peers {
		switch {
		case p.session == 0 || p.session > c.lead.sessions:
			return fmt.Sprintf("%s has session %d of %d", p.id, p.session, c.lead.sessions)
		case p.match >= p.next || p.match > c.log.last.Index:
			return fmt.Sprintf("%s: match %d, next %d, last %d", p.id, p.match, p.next, c.log.last.Index)
		case p.state != Snapshot && p.next > c.log.last.Index+1:
			return fmt.Sprintf("%s: next %d, last %d", p.id, p.next, c.log.last.Index)
		case p.state != Replicate && p.inflight.size > 0:
			return fmt.Sprintf("%s: %d messages in flight in %v", p.id, p.inflight.size, p.state)
		case p.commitSent > c.commit:
			return fmt.Sprintf("%s was told of commit %d, it is %d", p.id, p.commitSent, c.commit)
		case p.inflight.size > c.config.MaxInflightMessages:
			return fmt.Sprintf("%s: %d messages in flight", p.id, p.inflight.size)
		}
		if what := p.inflight.check(c.config.MaxInflightBytes); what != "" {
			return fmt.Sprintf("%s: %s", p.id, what)
		}
	}
	return ""
}

// check holds the account of bytes against the messages, and against the limit, which one
// message may pass.
func (f *inflight) check(limit int) string {
	bytes, last := 0, 0
	for i := range f.size {
		last = f.ring[(f.start+i)%len(f.ring)].bytes
		bytes += last
	}
	if bytes != f.bytes || f.size > 1 && bytes-last >= limit {
		return fmt.Sprintf("%d bytes in flight in %d messages, %d are accounted for, the limit is %d", bytes, f.size, f.bytes, limit)
	}
	return ""
}

// checkPeers holds the peers against the other members.
func (c *Core) checkPeers() string {
	if c.lead == nil {
		return ""
	}
	conf := c.members.current()
	count := len(c.lead.peers)
	if conf.Member(c.config.ID) {
		count++
	}
	members := len(conf.Voters) + len(conf.Learners)
	if conf.Joint() {
		members = len(conf.Members())
	}
	if count != members {
		return fmt.Sprintf("%d peers for %v", len(c.lead.peers), conf)
	}
	last := None
	for _, p := range c.lead.peers {
		if p.id <= last || c.self(p.id) || !conf.Member(p.id) {
			return fmt.Sprintf("peer %q behind %q for %v", p.id, last, conf)
		}
		last = p.id
	}
	return ""
}

func (c *Core) checkReads() string {
	if c.lead == nil {
		return ""
	}
	r := &c.lead.reads
	if open := len(r.open) + len(r.waiting); open > c.config.MaxReads {
		return fmt.Sprintf("%d are open, the limit is %d", open, c.config.MaxReads)
	}
	var last openRead
	for _, o := range r.open {
		if o.round < last.round || o.index < last.index || o.round > r.sequence+1 || o.index > c.commit {
			return fmt.Sprintf("round %d at %d after round %d at %d; %d rounds, commit %d",
				o.round, o.index, last.round, last.index, r.sequence, c.commit)
		}
		last = o
	}
	for _, p := range c.lead.peers {
		if p.readAcked > r.sequence {
			return fmt.Sprintf("%s confirmed round %d of %d", p.id, p.readAcked, r.sequence)
		}
	}
	return ""
}

// An Observation is what of a state CheckTransition compares.
type Observation struct {
	role             Role
	hard             HardState
	leader           NodeID
	commit, handed   Index
	base             Index
	committed, last  Position
	memory           Index
	writesHandedOut  uint64
	writesPersistent uint64
}

// Observe notes the present state, to be compared with a later one.
func (c *Core) Observe() Observation {
	t, _ := c.log.term(c.commit)
	return Observation{
		role: c.role, hard: c.hard, leader: c.leader, commit: c.commit, handed: c.handed,
		base: c.log.base.Index, committed: Position{c.commit, t}, last: c.log.last, memory: c.log.memory,
		writesHandedOut: c.persist.handedOut, writesPersistent: c.persist.done,
	}
}

// restoredSince reports whether the log begins, since an earlier observation, behind a snapshot
// that was restored: what comes after that is handed out again.
func (c *Core) restoredSince(before Observation) bool {
	return c.log.base.Index > before.base && c.handed == c.log.base.Index && c.handed == c.latest.Last.Index
}

// CheckTransition reports the first property of going from an earlier observation to
// the present state that does not hold.
func (c *Core) CheckTransition(before Observation) error {
	broken := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrInvariant, fmt.Sprintf(format, args...))
	}
	sameTerm := c.hard.Term == before.hard.Term
	switch {
	case c.hard.Term < before.hard.Term:
		return broken("the term fell from %d to %d", before.hard.Term, c.hard.Term)
	case sameTerm && before.hard.VotedFor != None && c.hard.VotedFor != before.hard.VotedFor:
		return broken("the vote of term %d went from %s to %q", c.hard.Term, before.hard.VotedFor, c.hard.VotedFor)
	case sameTerm && before.leader != None && c.leader != None && c.leader != before.leader:
		return broken("term %d had leader %s and has %s", c.hard.Term, before.leader, c.leader)
	case c.commit < before.commit || c.handed < before.handed && !c.restoredSince(before):
		return broken("the commit index fell from %d to %d (handed out: %d, %d)", before.commit, c.commit, before.handed, c.handed)
	case before.commit > c.log.base.Index && !c.log.holds(before.committed):
		return broken("the log no longer holds %v, which is committed", before.committed)
	case sameTerm && before.role == Leader && !c.log.holds(before.last) && c.log.base.Index < before.last.Index:
		return broken("a leader's log lost %v (Leader Append-Only)", before.last)
	case sameTerm && before.role != Candidate && before.role != Leader && c.role == Leader:
		return broken("a %v became leader within term %d", before.role, c.hard.Term)
	case c.log.memory > before.memory && c.log.memory-1 > max(c.log.base.Index, min(c.applied, c.persist.durable)):
		return broken("entries up to %d left memory; applied %d, durable %d, base %d", c.log.memory-1, c.applied, c.persist.durable, c.log.base.Index)
	case c.persist.handedOut < before.writesHandedOut || c.persist.done < before.writesPersistent:
		return broken("write numbers fell")
	}
	return nil
}
