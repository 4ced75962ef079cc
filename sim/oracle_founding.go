package sim

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// foundingSaid is what all nodes have said of founding: rounds, as a hello has them, are
// ballots, and pledges are votes in them.
type foundingSaid struct {
	// entered and pledged are the latest rounds that a node has said; both only rise.
	entered, pledged map[raft.NodeID]wire.ClusterID
	// charters are those of the rounds; pledges who has pledged in them.
	charters map[wire.ClusterID]string
	pledges  map[wire.ClusterID]map[raft.NodeID]bool
	decided  string
}

// rounds are those that have a charter, in their order.
func (f *foundingSaid) rounds() []wire.ClusterID {
	return slices.SortedFunc(maps.Keys(f.charters), func(a, b wire.ClusterID) int { return bytes.Compare(a[:], b[:]) })
}

func later(a, b wire.ClusterID) bool { return bytes.Compare(a[:], b[:]) > 0 }

// greeted looks at a hello as it is said.
func (o *oracle) greeted(n *node, h *wire.Hello) {
	f := &o.foundings
	if f.entered == nil {
		f.entered, f.pledged = map[raft.NodeID]wire.ClusterID{}, map[raft.NodeID]wire.ClusterID{}
		f.charters, f.pledges = map[wire.ClusterID]string{}, map[wire.ClusterID]map[raft.NodeID]bool{}
	}
	if h.State != wire.Fresh {
		o.decided(n, fmt.Sprint(h.Charter))
		return
	}
	var round, in wire.ClusterID
	if len(h.Abandoned) > 0 {
		round = h.Abandoned[0]
	}
	if len(h.Abandoned) > 1 {
		in = h.Abandoned[1]
	}
	if later(f.entered[n.id], round) || later(f.pledged[n.id], in) || later(in, round) {
		o.world.violated(Pledges, "%s goes from round %x, pledged in %x, to round %x, pledged in %x", n.id, f.entered[n.id], f.pledged[n.id], round, in)
	}
	if in != f.pledged[n.id] {
		if later(f.entered[n.id], in) {
			o.world.violated(Pledges, "%s pledges in round %x, and has entered %x", n.id, in, f.entered[n.id])
		}
		o.pledges(n, in, round, fmt.Sprint(h.Pledge))
	} else if in != (wire.ClusterID{}) && f.charters[in] != fmt.Sprint(h.Pledge) {
		o.world.violated(Pledges, "%s pledges to %v and to %v in one round", n.id, f.charters[in], h.Pledge)
	}
	f.entered[n.id], f.pledged[n.id] = round, in
}

// pledges follows a new pledge of a node that has said nothing of it before.
func (o *oracle) pledges(n *node, in, round wire.ClusterID, charter string) {
	f := &o.foundings
	if had, ok := f.charters[in]; ok && had != charter {
		o.world.violated(Pledges, "round %x has charter %v, and %v", in, had, charter)
	} else if !ok {
		f.charters[in], f.pledges[in] = charter, map[raft.NodeID]bool{}
		f.entered[n.id] = round
		o.chosenBefore(in, charter)
	}
	f.pledges[in][n.id] = true
}

// chosenBefore looks, when a round gets its charter, for earlier rounds in which another
// one may yet be decided, for all that was said.
func (o *oracle) chosenBefore(in wire.ClusterID, charter string) {
	f, size := &o.foundings, o.world.setup.Nodes
	if len(o.mirrors) >= 2*size {
		return // no promise is made
	}
	for _, round := range f.rounds() {
		other := f.charters[round]
		if !later(in, round) || other == charter {
			continue
		}
		may := 0
		for id := range o.mirrors {
			if f.pledges[round][id] || !later(f.entered[id], round) {
				may++
			}
		}
		if may >= size {
			o.world.violated(Pledges, "round %x gets charter %v, and %v of round %x may be decided", in, charter, other, round)
		}
	}
}

// decided looks at a charter that a node says has founded the cluster.
func (o *oracle) decided(n *node, charter string) {
	f := &o.foundings
	if f.decided == charter {
		return
	}
	for round, c := range f.charters {
		count := len(f.pledges[round])
		if !f.pledges[round][n.id] {
			count++ // it may not have said so
		}
		if c == charter && count >= o.world.setup.Nodes {
			f.decided = charter
			return
		}
	}
	if o.world.setup.Nodes > 1 {
		o.world.violated(Pledges, "%s says that %v has founded the cluster, and not enough have pledged to it in one round", n.id, charter)
	}
}
