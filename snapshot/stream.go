package snapshot

import (
	"errors"
	"fmt"
	"io"

	"github.com/ben-ng/gaggle/raft"
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

// Export writes the bytes of a snapshot as they are in its file, each part checked before. If
// it fails, what it wrote is not a snapshot, and Import and Verify will say so.
func (s *Store) Export(info Info, w io.Writer) error {
	r, err := s.Open(info)
	if err != nil {
		return err
	}
	for offset := int64(0); ; {
		part, err := r.raw(offset)
		if err == nil {
			_, err = w.Write(part)
		}
		if err != nil {
			if errors.Is(err, io.EOF) && offset == info.Size {
				err = nil
			}
			return errors.Join(err, r.Close())
		}
		offset += int64(len(part))
	}
}

// Import makes a snapshot of the bytes that Export wrote, up to the reader's end. Nothing is
// seen of it before all of them were checked, and it is durable. The errors are those of
// Create, Write and Commit, ErrDamaged, ErrForeign, ErrVersion, and the reader's.
func (s *Store) Import(r io.Reader) (Info, error) {
	var a *aside
	var at raft.Position
	c := checker{pass: func(part []byte) error { return a.write(part) }}
	c.begun = func(h header) (err error) {
		if a, err = s.begin(h); err == nil {
			at = h.meta.Last
		}
		return err
	}
	_, err := io.Copy(&c, r)
	info := Info{}
	if err == nil {
		info, err = c.end()
	}
	if a == nil {
		return Info{}, err
	}
	defer s.ended(at)
	if err != nil {
		return Info{}, fmt.Errorf("snapshot: not imported: %w", errors.Join(err, a.discard()))
	}
	info.Name = wholeName(at)
	if err := s.publish(a, info); err != nil {
		return Info{}, err
	}
	return info, nil
}
