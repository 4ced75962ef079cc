// Command bench measures Gaggle beside other Raft libraries, in the same run and with
// the same load: three nodes and so many appenders in one process, a closed loop at the
// leader, an operation ends when it is applied where it was proposed. Nothing is kept
// on disk.
//
// Gaggle over memory sends every message as bytes of its wire format. The peers pass
// pointers within the process and encode nothing, which is the best they can do.
//
// The runs of the competitors alternate, so that a machine that gets slower does so for
// all of them; what is printed are medians over the rounds, and the ratio to the best
// peer.
package main

import (
	"flag"
	"fmt"
	"log"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// A cluster is three nodes of some library.
type cluster interface {
	// propose appends a value at the leader and returns when it is applied there. It is
	// safe for concurrent use.
	propose(value []byte) error
	close()
}

// A competitor is a library, or a way of using one.
type competitor struct {
	name string
	peer bool
	open func() (cluster, error)
}

var competitors = []competitor{
	{"gaggle", false, openGaggle("memory")},
	{"gaggle over TCP", false, openGaggle("tcp")},
	{"etcd, all waiting proposals in one step", true, openEtcd},
	{"hashicorp", true, openHashicorp},
}

// A load is what the appenders do.
type load struct{ size, appenders int }

// A result is what one run has shown.
type result struct{ rate, p50, p99, allocs float64 }

func main() {
	rounds := flag.Int("rounds", 5, "how often each competitor runs each load")
	length := flag.Duration("for", 2*time.Second, "the length of a run")
	only := flag.String("only", "", "only competitors whose names begin with this")
	flag.Parse()

	fmt.Printf("%5s %9s %10s %9s %9s %9s %12s  %s\n",
		"bytes", "appenders", "op/s", "p50 µs", "p99 µs", "allocs/op", "to best peer", "")
	for _, size := range []int{16, 1024} {
		for _, appenders := range []int{1, 16, 256, 2048} {
			compare(load{size, appenders}, *rounds, *length, *only)
		}
	}
}

// compare runs the competitors in turn, and prints their medians.
func compare(l load, rounds int, length time.Duration, only string) {
	results := make([][]result, len(competitors))
	for range rounds {
		for i, c := range competitors {
			if !strings.HasPrefix(c.name, only) {
				continue
			}
			r, err := run(c, l, length)
			if err != nil {
				log.Fatalf("%s: %v", c.name, err)
			}
			results[i] = append(results[i], r)
		}
	}
	best := 0.0
	for i, c := range competitors {
		if c.peer {
			best = max(best, median(results[i], func(r result) float64 { return r.rate }))
		}
	}
	for i, c := range competitors {
		if len(results[i]) == 0 {
			continue
		}
		of := func(field func(result) float64) float64 { return median(results[i], field) }
		rate := of(func(r result) float64 { return r.rate })
		ratio := "-"
		if best > 0 {
			ratio = fmt.Sprintf("%.2f", rate/best)
		}
		fmt.Printf("%5d %9d %10.0f %9.1f %9.1f %9.1f %12s  %s\n", l.size, l.appenders, rate,
			of(func(r result) float64 { return r.p50 }), of(func(r result) float64 { return r.p99 }),
			of(func(r result) float64 { return r.allocs }), ratio, c.name)
	}
}

func median(results []result, field func(result) float64) float64 {
	if len(results) == 0 {
		return 0
	}
	values := make([]float64, len(results))
	for i, r := range results {
		values[i] = field(r)
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// run measures one cluster that is new, after a tenth of the time to warm up.
func run(c competitor, l load, length time.Duration) (result, error) {
	// The first collection leaves what was in pools, which may hold a whole log, to the second.
	runtime.GC()
	runtime.GC()
	cl, err := c.open()
	if err != nil {
		return result{}, err
	}
	defer cl.close()
	if _, err := drive(cl, l, length/10); err != nil {
		return result{}, err
	}
	return drive(cl, l, length)
}

// drive lets the appenders append for a while.
func drive(cl cluster, l load, length time.Duration) (result, error) {
	latencies := make([][]time.Duration, l.appenders)
	errs := make([]error, l.appenders)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	var running sync.WaitGroup
	for i := range l.appenders {
		running.Go(func() {
			value := make([]byte, l.size)
			for now := began; now.Sub(began) < length; {
				if errs[i] = cl.propose(value); errs[i] != nil {
					return
				}
				done := time.Now()
				latencies[i] = append(latencies[i], done.Sub(now))
				now = done
			}
		})
	}
	running.Wait()
	elapsed := time.Since(began)
	runtime.ReadMemStats(&after)
	for _, err := range errs {
		if err != nil {
			return result{}, err
		}
	}
	all := slices.Concat(latencies...)
	slices.Sort(all)
	micros := func(percent int) float64 { return float64(all[len(all)*percent/100].Nanoseconds()) / 1000 }
	return result{
		rate:   float64(len(all)) / elapsed.Seconds(),
		p50:    micros(50),
		p99:    micros(99),
		allocs: float64(after.Mallocs-before.Mallocs) / float64(len(all)),
	}, nil
}
