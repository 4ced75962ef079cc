package sim

import (
	"flag"
	"os"
	"slices"
	"testing"
)

var (
	runs    = flag.Int("runs", 40, "how many runs of each profile to try")
	seed    = flag.Uint64("seed", 1, "the first seed")
	profile = flag.String("profile", "", "the only profile to try")
	tell    = flag.Bool("tell", false, "tell what happens in each run")
)

// inOneGoroutine skips a test of runs, each of which takes one goroutine, where the tests are
// short: for the race detector, which finds nothing there, and takes ten times as long.
func inOneGoroutine(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("a run takes one goroutine")
	}
}

// each runs a test for every profile, or the one that was asked for.
func each(t *testing.T, test func(*testing.T, string)) {
	t.Helper()
	inOneGoroutine(t)
	for _, p := range Profiles() {
		if *profile == "" || p.Name == *profile {
			t.Run(p.Name, func(t *testing.T) { test(t, p.Name) })
		}
	}
}

func TestNothingIsFound(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		count := *runs
		if name == "calm" {
			count = min(count, 2)
		}
		var sum Report
		for i := range count {
			s := Generate(*seed+uint64(i), name)
			report, violation := Run(s, nil)
			if *tell {
				_, _ = Run(s, os.Stdout)
			}
			sum.Add(report)
			if violation != nil {
				t.Fatalf("seed %d, at %v, step %d: %v", s.Seed, violation.At, violation.Step, violation)
			}
		}
		t.Logf("%d events in %v; %d elections, %d commits, %d reads, %v", sum.Events, sum.Simulated, sum.Elections, sum.Commits, sum.Reads, sum.Faults)
	})
}

// A world must depend on its schedule and on nothing else: no clock, no order of a map,
// no memory address.
func TestTheSameScheduleIsTheSameRun(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		for i := range uint64(3) {
			s := Generate(*seed+i, name)
			first, _ := Run(s, nil)
			if again, _ := Run(Generate(*seed+i, name), nil); again.Hash != first.Hash || again.Events != first.Events {
				t.Fatalf("seed %d: %d events with hash %x, then %d with %x", s.Seed, first.Events, first.Hash, again.Events, again.Hash)
			}
		}
	})
}

func TestWhatWasDrawnIsTheSameRun(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		s := Generate(*seed, name)
		first, drawn, _ := run(s, nil)
		s.Noise, s.NoiseSeed = drawn, 0
		if again, _, _ := run(s, nil); again.Hash != first.Hash {
			t.Fatalf("hash %x, and %x with what was drawn", first.Hash, again.Hash)
		}
	})
}

func TestAnotherSeedIsAnotherRun(t *testing.T) {
	each(t, func(t *testing.T, name string) {
		first, _ := Run(Generate(*seed, name), nil)
		if other, _ := Run(Generate(*seed+1, name), nil); other.Hash == first.Hash {
			t.Fatalf("two seeds have hash %x", first.Hash)
		}
	})
}

// What never happens is not tested.
func TestEverythingThatCanHappenHappens(t *testing.T) {
	inOneGoroutine(t)
	wanted := []string{
		"frame lost", "frame repeated", "frame late", "queue full", "write slow", "log truncated",
		"snapshot taken", "snapshot sent", "snapshot installed", "configuration changed", "joint configuration",
		"start with a log on disk", "start with a damaged log", "commit from the disk", "entries loaded", "load failed",
		"disk of a leader hung for good", "snapshot for damage",
		"sync failed", "stopped by its disk", "disk full", "rot", "what was promised is lost",
		"directory copied", "directory of another", "directory refused", "newest segment gone", "log gone", "identity gone",
		"snapshot sent in parts", "state restored", "log compacted", "compacted before it was read", "no room for a snapshot",
		"power gone at work with a snapshot", "power gone at work with a snapshot that comes", "power gone at work with the log",
		"power gone at work with others", "stopped as it diverged",
		"birth gone", "founding gone", "segment of another",
		"sync that was none", "write astray", "older directory brought back", "promises forgotten",
		"stopped by what it forgot", "untrue directory refused", "not held against the specification any more",
		"place lost", "place got",
	}
	for k := range kinds {
		if k.fault() {
			wanted = append(wanted, k.String())
		}
	}
	// Once in tens of runs, or hundreds.
	rare := []string{
		"snapshot offered", "log without its beginning", "snapshots gone", "stopped by a later start", "nothing is promised any more",
		"snapshot in the place of a log", "diverged state spread",
	}
	var sum Report
	missing := wanted
	for round := range uint64(40) {
		for _, p := range Profiles() {
			r, _ := Run(Generate(*seed+round, p.Name), nil)
			sum.Add(r)
		}
		missing = slices.DeleteFunc(slices.Clone(wanted), func(what string) bool { return sum.Faults[what] > 0 })
		if len(missing) == 0 {
			break
		}
	}
	if len(missing) > 0 {
		t.Errorf("never happens: %q", missing)
	}
	for what := range sum.Faults {
		if !slices.Contains(rare, what) && !slices.Contains(wanted, what) {
			t.Errorf("%q happens, and nobody asked for it", what)
		}
	}
	if sum.Reads == 0 || sum.Elections == 0 || sum.Commits == 0 {
		t.Errorf("nothing goes on: %+v", sum)
	}
}

func TestThereIsNoScheduleForAnUnknownProfile(t *testing.T) {
	if s := Generate(1, "no such profile"); s != nil {
		t.Errorf("made %+v", s)
	}
}

func benchmark(b *testing.B, name string) {
	var sum Report
	for i := range b.N {
		r, violation := Run(Generate(uint64(i)+1, name), nil)
		if violation != nil {
			b.Fatal(violation)
		}
		sum.Add(r)
	}
	b.ReportMetric(sum.Simulated.Seconds()/b.Elapsed().Seconds(), "simulated-s/s")
	b.ReportMetric(float64(sum.Elections)/b.Elapsed().Seconds(), "elections/s")
	b.ReportMetric(float64(sum.Events)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkRun(b *testing.B) {
	for _, p := range Profiles() {
		b.Run(p.Name, func(b *testing.B) { benchmark(b, p.Name) })
	}
}
