package state

import (
	"fmt"
	"io"
	"testing"
)

// BenchmarkSnapshotJSON is how long a state of 64 MB is captured, as JSON, which is how long
// nothing is applied.
func BenchmarkSnapshotJSON(b *testing.B) {
	s := &struct{ Items map[string]string }{map[string]string{}}
	for i := range 500_000 {
		s.Items[fmt.Sprintf("key-%012d", i)] = fmt.Sprintf("%0100d", i)
	}
	form, err := Of(s)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(500_000 * (16 + 100 + 6))
	for b.Loop() {
		write, err := form.Capture(s)
		if err != nil || write(io.Discard) != nil {
			b.Fatal(err)
		}
	}
}
