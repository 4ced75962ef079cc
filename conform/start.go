package conform

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/spec/follow"
)

// start follows the start of a node: the first is from nothing, or from the founding
// configuration; the others are from what its disk holds after a crash.
func (c *Checker) start(m *member, t *raft.Trace) error {
	saved := t.Saved
	c.run.Know("node", m.number)
	first := m.reads == nil
	m.reads, m.round = map[uint64]*read{}, 0
	if first {
		if saved.HardState.Term > 1 || saved.HardState.VotedFor != raft.None || saved.Snapshot.Last.Index > 0 || t.After.Last.Index > 1 {
			return errors.New("it begins with what it had before, and nothing was seen of that: a trace is followed from the founding of the cluster on")
		}
	} else if err := c.restart(m, saved, t); err != nil {
		return err
	}
	m.configured(saved, c)
	if err := c.findDamage(m, saved); err != nil {
		return err
	}
	return c.compare(m, &t.After)
}

// configured finds the configurations in what was saved.
func (m *member) configured(saved *raft.Saved, c *Checker) {
	m.configurations = append(m.configurations[:0], inEffect{saved.Snapshot.ConfigurationIndex, saved.Snapshot.Configuration})
	for _, list := range [][]raft.Entry{saved.Configurations, saved.Entries} {
		for i := range list {
			if list[i].Index > saved.Snapshot.Last.Index {
				m.appended(&list[i], c)
			}
		}
	}
}

// appended follows an entry that comes to a log: a configuration is in effect then, and those at
// and behind its index are not.
func (m *member) appended(e *raft.Entry, c *Checker) {
	for len(m.configurations) > 1 && m.configurations[len(m.configurations)-1].index >= e.Index {
		m.configurations = m.configurations[:len(m.configurations)-1]
	}
	if e.Type == raft.EntryConfiguration {
		m.configurations = append(m.configurations, inEffect{e.Index, c.configurations[c.value(e)]})
	}
}

// restart finds which write the disk came to before the crash, and starts from it.
func (c *Checker) restart(m *member, saved *raft.Saved, t *raft.Trace) error {
	durable, err := c.durable(m, func(w uint64) error { return c.isSaved(w, saved, t) })
	if err != nil {
		if w := c.torn(m, saved, t); w >= 0 {
			durable, err = 0, c.tear(m, w, index(t.After.Last.Index))
		}
	}
	fetched := err != nil && c.mayReplace(saved, t)
	if fetched {
		durable, err = c.durable(m, func(w uint64) error { return c.isBefore(w, saved) })
	}
	if err != nil {
		return fmt.Errorf("it comes back from a crash with what its disk cannot hold: %w; %d writes were under way; %v, snapshot at %v", err, len(m.open), saved.HardState, saved.Snapshot.Last)
	}
	if durable >= 0 {
		if err := c.persisted(m, m.open[durable].number); err != nil {
			return err
		}
	}
	if !fetched {
		if err := c.foundSnapshot(m, index(saved.Snapshot.Last.Index)); err != nil {
			return err
		}
	}
	if err := c.do("restart", m.number, m.disk); err != nil {
		return err
	}
	for _, w := range m.open {
		c.run.Forget("write", w.write)
	}
	m.open, m.last = m.open[:0], m.disk
	if fetched {
		return c.replaced(m, saved)
	}
	return nil
}

// durable is the first write that fits what was found on the disk: -1 if it is the one that was
// known to be durable, else one of those that were under way.
func (c *Checker) durable(m *member, fits func(w uint64) error) (int, error) {
	why := fits(m.disk)
	if why == nil {
		return -1, nil
	}
	for i := range m.open {
		if fits(m.open[i].write) == nil {
			return i, nil
		}
	}
	return -1, why
}

// foundSnapshot follows that a node finds another latest snapshot than its core was told of: one
// that became durable just before the crash, or an older one, as the latest is damaged.
func (c *Checker) foundSnapshot(m *member, i uint64) error {
	switch covered := highest(c.state.covered.Rows(m.number)); {
	case i > covered:
		return c.snapshotTaken(m, i)
	case i < covered:
		m.snapshots = slices.DeleteFunc(m.snapshots, func(at raft.Position) bool { return uint64(at.Index) > i })
		return c.do("lose_snapshot", m.number, i)
	}
	return nil
}

// mayReplace reports whether a snapshot may have taken the place of the log: it is all there is.
func (c *Checker) mayReplace(saved *raft.Saved, t *raft.Trace) bool {
	_, there := c.snapshots[here(saved.Snapshot.Last)]
	return there && t.After.Last == saved.Snapshot.Last
}

// here is a position in the numbers of the specification.
func here(p raft.Position) raft.Position {
	return raft.Position{Index: raft.Index(index(p.Index)), Term: raft.Term(term(p.Term))}
}

// isBefore holds the term and vote that were saved against a write: if the snapshot is of a later
// term, the node has entered that when it found it.
func (c *Checker) isBefore(w uint64, saved *raft.Saved) error {
	now := term(saved.HardState.Term)
	switch current := c.state.wCurrent.Set(w); {
	case current.Has(now):
		return c.isVote(w, &saved.HardState)
	case current.Max() < now && saved.HardState.VotedFor == raft.None && saved.HardState.Term == saved.Snapshot.Last.Term:
		return nil
	}
	return fmt.Errorf("it is in term %d", saved.HardState.Term)
}

// replaced follows that a snapshot that had come takes the place of the log, which says nothing
// of it yet.
func (c *Checker) replaced(m *member, saved *raft.Saved) error {
	if now, then := c.now(m), term(saved.HardState.Term); then > now {
		if err := c.do("enter_term", m.number, now, then); err != nil {
			return err
		}
		if err := c.written(m); err != nil {
			return err
		}
	}
	if err := c.do("fetch_instead", m.number, c.now(m), c.snapshots[here(saved.Snapshot.Last)], m.disk); err != nil {
		return err
	}
	m.snapshots = append(m.snapshots, here(saved.Snapshot.Last))
	return c.written(m)
}

// written follows that a node has written what it has, before its core begins.
func (c *Checker) written(m *member) error {
	c.lastWrite++
	if err := c.do("hand_out_write", m.number, c.lastWrite); err != nil {
		return err
	}
	m.open, m.last = append(m.open, handed{0, c.lastWrite}), c.lastWrite
	return c.persisted(m, 0)
}

// isVote holds a vote that was saved, in the term of a write, against it.
func (c *Checker) isVote(w uint64, h *raft.HardState) error {
	votes := c.state.wVoted.Rows(w).Of(term(h.Term))
	if h.VotedFor == raft.None && len(votes) > 0 || h.VotedFor != raft.None && !votes.Has(c.number(h.VotedFor)) {
		return fmt.Errorf("it has voted for %q in term %d, and had not", h.VotedFor, h.Term)
	}
	return nil
}

// isSaved holds what was saved against a write.
func (c *Checker) isSaved(w uint64, saved *raft.Saved, t *raft.Trace) error {
	r := &c.state
	if !r.wCurrent.Set(w).Has(term(saved.HardState.Term)) {
		return fmt.Errorf("it is in term %d, and was in term %d", saved.HardState.Term, r.wCurrent.Set(w).Max()+1)
	}
	if err := c.isVote(w, &saved.HardState); err != nil {
		return err
	}
	if last := r.wHas.Set(w).Max(); last != index(t.After.Last.Index) {
		return fmt.Errorf("its log ends at %v, and did with entry %d", t.After.Last, last+1)
	}
	return c.isLog(w, saved)
}

// torn finds the write of which only the first entries are there: the one that was being made when
// the power went. It is -1 if there is none.
func (c *Checker) torn(m *member, saved *raft.Saved, t *raft.Trace) int {
	return slices.IndexFunc(m.open, func(w handed) bool {
		return c.state.wCurrent.Set(w.write).Has(term(saved.HardState.Term)) && c.isVote(w.write, &saved.HardState) == nil &&
			c.state.wHas.Set(w.write).Max() > index(t.After.Last.Index) && c.isLog(w.write, saved) == nil
	})
}

// tear follows that a write, which is the next then, has its entries up to an index alone.
func (c *Checker) tear(m *member, i int, to uint64) error {
	if i > 0 {
		if err := c.persisted(m, m.open[i-1].number); err != nil {
			return err
		}
	}
	terms, w := c.state.wTermAt.Column(m.disk), m.open[0].write
	first := terms.Differs(c.state.wTermAt.Column(w))
	u, _ := terms.At(first)
	return c.do("torn", m.number, m.disk, w, to, first, u)
}

// isLog holds the log that was saved against that of a write, as far as it goes.
func (c *Checker) isLog(w uint64, saved *raft.Saved) error {
	r := &c.state
	terms := r.wTermAt.Column(w)
	for _, run := range saved.Stored {
		for _, i := range [...]raft.Index{run.First, run.Last} {
			if t, has := terms.At(index(i)); index(i) > 0 && (!has || t != term(run.Term)) {
				return fmt.Errorf("entry %d is of term %d, and was of term %d", i, run.Term, t+1)
			}
		}
	}
	values := r.wValueAt.Column(w)
	for i := range saved.Entries {
		e := &saved.Entries[i]
		if index(e.Index) == 0 {
			continue
		}
		if t, has := terms.At(index(e.Index)); !has || t != term(e.Term) {
			return fmt.Errorf("entry %d is of term %d, and was of term %d", e.Index, e.Term, t+1)
		}
		if v, _ := values.At(index(e.Index)); v != c.value(e) {
			return fmt.Errorf("entry %d@%d does not say what it said", e.Index, e.Term)
		}
	}
	return nil
}

// findDamage follows what a node finds damaged when it starts: any of what is on the disk only
// from the first on, as it is not told which.
func (c *Checker) findDamage(m *member, saved *raft.Saved) error {
	m.impaired = saved.Impaired
	if !saved.Impaired || len(saved.Stored) == 0 {
		return c.repaired(m, math.MaxUint64, saved.Snapshot.Last)
	}
	first := max(saved.Damaged, saved.Stored[0].First, 2)
	if err := c.repaired(m, index(first), saved.Snapshot.Last); err != nil {
		return err
	}
	for i := first; i <= saved.Stored[len(saved.Stored)-1].Last; i++ {
		k := index(i)
		v, _ := c.state.valueAt.Column(m.number).At(k)
		// What turns out not to be damaged, it could have said before as well.
		if u, has := c.state.termAt.Column(m.number).At(k); has && !c.state.damaged.Set(m.number).Has(k) {
			if err := c.do("offer_entry", m.number, k, u, v); err != nil {
				return err
			}
		}
		if err := c.do("find_damage", m.number, k, v); err != nil {
			return err
		}
	}
	return nil
}

// repaired follows that nothing is damaged any more before an index; snapshot is the latest.
func (c *Checker) repaired(m *member, before uint64, snapshot raft.Position) error {
	if len(c.damaged(m, before)) == 0 {
		return nil
	}
	if c.settled(m, index(snapshot.Index)) {
		if err := c.restoredWithin(m, snapshot); err != nil {
			return err
		}
	}
	var err error
	c.damaged(m, before).Each(func(k uint64) bool {
		if c.settled(m, k) {
			err = c.repair(m, k)
		}
		return err == nil
	})
	return err
}

// damaged is where an entry is damaged, before an index: in memory, or in a write that may be on
// the disk.
func (c *Checker) damaged(m *member, before uint64) follow.Set {
	s := c.state.damaged.Set(m.number).Or(c.state.wDamaged.Set(m.disk))
	for _, w := range m.open {
		s = s.Or(c.state.wDamaged.Set(w.write))
	}
	return s.Before(before)
}

// settled reports whether all writes that may be on the disk have the entry that is in memory at
// an index. One that has another is replaced, and what was damaged of it with it.
func (c *Checker) settled(m *member, k uint64) bool {
	t, has := c.state.termAt.Column(m.number).At(k)
	same := func(w uint64) bool {
		u, there := c.state.wTermAt.Column(w).At(k)
		return there && u == t
	}
	return has && same(m.disk) && !slices.ContainsFunc(m.open, func(w handed) bool { return !same(w.write) })
}

// repair follows that an entry is written again, with what somebody says.
func (c *Checker) repair(m *member, k uint64) error {
	r := &c.state
	u, _ := r.termAt.Column(m.number).At(k)
	from := m
	for _, other := range c.members {
		if t, has := r.termAt.Column(other.number).At(k); has && t == u && other != m && !r.damaged.Set(other.number).Has(k) &&
			(from == m || other.number < from.number) {
			from = other
		}
	}
	v, _ := r.valueAt.Column(from.number).At(k)
	if from != m { // else it was one of those that were not damaged
		if err := c.do("offer_entry", from.number, k, u, v); err != nil {
			return err
		}
	}
	return c.do("repair", m.number, k, u, v)
}
