package search

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// Limits end a search.
type Limits struct {
	// States is how many different states are looked at, at most.
	States int
	// Depth is how many steps from the beginning are taken at most; 0 is no limit.
	Depth int
	// Invariants: all of them are checked, and not only safety.
	Invariants bool
	// Workers is how many goroutines search.
	Workers int
}

// A Result says what was found.
type Result struct {
	// States is how many different states were seen, Steps how many led to them or to one
	// that was known, Depth how far the farthest is from the beginning.
	States, Steps, Depth int
	// Whole: there are no others.
	Whole bool
	// Broken is the invariant that does not hold; "" if all do. Path leads there.
	Broken string
	Path   []Step
}

// breadth is a search, level by level.
type breadth[S comparable] struct {
	model  *Model[S]
	limits Limits
	seen   *table
	steps  atomic.Int64
	// parents and hashes are of all states, in the order in which they were found.
	parents []uint32
	hashes  []uint64
	level   []S
	// full: there is no room for more hashes. found is the first state that breaks something.
	full  atomic.Bool
	mu    sync.Mutex
	found *finding
}

// finding is a state that breaks an invariant.
type finding struct {
	parent    uint32
	hash      uint64
	invariant int
}

// reached is what a worker has found: states, in the order of their parents.
type reached[S comparable] struct {
	states  []S
	parents []uint32
	hashes  []uint64
}

// Breadth looks at all states that can be reached from some, nearest first, until the limits,
// the context, or a broken invariant end it.
func Breadth[S comparable](ctx context.Context, m *Model[S], from S, l Limits, progress func(Result)) Result {
	b := &breadth[S]{model: m, limits: l, seen: newTable(l.States)}
	first := from
	m.Canonical(&first)
	h := hash(m.Words(&first))
	_, _ = b.seen.add(h)
	b.parents, b.hashes, b.level = []uint32{0}, []uint64{h}, []S{first}
	if i := b.broken(&first); i >= 0 {
		return Result{States: 1, Broken: m.Invariants[i]}
	}
	var r Result
	for r.States = 1; len(b.level) > 0; {
		if ctx.Err() != nil || l.Depth > 0 && r.Depth == l.Depth || len(b.hashes) >= l.States {
			break
		}
		b.next(ctx)
		r.Depth++
		r.States, r.Steps = len(b.hashes), int(b.steps.Load())
		if b.full.Load() || b.found != nil {
			break
		}
		progress(r)
	}
	r.Whole = len(b.level) == 0 && b.found == nil && !b.full.Load() && ctx.Err() == nil
	if b.found != nil {
		r.Broken = m.Invariants[b.found.invariant]
		r.Path = b.path(from, b.found)
	}
	return r
}

func (b *breadth[S]) broken(s *S) int {
	if b.limits.Invariants {
		return b.model.Broken(s)
	}
	return b.model.BrokenSafety(s)
}

// levelPart is how many states a worker takes at a time.
const levelPart = 256

// next goes one level further.
func (b *breadth[S]) next(ctx context.Context) {
	first := uint32(len(b.hashes) - len(b.level))
	parts := make([]reached[S], (len(b.level)+levelPart-1)/levelPart)
	var taken atomic.Int64
	var workers sync.WaitGroup
	for range b.limits.Workers {
		workers.Go(func() {
			for {
				part := int(taken.Add(1)) - 1
				if part >= len(parts) || ctx.Err() != nil || b.ended() {
					return
				}
				from := part * levelPart
				states := b.level[from:min(from+levelPart, len(b.level))]
				for i := range states {
					b.expand(&states[i], first+uint32(from+i), &parts[part])
				}
			}
		})
	}
	workers.Wait()
	b.level = b.level[:0:0]
	for i := range parts {
		b.level = append(b.level, parts[i].states...)
		b.parents = append(b.parents, parts[i].parents...)
		b.hashes = append(b.hashes, parts[i].hashes...)
		parts[i] = reached[S]{}
	}
}

func (b *breadth[S]) ended() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.found != nil || b.full.Load()
}

// expand takes every step from a state.
func (b *breadth[S]) expand(s *S, number uint32, into *reached[S]) {
	steps := int64(0)
	for action := range b.model.Actions {
		b.model.Next(s, action, func(_ []uint8, t *S) bool {
			steps++
			c := *t
			b.model.Canonical(&c)
			h := hash(b.model.Words(&c))
			isNew, err := b.seen.add(h)
			if err != nil {
				b.full.Store(true)
				return false
			}
			if !isNew {
				return true
			}
			into.states, into.parents, into.hashes = append(into.states, c), append(into.parents, number), append(into.hashes, h)
			if i := b.broken(&c); i >= 0 {
				b.mu.Lock()
				if b.found == nil {
					b.found = &finding{number, h, i}
				}
				b.mu.Unlock()
				return false
			}
			return true
		})
	}
	b.steps.Add(steps)
}

// path is how a finding is reached, step by step. Only hashes were kept, so the states are
// made again, under the names that they have along this path.
func (b *breadth[S]) path(from S, f *finding) []Step {
	way := []uint64{f.hash}
	for at := f.parent; at > 0; at = b.parents[at] {
		way = append(way, b.hashes[at])
	}
	var path []Step
	s := from
	for i := len(way) - 1; i >= 0; i-- {
		s = b.towards(s, way[i], &path)
	}
	return path
}

// towards takes the step from a state to one with a hash.
func (b *breadth[S]) towards(s S, h uint64, path *[]Step) S {
	for action := range b.model.Actions {
		var to *S
		b.model.Next(&s, action, func(args []uint8, t *S) bool {
			c := *t
			b.model.Canonical(&c)
			if hash(b.model.Words(&c)) != h {
				return true
			}
			u := *t
			to = &u
			*path = append(*path, Step{action, slices.Clone(args)})
			return false
		})
		if to != nil {
			return *to
		}
	}
	return s // it was found from a state that is the same but for names, so there is one
}
