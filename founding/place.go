package founding

import "github.com/ben-ng/gaggle/raft"

// placed follows what the log of the cluster says of this node. Who founded the cluster
// remains what it was, so nothing that was decided is touched: as a member or a standby the
// node founds nothing, and names the same charter.
func (f *Founder) placed(member bool) {
	to := Standby
	if member {
		to = Member
	}
	if f.saved.State == Fresh || f.saved.State == to {
		return
	}
	f.saved.State = to
	f.changed()
}

// Standbys lists the nodes that wait for a place in the cluster that this node knows, and
// that it has heard lately, sorted.
func (f *Founder) Standbys() []raft.NodeID {
	var ids []raft.NodeID
	for i := range f.peers {
		p := &f.peers[i]
		waits := p.state == Standby && p.cluster == f.saved.Charter.Cluster
		if waits && f.there(p) {
			ids = append(ids, p.id)
		}
	}
	return ids
}
