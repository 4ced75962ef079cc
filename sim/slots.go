package sim

import "github.com/ben-ng/gaggle/raft"

// A slot is an entry as it is in the logs of any nodes: what it is, and what is before
// it. As an index and a term name one entry (Log Matching), there is one slot for each
// pair in the whole run, and two logs are equal up to an index exactly if they have the
// same slot there.
type slot struct {
	raft.Position
	before *slot
	kind   raft.EntryType
	data   []byte
}

// slotLog is a log: the slots after base.
type slotLog struct {
	base  *slot
	slots []*slot
}

func (l *slotLog) last() *slot {
	if len(l.slots) > 0 {
		return l.slots[len(l.slots)-1]
	}
	return l.base
}

// at is the slot at an index; nil if it is below base or after the last.
func (l *slotLog) at(i raft.Index) *slot {
	switch {
	case i == l.base.Index:
		return l.base
	case i < l.base.Index || i > l.last().Index:
		return nil
	}
	return l.slots[i-l.base.Index-1]
}

// below reports whether an index is below base, where the log holds what is committed.
func (l *slotLog) below(i raft.Index) bool { return i < l.base.Index }

func (l *slotLog) truncate(from raft.Index) {
	l.slots = l.slots[:from-l.base.Index-1]
}

func (l *slotLog) reset(base *slot) {
	l.base, l.slots = base, l.slots[:0]
}

// compact forgets what is before a slot of the log.
func (l *slotLog) compact(base *slot) {
	l.slots = append([]*slot(nil), l.slots[base.Index-l.base.Index:]...)
	l.base = base
}

func (l *slotLog) copy() slotLog {
	return slotLog{l.base, append([]*slot(nil), l.slots...)}
}

// mirror is what an oracle knows of a node from what it has written and said.
type mirror struct {
	node *node
	id   raft.NodeID
	// log is what the node holds, disk what of it is durable.
	log, disk slotLog
	// snapshot is where its durable snapshot ends.
	snapshot *slot
	// hard and hardDisk are its term and vote.
	hard, hardDisk raft.HardState
	// left is the latest term that it has forgotten: it counts as one that has left those
	// before, in which nobody can do anything any more, whatever it says in them.
	left raft.Term
	// votes are those that it has given and may have said, by term; acked is how far it
	// has acknowledged the log of a term's leader. Both survive its processes.
	votes map[raft.Term]raft.NodeID
	acked map[raft.Term]raft.Index
	// commit is what it knows to be committed; state is the slot applied last.
	commit raft.Index
	state  *slot
	role   raft.Role
	seen   raft.Observation
	// wroteLog: its log has changed since it was looked at as a whole.
	wroteLog bool
	// lastBefore is where its log ended before the turn.
	lastBefore raft.Index
	// confirmed is, by term, when the latest round of heartbeats began that it has answered.
	confirmed map[raft.Term]int
	// configurations are those in its log after what is committed, and the one before.
	configurations []inEffect
}

// inEffect is a configuration and the index that it is in effect from.
type inEffect struct {
	index raft.Index
	conf  raft.Configuration
}

// started is a new life: what was not on the disk is gone.
func (m *mirror) started() { m.role, m.commit = raft.Follower, m.snapshot.Index }
