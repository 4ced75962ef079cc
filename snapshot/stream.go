package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Verify reads a snapshot's bytes to their end, and reports whether they are all as they were
// written. An error is ErrDamaged, ErrVersion, or the reader's.
func Verify(r io.Reader) (Info, error) {
	c := checker{begun: func(header) error { return nil }, pass: func([]byte) error { return nil }}
	if _, err := io.Copy(&c, r); err != nil {
		return Info{}, err
	}
	return c.end()
}

// Import makes a snapshot of this store's cluster of the bytes of a snapshot's file, up to the
// reader's end, whatever cluster that is of: it stands for the same, and has the same content. If
// it is of the same cluster, the file is the same, too. Nothing is seen of it before all bytes
// were checked, and it is durable. The errors are those of Create, Write and Commit,
// ErrDamaged, ErrVersion, and the reader's.
func (s *Store) Import(r io.Reader) (Info, error) {
	var w *Writer
	c := checker{begun: func(h header) (err error) {
		w, err = s.Create(h.meta)
		return err
	}}
	c.pass = func(part []byte) error {
		if c.passed == 0 || binary.LittleEndian.Uint32(part) == 0 {
			return nil // the header or the footer, of which it gets its own
		}
		_, err := w.Write(part[frameSize:])
		return err
	}
	_, err := io.Copy(&c, r)
	if err == nil {
		_, err = c.end()
	}
	switch {
	case w == nil:
		return Info{}, err
	case err != nil:
		return Info{}, fmt.Errorf("snapshot: not imported: %w", errors.Join(err, w.Abort()))
	}
	return w.Commit()
}
