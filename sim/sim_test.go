package sim

import (
	"flag"
	"testing"
	"time"
	"os"
)

var (
	runs = flag.Int("runs", 200, "how many runs of each profile")
	seed = flag.Uint64("seed", 1, "the first seed")
	one = flag.Bool("tell", false, "tell what happens in the first run")
	only = flag.String("profile", "", "the only profile")
)

func TestNothingIsFound(t *testing.T) {
	for _, p := range Profiles() {
		if *only != "" && p.Name != *only { continue }
		t.Run(p.Name, func(t *testing.T) {
			var sum Report
			began := time.Now()
			for i := range *runs {
				s := Generate(*seed+uint64(i), p.Name)
				if *one { Run(s, os.Stdout) }
				r, v := Run(s, nil)
				sum.Add(r)
				if v != nil {
					t.Errorf("seed %d, at %v, step %d: %v", s.Seed, v.At, v.Step, v)
					break
				}
			}
			took := time.Since(began)
			t.Logf("%v for %v simulated: %.0f times; %d events, %.0f/s; %d elections, %d commits, %d reads %v", took, sum.Simulated, sum.Simulated.Seconds()/took.Seconds(), sum.Events, float64(sum.Events)/took.Seconds(), sum.Elections, sum.Commits, sum.Reads, sum.Faults)
		})
	}
}
