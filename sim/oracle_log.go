package sim

import (
	"bytes"

	"github.com/ben-ng/gaggle/raft"
)

// wrote follows a write that a node begins: its log and term are what the write says.
func (o *oracle) wrote(n *node, w *raft.Write) {
	m := n.mirror
	if w.HardState != nil {
		o.hardened(m, *w.HardState)
	}
	if w.Snapshot != nil {
		o.checkSnapshot(n, w.Snapshot)
		if s := m.log.at(w.Snapshot.Last.Index); s != nil && s.Position == w.Snapshot.Last && s != m.log.last() {
			o.world.violated(Snapshots, "%s replaces a log to %v by a snapshot at %v, with which it agrees", n.id, m.log.last().Position, s.Position)
		}
		if w.Snapshot.Last.Index <= m.commit {
			o.world.violated(Snapshots, "%s has committed %d, and goes back to a snapshot at %v", n.id, m.commit, w.Snapshot.Last)
		}
		m.wroteLog = true
		if o.world.setup.Layer == Engines {
			o.world.report.Faults["snapshot installed"]++
		}
		m.log.reset(o.slots[w.Snapshot.Last])
		m.configurations = append(m.configurations[:0], inEffect{w.Snapshot.ConfigurationIndex, w.Snapshot.Configuration})
	}
	if w.Truncate != 0 {
		o.truncates(n, w.Truncate)
		m.log.truncate(w.Truncate)
		for len(m.configurations) > 0 && m.configurations[len(m.configurations)-1].index >= w.Truncate {
			m.configurations = m.configurations[:len(m.configurations)-1]
		}
	}
	for _, run := range w.Entries {
		for i := range run {
			m.wroteLog = true
			o.appends(n, &run[i])
		}
	}
}

// hardened follows a term and vote.
func (o *oracle) hardened(m *mirror, h raft.HardState) {
	if h.Term < m.hard.Term || h.Term == m.hard.Term && m.hard.VotedFor != raft.None && h.VotedFor != m.hard.VotedFor {
		o.world.violated(OneVote, "%s goes from term %d with a vote for %q to term %d with one for %q", m.id, m.hard.Term, m.hard.VotedFor, h.Term, h.VotedFor)
	}
	m.hard = h
}

// appends puts an entry at the end of a node's log. One that nobody has had is its
// leader's.
func (o *oracle) appends(n *node, e *raft.Entry) {
	m := n.mirror
	last := m.log.last()
	if e.Index != last.Index+1 {
		o.world.ends(LogMatching, "%s writes entry %d behind %v", n.id, e.Index, last.Position)
	}
	_, known := o.slots[raft.Position{Index: e.Index, Term: e.Term}]
	s := o.slot(last, e)
	m.log.slots = append(m.log.slots, s)
	m.configured(s)
	if e.Type == raft.EntryConfiguration && !known {
		o.reconfigured(m)
	}
	t := o.terms[e.Term]
	if known || t == nil {
		return // of a leader whose turn is not over; elected will see
	}
	if t.leader != n.id {
		o.world.violated(LogMatching, "%s makes entry %v, but %s leads that term", n.id, s.Position, t.leader)
		return
	}
	if t.log.last() != last {
		o.world.violated(LeaderAppendOnly, "%s appends %v to a log that ends at %v, in which it had %v", n.id, s.Position, last.Position, t.log.last().Position)
		return
	}
	t.log.slots = append(t.log.slots, s)
}

// reconfigured counts a new configuration.
func (o *oracle) reconfigured(m *mirror) {
	o.world.report.Faults["configuration changed"]++
	if m.configurations[len(m.configurations)-1].conf.Joint() {
		o.world.report.Faults["joint configuration"]++
	}
}

// configured follows the configurations in a log.
func (m *mirror) configured(s *slot) {
	if s.kind != raft.EntryConfiguration {
		return
	}
	var conf raft.Configuration
	if err := conf.UnmarshalBinary(s.data); err != nil {
		m.node.world.ends(CoreInvariant, "entry %v holds no configuration: %v", s.Position, err)
	}
	m.configurations = append(m.configurations, inEffect{s.Index, conf})
	if s.Index > 1 {
		m.node.world.oracle.changing = true
	}
}

// configurationBefore is the one in effect just before an index.
func (m *mirror) configurationBefore(index raft.Index) raft.Configuration {
	for i := len(m.configurations) - 1; i >= 0; i-- {
		if m.configurations[i].index < index {
			return m.configurations[i].conf
		}
	}
	return raft.Configuration{}
}

// truncates looks at what a node removes: nothing that is committed, and nothing that it
// has acknowledged and that may be committed for all that can be known.
func (o *oracle) truncates(n *node, from raft.Index) {
	m := n.mirror
	if m.log.at(from) == nil {
		o.world.ends(StateMachineSafety, "%s removes entries from %d on, and has a log to %v", n.id, from, m.log.last().Position)
	}
	if from <= m.commit {
		o.world.violated(StateMachineSafety, "%s removes entries from %d on, has committed %d, and a log to %v", n.id, from, m.commit, m.log.last().Position)
	}
	m.wroteLog = true
	o.world.report.Faults["log truncated"]++
	gone := m.log.at(from)
	for _, number := range o.order {
		t, acked := o.terms[number], m.acked[number]
		if acked < from {
			continue
		}
		index := max(from, t.first)
		if index > acked || t.log.at(index) == nil || m.log.at(index) != t.log.at(index) {
			continue
		}
		if o.choosable(number, index, "") {
			o.world.violated(Choosable, "%s removes %v, which it has acknowledged, and which a quorum may have", n.id, t.log.at(index).Position)
		}
	}
	if c := o.commit(); gone.Index <= c && o.committed[gone.Index] == gone {
		o.world.trace.line(o.world.now, "%s removes %v, which is committed elsewhere", n.id, gone.Position)
	}
}

// durable follows a write that is on a node's disk now.
func (o *oracle) durable(n *node, w *raft.Write) {
	m := n.mirror
	if w.Snapshot != nil {
		m.snapshot = o.slots[w.Snapshot.Last]
		m.disk.reset(m.snapshot)
	}
	if w.HardState != nil {
		m.hardDisk = *w.HardState
		if w.HardState.VotedFor != raft.None {
			o.votes(m, w.HardState.Term, w.HardState.VotedFor)
		}
	}
	if w.Truncate != 0 {
		m.disk.truncate(w.Truncate)
	}
	for _, run := range w.Entries {
		for i := range run {
			m.disk.slots = append(m.disk.slots, o.slots[raft.Position{Index: run[i].Index, Term: run[i].Term}])
		}
	}
}

// crashed takes a node back to what is on its disk.
func (o *oracle) crashed(n *node) {
	m := n.mirror
	m.log, m.hard = m.disk.copy(), m.hardDisk
	m.state = m.snapshot
	m.wroteLog = true
	// What a truncation that was lost had removed is back.
	m.configurations = m.configurations[:0]
	if m.snapshot.Index > 0 {
		m.configurations = append(m.configurations, inEffect{n.disk.saved.Snapshot.ConfigurationIndex, n.disk.saved.Snapshot.Configuration})
	}
	for _, s := range m.log.slots {
		if s.Index > m.snapshot.Index {
			m.configured(s)
		}
	}
}

// compacted follows a snapshot that a node has taken, and what it has compacted.
func (o *oracle) compacted(n *node, meta raft.SnapshotMeta, to raft.Index) {
	o.checkSnapshot(n, &meta)
	m := n.mirror
	m.snapshot = o.slots[meta.Last]
	if to > m.disk.base.Index {
		m.disk.compact(m.disk.at(to))
	}
	o.world.report.Faults["snapshot taken"]++
}

// checkSnapshot holds what a snapshot says against what is committed.
func (o *oracle) checkSnapshot(n *node, meta *raft.SnapshotMeta) {
	at := meta.Last.Index
	if at > o.commit() || o.committed[at].Position != meta.Last {
		o.world.violated(Snapshots, "%s has a snapshot at %v, which is not committed", n.id, meta.Last)
		return
	}
	for s := o.committed[at]; s != nil; s = s.before {
		if s.kind != raft.EntryConfiguration || s.Index == 0 {
			continue
		}
		var conf raft.Configuration
		if err := conf.UnmarshalBinary(s.data); err != nil || !conf.Equal(meta.Configuration) || s.Index != meta.ConfigurationIndex {
			o.world.violated(Snapshots, "%s has a snapshot at %v with configuration %v of %d, committed there is %v of %d",
				n.id, meta.Last, meta.Configuration, meta.ConfigurationIndex, conf, s.Index)
		}
		return
	}
}

// restored follows the state machine to a snapshot, applied to an entry.
func (o *oracle) restored(n *node, meta *raft.SnapshotMeta) {
	o.world.report.Faults["snapshot installed"]++
	n.mirror.state = o.slots[meta.Last]
}

func (o *oracle) applied(n *node, e *raft.Entry) {
	m := n.mirror
	if e.Index != m.state.Index+1 {
		o.world.violated(StateMachineSafety, "%s applies entry %d after %d", n.id, e.Index, m.state.Index)
	}
	s := o.slots[raft.Position{Index: e.Index, Term: e.Term}]
	if s == nil || s.before != m.state {
		o.world.violated(StateMachineSafety, "%s applies %d@%d after %v, with which it does not go", n.id, e.Index, e.Term, m.state.Position)
	}
	if s == nil {
		return
	}
	if c := o.commit(); e.Index <= c && o.committed[e.Index] != s {
		o.world.violated(StateMachineSafety, "%s applies %v, elsewhere it is %v", n.id, s.Position, o.committed[e.Index].Position)
	}
	m.state = s
}

// chartered is a node that begins, as a member, from the charter of its cluster.
func (o *oracle) chartered(n *node, saved *raft.Saved) {
	if len(o.mirrors) > 0 && len(o.charter) == 0 {
		o.charter = saved.Entries[0].Data
		var conf raft.Configuration
		if err := conf.UnmarshalBinary(o.charter); err != nil {
			o.world.ends(OneCluster, "the charter cannot be read: %v", err)
		}
		o.voters = conf.Voters
	}
	if !bytes.Equal(o.charter, saved.Entries[0].Data) {
		o.world.violated(OneCluster, "%s founds another cluster", n.id)
	}
	n.disk.saved = *saved
	o.installed(n, saved)
}
