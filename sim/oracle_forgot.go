package sim

import "github.com/ben-ng/gaggle/raft"

// forgets takes a node back to an earlier term and an older log, as its disk has lied, or is an
// old one. It reports whether all that was promised still has to hold, for nobody can rely any
// more on what was forgotten:
//
//   - what the node had of the log is on the disks of a quorum without it, or can have been
//     acknowledged by none;
//   - a quorum without it has reached its term, so that nobody can be elected, or have anything
//     acknowledged, in an earlier one;
//   - nobody can be elected with a second vote of it in that term.
//
// If not, two leaders of one term, and the loss of what was acknowledged, are possible.
func (o *oracle) forgets(m *mirror, hard raft.HardState, last *slot) bool {
	log := slotLog{base: o.root}
	for s := last; s != o.root; s = s.before {
		log.slots = append(log.slots, nil)
	}
	for s := last; s != o.root; s = s.before {
		log.slots[s.Index-1] = s
	}
	harmless := true
	for _, c := range o.mayBeInEffect(m.id) {
		harmless = harmless && o.heldByOthers(m, &log, c) && o.termIsOver(m, hard, c)
	}
	m.left = max(m.left, m.hardDisk.Term)
	m.hardDisk, m.disk = hard, log
	return harmless
}

// mayBeInEffect lists the configurations that may be in effect anywhere, as far as a node is a
// voter in them.
func (o *oracle) mayBeInEffect(id raft.NodeID) []*raft.Configuration {
	var all []*raft.Configuration
	for _, n := range o.world.nodes {
		for i := range n.mirror.configurations {
			if c := &n.mirror.configurations[i].conf; c.Voter(id) {
				all = append(all, c)
			}
		}
	}
	return all
}

func (o *oracle) heldByOthers(m *mirror, log *slotLog, c *raft.Configuration) bool {
	for _, s := range m.disk.slots {
		if log.at(s.Index) == s || !o.changing && !o.choosable(s.Term, s.Index, "") {
			continue
		}
		if !quorum(c, func(id raft.NodeID) bool {
			other := o.mirrors[id]
			return id != m.id && o.world.alive(id) && other.disk.at(s.Index) == s
		}) {
			return false
		}
	}
	return true
}

func (o *oracle) termIsOver(m *mirror, hard raft.HardState, c *raft.Configuration) bool {
	was := m.hardDisk
	if hard == was {
		return true
	}
	if !quorum(c, func(id raft.NodeID) bool {
		other := o.mirrors[id]
		return id != m.id && o.world.alive(id) && other.hardDisk.Term >= was.Term
	}) {
		return false
	}
	for _, candidate := range c.Members() {
		if candidate == was.VotedFor && candidate != m.id {
			continue
		}
		if quorum(c, func(id raft.NodeID) bool {
			other := o.mirrors[id]
			return id == m.id || other == nil || other.votes[was.Term] == candidate ||
				other.hardDisk.Term < was.Term || other.hardDisk.Term == was.Term && other.hardDisk.VotedFor == raft.None
		}) {
			return false
		}
	}
	return true
}
