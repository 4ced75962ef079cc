package tcp

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/ben-ng/gaggle/raft"
)

// A directory is what a node knows of others: the addresses to try, and the nodes
// that it is connected to. It is safe for concurrent use; looking up a node takes no
// lock.
type directory struct {
	limit int // of addresses

	mu        sync.Mutex // guards addresses, and every change of links
	addresses map[string]*address
	links     atomic.Pointer[map[raft.NodeID]*link]
}

func newDirectory(limit int) *directory {
	d := &directory{limit: limit, addresses: make(map[string]*address)}
	d.links.Store(&map[raft.NodeID]*link{})
	return d
}

// all returns the links by the nodes that they lead to; it must not be changed.
func (d *directory) all() map[raft.NodeID]*link { return *d.links.Load() }

// find returns the link to a node, nil if there is none.
func (d *directory) find(node raft.NodeID) *link { return d.all()[node] }

// connect enters a link, unless there is one to the same node, which it returns.
func (d *directory) connect(l *link) (rival *link) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if rival := d.find(l.node); rival != nil {
		return rival
	}
	next := maps.Clone(d.all())
	next[l.node] = l
	d.links.Store(&next)
	return nil
}

// disconnect removes a link that was entered.
func (d *directory) disconnect(l *link) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := maps.Clone(d.all())
	delete(next, l.node)
	d.links.Store(&next)
}

// spread tells every connected peer of the others.
func (d *directory) spread() {
	for _, l := range d.all() {
		l.queue.askGossip()
	}
}

// contacts returns the nodes to tell a peer of: those that are connected now, so that
// nothing is passed on that this node does not know to be true.
func (d *directory) contacts(peer raft.NodeID) []contact {
	var known []contact
	for node, l := range d.all() {
		if node != peer {
			known = append(known, contact{node, l.address})
		}
	}
	return known
}

var errFull = errors.New("too many addresses are known")

// enter adds an address and reports that it is new. If it is not, it may wake the
// one that is there. Only learned addresses are limited in number.
func (d *directory) enter(a *address, wake bool) (fresh bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known := d.addresses[a.name]; known != nil {
		if wake {
			known.wake()
		}
		return false, nil
	}
	if !a.given && len(d.addresses) >= d.limit {
		return false, errFull
	}
	d.addresses[a.name] = a
	return true, nil
}

// leave removes an address, unless it has been woken. It reports whether it did.
func (d *directory) leave(a *address) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(a.kick) > 0 {
		return false
	}
	delete(d.addresses, a.name)
	return true
}
