package sim

import (
	"fmt"
	"sync"

	"github.com/ben-ng/gaggle/conform"
	"github.com/ben-ng/gaggle/raft"
)

// conformance holds each step of each core against the specification.
type conformance struct {
	checker *conform.Checker
	// wrong is the first step that did not fit.
	wrong error
	// told: that was said.
	told bool
	// ended says why nothing is held against it any more: a disk has not kept what it had said to
	// have kept, which the specification does not know.
	ended string
}

// spare are checkers that are not in use: to make one takes as long as a short run.
var spare = sync.Pool{New: func() any {
	checker, err := conform.New()
	if err != nil {
		panic(fmt.Sprintf("the specification cannot be followed: %v", err))
	}
	return checker
}}

func (c *conformance) init() {
	c.checker = spare.Get().(*conform.Checker)
	c.checker.Reset()
}

// end gives the checker back, of which nothing is needed any more.
func (c *conformance) end() {
	if c.checker != nil { // else the world did not come to its beginning
		spare.Put(c.checker)
		c.checker = nil
	}
}

// follower is told of a node's steps.
type follower struct {
	world *world
	id    raft.NodeID
}

// Traced is part of raft.Tracer. What does not fit is a violation at the end of the turn, as a
// panic in a turn would only end the node.
func (f *follower) Traced(t *raft.Trace) {
	c := &f.world.spec
	if c.wrong == nil && c.ended == "" {
		c.wrong = c.checker.Take(f.id, t)
	}
}

// started takes note of a start from a disk that may not hold what it said it did.
func (c *conformance) started(n *node) {
	if n.place != nil && n.place.untruth.told && c.ended == "" {
		c.ended = "a disk did not keep its word"
		n.world.report.Faults["not held against the specification any more"]++
	}
}

// check reports what did not fit.
func (c *conformance) check(w *world) {
	if c.wrong != nil && !c.told {
		c.told = true
		w.violated(Conforms, "%v", c.wrong)
	}
}
