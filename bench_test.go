package gaggle_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/memory"
)

// BenchmarkAppend is a closed loop: so many appenders, each of which appends the next
// value when its last is committed and applied, at the leader of three nodes in one
// process. Every append goes through the codec of the channel.
//
//	ops/s         appends per second, all appenders together
//	p50-µs …      latency of one append
//	allocs/op     on all three nodes and in the appender
func BenchmarkAppend(b *testing.B) {
	for _, ch := range []string{"memory", "tcp"} {
		for _, size := range []int{16, 1024} {
			for _, appenders := range []int{1, 16, 256, 2048} {
				b.Run(fmt.Sprintf("channel=%s/size=%d/appenders=%d", ch, size, appenders), func(b *testing.B) {
					benchmarkAppend(b, ch, size, appenders)
				})
			}
		}
	}
}

func benchmarkAppend(b *testing.B, kind string, size, appenders int) {
	ctx := context.Background()
	leader := benchCluster(b, kind)
	value := make([]byte, size)
	latencies := make([][]time.Duration, appenders)
	var next atomic.Int64
	var running sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for i := range appenders {
		running.Go(func() {
			for next.Add(1) <= int64(b.N) {
				began := time.Now()
				if _, err := leader.Append(ctx, value); err != nil {
					b.Error(err)
					return
				}
				latencies[i] = append(latencies[i], time.Since(began))
			}
		})
	}
	running.Wait()
	b.StopTimer()
	all := slices.Concat(latencies...)
	slices.Sort(all)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(all[len(all)*p/100].Nanoseconds())/1000, fmt.Sprintf("p%d-µs", p))
	}
}

// benchCluster starts three nodes and returns the one that leads.
func benchCluster(b *testing.B, kind string) *gaggle.Node[[]byte] {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	mem := memory.New()
	meet := func() channel.Channel { return mem }
	if kind == "tcp" {
		meet = loopback()
	}
	var nodes []*gaggle.Node[[]byte]
	for range 3 {
		n, err := gaggle.Join[[]byte](ctx, meet(), gaggle.Size(3), gaggle.InMemory())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = n.Close() })
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		if err := n.Ready(ctx); err != nil {
			b.Fatal(err)
		}
		if _, err := n.Append(ctx, nil); err != nil {
			b.Fatal(err)
		}
	}
	for {
		for _, n := range nodes {
			if s := n.Status(); s.Leader == n.ID() {
				return n
			}
		}
	}
}
func loopback() func() channel.Channel { return nil }
