package sim

import (
	"fmt"
	"slices"

	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/raft"
)

// alive reports whether what the node of an identity has promised is still there: on its disk
// or, of an engine without one, in its memory.
func (w *world) alive(id raft.NodeID) bool {
	n := w.byID(id)
	return n != nil && (n.process != nil || w.setup.Durable || w.setup.Layer == Cores)
}

// mayLose reports whether a node may lose all that it has promised: if those who are left are
// a quorum of each configuration that may be in effect, from the last that is committed on.
func (w *world) mayLose(n *node) bool {
	first := raft.Index(0)
	for i := w.oracle.commit(); i > 0 && first == 0; i-- {
		if w.oracle.committed[i].kind == raft.EntryConfiguration {
			first = i
		}
	}
	if first == 0 {
		return false // there is no cluster yet
	}
	for _, other := range w.nodes {
		for i := range other.mirror.configurations {
			c := &other.mirror.configurations[i]
			if c.index >= first && !quorum(&c.conf, func(id raft.NodeID) bool { return id != n.id && w.alive(id) }) {
				return false
			}
		}
	}
	return true
}

// mayBeSpoiled reports whether the node may lose all that is in its directory now. Where members
// are replaced, it may have come to be one of two that the cluster cannot lose both.
func (p *place) mayBeSpoiled() bool {
	w := p.node.world
	return p.mayLose() && len(p.node.mirror.disk.slots) > 0 && (w.setup.ReplaceAfter == 0 || w.mayLose(p.node))
}

// mayReplace gives some runs spare nodes, and members that are silent away.
func mayReplace(g *generator) {
	if g.one(2) {
		s := &g.schedule.Setup
		s.Spares, s.ReplaceAfter = 1, g.between(s.ElectionMax+1, 4*s.ElectionMax)
	}
}

// misplaced says which node has a place in the cluster that it should not have, or has not
// the one that it should; nothing if all is well.
func (w *world) misplaced(c *raft.Configuration) string {
	if w.setup.ReplaceAfter == 0 {
		return ""
	}
	for _, n := range w.nodes {
		p, ok := n.process.(*engineProcess)
		if !ok {
			continue
		}
		if s := p.engine.Status(); s.State == engine.Member && !c.Member(n.id) {
			return fmt.Sprintf("%s says that it is a member of %v", n.id, c)
		}
	}
	i := slices.IndexFunc(c.Voters, func(id raft.NodeID) bool { return !w.alive(id) })
	if i < 0 && len(c.Learners) > 0 {
		return fmt.Sprintf("%v are learners, and all voters are there", c.Learners)
	}
	for _, n := range w.nodes {
		if i >= 0 && n.process != nil && !c.Voter(n.id) {
			return fmt.Sprintf("%s is gone for good, and %s does not get its place in %v", c.Voters[i], n.id, c)
		}
	}
	return ""
}

// followPlace counts the places that a node loses and gets after the cluster was founded.
func (p *engineProcess) followPlace(now engine.State) {
	faults := p.node.world.report.Faults
	switch before := p.state; {
	case before == engine.Member && now == engine.Standby:
		faults["place lost"]++
	case before == engine.Standby && now == engine.Member:
		faults["place got"]++
	}
	p.state = now
}
