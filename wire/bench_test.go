package wire

import (
	"fmt"
	"testing"
)

// frames runs a benchmark for frames of several sizes. It reports the time for each
// entry beside that for each frame.
func frames(b *testing.B, f func(b *testing.B, frame *Frame)) {
	for _, size := range []int{16, 1024} {
		for _, entries := range []int{1, 256} {
			b.Run(fmt.Sprintf("entries=%d/bytes=%d", entries, size), func(b *testing.B) {
				frame := appendOf(entries, size)
				b.SetBytes(int64(len(mustAppend(b, frame))))
				b.ReportAllocs()
				f(b, frame)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*entries), "ns/entry")
			})
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	frames(b, func(b *testing.B, frame *Frame) {
		dst := mustAppend(b, frame)
		for b.Loop() {
			dst, _ = AppendFrame(dst[:0], frame)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	frames(b, func(b *testing.B, frame *Frame) {
		bytes := mustAppend(b, frame)
		var d Decoder
		var f Frame
		for b.Loop() {
			if err := d.Decode(bytes, &f); err != nil {
				b.Fatal(err)
			}
		}
	})
}
