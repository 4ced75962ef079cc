package memory

import (
	"math"
	"sync"
	"sync/atomic"
)

// A gate counts the calls into a receiver, so that Close can wait for the last one.
// It is not a lock: a call that comes while another closes the gate is turned away,
// not held up, so calls may nest to any depth without deadlock.
type gate struct {
	// inside is how many calls are in the receiver, plus shut once the gate is shut.
	inside atomic.Int64
	empty  sync.Once
	idle   chan struct{} // closed once the gate is shut and nobody is inside
}

// shut makes the counter negative whatever the number of calls.
const shut = math.MinInt64

func newGate() *gate { return &gate{idle: make(chan struct{})} }

// enter reports whether the caller may go in. If so, it calls leave afterwards.
func (g *gate) enter() bool {
	if g.inside.Add(1) > 0 {
		return true
	}
	g.leave()
	return false
}

func (g *gate) leave() {
	if g.inside.Add(-1) == shut {
		g.empty.Do(func() { close(g.idle) })
	}
}

func (g *gate) isShut() bool { return g.inside.Load() < 0 }

// shutAndWait turns new calls away and returns when those inside have left. It may
// be called any number of times.
func (g *gate) shutAndWait() {
	if g.inside.Or(shut) == 0 {
		g.empty.Do(func() { close(g.idle) })
	}
	<-g.idle
}
