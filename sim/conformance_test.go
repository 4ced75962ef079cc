package sim

import (
	"testing"
	"time"
)

// BenchmarkConformance is how many steps of the specification are taken in a second, in what it
// takes to play longer with them than without.
func BenchmarkConformance(b *testing.B) {
	var steps, ofCores int
	var with, without time.Duration
	for i := range b.N {
		for _, held := range []bool{true, false} {
			w := newWorld(Generate(uint64(i), "swarm"), nil)
			if !held {
				w.spec.ended = "it is not asked"
			}
			began := time.Now()
			if v := w.play(); v != nil {
				b.Fatal(v)
			}
			if !held {
				without += time.Since(began)
				continue
			}
			with += time.Since(began)
			s, o := w.spec.checker.Steps()
			steps, ofCores = steps+s, ofCores+o
		}
	}
	b.ReportMetric(float64(steps)/(with-without).Seconds(), "steps/s")
	b.ReportMetric(float64(ofCores)/(with-without).Seconds(), "core-steps/s")
	b.ReportMetric(float64(with)/float64(without), "times-as-long")
}
