package sim

import (
	"bytes"
	"errors"
	"sort"

	"github.com/ben-ng/gaggle/raft"
)

// An oracle knows everything that all nodes have written, said and learned, and says
// when something of it cannot be. Beside the properties that Raft is for it looks for
// what has to hold so that they do: the invariants of an inductive proof, which are
// broken long before a cluster shows it.
type oracle struct {
	world *world
	root  *slot
	slots map[raft.Position]*slot
	// terms are those that had a leader, by number; order is their numbers, rising.
	terms map[raft.Term]*term
	order []raft.Term
	// committed are the slots that any node knows to be committed, by index, and
	// committedIn the terms whose leaders committed them, which never fall.
	committed   []*slot
	committedIn []raft.Term
	// voters are those of the founding configuration. Changing: it has been left, so
	// that what is a quorum depends on who counts.
	voters   []raft.NodeID
	charter  []byte
	changing bool
	// mirrors are those of all identities that there ever were.
	mirrors map[raft.NodeID]*mirror
	// foundings is what was said before there was a cluster.
	foundings foundingSaid
}

// A term is a leader's, with its log: what it had when it was elected, and what it
// appended. The last of it outlives the leadership.
type term struct {
	number raft.Term
	leader raft.NodeID
	log    slotLog
	// first is the index of the first entry of the term.
	first raft.Index
	// rounds are when its leader began each round of heartbeats.
	rounds map[uint64]int
}

func newOracle(w *world) *oracle {
	root := &slot{}
	return &oracle{
		world: w, root: root, slots: map[raft.Position]*slot{{}: root},
		terms: map[raft.Term]*term{}, committed: []*slot{root}, committedIn: []raft.Term{0}, mirrors: map[raft.NodeID]*mirror{},
	}
}

// meet takes note of a new identity.
func (o *oracle) meet(n *node) {
	n.mirror.log.base, n.mirror.disk.base, n.mirror.snapshot, n.mirror.state = o.root, o.root, o.root, o.root
	n.mirror.confirmed = map[raft.Term]int{}
	n.mirror.votes, n.mirror.acked = map[raft.Term]raft.NodeID{}, map[raft.Term]raft.Index{}
	o.mirrors[n.id] = n.mirror
}

// installed is the disk of a founding member.
func (o *oracle) installed(n *node, saved *raft.Saved) {
	m := n.mirror
	m.hard, m.hardDisk = saved.HardState, saved.HardState
	for i := range saved.Entries {
		s := o.slot(m.log.last(), &saved.Entries[i])
		m.log.slots, m.disk.slots = append(m.log.slots, s), append(m.disk.slots, s)
		m.configured(s)
	}
}

// commit is the highest index that anybody knows to be committed.
func (o *oracle) commit() raft.Index { return raft.Index(len(o.committed) - 1) }

// slot is that of an entry which follows another. There is one for an index and a term.
func (o *oracle) slot(before *slot, e *raft.Entry) *slot {
	p := raft.Position{Index: e.Index, Term: e.Term}
	s := o.slots[p]
	if s == nil {
		s = &slot{Position: p, before: before, kind: e.Type, data: e.Data}
		o.slots[p] = s
		return s
	}
	if s.before != before {
		o.world.violated(LogMatching, "entry %v follows %v in one log and %v in another", p, s.before.Position, before.Position)
	}
	if s.kind != e.Type || !bytes.Equal(s.data, e.Data) {
		o.world.violated(LogMatching, "entry %v is %q in one log and %q in another", p, s.data, e.Data)
	}
	return s
}

// before notes how a node is before a turn.
func (o *oracle) before(n *node) {
	n.mirror.lastBefore = n.mirror.log.last().Index
	if c := n.process.core(); c != nil && o.world.setup.Layer == Engines {
		n.mirror.seen = c.Observe()
	}
}

// stepped looks at a core after an event.
func (o *oracle) stepped(n *node, before raft.Observation, err error) {
	c := n.process.core()
	if errors.Is(err, raft.ErrInvariant) {
		o.world.ends(CoreInvariant, "%s: %v", n.id, err)
	}
	if errors.Is(err, raft.ErrInvalidMessage) {
		o.world.violated(CoreInvariant, "%s: %v", n.id, err)
	}
	if err := c.CheckTransition(before); err != nil {
		o.world.violated(CoreInvariant, "%s: %v", n.id, err)
	}
	if err := c.CheckState(); err != nil {
		o.world.violated(CoreInvariant, "%s: %v", n.id, err)
	}
}

// after looks at a node after a turn.
func (o *oracle) after(n *node) {
	o.world.spec.check(o.world)
	c := n.process.core()
	if c == nil {
		return
	}
	m := n.mirror
	if o.world.setup.Layer == Engines {
		o.stepped(n, m.seen, nil)
	}
	wrote := m.wroteLog
	if wrote {
		m.wroteLog = false
		if err := c.CheckLog(); err != nil {
			o.world.violated(CoreInvariant, "%s: %v", n.id, err)
		}
		if last := c.Last(); last != m.log.last().Position {
			o.world.violated(CoreInvariant, "%s has a log to %v and has written one to %v", n.id, last, m.log.last().Position)
		}
	}
	role, number, _ := c.Leadership()
	if role == raft.Leader && wrote {
		o.checkUncommitted(m, c.Commit(), number)
	}
	if role == raft.Leader && (m.role != raft.Leader || o.terms[number] == nil) {
		o.elected(n, number)
	}
	m.role = role
	if c.Commit() > m.commit {
		o.committedBy(n, c.Commit())
	}
	o.world.trace.add(5, uint64(n.number), uint64(role), uint64(number), uint64(c.Commit()))
}

// checkUncommitted holds what a leader has taken and not committed against the limit, which
// one proposal may pass.
func (o *oracle) checkUncommitted(m *mirror, commit raft.Index, number raft.Term) {
	if o.world.setup.Layer != Cores || !o.world.setup.Small {
		return
	}
	bytes := 0
	for i := m.log.last().Index; i > commit && m.log.at(i) != nil && m.log.at(i).Term == number; i-- {
		bytes += entryOverhead + len(m.log.at(i).data)
	}
	if most := smallUncommitted + maxProposed*(entryOverhead+maxValueDigits); bytes > most {
		o.world.violated(Bounded, "%s has taken %d bytes and not committed them", m.id, bytes)
	}
}

// elected looks at a new leader.
func (o *oracle) elected(n *node, number raft.Term) {
	m := n.mirror
	if t := o.terms[number]; t != nil {
		if t.leader != n.id {
			o.world.violated(ElectionSafety, "%s and %s both lead term %d", t.leader, n.id, number)
		}
		return
	}
	t := &term{number: number, leader: n.id, log: m.log.copy(), rounds: map[uint64]int{}}
	// What it has appended in this turn already is of its term.
	t.first = t.log.last().Index + 1
	for t.first > t.log.base.Index+1 && t.log.at(t.first-1).Term == number {
		t.first--
	}
	o.terms[number] = t
	i := sort.Search(len(o.order), func(i int) bool { return o.order[i] > number })
	o.order = append(o.order, 0)
	copy(o.order[i+1:], o.order[i:])
	o.order[i] = number
	if p, ok := n.process.(*coreProcess); ok && p.impaired {
		o.world.violated(Elected, "%s leads term %d with a damaged log", n.id, number)
	}
	o.world.report.Elections++
	o.world.trace.line(o.world.now, "%s leads term %d", n.id, number)

	o.checkVotes(m, t)
	// What later terms have committed already, a late winner need not have.
	before := sort.Search(len(o.committedIn), func(i int) bool { return o.committedIn[i] >= number })
	if top := o.committed[before-1]; !m.log.below(top.Index) && m.log.at(top.Index) != top {
		o.world.violated(LeaderCompleteness, "%s leads term %d without entry %v, which is committed", n.id, number, top.Position)
	}
	for _, earlier := range o.order[:i] {
		if lost := o.lacks(&m.log, o.terms[earlier]); lost != nil && o.choosable(earlier, lost.Index, "") {
			o.world.violated(Choosable, "%s leads term %d without entry %v, which a quorum may have acknowledged", n.id, number, lost.Position)
		}
	}
}

// checkVotes holds a new leader against the configurations that may be in effect, in one of
// which it has to be a voter, and the votes that were given.
func (o *oracle) checkVotes(m *mirror, t *term) {
	voter := false
	for i := len(m.configurations) - 1; i >= 0 && !voter; i-- {
		voter = m.configurations[i].conf.Voter(m.id)
		if m.configurations[i].index <= m.commit {
			break
		}
	}
	if !voter {
		o.world.violated(Elected, "%s leads term %d and is no voter", m.id, t.number)
	}
	conf := m.configurationBefore(t.first)
	if !quorum(&conf, func(id raft.NodeID) bool {
		other := o.mirrors[id]
		return other != nil && other.votes[t.number] == m.id
	}) {
		o.world.violated(Elected, "%s leads term %d without the votes of a quorum of %v", m.id, t.number, conf)
	}
}

// lacks is the first entry of a term's own that is not in a log; nil if it has them all.
func (o *oracle) lacks(log *slotLog, t *term) *slot {
	last := t.log.last().Index
	if last < t.first {
		return nil
	}
	// A log that has one entry of a term has all that are before it.
	n := sort.Search(int(last-t.first)+1, func(i int) bool {
		index := t.first + raft.Index(i)
		return !log.below(index) && log.at(index) != t.log.at(index)
	})
	if index := t.first + raft.Index(n); index <= last {
		return t.log.at(index)
	}
	return nil
}

// choosable reports whether a quorum, with one voter in it if that is not "", may
// acknowledge an entry of a term's own: each of it has, or has not left the term.
func (o *oracle) choosable(number raft.Term, index raft.Index, with raft.NodeID) bool {
	if o.changing {
		return false // it cannot be said what is a quorum
	}
	count := 0
	for _, id := range o.voters {
		m := o.mirrors[id]
		may := m != nil && (m.acked[number] >= index || max(m.hardDisk.Term, m.left) <= number)
		if may {
			count++
		} else if id == with {
			return false
		}
	}
	return count >= len(o.voters)/2+1
}

// quorum reports whether those for whom has is true are a majority of each half of a
// configuration.
func quorum(c *raft.Configuration, has func(raft.NodeID) bool) bool {
	majority := func(ids []raft.NodeID) bool {
		count := 0
		for _, id := range ids {
			if has(id) {
				count++
			}
		}
		return 2*count > len(ids)
	}
	return majority(c.Voters) && (len(c.Outgoing) == 0 || majority(c.Outgoing))
}
