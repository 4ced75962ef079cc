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
	"github.com/ben-ng/gaggle/channel/tcp"
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
	leader := benchCluster(b, kind)[0]
	value := make([]byte, size)
	measure(b, appenders, func() error {
		_, err := leader.Append(context.Background(), value)
		return err
	})
}

// measure runs b.N operations in so many goroutines, each of which begins one when its
// last has ended.
func measure(b *testing.B, goroutines int, operation func() error) {
	latencies := make([][]time.Duration, goroutines)
	var next atomic.Int64
	var running sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for i := range goroutines {
		running.Go(func() {
			for next.Add(1) <= int64(b.N) {
				began := time.Now()
				if err := operation(); err != nil {
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

// benchCluster starts three nodes and returns them, the leader first.
func benchCluster(b *testing.B, kind string) []*gaggle.Node[[]byte] {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	meet := meeting(kind)
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
	leader := slices.IndexFunc(nodes, func(n *gaggle.Node[[]byte]) bool { return n.Status().Leader == n.ID() })
	if leader < 0 {
		b.Fatal("no node leads")
	}
	nodes[0], nodes[leader] = nodes[leader], nodes[0]
	return nodes
}

// meeting returns what gives each node of a cluster in this process its channel.
func meeting(kind string) func() channel.Channel {
	if kind == "memory" {
		ch := memory.New()
		return func() channel.Channel { return ch }
	}
	var first *tcp.Channel
	return func() channel.Channel {
		if first == nil {
			first = tcp.New("127.0.0.1:0")
			return first
		}
		return tcp.New("127.0.0.1:0", first.Addr())
	}
}

// BenchmarkRead is linearizable read barriers at the leader and at a follower.
func BenchmarkRead(b *testing.B) {
	for _, at := range []string{"leader", "follower"} {
		for _, readers := range []int{1, 256} {
			b.Run(fmt.Sprintf("at=%s/readers=%d", at, readers), func(b *testing.B) {
				nodes := benchCluster(b, "memory")
				n := nodes[0]
				if at == "follower" {
					n = nodes[1]
				}
				measure(b, readers, func() error { return n.Read(context.Background()) })
			})
		}
	}
}
