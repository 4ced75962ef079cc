package search

// A worker takes steps from the states of a level.
type worker[S comparable] struct {
	*breadth[S]
	scratch Scratch[S]
	// canonical is the state that a step leads to, with the names that stand for all.
	canonical S
	parent    uint64
	steps     int64
	step      func([]uint8, *S) bool
	// lately are hashes of states as steps led to them, under whichever names: most steps lead to
	// what a step just before led to, and need not be looked at any closer.
	lately []uint64
	// into is where states go, more are those that have not gone yet. Or it forgets them.
	into    *frontier[S]
	more    []S
	forgets bool
}

// latelyKept is how many hashes a worker keeps: a power of two, and half a megabyte.
const latelyKept = 1 << 16

func newWorker[S comparable](b *breadth[S], into *frontier[S]) *worker[S] {
	w := &worker[S]{breadth: b, into: into, lately: make([]uint64, latelyKept)}
	w.step = w.look
	return w
}

// expand takes every step from a state.
func (w *worker[S]) expand(s *S) {
	w.parent = hash(w.model.Words(s))
	for action := range w.model.Actions {
		if !w.model.Next(s, action, &w.scratch, w.step) {
			return
		}
	}
}

// look is told of a state that a step leads to, and reports whether to go on.
func (w *worker[S]) look(_ []uint8, t *S) bool {
	w.steps++
	h := hash(w.model.Words(t))
	if at := &w.lately[h%latelyKept]; *at != h {
		*at = h
		return w.see(t)
	}
	return true
}

// see takes a state that is new.
func (w *worker[S]) see(t *S) bool {
	c := &w.canonical
	*c = *t
	w.model.Canonical(c)
	h := hash(w.model.Words(c))
	isNew, err := w.seen.add(h)
	switch {
	case err != nil:
		w.breadth.end(func() {})
		return false
	case !isNew:
		return true
	}
	if i := w.broken(c, h); i >= 0 {
		w.breadth.end(func() { w.found = &finding{w.parent, h, i} })
		return false
	}
	if w.forgets {
		return true
	}
	if w.more = append(w.more, *c); len(w.more) == frontierPart {
		if err := w.into.put(w.more); err != nil {
			w.breadth.end(func() { w.err = err })
			return false
		}
		w.more = w.more[:0]
	}
	return true
}

// broken is the number of what does not hold in a state, -1 if all does: or 0 if it is sought.
func (w *worker[S]) broken(s *S, h uint64) int {
	switch {
	case w.sought == h:
		return 0
	case w.sought != 0:
		return -1
	case w.limits.Invariants:
		return w.model.Broken(s)
	}
	return w.model.BrokenSafety(s)
}

// end hands over what is left.
func (w *worker[S]) end() {
	w.breadth.steps.Add(w.steps)
	if err := w.into.put(w.more); err != nil {
		w.breadth.end(func() { w.err = err })
	}
}
