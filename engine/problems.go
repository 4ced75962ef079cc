package engine

import (
	"cmp"
	"slices"
)

// A problemKind is what somebody has to see to, the gravest first: what may have broken a
// promise, then what keeps the node from keeping one, then what only will if more happens.
type problemKind uint8

const (
	otherCluster problemKind = iota
	otherProcess
	statesDiffer
	entriesLost
	beganAnew
	diskFull
	diskHangs
	snapshotDamaged
	snapshotRefused
	snapshotNoRoom
	snapshotUnmade
	otherSize
)

// A problem is one that is not over.
type problem struct {
	kind problemKind
	// about tells problems of a kind apart, if there may be several.
	about string
	err   error
}

// problems are those that are not over: the gravest first, of equals the one found first.
type problems []problem

func (ps problems) find(kind problemKind, about string) int {
	return slices.IndexFunc(ps, func(p problem) bool { return p.kind == kind && p.about == about })
}

// worst is what the status shows.
func (ps problems) worst() error {
	if len(ps) == 0 {
		return nil
	}
	return ps[0].err
}

// found makes known, in the status and to watchers, what somebody has to see to. Of one that is
// known, what is said of it now takes the place of what was said, and watchers hear nothing.
func (n *Node) found(kind problemKind, about string, err error) {
	if n.ended {
		return
	}
	at := n.problems.find(kind, about)
	n.published.change(func(s *Status) {
		if at >= 0 {
			n.problems[at].err = err
		} else {
			after, _ := slices.BinarySearchFunc(n.problems, kind, func(p problem, kind problemKind) int {
				return cmp.Or(cmp.Compare(p.kind, kind), -1) // behind those of its kind
			})
			n.problems = slices.Insert(n.problems, after, problem{kind, about, err})
			n.emit(ProblemFound{err})
		}
		s.Problem = n.problems.worst()
	})
}

// solved makes known that a problem is over, if there was one.
func (n *Node) solved(kind problemKind, about string) {
	at := n.problems.find(kind, about)
	if at < 0 || n.ended {
		return
	}
	n.published.change(func(s *Status) {
		err := n.problems[at].err
		n.problems = slices.Delete(n.problems, at, at+1)
		s.Problem = n.problems.worst()
		n.emit(ProblemSolved{err})
	})
}
