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
