package founding

import (
	"fmt"
	"slices"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A judge watches all nodes of one name, dead ones included, and keeps the first thing
// that must never be. It knows nothing of how the nodes come to their decisions.
type judge struct {
	size   int
	saved  map[raft.NodeID]Saved
	rounds map[Round]Charter
	known  map[wire.ClusterID]Charter
	// placed is what nodes were told to be by the log of their cluster.
	placed map[raft.NodeID]State
	fault  error
}

func newJudge(size int) *judge {
	return &judge{
		size:   size,
		saved:  map[raft.NodeID]Saved{},
		rounds: map[Round]Charter{},
		known:  map[wire.ClusterID]Charter{},
		placed: map[raft.NodeID]State{},
	}
}

func (j *judge) blame(format string, args ...any) {
	if j.fault == nil {
		j.fault = fmt.Errorf(format, args...)
	}
}

// look compares a node with what it was when it was last looked at.
func (j *judge) look(f *Founder) {
	id, now, before := f.config.ID, f.saved, j.saved[f.config.ID]
	j.saved[id] = now
	if before.Round.after(now.Round) || before.Pledge.Round.after(now.Pledge.Round) {
		j.blame("%s went back from %v to %v", id, before, now)
	}
	if now.Pledge.Round.after(now.Round) {
		j.blame("%s pledged in a round that it is not in: %v", id, now)
	}
	if now.Pledge.Round != before.Pledge.Round && before.Round.after(now.Pledge.Round) {
		j.blame("%s pledged in a round that it had given up: %v, then %v", id, before, now)
	}
	if now.Pledge.made() {
		j.oneCharterPerRound(id, now.Pledge)
	}
	j.founded(id, before, now)
}

// durable compares a node with what its disk would hold, after an update.
func (j *judge) durable(n *node) {
	if !sameSaved(n.saved, n.durable) {
		j.blame("%s is at %+v, but saved %+v", n.config.ID, n.saved, n.durable)
	}
}

func sameSaved(a, b Saved) bool {
	return a.Round == b.Round && a.State == b.State && a.Pledge.Round == b.Pledge.Round &&
		a.Pledge.Charter.Cluster == b.Pledge.Charter.Cluster && a.Charter.Cluster == b.Charter.Cluster
}

func (j *judge) oneCharterPerRound(id raft.NodeID, p Pledge) {
	if other, ok := j.rounds[p.Round]; ok && other.Cluster != p.Charter.Cluster {
		j.blame("%s pledged to %v in a round in which another pledged to %v", id, p.Charter.Voters, other.Voters)
	}
	j.rounds[p.Round] = p.Charter
}

func (j *judge) founded(id raft.NodeID, before, now Saved) {
	if now.State == Fresh {
		if before.State != Fresh {
			j.blame("%s is fresh again", id)
		}
		return
	}
	if before.State != Fresh {
		if s, ok := j.placed[id]; ok {
			before.State = s
		}
		if !sameSaved(before, now) {
			j.blame("%s knows a cluster, and went from %+v to %+v", id, before, now)
		}
		return
	}
	c := now.Charter
	if len(c.Voters) != j.size || c.has(id) != (now.State == Member) {
		j.blame("%s became a %v by the charter %v", id, now.State, c.Voters)
	}
	if other, ok := j.known[c.Cluster]; ok && !slices.Equal(other.Voters, c.Voters) {
		j.blame("cluster %v has the charters %v and %v", c.Cluster, c.Voters, other.Voters)
	}
	j.known[c.Cluster] = c
	if len(j.known) > 1 {
		j.blame("two clusters are known: %v", j.clusters())
	}
}

func (j *judge) clusters() []string {
	var all []string
	for _, c := range j.known {
		all = append(all, fmt.Sprint(c.Voters))
	}
	slices.Sort(all)
	return all
}
