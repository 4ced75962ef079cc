package wal

import (
	"errors"

	"github.com/ben-ng/gaggle/raft"
)

// Scrub reads entries from an index on, or from the first if that is later, up to maxBytes of
// the disk and to the end of a block, and says which cannot be read any more: they are Faulty
// from then on. Next is where to go on, 0 when the end is reached.
func (l *Log) Scrub(from raft.Index, maxBytes int) (next raft.Index, damaged []raft.Position, err error) {
	l.mu.Lock()
	base, last := l.table.base, l.table.last
	l.mu.Unlock()
	for next = max(from, base.Index+1); next <= last.Index && maxBytes > 0; {
		entries, onDisk, err := l.read(next, last.Index, readAhead, maxBytes)
		maxBytes -= onDisk
		var bad *DamagedError
		var gone *CompactedError
		switch {
		case errors.As(err, &bad):
			damaged = append(damaged, bad.Position)
			l.note(bad.Position)
			next++
			maxBytes -= sectorSize // of what is known to be damaged, nothing is read
			continue
		case errors.As(err, &gone):
			next = gone.First
			continue
		case errors.Is(err, ErrOutOfRange):
			return 0, damaged, nil // truncated meanwhile
		case err != nil:
			return next, damaged, err
		}
		next += raft.Index(len(entries))
	}
	if next > last.Index {
		next = 0
	}
	return next, damaged, nil
}

// note takes note that an entry is damaged, if the log still has it.
func (l *Log) note(p raft.Position) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.table.holds(p) && p.Index > l.table.base.Index {
		l.table.damaged(p)
	}
}
