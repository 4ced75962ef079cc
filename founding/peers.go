package founding

import (
	"cmp"
	"slices"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// maxPeers is the most nodes that a Founder remembers: twice the largest number for
// which it can promise anything, which is below 2·raft.MaxMembers. When it is reached,
// a new node takes the place of the one that has been silent longest, and is ignored if
// none is silent. Forgetting can delay founding, but not split it: what is forgotten
// only fails to be counted.
const maxPeers = 4 * raft.MaxMembers

// A peer is what is known about another node: the latest of what it said, even if that
// came before earlier hellos of its.
type peer struct {
	id      raft.NodeID
	name    string
	size    int
	state   State
	cluster wire.ClusterID // of a member or standby
	round   Round
	pledge  Pledge
	heardAt uint64 // the tick of the last hello
	// origin is the latest process of this id that was heard, and rival another one.
	origin origin
	rival  rival
}

// peers are all other nodes that were heard, sorted by id.
type peers []peer

func (ps peers) find(id raft.NodeID) (int, bool) {
	return slices.BinarySearchFunc(ps, id, func(p peer, id raft.NodeID) int { return cmp.Compare(p.id, id) })
}

// get is the peer of this id, nil if it was not heard.
func (ps peers) get(id raft.NodeID) *peer {
	if i, found := ps.find(id); found {
		return &ps[i]
	}
	return nil
}

// add makes room for a node that is not there, nil if there is no room. It invalidates
// what get and add returned.
func (ps *peers) add(id raft.NodeID, now uint64, silentTicks int) *peer {
	if len(*ps) == maxPeers && !ps.evict(now, silentTicks) {
		return nil
	}
	i, _ := ps.find(id)
	*ps = slices.Insert(*ps, i, peer{id: id})
	return &(*ps)[i]
}

// evict forgets the node that has been silent longest, and reports whether one was.
func (ps *peers) evict(now uint64, silentTicks int) bool {
	longest := 0
	for i := range *ps {
		if (*ps)[i].heardAt < (*ps)[longest].heardAt {
			longest = i
		}
	}
	if (*ps)[longest].there(now, silentTicks) {
		return false
	}
	*ps = slices.Delete(*ps, longest, longest+1)
	return true
}

// there reports whether the node was heard lately.
func (p *peer) there(now uint64, silentTicks int) bool {
	return now-p.heardAt < uint64(silentTicks)
}

// merge takes what is new in a greeting. A node's rounds and pledges only go forward,
// and it is fresh only until it knows a cluster, so an overtaken hello is recognized.
func (p *peer) merge(g *greeting, clusterName string) {
	p.name = g.name
	if g.origin.starts > p.origin.starts {
		p.origin = g.origin
	}
	if g.state != Fresh || p.state == Fresh {
		p.state, p.cluster = g.state, g.cluster
	}
	if g.round.after(p.round) {
		p.round = g.round
	}
	if g.pledgedIn.after(p.pledge.Round) {
		p.pledge = Pledge{g.pledgedIn, NewCharter(clusterName, g.pledgeTo)}
	}
}
