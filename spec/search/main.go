package search

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"time"
)

// Main is what a program that explores a model does.
func Main[S comparable](m Model[S]) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, &m)
	stop()
	os.Exit(code)
}

// run explores as the flags say. It returns the exit code: 0 if nothing is broken, 1 if
// something is, 2 if it could not be done.
func run[S comparable](ctx context.Context, m *Model[S]) int {
	l := Limits{Workers: runtime.GOMAXPROCS(0)}
	flag.IntVar(&l.States, "states", 10_000_000, "how many states to look at, or steps of random walks")
	flag.IntVar(&l.Depth, "depth", 0, "how many steps to take from the beginning, 0 for no limit; 100 for random walks")
	flag.BoolVar(&l.Invariants, "invariants", false, "check all invariants, and not only safety")
	flag.IntVar(&l.Memory, "memory", 1<<30, "how many bytes the states take that wait in memory to be gone on from; what is more waits in a file in TMPDIR")
	forTime := flag.Duration("for", 0, "how long to explore, 0 for no limit")
	walk := flag.Bool("walk", false, "walk at random")
	seed := flag.Uint64("seed", 1, "of random walks")
	trace := flag.String("from", "", "the trace at whose end to begin")
	flag.Parse()
	first, broken := m.First()
	if broken != "" {
		return failed(fmt.Errorf("%s does not hold at the beginning, in this scope", broken))
	}
	from, before := first, []Step(nil)
	if *trace != "" {
		var err error
		if before, from, err = m.begin(first, *trace); err != nil {
			return failed(err)
		}
	}
	if *forTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *forTime)
		defer cancel()
	}
	began := time.Now()
	progress := func(r Result) {
		fmt.Fprintf(os.Stderr, "depth %d: %d states, %d steps, %.0f s\n", r.Depth, r.States, r.Steps, time.Since(began).Seconds())
	}
	var r Result
	var err error
	if *walk {
		r = Walks(ctx, m, from, l, *seed)
	} else {
		r, err = Breadth(ctx, m, from, l, progress)
	}
	seconds := time.Since(began).Seconds()
	whole := ""
	if r.Whole {
		whole = ", which are all there are"
	}
	fmt.Printf("%d different states%s, %d steps, at most %d from where it began, in %.1f s (%.0f states and %.0f steps a second)\n",
		r.States, whole, r.Steps, r.Depth, seconds, float64(r.States)/seconds, float64(r.Steps)/seconds)
	if err != nil {
		return failed(err)
	}
	if r.Broken == "" {
		return 0
	}
	fmt.Printf("%s does not hold after:\n", r.Broken)
	if err := Tell(os.Stdout, m, first, slices.Concat(before, r.Path)); err != nil {
		return failed(err)
	}
	return 1
}

func (m *Model[S]) begin(first S, name string) ([]Step, S, error) {
	i := slices.IndexFunc(m.Traces, func(t Trace) bool { return t.Name == name })
	if i < 0 {
		return nil, first, fmt.Errorf("there is no trace %s", name)
	}
	return Follow(m, first, i)
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, "explore:", err)
	return 2
}
