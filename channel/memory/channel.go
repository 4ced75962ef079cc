// Package memory is a channel between nodes of one process, for tests,
// simulations, demonstrations and programs that need no network.
//
// Send calls the destination's Receiver before it returns, without a queue or a
// goroutine, so Send is as quick as the receiver is, and a receiver that blocks
// (which the contract forbids) blocks the sender. Only frames that a fault delays or
// holds back wait, in a queue for each destination, and arrive on the goroutine of a
// timer, one at a time. An error that Receive returns is
// of no consequence, since there is no connection to cut; Unreachable is never
// called.
//
// A Channel can be told to misbehave while it is in use: see Faults, Partition, Cut
// and Isolate. They take the identities of nodes: those that gaggle's Node.ID returns.
// What a fault takes is lost in silence, as in a network: Send returns nil.
package memory

import (
	"sync"

	"github.com/ben-ng/gaggle/channel"
)

var _ channel.Channel = (*Channel)(nil)

// A Channel is a place in this process where nodes meet. Any number of nodes may
// open it, of any number of clusters. It is safe for concurrent use and needs no
// closing: it is empty when its ports are closed. Make one with New.
type Channel struct {
	faults faults

	mu       sync.Mutex // guards clusters, and every change of a cluster's members
	clusters map[string]*cluster
}

// An Option changes what New makes.
type Option func(*Channel)

// Seed sets what the randomness of faults starts from. Without it, it is 0.
// Each link, that is each pair of sender and receiver, has its own sequence: what
// happens to a link's nth frame depends on the seed, the two IDs, n, and the faults
// set at that time, and on nothing else.
func Seed(seed uint64) Option {
	return func(c *Channel) { c.faults.seed = seed }
}

// New returns a channel without faults.
func New(options ...Option) *Channel {
	c := &Channel{clusters: make(map[string]*cluster)}
	for _, apply := range options {
		apply(c)
	}
	return c
}

// CrossesProcesses returns false.
func (c *Channel) CrossesProcesses() bool { return false }

// Open attaches a node. Errors: channel.ErrInUse if the cluster has a node with that
// ID, channel.ErrInvalidSelf.
func (c *Channel) Open(self channel.Self, r channel.Receiver) (channel.Port, error) {
	if err := self.Check(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	home, known := c.clusters[self.Cluster]
	if !known {
		home = newCluster()
		c.clusters[self.Cluster] = home
	}
	if home.find(self.ID) != nil {
		return nil, channel.ErrInUse
	}
	p := newPort(c, home, self, r)
	home.add(p)
	return p, nil
}

// detach makes a port unknown to the others.
func (c *Channel) detach(p *port) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.cluster.find(p.id) != p {
		return // closed before
	}
	p.cluster.remove(p)
	if p.cluster.empty() {
		delete(c.clusters, p.name)
	}
	c.faults.forget(p.id)
}
