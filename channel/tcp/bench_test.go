package tcp

import (
	"io"
	"runtime"
	"testing"

	"github.com/ben-ng/gaggle/channel"
)

// BenchmarkSendOnly measures the sending side alone: the peer reads and does nothing.
func BenchmarkSendOnly(b *testing.B) {
	n := attach(b, "n", patient())
	peer := newActor(b, "peer")
	peer.dial(n)
	conn := peer.accept()
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	n.waitConnected("peer")
	frame := make([]byte, 64)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		for n.Send("peer", channel.Bulk, frame) != nil {
			runtime.Gosched() // the queue is full
		}
	}
}

// BenchmarkRead measures the reading side alone.
func BenchmarkRead(b *testing.B) {
	record := appendFrame(nil, make([]byte, 64))
	s := newStream(&loop{record})
	b.SetBytes(64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.next(); err != nil {
			b.Fatal(err)
		}
	}
}

// A loop says one record again and again.
type loop struct{ record []byte }

func (l *loop) Read(b []byte) (n int, err error) {
	for len(b)-n >= len(l.record) {
		n += copy(b[n:], l.record)
	}
	return n, nil
}
