package channeltest

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

// Benchmark measures a channel between two nodes of a net: OneWay is how long it
// takes to send a frame and have it received when many are on their way; RoundTrip is
// the time until a frame has been answered by another of the same size, when there
// are no others.
func Benchmark(b *testing.B, newNet func(t testing.TB) Net) {
	for _, size := range []int{64, 64 << 10} {
		b.Run(fmt.Sprintf("OneWay/%dB", size), func(b *testing.B) { oneWay(b, newNet(b), size) })
		b.Run(fmt.Sprintf("RoundTrip/%dB", size), func(b *testing.B) { roundTrip(b, newNet(b), size) })
	}
}

// A counter counts frames of one size, which no knock has.
type counter struct {
	size    int
	frames  atomic.Int64
	arrived chan struct{}
}

func (c *counter) Receive(frame []byte) error {
	if len(frame) == c.size {
		c.frames.Add(1)
		select {
		case c.arrived <- struct{}{}:
		default:
		}
	}
	return nil
}

func (c *counter) Unreachable(raft.NodeID) {}

// pair attaches two counters, a and b, and waits until they can send to each other.
func pair(b *testing.B, net Net, size int) (ports [2]channel.Port, counters [2]*counter) {
	for i, id := range []raft.NodeID{"a", "b"} {
		counters[i] = &counter{size: size, arrived: make(chan struct{}, 1)}
		port, err := net.Channel(b).Open(channel.Self{ID: id, Cluster: cluster}, counters[i])
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
	return ports, counters
}

func oneWay(b *testing.B, net Net, size int) {
	ports, counters := pair(b, net, size)
	frame := make([]byte, size)
	b.SetBytes(int64(size))
	b.ReportAllocs()
	sent := int64(0)
	for b.Loop() {
		for ports[0].Send("b", channel.Bulk, frame) != nil {
			runtime.Gosched() // the queue is full
		}
		sent++
	}
	wait(b, "all frames have arrived", func() bool { return counters[1].frames.Load() == sent })
}

func roundTrip(b *testing.B, net Net, size int) {
	ports, counters := pair(b, net, size)
	frame := make([]byte, size)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-counters[1].arrived:
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
		<-counters[0].arrived
	}
}
