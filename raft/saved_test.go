package raft

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// saved is a log of which entries 3 to 6 are stored and 7 and 8 in memory, with a snapshot
// at 5 and configurations in 4 and 6.
func savedInPart(t *testing.T) Saved {
	t.Helper()
	conf := func(i Index, term Term, voters ...NodeID) Entry {
		data, err := NewConfiguration(voters, nil).AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		return Entry{Index: i, Term: term, Type: EntryConfiguration, Data: data}
	}
	return Saved{
		HardState: HardState{Term: 4},
		Snapshot: SnapshotMeta{
			Last: Position{5, 2}, Configuration: NewConfiguration([]NodeID{"a", "b"}, nil), ConfigurationIndex: 4,
		},
		Compacted:      Position{2, 1},
		Stored:         []TermRun{{3, 4, 1}, {5, 6, 2}},
		Configurations: []Entry{conf(4, 1, "a", "b"), conf(6, 2, "a", "b", "c")},
		Entries:        []Entry{{Index: 7, Term: 2}, conf(8, 4, "a", "b", "c", "d")},
	}
}

func TestALogThatIsInPartOnDiskIsReadBack(t *testing.T) {
	c, err := New(DefaultConfig("a", 1), savedInPart(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckInvariants(); err != nil {
		t.Error(err)
	}
	st := c.Status()
	if st.Base != (Position{2, 1}) || st.Last != (Position{8, 4}) || st.Memory != 7 || st.Commit != 5 || st.Durable != 8 {
		t.Errorf("%+v", st)
	}
	if st.ConfigurationIndex != 8 || len(c.members.entries) != 3 {
		t.Errorf("configurations %+v", c.members.entries)
	}
	for i, want := range []Term{1, 1, 1, 2, 2, 2, 4} {
		if got, _ := c.log.term(Index(i) + 2); got != want {
			t.Errorf("entry %d is of term %d, want %d", i+2, got, want)
		}
	}
	if at, err := c.SnapshotAt(5); err != nil || at.ConfigurationIndex != 4 || at.Last != (Position{5, 2}) {
		t.Errorf("the snapshot at 5 is %+v, %v", at, err)
	}
	// What was in effect before the snapshot is not known.
	if at, err := c.SnapshotAt(3); !errors.Is(err, ErrOutOfRange) {
		t.Errorf("a snapshot at 3: %+v, %v", at, err)
	}
	mustStep(t, c, SnapshotTaken{5, 5})
	if err := c.CheckInvariants(); err != nil || c.log.base != (Position{5, 2}) || c.log.memory != 7 {
		t.Errorf("compacted to %v, in memory from %d: %v", c.log.base, c.log.memory, err)
	}
}

func TestALogInFullMayBeginBeforeItsSnapshot(t *testing.T) {
	c := newCore(t, "a")
	saved := Saved{HardState: HardState{Term: 1}, Snapshot: SnapshotMeta{Last: Position{2, 1}, Configuration: c.members.current(), ConfigurationIndex: 1}}
	found, err := Found([]NodeID{"a"})
	if err != nil {
		t.Fatal(err)
	}
	all := append(slices.Clone(found.Entries), Entry{Index: 2, Term: 1}, Entry{Index: 3, Term: 1})
	for _, from := range []int{0, 2} {
		saved.Entries = all[from:]
		c, err := New(DefaultConfig("a", 1), saved)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.CheckInvariants(); err != nil || c.log.last.Index != 3 || c.log.base.Index != Index(from) {
			t.Errorf("from %v to %v: %v", c.log.base, c.log.last, err)
		}
	}
}

func TestWhatIsNoLogIsNotReadBack(t *testing.T) {
	for name, spoil := range map[string]func(*Saved){
		"a gap between runs":                   func(s *Saved) { s.Stored[1].First++ },
		"a gap before the entries":             func(s *Saved) { s.Stored[1].Last-- },
		"a gap behind what is compacted":       func(s *Saved) { s.Stored[0].First++ },
		"runs one over the other":              func(s *Saved) { s.Stored[0].Last++ },
		"an empty run":                         func(s *Saved) { s.Stored[0].First, s.Stored[0].Last = 3, 2 },
		"a term that falls":                    func(s *Saved) { s.Stored[0].Term = 3 },
		"a term that falls to the entries":     func(s *Saved) { s.Stored[1].Term, s.Snapshot.Last.Term = 3, 3 },
		"a term of what is compacted above":    func(s *Saved) { s.Compacted.Term = 2 },
		"a term above that of the hard state":  func(s *Saved) { s.HardState.Term = 3 },
		"no term":                              func(s *Saved) { s.Compacted, s.Stored[0] = Position{}, TermRun{1, 4, 0} },
		"a snapshot of another term":           func(s *Saved) { s.Snapshot.Last.Term = 1 },
		"a snapshot beyond the log":            func(s *Saved) { s.Snapshot.Last.Index = 9 },
		"a snapshot before the log":            func(s *Saved) { s.Snapshot.Last = Position{1, 1} },
		"a log compacted without a snapshot":   func(s *Saved) { s.Snapshot = SnapshotMeta{} },
		"a configuration of another term":      func(s *Saved) { s.Configurations[1].Term = 1 },
		"a configuration that is another type": func(s *Saved) { s.Configurations[1].Type = EntryNormal },
		"a configuration that is not stored":   func(s *Saved) { s.Configurations[1].Index = 7 },
		"a configuration twice":                func(s *Saved) { s.Configurations = append(s.Configurations, s.Configurations[1]) },
		"a configuration that is none":         func(s *Saved) { s.Configurations[1].Data = nil },
	} {
		saved := savedInPart(t)
		spoil(&saved)
		if c, err := New(DefaultConfig("a", 1), saved); err == nil {
			t.Errorf("%s: %+v", name, c.Status())
		}
	}
}

// What is not in memory must not cost any: a log of ten million entries in few terms.
func TestALongLogOnDiskTakesLittleMemory(t *testing.T) {
	saved := Saved{HardState: HardState{Term: 100}, Snapshot: SnapshotMeta{Last: Position{1, 1}, Configuration: NewConfiguration([]NodeID{"a"}, nil), ConfigurationIndex: 1}}
	last := Index(0)
	for term := Term(1); term <= 100; term++ {
		saved.Stored = append(saved.Stored, TermRun{last + 1, last + 100_000, term})
		last += 100_000
	}
	before := allocated()
	c, err := New(DefaultConfig("a", 1), saved)
	if err != nil {
		t.Fatal(err)
	}
	if used := allocated() - before; used > 1<<20 {
		t.Errorf("%d bytes", used)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		i := 1 + Index(r.IntN(int(last)))
		if got, _ := c.log.term(i); got != Term((i-1)/100_000)+1 {
			t.Fatalf("entry %d is of term %d", i, got)
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
