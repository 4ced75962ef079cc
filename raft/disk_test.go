package raft

import "slices"

// carryOut does to a disk what a write says, in the order of its parts.
func carryOut(d *Saved, w *Write) {
	if w.Snapshot != nil {
		d.Snapshot, d.Entries = *w.Snapshot, nil
	}
	if w.HardState != nil {
		d.HardState = *w.HardState
	}
	if w.Truncate != 0 {
		d.Entries = d.Entries[:w.Truncate-d.Snapshot.Last.Index-1]
	}
	d.Entries = slices.Concat(append([][]Entry{slices.Clone(d.Entries)}, w.Entries...)...)
}

// forget removes what a snapshot covers from a disk.
func forget(d *Saved, snapshot SnapshotMeta) {
	d.Entries = slices.Clone(d.Entries[snapshot.Last.Index-d.Snapshot.Last.Index:])
	d.Snapshot = snapshot
}
