package wal

import (
	"slices"
	"sort"

	"github.com/ben-ng/gaggle/raft"
)

// spanBytes is how much of the stream one span stands for: what a Read of one entry reads
// at most in vain, and, divided into the log, how many spans there are.
const spanBytes = 16 << 10

// A table says which entries the log has and where they are. It is a value: who has a copy
// may go on reading it while the owner changes its own. The owner only ever adds to the
// slices, makes them shorter at the front, or replaces them.
type table struct {
	// base is the position before the first entry, last the end of the log.
	base, last raft.Position
	// runs are the terms of the entries after base, spans where they are, both ascending.
	runs  []run
	spans []span
	// turned: entries were removed since the last span began.
	turned bool
	// repairs are where entries were written again, the latest last.
	repairs []repair
	// configs are the indexes of the configurations in the log, and that of the one before.
	configs []raft.Index
	// faulty are the entries known to be damaged, ascending.
	faulty []raft.Position
	// segments are the files, in the order of the stream, without gaps.
	segments []*segment
}

// A run is the entries of one term, up to the next run or the end of the log.
type run struct {
	first raft.Index
	term  raft.Term
}

// A span is a piece of the stream whose blocks hold the entries from first on, up to the
// next span or the end of the log, in order.
type span struct {
	first raft.Index
	at    place
}

// A repair is a block with entries that were damaged where they had been.
type repair struct {
	first, last raft.Index
	at          place
}

// runAt is the index of the run that holds entry i, which is in the log.
func (t *table) runAt(i raft.Index) int {
	return sort.Search(len(t.runs), func(k int) bool { return t.runs[k].first > i }) - 1
}

// term returns the term at an index between base and last.
func (t *table) term(i raft.Index) (raft.Term, bool) {
	switch {
	case i == t.base.Index:
		return t.base.Term, true
	case i < t.base.Index || i > t.last.Index:
		return 0, false
	}
	return t.runs[t.runAt(i)].term, true
}

// holds reports whether the log has a position.
func (t *table) holds(p raft.Position) bool {
	term, ok := t.term(p.Index)
	return ok && term == p.Term
}

// config is the index of the latest configuration; 0 if none is known.
func (t *table) config() raft.Index {
	if len(t.configs) == 0 {
		return 0
	}
	return t.configs[len(t.configs)-1]
}

// reset replaces the log by what comes after a position.
func (t *table) reset(base raft.Position, config raft.Index) {
	*t = table{base: base, last: base, configs: []raft.Index{config}, segments: t.segments}
}

// truncate removes the entries after a position, which is the log's, or below its base.
func (t *table) truncate(to raft.Position) {
	if to.Index <= t.base.Index {
		configs := below(t.configs, to.Index, func(c raft.Index) raft.Index { return c })
		t.reset(to, 0)
		t.configs = configs
		return
	}
	t.runs = below(t.runs, to.Index, func(r run) raft.Index { return r.first })
	t.spans = below(t.spans, to.Index, func(s span) raft.Index { return s.first })
	t.configs = below(t.configs, to.Index, func(c raft.Index) raft.Index { return c })
	t.faulty = below(t.faulty, to.Index, func(p raft.Position) raft.Index { return p.Index })
	t.repairs = slices.DeleteFunc(slices.Clone(t.repairs), func(r repair) bool { return r.first > to.Index })
	t.last = to
}

// below is the part of an ascending list whose indexes are at most last. What is added to
// it later does not write over what others may be reading.
func below[E any](list []E, last raft.Index, index func(E) raft.Index) []E {
	n := sort.Search(len(list), func(k int) bool { return index(list[k]) > last })
	if n == len(list) {
		return list
	}
	return slices.Clip(list[:n])
}

// apply adds what a block says.
func (t *table) apply(b *block) {
	switch {
	case b.flags&flagRepair != 0:
		t.repaired(b)
		return
	case b.flags&flagReset != 0:
		t.reset(b.before, b.meta.ConfigurationIndex)
	case b.flags&flagTruncate != 0:
		t.truncate(b.before)
		if t.config() != b.config {
			// The last one is from before the log's beginning.
			t.configs = []raft.Index{b.config}
		}
	}
	t.turned = t.turned || b.flags&(flagReset|flagTruncate) != 0
	if b.entries == 0 {
		return
	}
	next := b.before.Index + 1
	t.addSpan(next, b.at)
	for _, r := range b.terms {
		t.addRun(next, r.term)
		next += raft.Index(r.count)
	}
	for i := 0; b.configs && i < b.entries; i++ {
		if _, kind := descriptor(b.descriptors[i*descriptorSize:]); kind == byte(raft.EntryConfiguration)|inlineBit {
			t.configs = append(t.configs, b.before.Index+1+raft.Index(i))
		}
	}
	t.last = b.end
}

func (t *table) addRun(first raft.Index, term raft.Term) {
	if n := len(t.runs); n == 0 || t.runs[n-1].term != term {
		t.runs = append(t.runs, run{first, term})
	}
}

// addSpan begins a span, unless the last one goes on well enough: without entries in it
// that were removed since.
func (t *table) addSpan(first raft.Index, at place) {
	if n := len(t.spans); n > 0 && !t.turned {
		last := t.spans[n-1].at
		if last.segment == at.segment && at.sector-last.sector < spanBytes/sectorSize {
			return
		}
	}
	t.spans = append(t.spans, span{first, at})
	t.turned = false
}

func (t *table) repaired(b *block) {
	r := repair{b.before.Index + 1, b.lastEntry().Index, b.at}
	t.repairs = append(slices.Clip(t.repairs), r)
	t.faulty = slices.DeleteFunc(slices.Clone(t.faulty), func(p raft.Position) bool {
		return p.Index >= r.first && p.Index <= r.last
	})
}

// lose adds entries of one term whose blocks cannot be read, up to a position.
func (t *table) lose(to raft.Position) {
	t.addRun(t.last.Index+1, to.Term)
	t.spans = append(t.spans, span{t.last.Index + 1, place{}})
	for i := t.last.Index + 1; i <= to.Index; i++ {
		t.faulty = append(t.faulty, raft.Position{Index: i, Term: to.Term})
	}
	t.last = to
}

// damaged adds one entry to the faulty ones.
func (t *table) damaged(p raft.Position) {
	k, found := slices.BinarySearchFunc(t.faulty, p, func(a, b raft.Position) int { return int(a.Index) - int(b.Index) })
	if !found {
		t.faulty = slices.Insert(slices.Clone(t.faulty), k, p)
	}
}

// raise forgets the entries up to an index, which is between base and last.
func (t *table) raise(to raft.Index) {
	if to <= t.base.Index {
		return
	}
	term, _ := t.term(to)
	at := t.runAt(to)
	t.runs = slices.Clone(t.runs[at:])
	if t.runs[0].first = to + 1; to == t.last.Index || len(t.runs) > 1 && t.runs[1].first == to+1 {
		t.runs = t.runs[1:]
	}
	t.spans = slices.Clone(t.spans[max(t.spanAt(to+1), 0):])
	if to == t.last.Index {
		t.spans = nil
	}
	t.repairs = slices.DeleteFunc(slices.Clone(t.repairs), func(r repair) bool { return r.last <= to })
	t.faulty = slices.DeleteFunc(slices.Clone(t.faulty), func(p raft.Position) bool { return p.Index <= to })
	if n := sort.Search(len(t.configs), func(k int) bool { return t.configs[k] > to }); n > 1 {
		t.configs = slices.Clone(t.configs[n-1:])
	}
	t.base = raft.Position{Index: to, Term: term}
}

// spanAt is the index of the span that holds entry i; -1 if none does.
func (t *table) spanAt(i raft.Index) int {
	return sort.Search(len(t.spans), func(k int) bool { return t.spans[k].first > i }) - 1
}

// spanEnd is the last entry of a span.
func (t *table) spanEnd(k int) raft.Index {
	if k+1 < len(t.spans) {
		return t.spans[k+1].first - 1
	}
	return t.last.Index
}

// repairOf finds where an entry was last written again.
func (t *table) repairOf(i raft.Index) (repair, bool) {
	for _, r := range slices.Backward(t.repairs) {
		if r.first <= i && i <= r.last {
			return r, true
		}
	}
	return repair{}, false
}

// segment finds a segment by its number.
func (t *table) segment(number uint64) *segment {
	if len(t.segments) == 0 || number < t.segments[0].number {
		return nil
	}
	if k := number - t.segments[0].number; k < uint64(len(t.segments)) {
		return t.segments[k]
	}
	return nil
}
