package wal

import (
	"errors"
	"fmt"
	"sync"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// A Log is the log of one node. Append, Repair and Close are called by one goroutine at a
// time; all other methods are safe at any time.
type Log struct {
	dir     vfs.Dir
	options Options

	// writing is held by whoever changes the log.
	writing sync.Mutex
	cursor  cursor
	batch   batch
	// dirty is what has to be zero again before anything is written.
	dirty []region
	// failure is what every further Append returns; lost, that it may never write.
	failure error

	// preparing is held by whoever makes or removes files.
	preparing sync.Mutex

	// reading is held, for reading, by whoever reads files that may be removed.
	reading sync.RWMutex
	// readers are kept for their buffers.
	readers sync.Pool

	// mu guards what follows.
	mu    sync.Mutex
	table table
	// next is the segment after the one that is written, made ahead; nil if there is none.
	next *segment
	// unmade is why it could not be made, if that is final.
	unmade error
	// retired are files that are no part of the log any more.
	retired []*segment
	stats   Stats
}

// A cursor says where the stream goes on, and after what.
type cursor struct {
	at place
	// sectors is the size of the segment that at is in.
	sectors uint32
	// sequence and chain are those of the last block; synced is the last durable block.
	sequence, synced uint64
	chain            uint32
	// tail is the segment that the last block is in.
	tail uint64
	hard raft.HardState
}

// A region is a part of a segment.
type region struct {
	segment  *segment
	from, to uint32
}

// Stats are numbers for whoever looks after a node.
type Stats struct {
	// Base is the position before the first entry, Last the end of the log.
	Base, Last raft.Position
	// Segments is how many files the log has, Bytes their size.
	Segments int
	Bytes    int64
	// Appends, Blocks, Written and Syncs count, since the log was opened, the batches, the
	// blocks and the bytes written, and the syncs of files.
	Appends, Blocks, Written, Syncs uint64
	// Faulty is how many entries are known to be damaged.
	Faulty int
}

// Stats says how things stand now.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Base, s.Last, s.Faulty = l.table.base, l.table.last, len(l.table.faulty)
	for _, segment := range l.table.segments {
		s.Segments++
		s.Bytes += int64(segment.sectors) * sectorSize
	}
	return s
}

// Faulty lists the entries known to be damaged and not written again since, ascending.
func (l *Log) Faulty() []raft.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]raft.Position(nil), l.table.faulty...)
}

// Create makes a new, empty log. It fails with ErrExists if there is one.
func Create(dir vfs.Dir, o Options) (*Log, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	numbers, err := segmentNumbers(dir)
	if err != nil {
		return nil, err
	}
	if len(numbers) > 0 {
		return nil, fmt.Errorf("%w in %s", ErrExists, dir.Path())
	}
	// The first block says that there is a log: that nothing is there is never the truth.
	at := place{1, headerSectors}
	var b batch
	b.begin(&cursor{at: at, sectors: uint32(o.SegmentBytes / sectorSize)}, table{}, &o)
	b.open(0)
	if err := b.flush(); err != nil {
		return nil, err
	}
	first, err := makeSegment(dir, &o, at.segment, b.buffer, true)
	if err != nil {
		return nil, err
	}
	l := &Log{dir: dir, options: o, cursor: b.cursor, table: table{segments: []*segment{first}}}
	l.cursor.synced = l.cursor.sequence
	return l, nil
}

// segmentNumbers lists the segments that are there, ascending.
func segmentNumbers(dir vfs.Dir) ([]uint64, error) {
	names, err := dir.List()
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, name := range names {
		if n, ok := numberOf(segmentPrefix, name); ok {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// Close says in the log that all of it is durable, so that damage to its end is never
// taken for a write that was torn, and closes the files.
func (l *Log) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	var err error
	if l.usable() == nil {
		if l.stats.Appends > 0 {
			err = l.mark()
		}
		l.failure = ErrClosed
	}
	l.reading.Lock()
	defer l.reading.Unlock()
	l.preparing.Lock()
	defer l.preparing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range append(l.table.segments, l.retired...) {
		err = errors.Join(err, s.file.Close())
	}
	if l.next != nil {
		err = errors.Join(err, l.next.file.Close())
	}
	l.table.segments, l.retired, l.next = nil, nil, nil
	return err
}

// mark writes a block without entries, which says that all before it is durable, if there
// is room for it in this segment.
func (l *Log) mark() error {
	if l.cursor.at.sector+2*endSectors > l.cursor.sectors {
		return nil
	}
	b := l.begin()
	b.open(0)
	if err := b.flush(); err != nil {
		return err
	}
	return l.write()
}
