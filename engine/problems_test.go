package engine

import (
	"errors"
	"slices"
	"testing"
)

// problemsTold takes what a watcher was told of problems.
func problemsTold(w *Watcher) (told []string) {
	for e, ok := w.take(); ok; e, ok = w.take() {
		switch e.(type) {
		case ProblemFound:
			told = append(told, "found")
		case ProblemSolved:
			told = append(told, "solved")
		}
	}
	return told
}

func TestTheStatusShowsTheGravestProblemThatIsNotOver(t *testing.T) {
	f := newFlock(t, 1)
	f.until("it leads", func() bool { return f.leader() != nil })
	n := f.nodes[0]
	w := n.Watch()
	defer w.Stop()
	a, b, c, again := errors.New("a"), errors.New("b"), errors.New("c"), errors.New("a, once more")
	for _, step := range []struct {
		what string
		do   func()
		want error
		told []string
	}{
		{"one is found", func() { n.found(diskFull, "", a) }, a, []string{"found"}},
		{"it is found again", func() { n.found(diskFull, "", again) }, again, nil},
		{"a lesser one is found", func() { n.found(otherSize, "x", b) }, again, []string{"found"}},
		{"another of its kind is found", func() { n.found(otherSize, "y", c) }, again, []string{"found"}},
		{"a graver one is found", func() { n.found(otherCluster, "", b) }, b, []string{"found"}},
		{"one is over that never was", func() { n.solved(entriesLost, "") }, b, nil},
		{"the gravest is over", func() { n.solved(otherCluster, "") }, again, []string{"solved"}},
		{"the next is over", func() { n.solved(diskFull, "") }, b, []string{"solved"}},
		{"the first of two is over", func() { n.solved(otherSize, "x") }, c, []string{"solved"}},
		{"all is over", func() { n.solved(otherSize, "y") }, nil, []string{"solved"}},
	} {
		step.do()
		if got := n.Status().Problem; got != step.want { //nolint:errorlint // it is the very error
			t.Errorf("%s: the status has %v, want %v", step.what, got, step.want)
		}
		if told := problemsTold(w); !slices.Equal(told, step.told) {
			t.Errorf("%s: watchers are told %v, want %v", step.what, told, step.told)
		}
	}
}
