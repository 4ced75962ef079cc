package backup

import (
	"crypto/sha256"
	"hash"
	"io"
)

// writer writes a file, and sums it up.
type writer struct {
	w    io.Writer
	sum  hash.Hash
	size int64
	err  error
}

func newWriter(w io.Writer, i *Info) *writer {
	out := &writer{w: w, sum: sha256.New()}
	out.write(i.header())
	return out
}

func (w *writer) write(b []byte) {
	if w.err == nil {
		_, _ = w.sum.Write(b) // never fails
		_, w.err = w.w.Write(b)
		w.size += int64(len(b))
	}
}

// part writes a part, which is not empty.
func (w *writer) part(data []byte) {
	w.write(le.AppendUint32(nil, uint32(len(data))))
	w.write(data)
}

// end writes the footer, and says what is known with it.
func (w *writer) end(i *Info) error {
	w.write(make([]byte, 4))
	w.sum.Sum(i.Sum[:0])
	w.write(i.Sum[:])
	i.Size = w.size
	return w.err
}
