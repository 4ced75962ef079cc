package wal

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// A twin is what a log has to be equal to: a list and a pair, without files.
type twin struct {
	base    raft.Position
	entries []raft.Entry // after base
	hard    raft.HardState
}

func (t *twin) last() raft.Position {
	if len(t.entries) == 0 {
		return t.base
	}
	e := t.entries[len(t.entries)-1]
	return raft.Position{Index: e.Index, Term: e.Term}
}

func (t twin) with(w *raft.Write) twin {
	if w.Snapshot != nil {
		t.base, t.entries = w.Snapshot.Last, nil
	}
	if w.HardState != nil {
		t.hard = *w.HardState
	}
	if w.Truncate != 0 {
		t.entries = t.entries[:w.Truncate-t.base.Index-1]
	}
	t.entries = t.entries[:len(t.entries):len(t.entries)]
	for _, run := range w.Entries {
		t.entries = append(t.entries, run...)
	}
	return t
}

func (t *twin) at(i raft.Index) *raft.Entry { return &t.entries[i-t.base.Index-1] }

// A player makes writes at random, as a core would.
type player struct {
	*rand.Rand
	twin     twin
	snapshot raft.SnapshotMeta
	// most is the most data that an entry has.
	most int
}

func (p *player) data() []byte {
	d := make([]byte, p.IntN(p.most+1))
	if p.IntN(3) > 0 { // else all zero
		for i := range d {
			d[i] = byte(p.Uint32())
		}
	}
	return d
}

var testConfiguration = raft.NewConfiguration([]raft.NodeID{"a", "b", "c"}, nil)

func (p *player) newEntries(n int, after raft.Position) []raft.Entry {
	var run []raft.Entry
	for range n {
		e := raft.Entry{Index: after.Index + 1, Term: p.twin.hard.Term}
		switch p.IntN(12) {
		case 0:
			e.Type = raft.EntryNoOp
		case 1:
			e.Type = raft.EntryConfiguration
			e.Data, _ = testConfiguration.AppendBinary(nil)
		default:
			e.Data = p.data()
		}
		after = raft.Position{Index: e.Index, Term: e.Term}
		run = append(run, e)
	}
	return run
}

// write makes one write, and plays it on the twin.
func (p *player) write() *raft.Write {
	w := &raft.Write{}
	if p.twin.hard.Term == 0 || p.IntN(6) == 0 {
		h := p.twin.hard
		h.Term += raft.Term(1 + p.IntN(2))
		h.VotedFor = []raft.NodeID{"", "a", "node-with-a-longer-name"}[p.IntN(3)]
		w.HardState = &h
		p.twin.hard = h
	}
	last := p.twin.last()
	switch {
	case p.IntN(25) == 0 && last.Index > 0:
		meta := raft.SnapshotMeta{Last: raft.Position{Index: last.Index + raft.Index(p.IntN(3)), Term: p.twin.hard.Term}, Configuration: testConfiguration, ConfigurationIndex: 1}
		if meta.Last.Term > last.Term {
			w.Snapshot, last, p.snapshot = &meta, meta.Last, meta
		}
	case p.IntN(8) == 0 && last.Index > p.snapshot.Last.Index && p.twin.hard.Term > last.Term:
		keep := p.snapshot.Last.Index + raft.Index(p.IntN(int(last.Index-p.snapshot.Last.Index)))
		w.Truncate = keep + 1
		if last.Index = keep; keep == p.twin.base.Index {
			last = p.twin.base
		} else {
			last.Term = p.twin.at(keep).Term
		}
	}
	for range p.IntN(3) {
		run := p.newEntries(1+p.IntN(6), last)
		e := run[len(run)-1]
		last = raft.Position{Index: e.Index, Term: e.Term}
		w.Entries = append(w.Entries, run)
	}
	p.twin = p.twin.with(w)
	return w
}

// equals compares all that a log says with the twin, above what it has compacted.
func (t *twin) equals(l *Log, r *Recovered) error {
	l.mu.Lock()
	table := l.table
	l.mu.Unlock()
	if table.last != t.last() {
		return fmt.Errorf("the log ends at %v, the twin at %v", table.last, t.last())
	}
	if l.cursor.hard != t.hard {
		return fmt.Errorf("term and vote are %v, the twin's %v", l.cursor.hard, t.hard)
	}
	if table.base.Index < t.base.Index {
		return fmt.Errorf("the log begins after %v, the twin after %v", table.base, t.base)
	}
	for i := table.base.Index + 1; i <= table.last.Index; {
		got, err := l.Read(i, table.last.Index, 3000)
		if err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		for k := range got {
			if err := same(&got[k], t.at(i)); err != nil {
				return err
			}
			i++
		}
	}
	if r == nil {
		return nil
	}
	if r.Saved.HardState != t.hard {
		return fmt.Errorf("saved term and vote are %v, the twin's %v", r.Saved.HardState, t.hard)
	}
	for k := range r.Saved.Entries {
		if err := same(&r.Saved.Entries[k], t.at(r.Saved.Entries[k].Index)); err != nil {
			return err
		}
	}
	if _, err := raft.New(raft.DefaultConfig("a", 1), r.Saved); err != nil {
		return fmt.Errorf("a core does not start from this: %w", err)
	}
	return t.equalRuns(r)
}

// equalRuns compares the terms of what is only stored.
func (t *twin) equalRuns(r *Recovered) error {
	next := r.Saved.Compacted.Index + 1
	for _, run := range r.Saved.Stored {
		if run.First != next {
			return fmt.Errorf("a run of stored entries begins at %d, not at %d", run.First, next)
		}
		for ; next <= run.Last; next++ {
			if t.at(next).Term != run.Term {
				return fmt.Errorf("stored entry %d is of term %d, not %d", next, t.at(next).Term, run.Term)
			}
		}
	}
	if n := len(r.Saved.Entries); n > 0 && r.Saved.Entries[0].Index != next || n == 0 && next != t.last().Index+1 {
		return fmt.Errorf("stored entries end at %d, %d are loaded, the end is %v", next-1, n, t.last())
	}
	for _, e := range r.Saved.Configurations {
		if err := same(&e, t.at(e.Index)); err != nil {
			return err
		}
	}
	return nil
}

func same(a, b *raft.Entry) error {
	if a.Index != b.Index || a.Term != b.Term || a.Type != b.Type || string(a.Data) != string(b.Data) {
		return fmt.Errorf("entry %d@%d of type %v with %d bytes is not %d@%d of type %v with %d bytes", a.Index, a.Term, a.Type, len(a.Data), b.Index, b.Term, b.Type, len(b.Data))
	}
	return nil
}

var testIdentity = [16]byte{1, 2, 3}

func testOptions(snapshots ...raft.SnapshotMeta) Options {
	return Options{Identity: testIdentity, SegmentBytes: MinSegmentBytes, Snapshots: snapshots}
}

func TestALogIsAList(t *testing.T) {
	for seed := range uint64(25) {
		d := newDisk()
		l, err := Create(d, testOptions())
		if err != nil {
			t.Fatal(err)
		}
		p := &player{Rand: rand.New(rand.NewPCG(seed, 1)), most: 700}
		if err := play(p, d, l); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func play(p *player, d *disk, l *Log) error {
	for range 60 {
		before := p.twin
		var writes []*raft.Write
		// all[k] is the twin when k of the writes were played.
		all := []twin{before}
		for range p.IntN(4) {
			writes = append(writes, p.write())
			all = append(all, p.twin)
		}
		crash := p.IntN(8) == 0
		if crash {
			d.failAt, d.failure = d.steps+p.IntN(4), errPower
		}
		err := l.Append(writes)
		switch {
		case err != nil && !crash:
			return err
		case err == nil && !crash:
			if err := p.twin.equals(l, nil); err != nil {
				return err
			}
		}
		if p.IntN(10) == 0 && !crash {
			to := p.snapshot.Last.Index
			if n := len(p.twin.entries); n > 0 && p.IntN(2) == 0 {
				e := p.twin.entries[p.IntN(n)]
				if e.Index > to {
					p.snapshot = raft.SnapshotMeta{Last: raft.Position{Index: e.Index, Term: e.Term}, Configuration: testConfiguration, ConfigurationIndex: 1}
				}
			}
			if err := l.Compact(p.snapshot.Last.Index); err != nil {
				return err
			}
		}
		if crash || p.IntN(10) == 0 {
			acknowledged := err == nil
			var r *Recovered
			if l, d, r, err = reopen(p, d, crash); err != nil {
				return fmt.Errorf("%w", err)
			}
			if err := p.settle(l, r, all, acknowledged); err != nil {
				return err
			}
		}
	}
	return nil
}

func reopen(p *player, d *disk, crash bool) (*Log, *disk, *Recovered, error) {
	if crash {
		d = d.crash(func(n int) int { return p.IntN(n + 1) })
	} else {
		d = d.copy()
	}
	l, r, err := Open(d, testOptions(p.snapshot))
	if err == nil && r.Lost != nil {
		err = r.Lost
	}
	if err == nil && len(r.Faulty) > 0 {
		err = fmt.Errorf("faulty: %v", r.Faulty)
	}
	return l, d, r, err
}

// settle finds out which part of an unacknowledged batch the log has, and goes on from there.
func (p *player) settle(l *Log, r *Recovered, all []twin, acknowledged bool) error {
	if acknowledged {
		all = all[len(all)-1:]
	}
	var last error
	for _, t := range all {
		// A write may have been kept up to any of its entries, or to its hard state.
		for _, candidate := range prefixes(t, all[len(all)-1]) {
			if s := p.snapshot.Last; s.Index > candidate.last().Index || s.Index > candidate.base.Index && candidate.at(s.Index).Term != s.Term {
				candidate = twin{base: s, hard: candidate.hard}
				candidate.hard.Term = max(candidate.hard.Term, s.Term)
				if candidate.hard.Term != t.hard.Term {
					candidate.hard.VotedFor = ""
				}
			}
			if last = candidate.equals(l, r); last == nil {
				p.twin = candidate
				return nil
			}
		}
	}
	return fmt.Errorf("the log is none of %d that it could be: %w; saved %+v", len(all), last, short(r))
}

// prefixes are the twins between one and the end of a batch, as far as blocks can be cut.
func prefixes(t, end twin) []twin {
	list := []twin{t}
	withHard := t
	withHard.hard = end.hard
	list = append(list, withHard)
	for n := len(t.entries); n <= len(end.entries); n++ {
		for _, h := range []raft.HardState{t.hard, end.hard} {
			list = append(list, twin{base: end.base, hard: h, entries: end.entries[:n]})
		}
	}
	return list
}
func short(r *Recovered) string {
	s := r.Saved
	return fmt.Sprintf("hard %v snapshot %v compacted %v stored %v, %d entries, faulty %v cut %v", s.HardState, s.Snapshot.Last, s.Compacted, s.Stored, len(s.Entries), r.Faulty, r.Cut)
}
