package sim

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// A survey is what a run that does not end with the first violation has come to.
type survey struct {
	classes []Class
	// found is the first violation of each class that is looked for.
	found []*Violation
	// passed: the run has gone on after a violation.
	passed bool
}

// Survey plays a schedule as Run does, and returns the first violation of each of the classes,
// in the order in which they were seen. It ends when it has one of each. After any other it goes
// on as if nothing had been seen, as far as that is possible: after some the simulator cannot say
// any more what nodes have, and a core that has found a broken invariant of its own does nothing
// any more. Then the run ends with what has been found by then.
//
// What is seen after a violation of another class may be what that has led to. That is the
// purpose: what is found of one class is what would be found if there were no other.
func Survey(s *Schedule, classes []Class) (Report, []*Violation) {
	w := newWorld(s, nil)
	w.survey = &survey{classes: classes}
	_ = w.play() // in a survey, it is among those that were found
	w.spec.end()
	return w.finished(), w.survey.found
}

// add takes a violation, and reports whether there is nothing left to look for.
func (y *survey) add(v *Violation) bool {
	class := v.Property.Class()
	same := func(other *Violation) bool { return other.Property.Class() == class }
	if slices.Contains(y.classes, class) && !slices.ContainsFunc(y.found, same) {
		y.found = append(y.found, v)
	}
	y.passed = true
	return len(y.found) == len(y.classes)
}

// panicked takes a panic. One of the simulator itself, behind a violation, says nothing: what it
// takes for granted does not hold any more.
func (y *survey) panicked(v *Violation) {
	if !y.passed || !inSimulator() {
		y.add(v)
	}
}

// inSimulator reports whether the panic that is being recovered from began in this package.
func inSimulator() bool {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for panicking := false; ; {
		f, more := frames.Next()
		inRuntime := strings.HasPrefix(f.Function, "runtime.")
		if panicking && !inRuntime {
			return strings.Contains(f.Function, "/gaggle/sim.")
		}
		panicking = panicking || f.Function == "runtime.gopanic"
		if !more {
			return false
		}
	}
}

// noWayOn ends a run of a survey, which has nothing to look for any more, or cannot go on.
type noWayOn struct{}

// violated says that a property does not hold. It ends the run, and does not return, but in a
// survey that has something left to look for.
func (w *world) violated(p Property, format string, args ...any) {
	v := &Violation{Property: p, Detail: fmt.Sprintf(format, args...)}
	if w.survey == nil {
		panic(v)
	}
	w.date(v)
	if w.survey.add(v) {
		panic(noWayOn{})
	}
}

// ends says that a property does not hold, and that the run cannot go on.
func (w *world) ends(p Property, format string, args ...any) {
	w.violated(p, format, args...)
	w.spec.check(w) // what does not fit either is not seen any more after that
	panic(noWayOn{})
}
