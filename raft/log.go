package raft

import "slices"

// pageEntries is how many entries a page holds: enough that a run of entries is
// rarely cut, little enough that a truncation copies little.
const pageEntries = 1024

// entryLog holds the entries after base: the terms of all of them, and the later ones
// themselves. Those before memory are stored: they are on disk only.
//
//	base        first    memory                        last
//	 ┆            │        │                             │
//	 ┆ compacted  │ stored │ 1024 │ 1024 │ … pages … │ n │
//
// Entries never move once they are in a page, and slots that were handed out are
// never written again: readers on other goroutines may hold runs of them. So
// truncation gives the remaining head of a page a new home.
//
// Invariants:
//   - the terms of entries never decrease, and are at least base.Term
//   - the entry in slot s of page p has index start + p·pageEntries + s
type entryLog struct {
	// base is the position before the first entry: what is compacted ends there.
	base Position
	last Position
	// terms are those of base and of everything after it.
	terms terms
	// memory is the index of the first entry in memory: above base.Index, and
	// last.Index+1 if there is none.
	memory Index
	// start is the index of slot 0 of page 0, at most memory.
	start Index
	pages [][]Entry
}

func newLog(base Position) entryLog {
	return entryLog{
		base: base, last: base, terms: terms{{base.Index, base.Term}},
		memory: base.Index + 1, start: base.Index + 1,
	}
}

func (l *entryLog) first() Index { return l.base.Index + 1 }

// term returns the term of the entry at an index. It is unknown below base and
// after last.
func (l *entryLog) term(i Index) (Term, bool) {
	if i < l.base.Index || i > l.last.Index {
		return 0, false
	}
	return l.terms[l.terms.run(i)].term, true
}

// at returns the entry at an index between memory and last.
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

// appendStored adds entries that follow the last and are on disk only. Those before them
// are too.
func (l *entryLog) appendStored(run TermRun) {
	l.terms.add(run.First, run.Term)
	l.last = Position{run.Last, run.Term}
	l.memory, l.start = run.Last+1, run.Last+1
}

// append adds entries that follow the last.
func (l *entryLog) append(entries ...Entry) {
	for i := range entries {
		l.terms.add(entries[i].Index, entries[i].Term)
	}
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
	l.terms.truncate(from)
	l.last = Position{from - 1, t}
	if from <= l.memory {
		l.pages, l.memory, l.start = nil, from, from
		return
	}
	slot := int(from - l.start)
	keep := slot / pageEntries
	if rest := slot % pageEntries; rest > 0 {
		l.pages[keep] = slices.Clone(l.pages[keep][:rest])
		keep++
	}
	clear(l.pages[keep:])
	l.pages = l.pages[:keep]
}

// compact forgets the entries up to an index, which the log holds.
func (l *entryLog) compact(to Index) {
	t, _ := l.term(to)
	l.base = Position{to, t}
	if to == l.last.Index {
		*l = newLog(l.base)
		return
	}
	l.terms.compact(to)
	l.unload(to)
}

// unload keeps only the terms of the entries up to an index, at most last.
func (l *entryLog) unload(to Index) {
	if to < l.memory {
		return
	}
	l.memory = to + 1
	gone := int(l.memory-l.start) / pageEntries
	l.pages = slices.Delete(l.pages, 0, gone)
	l.start += Index(gone) * pageEntries
}

// run returns entries from lo on, which is in memory: at most to hi, to the end of a page,
// and to the given size in bytes, but at least one. It is empty if lo > hi.
func (l *entryLog) run(lo, hi Index, maxBytes int) []Entry {
	if lo > hi {
		return nil
	}
	return fitting(l.piece(lo, hi), maxBytes)
}

// fitting is the beginning of a run that is not above a size in bytes, but at least one
// entry.
func fitting(run []Entry, maxBytes int) []Entry {
	size := run[0].Size()
	for i := 1; i < len(run); i++ {
		if size += run[i].Size(); size > maxBytes {
			return run[:i:i]
		}
	}
	return run
}

// runs returns all entries from lo, which is in memory, to hi.
func (l *entryLog) runs(lo, hi Index) [][]Entry {
	var all [][]Entry
	for lo <= hi {
		run := l.piece(lo, hi)
		all = append(all, run)
		lo += Index(len(run))
	}
	return all
}

// piece returns the entries from lo, which is in memory, up to hi or the end of a page.
func (l *entryLog) piece(lo, hi Index) []Entry {
	slot := int(lo - l.start)
	page := l.pages[slot/pageEntries]
	s := slot % pageEntries
	end := min(len(page), s+int(hi-lo)+1)
	return page[s:end:end]
}

// bytes is what the entries from lo to hi count for. The sizes of those that are stored
// are not known; they count as if they were empty.
func (l *entryLog) bytes(lo, hi Index) int {
	sum := 0
	if lo < l.memory && lo <= hi {
		stored := min(hi+1, l.memory) - lo
		sum, lo = int(stored)*entryOverhead, lo+stored
	}
	for lo <= hi {
		run := l.piece(lo, hi)
		for i := range run {
			sum += run[i].Size()
		}
		lo += Index(len(run))
	}
	return sum
}

// lastAtOrBelow returns the last position at or below p whose term is at most p's:
// nothing above it can be in a log that holds p (§3.5, the skipping of whole terms).
// There is none if it would lie below base.
func (l *entryLog) lastAtOrBelow(p Position) (Position, bool) {
	i := min(p.Index, l.last.Index)
	if i < l.base.Index {
		return Position{}, false
	}
	for n := l.terms.run(i); n >= 0; n-- {
		if t := l.terms[n]; t.term <= p.Term {
			return Position{i, t.term}, true
		}
		i = l.terms[n].first - 1
	}
	return Position{}, false
}
