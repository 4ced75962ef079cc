//go:build unix

package main

import (
	"net"
	"sync"
	"time"
)

// A network is the way from each node to each other. Faults that overlap add up. It is safe
// for concurrent use.
type network struct {
	mu    sync.Mutex
	links map[pair]*link
}

// A pair is a direction: from one node to another.
type pair struct{ from, to int }

// A link is what there is in one direction.
type link struct {
	cut   int // faults that break connections, and refuse new ones
	held  int // faults that keep back what is said, which arrives when it is over
	delay time.Duration
	conns map[net.Conn]struct{} // those that lead this way, at both ends
	// changed is closed when any of this changes.
	changed chan struct{}
}

func newNetwork() *network { return &network{links: map[pair]*link{}} }

// at returns a link, under the lock.
func (n *network) at(p pair) *link {
	l := n.links[p]
	if l == nil {
		l = &link{conns: map[net.Conn]struct{}{}, changed: make(chan struct{})}
		n.links[p] = l
	}
	return l
}

// change changes a link, and tells all who wait.
func (n *network) change(p pair, edit func(*link)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.at(p)
	edit(l)
	if l.cut > 0 {
		for conn := range l.conns {
			_ = conn.Close()
		}
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// enter registers the two ends of a connection. It reports false if there is no way.
func (n *network) enter(p pair, conns ...net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.at(p)
	if l.cut > 0 {
		return false
	}
	for _, conn := range conns {
		l.conns[conn] = struct{}{}
	}
	return true
}

func (n *network) leave(p pair, conns ...net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, conn := range conns {
		delete(n.at(p).conns, conn)
	}
}

// state returns whether what is said is kept back now, for how long it is under way, and a
// channel that is closed when this changes.
func (n *network) state(p pair) (held bool, delay time.Duration, changed <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.at(p)
	return l.held > 0, l.delay, l.changed
}
