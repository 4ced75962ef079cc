package engine

import (
	"fmt"
	"log/slog"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// guard does something on the node's own goroutine. What panics in it, be it a storage, a
// channel or a mistake in here, stops this node, which answers whoever waits, and not the
// process, which is the host's. A simulator calls Turn without it, to see the panic.
func (n *Node) guard(do func()) {
	defer func() {
		if p := recover(); p != nil {
			n.crashed(panicked(p))
		}
	}()
	do()
}

// crashed stops the node after a panic. The core may be half-way through something, so it
// is not asked again.
func (n *Node) crashed(err error) {
	defer func() { _ = recover() }() // it may be the logger that panics, which comes last
	n.core = nil
	err = fmt.Errorf("%w: %w", ErrInvariant, err)
	if n.failed == nil { // else it was on its way down
		n.failed = n.failure("run", err, brokenHint)
	}
	n.refuse(&n.taken, n.failed)
	n.shutDown(n.failed)
	n.taken.runTasks()
	n.log.Error("the node stops", slog.Any("error", err))
}

const (
	// maxPanicCallers is how many callers an error names of a panic, maxPanicText how many
	// bytes of what it says: enough to find the place, and still a line.
	maxPanicCallers = 8
	maxPanicText    = 1 << 10
)

// panicked makes an error of a panic, with where it came from. It is for the deferred
// function that has recovered it.
func panicked(p any) error {
	text := fmt.Sprint(p)
	return fmt.Errorf("panic: %s, in %s", text[:min(len(text), maxPanicText)], strings.Join(panicCallers(), " < "))
}

// panicCallers lists the functions that were running, innermost first.
func panicCallers() []string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	var callers []string
	panicking := false
	for more := true; more && len(callers) < maxPanicCallers; {
		var f runtime.Frame
		f, more = frames.Next()
		inRuntime := strings.HasPrefix(f.Function, "runtime.")
		if panicking && !inRuntime {
			callers = append(callers, fmt.Sprintf("%s (%s:%d)", path.Base(f.Function), filepath.Base(f.File), f.Line))
		}
		// What comes before it has to do with recovering.
		panicking = panicking || f.Function == "runtime.gopanic"
	}
	return callers
}
