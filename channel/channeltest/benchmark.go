package channeltest

import (
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

// Benchmark measures a channel between two nodes of a net: OneWay is how long it
// takes to send a frame and have it received when many are on their way; RoundTrip is
// the time until a frame has been answered by another of the same size, when there
// are no others; UrgentUnderBulk is how long an urgent frame is on its way while there
// is always bulk to send. Allocations are those of both nodes.
func Benchmark(b *testing.B, newNet func(t testing.TB) Net) {
	for _, size := range []int{16, 1 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("OneWay/%dB", size), func(b *testing.B) { oneWay(b, newNet(b), size) })
		b.Run(fmt.Sprintf("RoundTrip/%dB", size), func(b *testing.B) { roundTrip(b, newNet(b), size) })
	}
	b.Run("UrgentUnderBulk", func(b *testing.B) { urgentUnderBulk(b, newNet(b)) })
}

// window is how many bytes a benchmark has on their way at most: enough for there to
// be always more to send, less than a queue holds.
const window = 4 << 20

// A counter counts frames of one size, which no knock has.
type counter struct {
	size    int
	frames  atomic.Int64
	arrived chan struct{} // there may be more than at the last look
}

func newCounter(size int) *counter {
	return &counter{size: size, arrived: make(chan struct{}, 1)}
}

func (c *counter) take(frame []byte) {
	if len(frame) == c.size {
		c.frames.Add(1)
		select {
		case c.arrived <- struct{}{}:
		default:
		}
	}
}

// counters is a receiver that has all its counters count.
type counters []*counter

func (c counters) Receive(frame []byte) error {
	for _, counter := range c {
		counter.take(frame)
	}
	return nil
}

func (counters) Unreachable(raft.NodeID) {}

// atLeast waits until so many frames have arrived. It is for one caller.
func (c *counter) atLeast(n int64) {
	for c.frames.Load() < n {
		<-c.arrived
	}
}

// pair attaches two nodes, a and b, which count the frames of each size, and waits
// until they can send to each other.
func pair(b *testing.B, net Net, sizes ...int) (ports [2]channel.Port, counts [2]counters) {
	for i, id := range []raft.NodeID{"a", "b"} {
		for _, size := range sizes {
			counts[i] = append(counts[i], newCounter(size))
		}
		port, err := net.Channel(b).Open(channel.Self{ID: id, Cluster: cluster}, counts[i])
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = port.Close() })
		ports[i] = port
	}
	wait(b, "a and b reach each other", func() bool {
		there := ports[0].Send("b", channel.Urgent, nil)
		back := ports[1].Send("a", channel.Urgent, nil)
		return there == nil && back == nil
	})
	return ports, counts
}

// A bulkSender sends bulk frames to b, as many as the window allows.
type bulkSender struct {
	port    channel.Port
	counter *counter // of what arrives
	frame   []byte
	sent    int64
}

func (s *bulkSender) send() {
	s.counter.atLeast(s.sent - int64(min(window/len(s.frame), 1<<10)))
	for s.port.Send("b", channel.Bulk, s.frame) != nil {
		runtime.Gosched() // a queue that holds less than a window
	}
	s.sent++
}

func oneWay(b *testing.B, net Net, size int) {
	ports, counts := pair(b, net, size)
	arrived := counts[1][0]
	bulk := bulkSender{port: ports[0], counter: arrived, frame: make([]byte, size)}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		bulk.send()
	}
	b.ReportMetric(float64(bulk.sent)/b.Elapsed().Seconds(), "frames/s")
	wait(b, "all frames have arrived", func() bool { return arrived.frames.Load() == bulk.sent })
}

func roundTrip(b *testing.B, net Net, size int) {
	ports, counts := pair(b, net, size)
	frame := make([]byte, size)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-counts[1][0].arrived:
				_ = ports[1].Send("a", channel.Urgent, frame)
			case <-stop:
				return
			}
		}
	}()
	b.ReportAllocs()
	for b.Loop() {
		if err := ports[0].Send("b", channel.Urgent, frame); err != nil {
			b.Fatal(err)
		}
		<-counts[0][0].arrived
	}
}

func urgentUnderBulk(b *testing.B, net Net) {
	const urgentSize, bulkSize = 16, 64 << 10
	ports, counts := pair(b, net, urgentSize, bulkSize)
	urgent := counts[1][0]
	bulk := bulkSender{port: ports[0], counter: counts[1][1], frame: make([]byte, bulkSize)}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				bulk.send()
			}
		}
	}()
	var times []time.Duration
	frame := make([]byte, urgentSize)
	for b.Loop() {
		start := time.Now()
		if err := ports[0].Send("b", channel.Urgent, frame); err != nil {
			b.Fatal(err)
		}
		urgent.atLeast(int64(len(times) + 1))
		times = append(times, time.Since(start))
	}
	elapsed := b.Elapsed()
	close(stop)
	<-stopped
	slices.Sort(times)
	for _, percent := range []int{50, 99} {
		took := times[(len(times)-1)*percent/100]
		b.ReportMetric(float64(took.Nanoseconds()), fmt.Sprintf("p%d-ns", percent))
	}
	b.ReportMetric(float64(bulk.sent*bulkSize)/1e6/elapsed.Seconds(), "bulk-MB/s")
}
