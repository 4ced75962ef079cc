package raft

import "slices"

// pageEntries is how many entries a page holds: enough that a run of entries is
// rarely cut, little enough that a truncation copies little.
const pageEntries = 1024

// entryLog holds the entries after base, in memory.
//
//	base        first                         last
//	 ┆            │                             │
//	 ┆ compacted  │ 1024 │ 1024 │ … pages … │ n │
//
// Entries never move once they are in a page, and slots that were handed out are
// never written again: readers on other goroutines may hold runs of them. So
// truncation gives the remaining head of a page a new home.
//
// Invariants:
//   - the terms of entries never decrease, and are at least base.Term
//   - the entry in slot s of page p has index start + p·pageEntries + s
type entryLog struct {
	// base is the position before the first entry: that of the snapshot.
	base Position
	last Position
	// start is the index of slot 0 of page 0, at most base.Index+1.
	start Index
	pages [][]Entry
}

func newLog(base Position) entryLog {
	return entryLog{base: base, last: base, start: base.Index + 1}
}

func (l *entryLog) first() Index { return l.base.Index + 1 }

// term returns the term of the entry at an index. It is unknown below base and
// after last.
func (l *entryLog) term(i Index) (Term, bool) {
	switch {
	case i == l.last.Index:
		return l.last.Term, true
	case i == l.base.Index:
		return l.base.Term, true
	case i < l.base.Index || i > l.last.Index:
		return 0, false
	}
	return l.at(i).Term, true
}

// at returns the entry at an index between first and last.
func (l *entryLog) at(i Index) *Entry {
	slot := i - l.start
	return &l.pages[slot/pageEntries][slot%pageEntries]
}

// holds reports whether the log has this position: its entries up to there are
// then those of any other log that has it (Log Matching, §3.5).
func (l *entryLog) holds(p Position) bool {
	t, ok := l.term(p.Index)
	return ok && t == p.Term
}

// append adds entries that follow the last.
func (l *entryLog) append(entries ...Entry) {
	for len(entries) > 0 {
		slot := int(l.last.Index + 1 - l.start)
		if slot/pageEntries == len(l.pages) {
			l.pages = append(l.pages, l.newPage(len(entries)))
		}
		page := &l.pages[slot/pageEntries]
		n := min(len(entries), pageEntries-len(*page))
		*page = append(*page, entries[:n]...)
		l.last = Position{entries[n-1].Index, entries[n-1].Term}
		entries = entries[n:]
	}
}

// newPage is a whole page, except that a log's first grows, so that a short log is
// small.
func (l *entryLog) newPage(need int) []Entry {
	if len(l.pages) == 0 {
		return make([]Entry, 0, min(need, pageEntries))
	}
	return make([]Entry, 0, pageEntries)
}

// truncate removes the entries from an index on; it is at least first.
func (l *entryLog) truncate(from Index) {
	t, _ := l.term(from - 1)
	slot := int(from - l.start)
	keep := slot / pageEntries
	if rest := slot % pageEntries; rest > 0 {
		l.pages[keep] = slices.Clone(l.pages[keep][:rest])
		keep++
	}
	clear(l.pages[keep:])
	l.pages = l.pages[:keep]
	l.last = Position{from - 1, t}
}

// compact forgets the entries up to an index, which the log holds.
func (l *entryLog) compact(to Index) {
	t, _ := l.term(to)
	l.base = Position{to, t}
	gone := int(to+1-l.start) / pageEntries
	l.pages = slices.Delete(l.pages, 0, min(gone, len(l.pages)))
	l.start += Index(gone) * pageEntries
	if to == l.last.Index {
		*l = newLog(l.base)
	}
}

// run returns entries from lo on: at most to hi, to the end of a page, and to the
// given size in bytes, but at least one. It is empty if lo > hi.
func (l *entryLog) run(lo, hi Index, maxBytes int) []Entry {
	if lo > hi {
		return nil
	}
	run := l.piece(lo, hi)
	size := run[0].Size()
	for i := 1; i < len(run); i++ {
		if size += run[i].Size(); size > maxBytes {
			return run[:i:i]
		}
	}
	return run
}

// runs returns all entries from lo to hi.
func (l *entryLog) runs(lo, hi Index) [][]Entry {
	var all [][]Entry
	for lo <= hi {
		run := l.piece(lo, hi)
		all = append(all, run)
		lo += Index(len(run))
	}
	return all
}

// piece returns the entries from lo, which is in the log, up to hi or the end of a page.
func (l *entryLog) piece(lo, hi Index) []Entry {
	slot := int(lo - l.start)
	page := l.pages[slot/pageEntries]
	s := slot % pageEntries
	end := min(len(page), s+int(hi-lo)+1)
	return page[s:end:end]
}

// lastAtOrBelow returns the last position at or below p whose term is at most p's:
// nothing above it can be in a log that holds p (§3.5, the skipping of whole terms).
// There is none if it would lie below base.
func (l *entryLog) lastAtOrBelow(p Position) (Position, bool) {
	for i := min(p.Index, l.last.Index); i >= l.base.Index; i-- {
		t, _ := l.term(i)
		if t <= p.Term {
			return Position{i, t}, true
		}
		if i == 0 {
			break
		}
	}
	return Position{}, false
}
