package raft

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// naiveLog is what entryLog should be: a slice of all the entries there ever were, how
// far it is compacted, and from which on it is in memory.
type naiveLog struct {
	entries      []Entry
	base, memory Index
}

func (n *naiveLog) last() Index { return Index(len(n.entries)) }

func (n *naiveLog) term(i Index) (Term, bool) {
	if i < n.base || i > n.last() {
		return 0, false
	}
	if i == 0 {
		return 0, true
	}
	return n.entries[i-1].Term, true
}

func (n *naiveLog) lastAtOrBelow(p Position) (Position, bool) {
	for i := int(p.Index); i >= 0; i-- {
		if t, ok := n.term(Index(i)); ok && t <= p.Term {
			return Position{Index(i), t}, true
		}
	}
	return Position{}, false
}

// handedRun is a run that was handed out, with what it held then.
type handedRun struct{ run, copied []Entry }

func TestTheLogIsLikeASliceAndWhatItHandsOutNeverChanges(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			l, n := newLog(Position{}), naiveLog{memory: 1}
			r := rand.New(rand.NewPCG(seed, 5))
			var handed []handedRun
			for range 80 {
				changeLogs(r, &l, &n)
				compareLogs(t, r, &l, &n)
				handed = append(handed, takeRuns(t, r, &l, &n)...)
			}
			for _, h := range handed {
				if !slices.EqualFunc(h.run, h.copied, sameEntry) {
					t.Fatalf("a run that was handed out at %d changed", h.copied[0].Index)
				}
			}
		})
	}
}

func sameEntry(a, b Entry) bool {
	return a.Index == b.Index && a.Term == b.Term && string(a.Data) == string(b.Data)
}

// changeLogs does the same to both: lengths are chosen around the ends of pages.
func changeLogs(r *rand.Rand, l *entryLog, n *naiveLog) {
	held := int(n.last() - n.base)
	switch x := r.IntN(12); {
	case x < 5:
		count := 1 + r.IntN(5)
		if r.IntN(3) == 0 {
			count = pageEntries - 2 + r.IntN(5)
		}
		term, _ := n.term(n.last())
		var add []Entry
		for i := range count {
			term += Term(r.IntN(2) * r.IntN(2))
			e := Entry{Index: n.last() + Index(i) + 1, Term: max(term, 1), Data: make([]byte, r.IntN(4))}
			e.Data = fmt.Appendf(e.Data, "%d", r.Uint32())
			add = append(add, e)
		}
		if len(l.pages) == 0 && r.IntN(2) == 0 {
			for _, e := range add {
				l.appendStored(TermRun{e.Index, e.Index, e.Term})
			}
			n.memory += Index(count)
		} else {
			l.append(add...)
		}
		n.entries = append(slices.Clone(n.entries), add...)
	case x < 8 && held > 0:
		from := n.base + 1 + Index(r.IntN(held))
		if r.IntN(2) == 0 {
			from = n.last() - Index(r.IntN(min(held, 3)))
		}
		l.truncate(from)
		n.entries = n.entries[:from-1]
		n.memory = min(n.memory, from)
	case x < 10 && held > 0:
		to := n.base + 1 + Index(r.IntN(held))
		l.unload(to)
		n.memory = max(n.memory, to+1)
	case held > 0:
		to := n.base + 1 + Index(r.IntN(held))
		if r.IntN(4) == 0 {
			to = n.last()
		}
		l.compact(to)
		n.base, n.memory = to, max(n.memory, to+1)
	}
}

func compareLogs(t *testing.T, r *rand.Rand, l *entryLog, n *naiveLog) {
	t.Helper()
	if l.base.Index != n.base || l.last.Index != n.last() || l.first() != n.base+1 || l.memory != n.memory {
		t.Fatalf("from %v to %v, in memory from %d, want from %d to %d, %d", l.base, l.last, l.memory, n.base, n.last(), n.memory)
	}
	if what := l.terms.check(l.base, l.last); what != "" {
		t.Fatal(what)
	}
	compareBytes(t, r, l, n)
	for range 30 {
		i := Index(r.IntN(int(n.last()) + 3))
		got, known := l.term(i)
		want, wantKnown := n.term(i)
		if got != want || known != wantKnown {
			t.Fatalf("term of %d is %d (%v), want %d (%v)", i, got, known, want, wantKnown)
		}
		if p := (Position{i, want + Term(r.IntN(2))}); l.holds(p) != (known && want == p.Term) {
			t.Fatalf("holds %v: %v", p, l.holds(p))
		}
		p := Position{i, Term(r.IntN(int(l.last.Term) + 2))}
		at, ok := l.lastAtOrBelow(p)
		wantAt, wantOK := n.lastAtOrBelow(p)
		if at != wantAt || ok != wantOK {
			t.Fatalf("last at or below %v is %v (%v), want %v (%v)", p, at, ok, wantAt, wantOK)
		}
	}
}

func compareBytes(t *testing.T, r *rand.Rand, l *entryLog, n *naiveLog) {
	t.Helper()
	if n.base == n.last() {
		return
	}
	lo := n.base + 1 + Index(r.IntN(int(n.last()-n.base)))
	hi := lo + Index(r.IntN(int(n.last()-lo)+1))
	want := 0
	for _, e := range n.entries[lo-1 : hi] {
		if want += entryOverhead; e.Index >= n.memory {
			want += len(e.Data)
		}
	}
	if got := l.bytes(lo, hi); got != want {
		t.Fatalf("entries %d to %d, in memory from %d, count for %d, want %d", lo, hi, n.memory, got, want)
	}
}

// takeRuns compares what run and runs hand out, and returns it to be looked at again.
func takeRuns(t *testing.T, r *rand.Rand, l *entryLog, n *naiveLog) []handedRun {
	t.Helper()
	if n.memory > n.last() {
		return nil
	}
	lo := n.memory + Index(r.IntN(int(n.last()-n.memory)+1))
	hi := lo + Index(r.IntN(min(int(n.last()-lo)+1, 2*pageEntries+10)))
	all := l.runs(lo, hi)
	if got := slices.Concat(all...); !slices.EqualFunc(got, n.entries[lo-1:hi], sameEntry) {
		t.Fatalf("runs from %d to %d hold %d entries, from %d on", lo, hi, len(got), got[0].Index)
	}
	limit := r.IntN(2000)
	one := l.run(lo, hi, limit)
	want := n.entries[lo-1 : int(lo)-1+len(one)]
	size := 0
	for i := range one {
		size += one[i].Size()
	}
	if len(one) == 0 || !slices.EqualFunc(one, want, sameEntry) || len(one) > 1 && size > limit || one[len(one)-1].Index > hi {
		t.Fatalf("a run from %d to %d of %d bytes has %d entries of %d bytes", lo, hi, limit, len(one), size)
	}
	atPageEnd := (one[len(one)-1].Index+1-l.start)%pageEntries == 0
	if next := one[len(one)-1].Index + 1; next <= hi && !atPageEnd && size+n.entries[next-1].Size() <= limit {
		t.Fatalf("a run from %d to %d of %d bytes stops at %d of %d bytes", lo, hi, limit, next-1, size)
	}
	var handed []handedRun
	for _, run := range append(all, one) {
		if cap(run) != len(run) {
			t.Fatalf("to append to a run of %d entries would write into the log", len(run))
		}
		handed = append(handed, handedRun{run, slices.Clone(run)})
	}
	return handed
}

func TestARunOfNothingIsEmpty(t *testing.T) {
	l := newLog(Position{3, 1})
	if got := l.run(4, 3, 100); got != nil {
		t.Errorf("run = %v", got)
	}
	if got := l.runs(4, 3); got != nil {
		t.Errorf("runs = %v", got)
	}
}
