package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/wire"
)

// A Reader reads a backup from its beginning to its end: first the snapshot, then the
// entries. What it hands out was checked as far as it has a checksum of its own; that the
// whole is whole is known at the end, when Next returns io.EOF. It is for one goroutine.
type Reader struct {
	r    *bufio.Reader
	sum  hash.Hash
	info Info
	// offset is how much was read, ofSnapshot how much of the snapshot's file is still to come.
	offset     int64
	ofSnapshot int64
	// at is the position up to which entries were read.
	at raft.Position
}

// NewReader reads the header of a backup. Errors: ErrNotBackup, ErrVersion, ErrDamaged, and
// those of the reader.
func NewReader(r io.Reader) (*Reader, error) {
	in := &Reader{r: bufio.NewReaderSize(r, 1<<16), sum: sha256.New()}
	prefix, err := in.read(prefixSize)
	if errors.Is(err, ErrDamaged) {
		return nil, ErrNotBackup
	}
	if err != nil {
		return nil, err
	}
	length, err := headerLength(prefix)
	if err != nil {
		return nil, err
	}
	rest, err := in.read(length)
	if err != nil {
		return nil, err
	}
	if in.info, err = decodeHeader(append(prefix, rest...)); err != nil {
		return nil, err
	}
	in.ofSnapshot, in.at = in.info.SnapshotSize, in.info.Base
	return in, nil
}

// Info says what the backup is of. Its Size and Sum are there when Next has returned io.EOF.
func (r *Reader) Info() Info { return r.info }

// read reads some bytes that have to be there.
func (r *Reader) read(n int) ([]byte, error) {
	b := make([]byte, n)
	if got, err := io.ReadFull(r.r, b); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, damaged(r.offset+int64(got), "it ends here: the rest is missing")
	} else if err != nil {
		return nil, err
	}
	_, _ = r.sum.Write(b) // never fails
	r.offset += int64(n)
	return b, nil
}

// part reads the data of the next part; none of the footer, behind which nothing is.
func (r *Reader) part() ([]byte, error) {
	at := r.offset
	b, err := r.read(4)
	if err != nil {
		return nil, err
	}
	length := le.Uint32(b)
	if length > wire.MaxBackupData {
		return nil, damaged(at, "a part of %d bytes", length)
	}
	if length > 0 {
		return r.read(int(length))
	}
	sum := r.sum.Sum(nil)
	footer, err := r.read(len(sum))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(footer, sum) {
		return nil, damaged(at, "its checksum is wrong")
	}
	if _, err := r.r.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, errors.Join(damaged(r.offset, "something follows its end"), err)
	}
	r.info.Size, r.info.Sum = r.offset, [32]byte(sum)
	return nil, nil
}

// Snapshot is the file of the snapshot, as package snapshot imports it; empty if there is none.
// It has to be read to its end before the first Next.
func (r *Reader) Snapshot() io.Reader { return &snapshotReader{r: r} }

type snapshotReader struct {
	r    *Reader
	part []byte
}

// Read is part of io.Reader.
func (s *snapshotReader) Read(p []byte) (int, error) {
	r := s.r
	if len(s.part) == 0 {
		if r.ofSnapshot == 0 {
			return 0, io.EOF
		}
		at := r.offset
		part, err := r.part()
		if err != nil {
			return 0, err
		}
		if len(part) == 0 || int64(len(part)) > r.ofSnapshot {
			return 0, damaged(at, "%d bytes where %d are left of the snapshot", len(part), r.ofSnapshot)
		}
		s.part = part
		r.ofSnapshot -= int64(len(part))
	}
	n := copy(p, s.part)
	s.part = s.part[n:]
	return n, nil
}

// Next returns the next entries, in the order of the log; io.EOF after the last, when
// everything was found whole. Errors: ErrDamaged, and those of the reader.
func (r *Reader) Next() ([]raft.Entry, error) {
	if r.ofSnapshot > 0 {
		return nil, errors.New("backup: the snapshot was not read to its end")
	}
	at := r.offset
	part, err := r.part()
	if err != nil {
		return nil, err
	}
	if part == nil {
		if r.at != r.info.Last {
			return nil, damaged(at, "its entries end at %v, not at %v", r.at, r.info.Last)
		}
		return nil, io.EOF
	}
	entries, err := decodeEntries(part, &r.at, r.info.Last)
	if err != nil {
		return nil, damaged(at, "%w", err)
	}
	return entries, nil
}

// decodeEntries reads entries that follow a position, which it moves to the last of them, and
// are not beyond another.
func decodeEntries(b []byte, at *raft.Position, last raft.Position) ([]raft.Entry, error) {
	var entries []raft.Entry
	for len(b) > 0 {
		e, rest, err := wire.DecodeEntry(b)
		if err != nil {
			return nil, err
		}
		if e.Index != at.Index+1 || e.Term < at.Term || e.Index > last.Index || e.Term > last.Term {
			return nil, fmt.Errorf("an entry at %d@%d after %v, of a log that ends at %v", e.Index, e.Term, *at, last)
		}
		*at = raft.Position{Index: e.Index, Term: e.Term}
		entries, b = append(entries, e), rest
	}
	return entries, nil
}

// Verify reads a whole backup, and reports whether everything in it is as it was written.
// Errors: ErrNotBackup, ErrVersion, ErrDamaged, and those of the reader.
func Verify(r io.Reader) (Info, error) {
	in, err := NewReader(r)
	if err != nil {
		return Info{}, err
	}
	if in.info.SnapshotSize > 0 {
		found, err := snapshot.Verify(in.Snapshot())
		if err != nil {
			return Info{}, damaged(in.offset, "its snapshot: %w", err)
		}
		want := snapshot.Identity{Last: in.info.Snapshot, Size: in.info.SnapshotSize, Sum: in.info.SnapshotSum}
		if found.Identity() != want || found.Cluster != in.info.Cluster {
			return Info{}, damaged(in.offset, "its snapshot is another one, at %v", found.Meta.Last)
		}
	}
	for {
		switch _, err := in.Next(); {
		case errors.Is(err, io.EOF):
			return in.info, nil
		case err != nil:
			return Info{}, err
		}
	}
}
