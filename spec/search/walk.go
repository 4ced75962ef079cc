package search

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
)

// walkDepth is how long a walk is: longer than it takes to elect two leaders, and to commit
// something in between.
const walkDepth = 100

// Walks takes steps at random, from the same state again and again, until it is told to end or
// an invariant is broken. Each step is that of an action drawn from those that can be taken. Of
// the limits, States counts steps here, and walks have no more than walkDepth steps if there is
// no Depth. States that were seen are not counted.
func Walks[S comparable](ctx context.Context, m *Model[S], from S, l Limits, seed uint64) Result {
	random := rand.New(rand.NewPCG(seed, 0))
	depth := cmp.Or(l.Depth, walkDepth)
	var r Result
	for ctx.Err() == nil && r.Steps < l.States {
		s, path := from, []Step(nil)
		for len(path) < depth && r.Steps < l.States {
			step, to, ok := drawn(m, &s, random)
			if !ok {
				break
			}
			s, path = to, append(path, step)
			r.Steps++
			r.Depth = max(r.Depth, len(path))
			broken := m.BrokenSafety
			if l.Invariants {
				broken = m.Broken
			}
			if i := broken(&s); i >= 0 {
				r.Broken, r.Path = m.Invariants[i], path
				return r
			}
		}
	}
	return r
}

// drawn draws an action among those that can be taken, and one of its steps.
func drawn[S comparable](m *Model[S], s *S, random *rand.Rand) (step Step, to S, ok bool) {
	var x Scratch[S]
	for _, action := range random.Perm(len(m.Actions)) {
		count := 0
		m.Next(s, action, &x, func(args []uint8, t *S) bool {
			if count++; random.IntN(count) == 0 {
				step, to = Step{action, slices.Clone(args)}, *t
			}
			return true
		})
		if count > 0 {
			return step, to, true
		}
	}
	return step, to, false
}
