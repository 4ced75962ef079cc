package sim

import (
	"context"
	"fmt"
	"runtime"
	"sync"
)

// Options say what Fuzz plays.
type Options struct {
	// Seed is what the seeds of all runs follow from. That of the first is itself.
	Seed uint64
	// Profile is the one that all runs have; if it is empty, each has one that follows
	// from its seed.
	Profile string
	// Runs is how many there are; if it is 0, as many as there is time for.
	Runs int
}

// Fuzz plays one schedule after the other, until it finds a violation, all runs are done,
// or the context ends; then it ends those that it has begun. They run side by side, and
// count in the order of their numbers: the same Options give the same Report and the same
// Finding, as long as the context does not end, and what comes after the first violation
// does not count. It calls progress, if that is not nil, after each run, with the Report
// so far, which may not be kept.
func Fuzz(ctx context.Context, o Options, progress func(Report)) (Report, *Finding, error) {
	if Generate(o.Seed, o.Profile) == nil {
		return Report{}, nil, fmt.Errorf("sim: there is no profile %q", o.Profile)
	}
	report, finding := fuzz(ctx, o, run, progress)
	return report, finding, nil
}

func fuzz(ctx context.Context, o Options, play player, progress func(Report)) (Report, *Finding) {
	l := &lottery{ctx: ctx, options: o, state: o.Seed}
	played := make(chan playedRun)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for number, seed, ok := l.draw(); ok; number, seed, ok = l.draw() {
				s := Generate(seed, o.Profile)
				report, _, violation := play(s, nil)
				played <- playedRun{number, report, Finding{s, violation}}
			}
		})
	}
	go func() {
		workers.Wait()
		close(played)
	}()
	t := tally{early: map[int]playedRun{}}
	for r := range played {
		if r.finding.Violation != nil {
			l.stop() // all earlier ones have been drawn
		}
		if t.take(r) && progress != nil {
			progress(t.report)
		}
	}
	return t.report, t.finding
}

// lottery gives each run its number and seed.
type lottery struct {
	ctx     context.Context
	options Options

	mu      sync.Mutex
	drawn   int
	state   uint64
	stopped bool
}

// seedBits is how many bits a seed that is drawn has: as many as a number in JSON.
const seedBits = 53

func (l *lottery) draw() (number int, seed uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped || l.options.Runs > 0 && l.drawn >= l.options.Runs || l.ctx.Err() != nil {
		return 0, 0, false
	}
	number, seed = l.drawn, l.options.Seed
	if number > 0 {
		seed = mix(&l.state) >> (64 - seedBits)
	}
	l.drawn++
	return number, seed, true
}

func (l *lottery) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
}

// playedRun is what came of a run.
type playedRun struct {
	number  int
	report  Report
	finding Finding
}

// tally adds up runs in the order of their numbers, up to the first that found something.
type tally struct {
	next    int
	early   map[int]playedRun
	report  Report
	finding *Finding
}

// take takes a run, and reports whether the report has grown.
func (t *tally) take(r playedRun) (grown bool) {
	t.early[r.number] = r
	for t.finding == nil {
		r, ok := t.early[t.next]
		if !ok {
			break
		}
		delete(t.early, t.next)
		t.next++
		t.report.Add(r.report)
		grown = true
		if r.finding.Violation != nil {
			t.finding = &r.finding
		}
	}
	return grown
}
