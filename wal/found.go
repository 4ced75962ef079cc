package wal

import "github.com/ben-ng/gaggle/raft"

// checkSnapshot compares the log with the newest snapshot. If the log has the snapshot's
// last entry, it goes on from there; if not, nothing in it is news, or it contradicts what
// is committed, and the snapshot replaces it. What lies between a snapshot and a log that
// begins later is gone.
func (r *recovery) checkSnapshot() error {
	s := r.options.snapshot()
	t := &r.table
	switch {
	case s.Last.Index < t.base.Index:
		return lost("the log begins after %v, the newest snapshot is at %v", t.base, s.Last)
	case t.holds(s.Last) && r.options.Whole:
		// What is damaged is wanted, and is to be repaired.
	case t.holds(s.Last):
		for _, p := range t.faulty {
			if p.Index <= s.Last.Index {
				// Nobody needs it, and what is before it cannot be sent without it.
				t.raise(p.Index)
			}
		}
	default:
		r.discard = &s
	}
	return nil
}

// found is what the recovery found.
func (r *recovery) found(err error) *Recovered {
	t := &r.table
	s := r.options.snapshot()
	f := &Recovered{
		Saved:    raft.Saved{HardState: r.cursor.hard, Snapshot: s},
		Lost:     err,
		Cut:      r.cut,
		Beheaded: r.beheaded,
		Bytes:    r.window.read,
		Segments: len(t.segments), Blocks: r.blocks, Unreadable: r.window.failed,
	}
	if r.discard != nil {
		f.Saved.HardState.Term = max(f.Saved.HardState.Term, s.Last.Term)
		if r.cursor.hard.Term < s.Last.Term {
			f.Saved.HardState.VotedFor = raft.None
		}
		f.Saved.Compacted = s.Last
		return f
	}
	f.Saved.Compacted = t.base
	for _, p := range t.faulty {
		// What the snapshot stands for is not needed to lead.
		if p.Index > s.Last.Index {
			f.Saved.Impaired, f.Saved.Damaged = true, p.Index
			break
		}
	}
	f.Faulty = append(f.Faulty, t.faulty...)
	after := s.Last.Index
	if n := len(t.faulty); n > 0 {
		after = max(after, t.faulty[n-1].Index)
	}
	f.Saved.Entries = r.loader.entries(after, t.last.Index)
	stored := t.last.Index
	if len(f.Saved.Entries) > 0 {
		stored = f.Saved.Entries[0].Index - 1
	}
	f.Saved.Stored = t.termRuns(stored)
	for _, e := range r.loader.configs {
		if e.Index > s.Last.Index && e.Index <= stored {
			f.Saved.Configurations = append(f.Saved.Configurations, e)
		}
	}
	return f
}

// termRuns are the runs of the entries up to an index.
func (t *table) termRuns(last raft.Index) []raft.TermRun {
	var runs []raft.TermRun
	for i, r := range t.runs {
		if r.first > last {
			break
		}
		end := t.last.Index
		if i+1 < len(t.runs) {
			end = t.runs[i+1].first - 1
		}
		runs = append(runs, raft.TermRun{First: r.first, Last: min(end, last), Term: r.term})
	}
	return runs
}
