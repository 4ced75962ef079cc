package founding

import (
	"slices"

	"github.com/ben-ng/gaggle/raft"
)

// A poll is what a number of nodes have pledged until now.
type poll struct {
	asked int
	// unpledged are those who have never pledged, latest is the latest pledge of the
	// others, and answers is how many both are.
	unpledged []raft.NodeID
	latest    Pledge
	answers   int
	// doubtful is a charter that one more node has pledged to, if there is one, although
	// its cluster would have no quorum of nodes that are there. Such nodes are left out:
	// the others may be able to show that this charter is not in force.
	doubtful Charter
}

// poll asks this node and those candidates that a condition holds for.
func (f *Founder) poll(condition func(*peer) bool) poll {
	var result poll
	f.ask(&result, f.config.ID, f.saved.Pledge)
	for i := range f.peers {
		if p := &f.peers[i]; f.candidate(p) && condition(p) {
			f.ask(&result, p.id, p.pledge)
		}
	}
	slices.Sort(result.unpledged)
	return result
}

func (f *Founder) ask(result *poll, id raft.NodeID, pledge Pledge) {
	result.asked++
	switch {
	case !pledge.made():
		result.unpledged = append(result.unpledged, id)
	case !f.alive(pledge.Charter):
		result.doubtful = pledge.Charter
		return
	case pledge.Round.after(result.latest.Round):
		result.latest = pledge
	}
	result.answers++
}

// alive reports whether a cluster of this charter could have a quorum of those that
// this node hears.
func (f *Founder) alive(c Charter) bool {
	return len(c.Voters)-len(f.silent(c)) >= c.majority()
}

// silent lists the voters of a charter that this node does not hear.
func (f *Founder) silent(c Charter) []raft.NodeID {
	var silent []raft.NodeID
	for _, id := range c.Voters {
		if p := f.peers.get(id); id != f.config.ID && (p == nil || !f.there(p)) {
			silent = append(silent, id)
		}
	}
	return silent
}
