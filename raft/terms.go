package raft

import (
	"fmt"
	"slices"
)

// terms are the terms of a log's entries, as runs: there are few terms and many entries,
// and the terms of those that are not in memory have to be known too.
//
// Invariants:
//   - there is at least one run; the first begins with the log's base
//   - both first and term rise from one run to the next
type terms []termStart

// A termStart begins a run of entries of one term, which ends where the next begins, or
// the log.
type termStart struct {
	first Index
	term  Term
}

// run finds the run that an index is in, which is not below the first.
func (t terms) run(i Index) int {
	if last := len(t) - 1; i >= t[last].first {
		return last // where most look
	}
	n, begins := slices.BinarySearchFunc(t, i, func(s termStart, i Index) int {
		switch {
		case s.first < i:
			return -1
		case s.first > i:
			return 1
		}
		return 0
	})
	if begins {
		return n
	}
	return n - 1
}

// add takes note of an entry that follows the last.
func (t *terms) add(i Index, term Term) {
	if (*t)[len(*t)-1].term != term {
		*t = append(*t, termStart{i, term})
	}
}

// truncate forgets the terms from an index on, which is above the base.
func (t *terms) truncate(from Index) {
	*t = (*t)[:t.run(from-1)+1]
}

// compact makes an index the base.
func (t *terms) compact(to Index) {
	*t = slices.Delete(*t, 0, t.run(to))
	(*t)[0].first = to
}

// check reports how the runs are not those of a log from one position to another.
func (t terms) check(base, last Position) string {
	if t[0] != (termStart{base.Index, base.Term}) {
		return fmt.Sprintf("the terms begin with %v, the log with %v", t[0], base)
	}
	for i := 1; i < len(t); i++ {
		if t[i].first <= t[i-1].first || t[i].term <= t[i-1].term {
			return fmt.Sprintf("a term begins with %v after %v", t[i], t[i-1])
		}
	}
	if end := t[len(t)-1]; end.term != last.Term || end.first > last.Index {
		return fmt.Sprintf("the terms end with %v, the log with %v", end, last)
	}
	return ""
}
