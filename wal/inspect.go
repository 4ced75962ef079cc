package wal

import (
	"errors"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// An Inspection is a look at a log that changes nothing in it, so that it may be in use. Then
// a write that is under way looks like one that was torn.
type Inspection struct {
	// Recovered is what Open would find. Its Saved has no entries: see Read.
	Recovered *Recovered
	Segments  []SegmentInfo
	log       *Log
}

// SegmentInfo says what a segment holds.
type SegmentInfo struct {
	Number uint64
	// Name is that of the file, and Bytes its size.
	Name  string
	Bytes int64
	// First and Last are the entries of the log in it, none if Last is below First. Those
	// that were cut off since do not count.
	First, Last raft.Index
}

// Inspect reads a whole log and checks everything in it. An error says that there is no log to
// look at, ErrNoLog, or that it cannot be opened; what is wrong with it is in what it returns.
// It has to be closed.
func Inspect(dir vfs.Dir, o Options) (*Inspection, error) {
	o.LoadBytes = 1 // nothing is to be kept of it
	if err := o.complete(); err != nil {
		return nil, err
	}
	l := &Log{dir: dir, options: o, failure: ErrClosed}
	i := &Inspection{log: l}
	r, err := l.readBack()
	if err != nil && !errors.Is(err, ErrLost) {
		return nil, errors.Join(err, i.Close())
	}
	i.Recovered = r.found(err)
	i.Recovered.Saved.Entries = nil
	for _, s := range l.table.segments {
		i.Segments = append(i.Segments, SegmentInfo{
			Number: s.number, Name: fileName(segmentPrefix, s.number), Bytes: int64(s.sectors) * sectorSize,
			First: max(l.table.firstAfter(s.number-1), l.table.base.Index+1), Last: l.table.firstAfter(s.number) - 1,
		})
	}
	return i, nil
}

// Base is the position before the first entry.
func (i *Inspection) Base() raft.Position { return i.log.Stats().Base }

// Last is the position of the last entry.
func (i *Inspection) Last() raft.Position { return i.log.Stats().Last }

// Read is Log.Read.
func (i *Inspection) Read(first, last raft.Index, maxBytes int) ([]raft.Entry, error) {
	return i.log.Read(first, last, maxBytes)
}

// Close closes the files.
func (i *Inspection) Close() error { return i.log.Close() }
