//go:build unix

package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// openLists is how many lists are in use at a time: few, so that clients meet.
	openLists = 4
	// opsOfList is after how many operations another list takes its place: few, as what
	// the checker does grows with more than their number.
	opsOfList = 400
)

// shelf has the lists that are in use. It is safe for concurrent use.
type shelf struct {
	mu   sync.Mutex
	last int // the latest list
	open [openLists]struct{ list, left int }
}

// take returns the list in one of the places, for one operation.
func (s *shelf) take(place int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.open[place]
	if o.left == 0 {
		s.last++
		o.list, o.left = s.last, opsOfList
	}
	o.left--
	return o.list
}

// What clients do.
const (
	// homeShare is how often a client asks the node that it is at home at.
	homeShare = 0.7
	readShare = 0.5
	// patience is how long an operation may take: longer than it takes to find another
	// leader. One of hurryShare of them has only hurry, so that it is often given up.
	patience   = 2 * time.Second
	hurryShare = 0.05
	hurry      = 10 * time.Millisecond
	// slack is how long a client waits beyond that for a process to say so.
	slack = time.Second
	// restMost is the longest time between two operations of a client.
	restMost = 4 * time.Millisecond
	// heavyPad is how large values are while a disk is to be filled: a full disk is found
	// out when the log needs another segment, of 64 MiB.
	heavyPad = 256 << 10
	lightPad = 256
)

// A client does one operation after the other.
type client struct {
	number  int
	random  *rand.Rand
	nodes   []*node
	history *history
	shelf   *shelf
	// heavy: values are to be large.
	heavy *atomic.Int32
}

// run goes on until the context ends.
func (c *client) run(ctx context.Context) {
	for ctx.Err() == nil {
		answered := c.once()
		timer := time.NewTimer(time.Duration(c.random.Int64N(int64(restMost))))
		select {
		case <-answered:
		case <-ctx.Done():
		}
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// once begins an operation. The channel is closed when there is an answer, or none is to be
// waited for.
func (c *client) once() <-chan struct{} {
	answered := make(chan struct{})
	n := c.nodes[c.number%len(c.nodes)]
	if c.random.Float64() > homeShare {
		n = c.nodes[c.random.IntN(len(c.nodes))]
	}
	p := n.process()
	if p == nil {
		close(answered)
		return answered
	}
	within := patience
	if c.random.Float64() < hurryShare {
		within = hurry
	}
	o := &op{number: c.history.reserve(), client: c.number, list: c.shelf.take(c.random.IntN(openLists)), node: n.number}
	r := c.request(o, within)
	var once sync.Once
	settle := func() { once.Do(func() { close(answered) }) }
	timer := time.AfterFunc(within+slack, settle)
	err := p.send(r, func(r request) {
		o.run, o.turn = p.run, r.Value.Turn
		c.history.begin(o)
	}, func(a reply) {
		c.history.end(o, a)
		timer.Stop()
		settle()
	})
	if err != nil {
		settle() // nothing was asked
	}
	return answered
}

func (c *client) request(o *op, within time.Duration) request {
	heavy := c.heavy.Load() > 0
	r := request{Do: doAppend, WithinMS: within.Milliseconds()}
	o.read = !heavy && c.random.Float64() < readShare
	if o.read {
		r.Do, r.List = doRead, o.list
		return r
	}
	r.Value = value{List: o.list, Op: o.number, Node: o.node}
	r.Pad = c.random.IntN(lightPad)
	if heavy {
		r.Pad = heavyPad
	}
	return r
}
