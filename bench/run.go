package main

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// clusterSize is how many nodes each cluster has.
const clusterSize = 3

// A load is what the appenders do.
type load struct{ size, appenders int }

// A result is what one run has shown: see the columns.
type result struct{ operations, rate, p50, p99, allocs, cpu, kept, written float64 }

// run measures one cluster that is new, after a tenth of the time to warm up.
func run(c competitor, l load, length time.Duration, dir string) (result, error) {
	// The first collection leaves what was in pools, which may hold a whole log, to the second.
	runtime.GC()
	runtime.GC()
	cl, err := c.open(dir)
	if err != nil {
		return result{}, err
	}
	defer cl.close()
	if _, err := drive(cl, l, length/10); err != nil {
		return result{}, err
	}
	before, err := contents(dir)
	if err != nil {
		return result{}, err
	}
	r, err := drive(cl, l, length)
	if err != nil {
		return result{}, err
	}
	after, err := contents(dir)
	r.kept = float64(after-before) / clusterSize / r.operations
	return r, err
}

// usage is what the process has used since it began.
type usage struct {
	allocs  uint64
	cpu     time.Duration
	written int64
}

func used() (usage, error) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	var process syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &process); err != nil {
		return usage{}, err
	}
	cpu := time.Duration(process.Utime.Nano() + process.Stime.Nano())
	return usage{memory.Mallocs, cpu, writtenToDisk()}, nil
}

// drive lets the appenders append for a while.
func drive(cl cluster, l load, length time.Duration) (result, error) {
	latencies := make([][]time.Duration, l.appenders)
	errs := make([]error, l.appenders)
	before, err := used()
	if err != nil {
		return result{}, err
	}
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
	after, err := used()
	if err := errors.Join(err, errors.Join(errs...)); err != nil {
		return result{}, err
	}
	all := slices.Concat(latencies...)
	slices.Sort(all)
	micros := func(percent int) float64 { return float64(all[len(all)*percent/100].Nanoseconds()) / 1000 }
	count := float64(len(all))
	return result{
		operations: count,
		rate:       count / elapsed.Seconds(),
		p50:        micros(50),
		p99:        micros(99),
		allocs:     float64(after.allocs-before.allocs) / count,
		// Seconds for a million operations are microseconds for one.
		cpu:     float64((after.cpu - before.cpu).Nanoseconds()) / 1000 / count,
		written: float64(after.written-before.written) / clusterSize / count,
	}, nil
}
