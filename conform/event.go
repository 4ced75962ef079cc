package conform

import (
	"errors"
	"fmt"
	"math"

	"github.com/ben-ng/gaggle/raft"
)

// event follows an event, and what the core did for it.
func (c *Checker) event(m *member, t *raft.Trace) error {
	if t.Err != nil {
		if len(t.Effects) > 0 {
			return fmt.Errorf("it refuses the event, %w, and does something for it", t.Err)
		}
		return nil
	}
	switch e := t.Event.(type) {
	case raft.Receive:
		return c.receive(m, e.Message, t)
	case raft.Persisted:
		if err := c.persisted(m, e.Write); err != nil {
			return err
		}
	case raft.Applied: // who has applied an entry has it
		return c.repaired(m, index(e.Index)+1, m.state.Snapshot)
	case raft.SnapshotTaken:
		if i := index(e.Index); i > highest(c.state.covered.Rows(m.number)) {
			if err := c.snapshotTaken(m, i); err != nil {
				return err
			}
			return c.maySend(m)
		}
	case raft.SnapshotFetched:
		return c.fetched(m, &e, t)
	case raft.Repaired:
		m.impaired = false
		return c.repaired(m, math.MaxUint64, m.state.Snapshot)
	}
	return c.effects(m, t.Effects, nil)
}

// persisted follows that writes up to a number are durable.
func (c *Checker) persisted(m *member, number uint64) error {
	n := 0
	for n < len(m.open) && m.open[n].number <= number {
		n++
	}
	if n == 0 {
		return nil
	}
	if err := c.do("persisted", m.number, m.open[n-1].write); err != nil {
		return err
	}
	for _, w := range m.open[:n-1] {
		c.run.Forget("write", w.write)
	}
	if m.disk != 0 {
		c.run.Forget("write", m.disk)
	}
	m.disk = m.open[n-1].write
	m.open = append(m.open[:0], m.open[n:]...)
	return nil
}

// snapshotTaken follows that a snapshot up to an index is durable.
func (c *Checker) snapshotTaken(m *member, i uint64) error {
	s := since(c.state.knows.Rows(m.number), i)
	if err := c.do("snapshot_taken", m.number, i, s, m.disk); err != nil {
		return err
	}
	return c.offer(m, i)
}

// offer keeps a snapshot of what a node knows to be committed up to an index: from now on it may
// be anybody's.
func (c *Checker) offer(m *member, i uint64) error {
	lt, _ := c.state.termAt.Column(m.number).At(i)
	at := raft.Position{Index: raft.Index(i), Term: raft.Term(lt)}
	m.snapshots = append(m.snapshots, at)
	if _, there := c.snapshots[at]; there {
		return nil
	}
	c.lastMessage++
	c.snapshots[at] = c.lastMessage
	return c.do("offer_snapshot", m.number, c.now(m), c.lastMessage, i, lt, since(c.state.knows.Rows(m.number), i))
}

// receive follows a message.
func (c *Checker) receive(m *member, msg *raft.Message, t *raft.Trace) error {
	if !c.wasSaid(msg) {
		return errors.New("nobody has said that")
	}
	var step func() error
	taken := msg.Term == t.After.HardState.Term && t.After.Leader == msg.From && t.After.Role == raft.Follower
	switch b := msg.Body.(type) {
	case *raft.AppendEntries:
		if taken && !rejects(t.Effects) {
			step = func() error { return c.append(m, msg, b, t) }
		}
	case *raft.Heartbeat:
		if taken {
			step = func() error { return c.do("heartbeat", m.number, c.now(m), c.messages[c.sumOf(msg)]) }
		}
	case *raft.InstallSnapshot:
		if taken {
			step = func() error { return c.install(m, msg, b, t) }
		}
	}
	if step == nil {
		return c.effects(m, t.Effects, msg)
	}
	// What becomes of its term and role comes first, then what it does with the message, then
	// what it says. What it appends and commits is part of the message.
	entered := 0
	for entered < len(t.Effects) && (t.Effects[entered].Kind == raft.Entered || t.Effects[entered].Kind == raft.Became) {
		entered++
	}
	if err := c.effects(m, t.Effects[:entered], msg); err != nil {
		return err
	}
	if err := step(); err != nil {
		return err
	}
	for i := range t.Effects[entered:] {
		e := &t.Effects[entered+i]
		if e.Kind == raft.Appended {
			for j := range e.Entries {
				m.appended(&e.Entries[j], c)
			}
		}
		if e.Kind != raft.Said && e.Kind != raft.Withheld {
			continue
		}
		if err := c.effect(m, e, msg); err != nil {
			return err
		}
	}
	return nil
}

// rejects reports whether an AppendEntries is refused.
func rejects(effects []raft.Effect) bool {
	for i := range effects {
		if r, ok := effects[i].Message.Body.(*raft.AppendReply); ok && r.Rejected {
			return true
		}
	}
	return false
}

// append follows an AppendEntries that the log goes on from.
func (c *Checker) append(m *member, msg *raft.Message, b *raft.AppendEntries, t *raft.Trace) error {
	thing := c.messages[c.sumOf(msg)]
	if here(t.After.Last) != here(m.state.Last) {
		return c.do("append_new", m.number, c.now(m), thing)
	}
	k, s := c.known(m, b.Prev.Index+raft.Index(len(b.Entries)))
	return c.do("append_nothing_new", m.number, c.now(m), thing, k, s)
}

// known is how far a log is known to equal the leader's by a message up to an index: to there, or
// to what is known to be committed, which it is in a term, if that is more.
func (c *Checker) known(m *member, last raft.Index) (k, s uint64) {
	if m.state.Commit <= last {
		return index(last), 0
	}
	k = index(m.state.Commit)
	return k, since(c.state.knows.Rows(m.number), k)
}

// install follows a snapshot that a leader has sent.
func (c *Checker) install(m *member, msg *raft.Message, b *raft.InstallSnapshot, t *raft.Trace) error {
	restored := restores(t.Effects)
	if index(b.Meta.Last.Index) == 0 {
		if restored != nil {
			m.restored(&b.Meta, restored.Index != 0)
		}
		return nil
	}
	thing, sent := c.messages[c.sumOf(msg)]
	if !sent {
		return c.installNewer(m, msg, b, restored)
	}
	if restored != nil && restored.Index == 0 {
		if err := c.do("install_snapshot", m.number, c.now(m), thing); err != nil {
			return err
		}
		m.restored(&b.Meta, false)
		return c.offer(m, index(b.Meta.Last.Index))
	}
	k, s := c.known(m, b.Meta.Last.Index)
	if err := c.do("install_nothing_new", m.number, c.now(m), thing, k, s); err != nil {
		return err
	}
	if restored != nil {
		m.restored(&b.Meta, true)
		return c.restoredWithin(m, b.Meta.Last)
	}
	return nil
}

// installNewer follows that a node takes a snapshot that somebody else has sent, and that it has on
// disk, when its leader sends one that is older: that of whoever offered it stands for the log, and
// that of the leader is no news.
func (c *Checker) installNewer(m *member, msg *raft.Message, b *raft.InstallSnapshot, restored *raft.Effect) error {
	if restored != nil {
		action := "fetch_within"
		if restored.Index == 0 {
			action = "fetch_instead"
		}
		if err := c.do(action, m.number, c.now(m), c.snapshots[here(b.Meta.Last)], m.disk); err != nil {
			return err
		}
		m.restored(&b.Meta, restored.Index != 0)
	}
	k := max(index(b.Meta.Last.Index), index(m.state.Commit))
	older, _ := c.olderSent(msg, b)
	return c.do("install_nothing_new", m.number, c.now(m), older, k, since(c.state.knows.Rows(m.number), k))
}

// olderSent is a snapshot that the sender of a message may have sent, and that ends before the one
// in it, which somebody else has.
func (c *Checker) olderSent(msg *raft.Message, b *raft.InstallSnapshot) (thing uint64, found bool) {
	from := c.members[msg.From]
	if _, offered := c.snapshots[here(b.Meta.Last)]; !offered || from == nil {
		return 0, false
	}
	for _, at := range from.snapshots {
		if thing, found := c.messages[sumOfSnapshot(from.number, term(msg.Term), at)]; found && at.Index < here(b.Meta.Last).Index {
			return thing, true
		}
	}
	return 0, false
}

func restores(effects []raft.Effect) *raft.Effect {
	for i := range effects {
		if effects[i].Kind == raft.Restored {
			return &effects[i]
		}
	}
	return nil
}

// restored follows the snapshots and configurations that a node has, when a snapshot is restored; within says that those behind
// it stay.
func (m *member) restored(meta *raft.SnapshotMeta, within bool) {
	list := []inEffect{{meta.ConfigurationIndex, meta.Configuration}}
	if within {
		for _, e := range m.configurations {
			if e.index > meta.Last.Index {
				list = append(list, e)
			}
		}
	}
	m.configurations = list
	if at := here(meta.Last); at.Index > 0 {
		m.snapshots = append(m.snapshots, at)
	}
}

// restoredWithin follows that a snapshot stands for what is damaged up to its end.
func (c *Checker) restoredWithin(m *member, at raft.Position) error {
	i := index(at.Index)
	thing, there := c.snapshots[here(at)]
	if i == 0 || !there {
		return nil
	}
	return c.do("fetch_within", m.number, c.now(m), thing, m.disk)
}

// fetched follows a snapshot of any other node.
func (c *Checker) fetched(m *member, e *raft.SnapshotFetched, t *raft.Trace) error {
	if index(e.Meta.Last.Index) == 0 {
		m.restored(&e.Meta, true)
		return nil
	}
	thing, there := c.snapshots[here(e.Meta.Last)]
	if !there {
		return fmt.Errorf("nobody has a snapshot at %v", e.Meta.Last)
	}
	action, within := "fetch_within", true
	if r := restores(t.Effects); r != nil && r.Index == 0 {
		action, within = "fetch_instead", false
	}
	if err := c.do(action, m.number, c.now(m), thing, m.disk); err != nil {
		return err
	}
	m.restored(&e.Meta, within)
	return nil
}
