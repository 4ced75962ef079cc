package snapshot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/ben-ng/gaggle/vfs"
)

// An Incoming is a snapshot that is being received, in pieces and in order. Every part of it
// is checked before it is written. It is for the goroutine that calls Receive. Its first
// error is final: it has removed the file, and every later call returns the error again.
type Incoming struct {
	store   *Store
	id      Identity
	aside   *aside
	checker checker
	err     error
}

// Receive begins, or continues, to receive a snapshot that another node offers. What an
// earlier call received of it is read, and counts as far as it is whole and as it was written,
// even if the process ended in between. There is one Incoming at a time: any other one is
// removed; if this one is open, it is returned as it is. ErrObsolete: there is one of the same
// index or a later one; vfs.ErrFull: there is not enough room.
func (s *Store) Receive(id Identity) (*Incoming, error) {
	if id.Last.Index == 0 || id.Last.Term == 0 || id.Size <= 0 {
		return nil, fmt.Errorf("%w: %d@%d of %d bytes", ErrMeta, id.Last.Index, id.Last.Term, id.Size)
	}
	if in := s.receiving(); in != nil {
		if in.id == id {
			return in, nil
		}
		if err := in.Abort(); err != nil {
			return nil, err
		}
	}
	if s.obsolete(id.Last.Index) {
		return nil, obsolete(id.Last)
	}
	if err := s.removeIncoming(func(other Identity) bool { return other != id }); err != nil {
		return nil, err
	}
	in := &Incoming{store: s, id: id}
	in.checker = checker{name: incomingName(id), begun: in.begun}
	if err := in.open(); err != nil {
		return nil, err
	}
	s.setReceiving(in)
	return in, nil
}

func (s *Store) receiving() *Incoming {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.incoming
}

func (s *Store) setReceiving(in *Incoming) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.incoming = in
}

// open opens what was received before, or makes a new file.
func (in *Incoming) open() error {
	file, err := in.store.dir.Open(in.checker.name)
	switch {
	case err == nil:
		in.aside = &aside{dir: in.store.dir, name: in.checker.name, file: file}
		err = in.resume()
	case errors.Is(err, fs.ErrNotExist):
		in.aside, err = createAside(in.store.dir, in.checker.name)
	}
	if in.aside == nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	if err == nil {
		err = in.room()
	}
	if err != nil {
		return in.aside.fail(err)
	}
	in.checker.pass = in.aside.write
	return nil
}

// resume counts what is whole in a file, and cuts off the rest.
func (in *Incoming) resume() error {
	size, err := in.aside.file.Size()
	if err != nil {
		return err
	}
	c := &in.checker
	c.pass = func([]byte) error { return nil }
	_, err = io.Copy(c, io.NewSectionReader(in.aside.file, 0, min(size, in.id.Size)))
	if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
		return err
	}
	c.part, c.err = c.part[:0], nil
	in.aside.size = c.passed
	return in.aside.file.Truncate(c.passed)
}

// room reports whether what is missing fits on the disk.
func (in *Incoming) room() error {
	free, err := in.store.dir.Free()
	if err == nil && free < in.id.Size-in.checker.passed {
		err = fmt.Errorf("%d bytes of %d: %w", free, in.id.Size-in.checker.passed, vfs.ErrFull)
	}
	return err
}

// begun looks at the header, before anything is written.
func (in *Incoming) begun(h header) error {
	if at := h.meta.Last; at != in.id.Last {
		return damaged(in.checker.name, 0, fmt.Errorf("it is of %d@%d", at.Index, at.Term))
	}
	return in.store.accepts(h.cluster)
}

// Identity says what is being received.
func (in *Incoming) Identity() Identity { return in.id }

// Offset is how many bytes have come: where the next piece has to begin. After a restart it
// is less by up to one chunk, and by what a crash took.
func (in *Incoming) Offset() int64 { return in.checker.offset() }

// WriteAt takes the next piece; other than an io.WriterAt, only in order. ErrOffset, which is
// not final, says that the piece does not begin at Offset; ErrDamaged and ErrForeign that this
// snapshot is not to be had from that sender; ErrObsolete that it is not needed any more.
func (in *Incoming) WriteAt(p []byte, offset int64) (int, error) {
	if in.err != nil {
		return 0, in.err
	}
	if offset != in.Offset() {
		return 0, fmt.Errorf("%w: at %d, expected %d", ErrOffset, offset, in.Offset())
	}
	if in.store.obsolete(in.id.Last.Index) {
		return 0, in.fail(obsolete(in.id.Last))
	}
	if int64(len(p)) > in.id.Size-offset {
		return 0, in.fail(damaged(in.checker.name, offset, errors.New("more than its size")))
	}
	n, err := in.checker.Write(p)
	if err != nil {
		return n, in.fail(err)
	}
	return n, nil
}

// Commit makes the snapshot durable, and one of the store. ErrIncomplete, which is not final,
// says that more has to come.
func (in *Incoming) Commit() (Info, error) {
	if in.err != nil {
		return Info{}, in.err
	}
	if in.Offset() < in.id.Size {
		return Info{}, fmt.Errorf("%w: %d bytes of %d", ErrIncomplete, in.Offset(), in.id.Size)
	}
	info, err := in.checker.end()
	if err == nil && info.Identity() != in.id {
		err = damaged(in.checker.name, 0, errors.New("it is not what was offered"))
	}
	if err != nil {
		return Info{}, in.fail(err)
	}
	info.Name = wholeName(in.id.Last)
	if err := in.store.publish(in.aside, info); err != nil {
		return Info{}, in.fail(err)
	}
	in.end(ErrClosed)
	return info, nil
}

// Abort removes what was received. After Commit, Close, or an error, it does nothing.
func (in *Incoming) Abort() error {
	if in.ended() {
		return nil
	}
	in.end(ErrClosed)
	return in.aside.discard()
}

// Close leaves what was received to a later Receive, in this process or another.
func (in *Incoming) Close() error {
	if in.ended() {
		return nil
	}
	in.end(ErrClosed)
	return in.aside.close()
}

func (in *Incoming) ended() bool { return in.err != nil }

// fail ends the receiving, for a reason that makes what came useless.
func (in *Incoming) fail(err error) error {
	in.end(errors.Join(err, in.aside.discard()))
	return in.err
}

// end leaves it with what every later call returns.
func (in *Incoming) end(err error) {
	in.err = err
	in.store.setReceiving(nil)
}
