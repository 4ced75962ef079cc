package wal

import (
	"errors"
	"slices"

	"github.com/ben-ng/gaggle/raft"
)

// Compact lets entries up to an index go, which a durable snapshot stands for: whole
// segments, as far as nothing else is in them. One is kept to be used again. What is
// removed from the log is not read again, even if an error says that files are left.
func (l *Log) Compact(to raft.Index) error {
	l.retire(to)
	l.preparing.Lock()
	defer l.preparing.Unlock()
	for s := l.firstRetired(); s != nil; s = l.firstRetired() {
		if err := l.removeRetired(s); err != nil {
			return err
		}
		l.mu.Lock()
		l.retired = l.retired[1:]
		l.mu.Unlock()
	}
	return nil
}

func (l *Log) firstRetired() *segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.retired) == 0 {
		return nil
	}
	return l.retired[0]
}

// retire takes the segments out of the table that nobody needs.
func (l *Log) retire(to raft.Index) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.reading.Lock() // who reads, reads files of the table as it was
	defer l.reading.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure != nil {
		return
	}
	t := &l.table
	for len(t.segments) > 1 && t.segments[0].number < l.cursor.tail {
		first := t.firstAfter(t.segments[0].number)
		if first-1 > to || t.repairsIn(t.segments[0].number, to) {
			break
		}
		t.raise(first - 1)
		l.retired = append(l.retired, t.segments[0])
		t.segments = slices.Clone(t.segments[1:])
	}
}

// firstAfter is the first entry that is in a segment after one.
func (t *table) firstAfter(number uint64) raft.Index {
	for _, s := range t.spans {
		if s.at.segment > number {
			return s.first
		}
	}
	return t.last.Index + 1
}

// repairsIn reports whether a segment has entries that were repaired, and are needed.
func (t *table) repairsIn(number uint64, to raft.Index) bool {
	return slices.ContainsFunc(t.repairs, func(r repair) bool { return r.at.segment <= number && r.last > to })
}

// removeRetired removes a file, or makes a spare of it. The log must never have a hole
// after a crash, so one is gone for good before the next one goes.
func (l *Log) removeRetired(s *segment) error {
	names, err := l.dir.List()
	if err != nil {
		return err
	}
	spares := 0
	for _, name := range names {
		if _, ok := numberOf(sparePrefix, name); ok {
			spares++
		}
	}
	name := fileName(segmentPrefix, s.number)
	if spares < keptSpares {
		err = l.dir.Rename(name, fileName(sparePrefix, s.number))
	} else {
		err = l.dir.Remove(name)
	}
	return errors.Join(err, l.dir.Sync(), s.file.Close())
}
