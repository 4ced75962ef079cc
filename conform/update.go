package conform

import (
	"errors"
	"fmt"

	"github.com/ben-ng/gaggle/raft"
)

// update follows what a core hands out.
func (c *Checker) update(m *member, t *raft.Trace) error {
	u := t.Update
	if err := c.effects(m, t.Effects, nil); err != nil {
		return err
	}
	if err := c.handOut(m, u.Write); err != nil {
		return err
	}
	r := &c.state
	terms, values, has := r.termAt.Column(m.number), r.valueAt.Column(m.number), highest(r.knows.Rows(m.number))
	for _, run := range u.Committed {
		for i := range run {
			if index(run[i].Index) > has {
				return fmt.Errorf("it hands out entry %d as committed, and knows that only of those to %d", run[i].Index, has+1)
			}
			if err := c.says(&run[i], terms.At, values.At); err != nil {
				return fmt.Errorf("of what it hands out as committed, %w", err)
			}
		}
	}
	for i := range u.Reads {
		if err := c.answered(m, &u.Reads[i]); err != nil {
			return err
		}
	}
	if len(u.SendSnapshots) > 0 {
		return c.maySend(m)
	}
	return nil
}

// handOut follows a write, and holds it against how the log, term and vote have changed since the
// one before.
func (c *Checker) handOut(m *member, w *raft.Write) error {
	r, n := &c.state, m.number
	if w == nil {
		if !r.wTermAt.Column(m.last).Same(r.termAt.Column(n)) || !r.wCurrent.Set(m.last).Equal(r.current.Set(n)) || !r.wVoted.Rows(m.last).Equal(r.voted.Rows(n)) {
			return errors.New("its log, term or vote has changed, and is not handed out to be written")
		}
		return nil
	}
	before := m.last
	c.lastWrite++
	thing := c.lastWrite
	if err := c.do("hand_out_write", n, thing); err != nil {
		return err
	}
	m.open = append(m.open, handed{w.Number, thing})
	m.last = thing
	if h := w.HardState; h == nil {
		if !r.wCurrent.Set(before).Equal(r.wCurrent.Set(thing)) || !r.wVoted.Rows(before).Equal(r.wVoted.Rows(thing)) {
			return errors.New("its term or vote has changed, and is not in the write")
		}
	} else if !r.wCurrent.Set(thing).Has(term(h.Term)) {
		return fmt.Errorf("it writes term %d", h.Term)
	}
	terms, values := r.wTermAt.Column(thing), r.wValueAt.Column(thing)
	next := r.wHas.Set(before).Max() + 1
	switch {
	case w.Snapshot != nil:
		next = index(w.Snapshot.Last.Index) + 1
	case w.Truncate != 0:
		next = index(w.Truncate)
	}
	if w.Snapshot == nil && next > 1 {
		// Up to there nothing may have changed.
		if !terms.AgreesTo(next-1, r.wTermAt.Column(before)) || !values.AgreesTo(next-1, r.wValueAt.Column(before)) && !m.impaired {
			return fmt.Errorf("its log has changed before entry %d, which is the first that is written", next+1)
		}
	}
	for _, run := range w.Entries {
		for i := range run {
			if at := index(run[i].Index); at > 0 && at != next {
				return fmt.Errorf("it writes entry %d behind entry %d", run[i].Index, next)
			}
			if err := c.says(&run[i], terms.At, values.At); err != nil {
				return fmt.Errorf("of what it writes, %w", err)
			}
			next = index(run[i].Index) + 1
		}
	}
	if last := r.wHas.Set(thing).Max(); next != last+1 {
		return fmt.Errorf("it writes entries to %d, and has them to %d", next, last+1)
	}
	return nil
}

// readOpened follows that a read waits for its answer.
func (c *Checker) readOpened(m *member, token uint64, at raft.Index) error {
	c.lastRead++
	rd := &read{thing: c.lastRead, index: at}
	m.reads[token] = rd
	if known := highest(c.state.knows.Rows(m.number)); known != index(at) {
		return fmt.Errorf("a read is to see entries to %d, and those to %d are known to be committed", at, known+1)
	}
	return c.do("open_read", rd.thing, m.number, c.now(m), index(at))
}

// begunRound follows that a leader begins a round of heartbeats: it is that of the reads that have
// none yet.
func (c *Checker) begunRound(m *member, round uint64) error {
	if round <= m.round {
		return nil
	}
	m.round = round
	for _, rd := range m.reads {
		if rd.round > 0 {
			continue
		}
		rd.round = round
		if err := c.confirmOwn(m, rd); err != nil {
			return err
		}
	}
	return nil
}

// confirmOwn follows that a leader is the first to confirm a read.
func (c *Checker) confirmOwn(m *member, rd *read) error {
	if c.state.rAck.Set(rd.thing).Has(m.number) {
		return nil
	}
	return c.do("confirm_read", rd.thing, m.number)
}

// confirm follows that a node confirms the reads of a leader up to a round.
func (c *Checker) confirm(m, leader *member, round uint64) error {
	if leader == nil || !c.state.leads.Set(0).Has(leader.number) || c.now(leader) != c.now(m) {
		return nil // they fail
	}
	for _, rd := range leader.reads {
		if rd.round == 0 || rd.round > round || c.state.rAck.Set(rd.thing).Has(m.number) {
			continue
		}
		if err := c.do("confirm_read", rd.thing, m.number); err != nil {
			return err
		}
	}
	return nil
}

// confirmed follows that a read has a quorum's confirmation.
func (c *Checker) confirmed(m *member, token uint64) error {
	rd := m.reads[token]
	if rd == nil || rd.done {
		return errors.New("it answers a read that is not open")
	}
	if err := c.confirmOwn(m, rd); err != nil {
		return err
	}
	q, ok := c.quorum(m.conf(), c.state.rAck.Set(rd.thing).Has)
	if !ok {
		return fmt.Errorf("it answers a read, and no quorum of %v has confirmed that it leads", m.conf())
	}
	rd.done = true
	return c.do("release_read", rd.thing, q)
}

// answered follows the answer to a read.
func (c *Checker) answered(m *member, result *raft.ReadResult) error {
	rd := m.reads[result.Token]
	delete(m.reads, result.Token)
	if rd != nil {
		defer c.run.Forget("read", rd.thing)
	}
	switch {
	case result.Err != nil:
	case rd == nil || !rd.done:
		return errors.New("it answers a read that nobody has confirmed")
	case rd.index != result.Index:
		return fmt.Errorf("a read was to see entries to %d, and is answered with %d", rd.index, result.Index)
	}
	return nil
}
