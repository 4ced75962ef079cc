package sim

import "fmt"

// stopsDiverged takes note that a node has stopped as its state is not that of the others.
// It is to be the one that was made to diverge.
func (p *engineProcess) stopsDiverged() {
	n := p.node
	w := n.world
	if p.machine == nil || !p.machine.tainted && !w.spread {
		w.violated(SameState, "%s stops, and its state is that of the others: %v", n.id, p.engine.Status().Problem)
	}
	w.report.Faults["stopped as it diverged"]++
	p.failed, n.place.untruth.condemned = true, true
}

// diverged says who has another state than the others, and has not stopped; nobody if it is
// empty. Values are proposed until there is a checkpoint, at which that shows.
func (w *world) diverged() string {
	leader := w.leader()
	if leader == nil || w.spread {
		return ""
	}
	for _, id := range leader.process.core().Status().Configuration.Voters {
		n := w.byID(id)
		if n == nil || n.process == nil {
			continue
		}
		if p, ok := n.process.(*engineProcess); ok && p.machine != nil && p.machine.taint != 0 {
			w.users.do(leader, Op{Kind: Propose, Amount: 32})
			return fmt.Sprintf("%s has another state, and does not stop", id)
		}
	}
	return ""
}

// unmendable reports whether a node whose disk rots needs entries to go on that all others have
// compacted: nobody can give it those.
func (w *world) unmendable(n *node) bool {
	if !w.setup.Machine && w.setup.Retain == 0 || n.number != w.spoiled() || n.process.core() == nil {
		return false
	}
	for _, other := range w.nodes {
		if other != n && other.process != nil && other.process.core() != nil && other.process.core().Status().Base.Index <= n.process.applied() {
			return false
		}
	}
	return n.process.applied() < n.process.core().Status().Last.Index
}

// replace empties the directory of a node, so that it is somebody else.
func (w *world) replace(n *node) {
	w.report.Faults["mended by nobody"]++
	n.crash(0)
	n.wipe()
}
