package search

import (
	"cmp"
	"context"
	"errors"
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
	// Memory is how many bytes the states take that are kept in memory to go on from; what is
	// more is in a file meanwhile. Beside that, each state that may be looked at takes eleven bytes.
	Memory int
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

// breadth is a search, level by level: a level is the states at the same distance from the
// beginning.
type breadth[S comparable] struct {
	model  *Model[S]
	limits Limits
	seen   *table
	steps  atomic.Int64
	level  *frontier[S]
	// sought is the hash of a state that the search is for, and no other; 0 if it is for what is broken.
	sought uint64
	// over: there is no need to go on, as something was found, there were as many states as there may
	// be, or a file could not be used.
	over  atomic.Bool
	mu    sync.Mutex
	found *finding
	err   error
}

// finding is a state that breaks an invariant, or is sought.
type finding struct {
	parent, hash uint64
	invariant    int
}

// Breadth looks at all states that can be reached from some, nearest first, until the limits,
// the context, or a broken invariant end it. An error is one of the file that states are kept in.
func Breadth[S comparable](ctx context.Context, m *Model[S], from S, l Limits, progress func(Result)) (Result, error) {
	b := &breadth[S]{model: m, limits: l}
	r, err := b.search(ctx, from, progress)
	if err != nil || b.found == nil {
		return r, err
	}
	r.Broken = m.Invariants[b.found.invariant]
	r.Path, err = b.path(ctx, from, r.Depth)
	return r, err
}

// search goes level by level, until there is no need to go on.
func (b *breadth[S]) search(ctx context.Context, from S, progress func(Result)) (r Result, err error) {
	b.level = newFrontier[S](b.model.Words, b.limits.Memory)
	if b.seen, err = newTable(b.limits.States); err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.level.close(), b.seen.free()) }()
	w := newWorker(b, b.level)
	w.see(&from)
	w.end()
	err = b.err
	for r.States = 1; !b.over.Load() && ctx.Err() == nil; progress(r) {
		r.Depth++
		err = b.next(ctx, r.Depth == b.limits.Depth)
		before := r.States
		r.States, r.Steps = int(b.seen.count.Load()), int(b.steps.Load())
		if err != nil || b.over.Load() || ctx.Err() != nil {
			break
		}
		if r.Whole = r.States == before; r.Whole {
			r.Depth--
		}
		if r.Whole || r.Depth == b.limits.Depth {
			break
		}
	}
	return r, err
}

// next goes one level further. If that is the last, its states need not be kept.
func (b *breadth[S]) next(ctx context.Context, last bool) error {
	into := newFrontier[S](b.model.Words, b.limits.Memory)
	var workers sync.WaitGroup
	for range b.limits.Workers {
		workers.Go(func() {
			w := newWorker(b, into)
			w.forgets = last
			defer w.end()
			var states []S
			for ctx.Err() == nil && !b.over.Load() {
				var err error
				if states, err = b.level.take(states); err != nil {
					b.end(func() { b.err = err })
				}
				if len(states) == 0 {
					return
				}
				for i := range states {
					w.expand(&states[i])
				}
			}
		})
	}
	workers.Wait()
	err := errors.Join(b.err, b.level.close())
	b.level = into
	return err
}

// end ends the search, for a reason that is noted if it is the first.
func (b *breadth[S]) end(note func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over.CompareAndSwap(false, true) {
		note()
	}
}

var errNotAgain = errors.New("the way to what is broken was not found again")

// path is how what was found is reached, step by step. Only hashes of states were kept, and of
// the found one that of the state before it: so for each state on the way there is a search
// for it, which goes one step less far than the one before. They take less than all of them
// together took that found the end. Then the states are made again, under the names that they
// have along this path.
func (b *breadth[S]) path(ctx context.Context, from S, depth int) ([]Step, error) {
	if depth == 0 {
		return nil, nil
	}
	way := []uint64{b.found.hash}
	for at := b.found.parent; ; {
		if depth--; depth == 0 {
			break
		}
		way = append(way, at)
		before := &breadth[S]{model: b.model, limits: b.limits, sought: at}
		before.limits.Depth = depth
		if _, err := before.search(ctx, from, func(Result) {}); err != nil {
			return nil, err
		}
		if before.found == nil {
			return nil, cmp.Or(ctx.Err(), errNotAgain)
		}
		at = before.found.parent
	}
	var path []Step
	s := from
	for _, h := range slices.Backward(way) {
		s = b.towards(s, h, &path)
	}
	return path, nil
}

// towards takes the step from a state to one with a hash.
func (b *breadth[S]) towards(s S, h uint64, path *[]Step) S {
	var x Scratch[S]
	for action := range b.model.Actions {
		var to *S
		b.model.Next(&s, action, &x, func(args []uint8, t *S) bool {
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
