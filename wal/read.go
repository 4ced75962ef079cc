package wal

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// Read reads entries from first to last, at most as many as have maxBytes by
// raft.Entry.Size, but at least one, from the disk, and verifies their checksums. The
// errors are *CompactedError, ErrOutOfRange if first is after the end of the log,
// *DamagedError if the first of them cannot be read, and ErrClosed. Entries after the end
// of the log, and from the first damaged one on, are left out.
func (l *Log) Read(first, last raft.Index, maxBytes int) ([]raft.Entry, error) {
	entries, _, err := l.read(first, last, maxBytes, math.MaxInt)
	return entries, err
}

// read does so, and stops with the block in which it has read as much of the disk as it may. It
// says how much that was.
func (l *Log) read(first, last raft.Index, maxBytes, maxOnDisk int) (entries []raft.Entry, onDisk int, err error) {
	l.reading.RLock()
	defer l.reading.RUnlock()
	r := l.reader()
	defer l.readers.Put(r)
	switch t := &r.table; {
	case len(t.segments) == 0:
		return nil, 0, ErrClosed
	case first <= t.base.Index:
		return nil, 0, &CompactedError{t.base.Index + 1}
	case first > t.last.Index || last < first:
		return nil, 0, fmt.Errorf("%w: entries %d to %d, the log ends at %d", ErrOutOfRange, first, last, t.last.Index)
	}
	r.first, r.last, r.left, r.leftOnDisk = first, min(last, r.table.last.Index), maxBytes, maxOnDisk
	r.window.read = 0
	err = r.collect()
	entries, onDisk = r.entries, int(r.window.read)
	r.entries, r.table = nil, table{}
	if len(entries) > 0 {
		return entries, onDisk, nil
	}
	return nil, onDisk, err
}

// A reader collects entries, from first on.
type reader struct {
	table    table
	identity [16]byte
	window   window
	room     []byte
	block    block
	head     wire.EntryHead

	first, last raft.Index
	// left is how many bytes of entries are wanted still, leftOnDisk after how many of the disk
	// it is enough.
	left, leftOnDisk int
	entries          []raft.Entry
}

// reader makes a reader, or takes one that was used before.
func (l *Log) reader() *reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.readers.Get().(*reader)
	if !ok {
		r = &reader{identity: l.options.Identity}
		r.window.ahead = readSome / sectorSize
	}
	r.table = l.table
	r.window.forget()
	return r
}

// errEnough says that no more entries are wanted.
var errEnough = errors.New("enough")

func (r *reader) damaged() error {
	term, _ := r.table.term(r.first)
	return &DamagedError{raft.Position{Index: r.first, Term: term}}
}

func (r *reader) collect() error {
	for r.first <= r.last {
		k := r.table.spanAt(r.first)
		if k < 0 {
			return r.damaged()
		}
		end := min(r.last, r.table.spanEnd(k))
		if rep, ok := r.table.repairOf(r.first); ok {
			end = min(end, rep.last)
			if err := r.walk(rep.at, end); err != nil {
				return err
			}
			continue
		}
		if next, ok := r.nextRepair(r.first); ok {
			end = min(end, next-1)
		}
		if err := r.walk(r.table.spans[k].at, end); err != nil {
			return err
		}
	}
	return nil
}

// nextRepair is the first entry after an index that was written again.
func (r *reader) nextRepair(i raft.Index) (next raft.Index, ok bool) {
	for _, rep := range r.table.repairs {
		if rep.first > i && (!ok || rep.first < next) {
			next, ok = rep.first, true
		}
	}
	return next, ok
}

// walk goes from block to block, and collects the entries from first to end.
func (r *reader) walk(at place, end raft.Index) error {
	s := r.table.segment(at.segment)
	for s != nil && r.first <= end {
		if int(r.window.read) >= r.leftOnDisk && len(r.entries) > 0 {
			return errEnough
		}
		var f fixed
		if _, err := r.window.header(s, at, r.identity, &f); err != nil {
			return r.damaged()
		}
		next := at.after(f.sectors())
		if f.flags&flagEnd != 0 {
			if s = r.table.segment(s.number + 1); s == nil {
				break
			}
			next = place{s.number, headerSectors}
		} else if f.before.Index+raft.Index(f.entries) >= r.first {
			if err := r.take(s, &f, end); err != nil {
				return err
			}
		}
		at = next
	}
	if r.first <= end {
		return r.damaged()
	}
	return nil
}

// take collects the entries of a block.
func (r *reader) take(s *segment, f *fixed, end raft.Index) error {
	region, _, ok := r.window.block(s, f, &r.room, &r.block)
	if !ok {
		return r.damaged()
	}
	var arena []byte
	w := walker{block: &r.block, region: region}
	var e raft.Entry
	for sum, ok := w.entry(&e); ok; sum, ok = w.entry(&e) {
		if e.Index < r.first {
			continue
		}
		if e.Index > end {
			return nil
		}
		term, _ := r.table.term(e.Index)
		if e.Index != r.first || e.Term != term || wire.EntryChecksum(&r.head, &e) != sum {
			return r.damaged()
		}
		if r.left -= e.Size(); r.left < 0 && len(r.entries) > 0 {
			return errEnough
		}
		if arena == nil {
			arena = make([]byte, 0, min(len(region)+len(r.block.inlined)-w.inline-w.data+len(e.Data), max(r.left, 0)+len(e.Data)))
		}
		arena, e.Data = keepData(arena, e.Data)
		r.entries = append(slices.Grow(r.entries, 1), e)
		r.first++
	}
	return nil
}
