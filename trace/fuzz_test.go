package trace

import (
	"encoding/binary"
	"errors"
	"io"
	"testing"
)

// The bytes are taken as a file, and, so that more of them reach the decoder, as the body of its
// second record.
func FuzzReader(f *testing.F) {
	whole := written(f, steps())
	f.Add(whole)
	start := written(f, steps()[:1])
	for rest := whole[len(start):]; len(rest) > recordHead; {
		end := recordHead + int(binary.LittleEndian.Uint32(rest))
		f.Add(rest[recordHead:end])
		rest = rest[end:]
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		record := binary.LittleEndian.AppendUint32(nil, uint32(len(b)))
		record = binary.LittleEndian.AppendUint32(record, sum(b))
		for _, file := range [][]byte{b, append(append(append([]byte{}, start...), record...), b...)} {
			all, err := read(file)
			if !errors.Is(err, io.EOF) && !errors.Is(err, ErrTorn) && !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			if len(all) > 0 { // what can be read can be written, and is the same again
				again := written(t, all)
				if _, err := read(again); !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
			}
		}
	})
}
