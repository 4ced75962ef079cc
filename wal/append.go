package wal

import (
	"errors"
	"fmt"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// keptBuffer is the largest buffer that is kept for the next batch, in bytes.
const keptBuffer = 8 << 20

// Append makes writes durable, in order, and returns when they are: with one write and one
// sync of the file if they do not go over the end of a segment. It keeps none of them.
//
// An error that is vfs.ErrFull, ErrInvalid or ErrTooLarge says that none of the writes
// counts; after ErrFull the same ones may be tried again when there is room. Any other
// error is final: the log is broken, it is not known what of the writes is on the disk,
// and every later Append returns the error without touching the disk.
func (l *Log) Append(writes []*raft.Write) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	b := l.begin()
	for _, w := range writes {
		if err := b.add(w); err != nil {
			return err
		}
	}
	if err := b.flush(); err != nil {
		return err
	}
	return l.write()
}

// begin makes the batch ready to follow the log.
func (l *Log) begin() *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &l.batch
	if cap(b.buffer) > keptBuffer {
		b.buffer = nil
	}
	b.begin(&l.cursor, l.table, &l.options)
	b.nextSectors = 0
	if s := l.table.segment(l.cursor.at.segment + 1); s != nil {
		b.nextSectors = s.sectors
	} else if l.next != nil {
		b.nextSectors = l.next.sectors
	}
	return b
}

// write makes the batch durable, and part of the log.
func (l *Log) write() error {
	b := &l.batch
	if len(b.buffer) == 0 {
		return nil
	}
	if err := l.clean(); err != nil {
		return err
	}
	if err := l.makeSegments(); err != nil {
		return err
	}
	if err := l.writeParts(); err != nil {
		return err
	}
	for i := range b.parts {
		if err := l.sync(b.table.segment(b.parts[i].segment)); err != nil {
			return err
		}
	}
	l.adopt()
	return nil
}

// adopt makes what the batch says the log's.
func (l *Log) adopt() {
	b := &l.batch
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cursor = b.cursor
	l.cursor.synced = l.cursor.sequence
	l.table = b.table
	l.stats.Appends++
	l.stats.Blocks += b.blocks
	l.stats.Written += uint64(len(b.buffer))
	l.stats.Syncs += uint64(len(b.parts))
}

// makeSegments sees to it that all the segments that the batch goes into are there, by
// names that are durable. Those that the batch makes are only used when it succeeds.
func (l *Log) makeSegments() error {
	t := &l.batch.table
	for _, p := range l.batch.parts {
		if t.segment(p.segment) != nil {
			continue
		}
		if err := l.Prepare(false); err != nil {
			return l.fail(err)
		}
		l.mu.Lock()
		// From here on it is the log's, empty, whatever becomes of the batch.
		t.segments = append(t.segments, l.next)
		l.table.segments = append(l.table.segments, l.next)
		l.next = nil
		l.mu.Unlock()
	}
	return nil
}

// writeParts writes the batch. If there is no room, it takes back what it wrote.
func (l *Log) writeParts() error {
	b := &l.batch
	for i, p := range b.parts {
		if p.from == p.to {
			continue
		}
		_, err := b.table.segment(p.segment).file.WriteAt(b.buffer[p.from:p.to], int64(p.sector)*sectorSize)
		if err == nil {
			continue
		}
		if !errors.Is(err, vfs.ErrFull) {
			return l.fail(err)
		}
		for _, p := range b.parts[:i+1] {
			l.dirty = append(l.dirty, region{b.table.segment(p.segment), p.sector, p.sector + uint32((p.to-p.from)/sectorSize)})
		}
		return errors.Join(err, l.clean())
	}
	return nil
}

// clean makes zero, durably, what must be before the next block is written: only then can
// it be told whether that was written whole.
func (l *Log) clean() error {
	if len(l.dirty) == 0 {
		return nil
	}
	for _, r := range l.dirty {
		if err := r.segment.zero(r.from, r.to); err != nil {
			return l.fail(err)
		}
	}
	for _, r := range l.dirty {
		if err := l.sync(r.segment); err != nil {
			return err
		}
	}
	l.dirty = nil
	return nil
}

// sync makes a segment durable. What a sync that failed leaves behind is not known, and a
// second one would not tell, so there is none.
func (l *Log) sync(s *segment) error {
	if err := s.file.Sync(); err != nil {
		l.failure = fmt.Errorf("wal: segment %d could not be made durable: %w", s.number, err)
		return l.failure
	}
	return nil
}

// fail makes an error final, unless it is only that there is no room.
func (l *Log) fail(err error) error {
	if !errors.Is(err, vfs.ErrFull) {
		l.failure = fmt.Errorf("wal: %w", err)
		return l.failure
	}
	return err
}

// usable is the error that is final for the log, if there was one, also where it came while
// no one wrote.
func (l *Log) usable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		l.failure = l.unmade
	}
	return l.failure
}

// Prepare makes the segment after the present one, if there is none, so that no Append
// has to. Allocate fills it with zeros: a small write to it is then quicker to sync, as the
// file system has nothing to note of it. Otherwise it reads as zeros, too, but has no room
// yet. An error that is vfs.ErrFull leaves everything as it was; any other is final for the
// log, as one of Append is, and every later Prepare and Append returns it.
func (l *Log) Prepare(allocate bool) error {
	l.preparing.Lock()
	defer l.preparing.Unlock()
	l.mu.Lock()
	needed, unmade := l.next == nil && len(l.table.segments) > 0, l.unmade
	var number uint64
	if needed {
		number = l.table.segments[len(l.table.segments)-1].number + 1
	}
	l.mu.Unlock()
	if unmade != nil || !needed {
		return unmade
	}
	s, err := makeSegment(l.dir, &l.options, number, nil, allocate)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.next = s
	case !errors.Is(err, vfs.ErrFull):
		l.unmade = fmt.Errorf("wal: segment %d could not be made: %w", number, err)
		return l.unmade
	}
	return err
}

// NeedsSpare reports whether Prepare has something to do.
func (l *Log) NeedsSpare() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next == nil
}
