package memory

import (
	"testing"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

type sink struct{}

func (sink) Receive([]byte) error    { return nil }
func (sink) Unreachable(raft.NodeID) {}

func BenchmarkSend(b *testing.B) {
	c := New()
	from := open(b, c, "node-a", sink{})
	open(b, c, "node-b", sink{})
	frame := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if err := from.Send("node-b", channel.Bulk, frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSendParallel(b *testing.B) {
	c := New()
	from := open(b, c, "node-a", sink{})
	open(b, c, "node-b", sink{})
	frame := make([]byte, 64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_ = from.Send("node-b", channel.Bulk, frame)
		}
	})
}

func BenchmarkSendWithFaults(b *testing.B) {
	c := New()
	c.SetFaults(Faults{Drop: 0.01})
	from := open(b, c, "node-a", sink{})
	open(b, c, "node-b", sink{})
	frame := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		_ = from.Send("node-b", channel.Bulk, frame)
	}
}
