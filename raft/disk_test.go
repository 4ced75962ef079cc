package raft

import "slices"

// carryOut does to a disk what a write says, in the order of its parts. The disk holds the
// whole log, as Saved.Entries.
func carryOut(d *Saved, w *Write) {
	if w.Snapshot != nil {
		d.Snapshot, d.Compacted, d.Entries = *w.Snapshot, Position{}, nil
	}
	if w.HardState != nil {
		d.HardState = *w.HardState
	}
	if w.Truncate != 0 {
		d.Entries = d.Entries[:w.Truncate-d.base().Index-1]
	}
	d.Entries = slices.Concat(append([][]Entry{slices.Clone(d.Entries)}, w.Entries...)...)
}

// forget records a snapshot on a disk, and removes what it covers, up to an index.
func forget(d *Saved, snapshot SnapshotMeta, to Index) {
	base := d.base()
	d.Snapshot, d.Compacted = snapshot, base
	if to > base.Index {
		last := d.Entries[to-base.Index-1]
		d.Compacted = Position{last.Index, last.Term}
		d.Entries = slices.Clone(d.Entries[to-base.Index:])
	}
}

// end is the last index on a disk.
func (s *Saved) end() Index { return s.base().Index + Index(len(s.Entries)) }

// entries are those from one index to another on a disk.
func (s *Saved) entries(first, last Index) []Entry {
	base := s.base().Index
	return slices.Clone(s.Entries[first-base-1 : last-base])
}

// read answers a load.
func (s *Saved) read(l Load) []Entry {
	return fitting(s.entries(l.First, l.Last), l.MaxBytes)
}

// withStored is what a disk gives to a node that is to know only the terms of the entries
// up to an index.
func (s *Saved) withStored(upTo Index) Saved {
	given := *s
	given.Compacted = s.base()
	n := 0
	for ; n < len(s.Entries) && s.Entries[n].Index <= upTo; n++ {
		e := s.Entries[n]
		if last := len(given.Stored) - 1; last >= 0 && given.Stored[last].Term == e.Term {
			given.Stored[last].Last = e.Index
		} else {
			given.Stored = append(given.Stored, TermRun{e.Index, e.Index, e.Term})
		}
		if e.Type == EntryConfiguration && e.Index > s.Snapshot.Last.Index {
			given.Configurations = append(given.Configurations, e)
		}
	}
	given.Entries = slices.Clone(s.Entries[n:])
	return given
}
