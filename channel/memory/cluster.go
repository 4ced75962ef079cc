package memory

import (
	"maps"
	"slices"
	"sync/atomic"

	"github.com/ben-ng/gaggle/raft"
)

// A cluster is the nodes that share a name. Readers take no lock: each change makes
// a new members. Changes are made under Channel.mu.
type cluster struct {
	current atomic.Pointer[members]
}

type members struct {
	byID map[raft.NodeID]*port
	// ordered is the same ports by ID, so that a broadcast draws its faults in the
	// same order each time.
	ordered []*port
}

func newCluster() *cluster {
	c := &cluster{}
	c.current.Store(&members{})
	return c
}

func (c *cluster) find(id raft.NodeID) *port { return c.current.Load().byID[id] }

func (c *cluster) all() []*port { return c.current.Load().ordered }

func (c *cluster) empty() bool { return len(c.all()) == 0 }

func (c *cluster) add(p *port) {
	c.change(func(byID map[raft.NodeID]*port) { byID[p.id] = p })
}

func (c *cluster) remove(p *port) {
	c.change(func(byID map[raft.NodeID]*port) { delete(byID, p.id) })
}

func (c *cluster) change(edit func(map[raft.NodeID]*port)) {
	next := &members{byID: make(map[raft.NodeID]*port)}
	maps.Copy(next.byID, c.current.Load().byID)
	edit(next.byID)
	for _, id := range slices.Sorted(maps.Keys(next.byID)) {
		next.ordered = append(next.ordered, next.byID[id])
	}
	c.current.Store(next)
}
