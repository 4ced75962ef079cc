package engine

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// The list beside a set that is as dumb as can be, through the disk and back.
func TestWhatWasSkippedIsKnownByItsIndex(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var (
			s  skipped
			in = map[raft.Index]bool{}
			at raft.Index
		)
		for range random.IntN(20) {
			at += 1 + raft.Index(random.IntN(3))
			s.add(at)
			in[at] = true
		}
		below := raft.Index(random.IntN(30))
		s.forget(below)
		b := s.appendBinary([]byte("before"))
		back, rest, err := decodeSkipped(append(b, "after"...)[len("before"):])
		if err != nil || string(rest) != "after" || !slices.Equal(back.ranges, s.ranges) || back.from != below {
			t.Fatalf("%v became %v and %q: %v", s, back, rest, err)
		}
		for i := below; i <= at+2; i++ {
			if back.has(i) != in[i] {
				t.Fatalf("%v has %d: %v", back, i, back.has(i))
			}
		}
	}
}

func TestAMalformedListOfWhatWasSkippedIsRefused(t *testing.T) {
	good := (&skipped{ranges: []indexRange{{3, 5}, {300, 1000}}}).appendBinary(nil)
	for cut := range good {
		if _, _, err := decodeSkipped(good[:cut]); err == nil {
			t.Errorf("%d bytes of %d are taken", cut, len(good))
		}
	}
	for _, b := range [][]byte{
		{0, 1, 0, 0},       // a gap of nothing: index 0, or one that touches
		{0, 255, 1, 1},     // more ranges than bytes
		{0, 2, 3, 1, 0, 0}, // the second begins where the first ends
	} {
		if s, _, err := decodeSkipped(b); err == nil {
			t.Errorf("% x is taken for %v", b, s)
		}
	}
}

func TestSessionsComeBackAsTheyWere(t *testing.T) {
	s := newSessions()
	s.configure(raft.NewConfiguration([]raft.NodeID{"a", "b", "c"}, []raft.NodeID{"d"}))
	for i, node := range []raft.NodeID{"c", "a", "d"} {
		ses, ok := s.open(raft.Index(10*i+2), node, uint64(i)<<60+7)
		if !ok {
			t.Fatalf("%s has no session", node)
		}
		for serial := range uint64(i) {
			s.judge(ses.id, serial+1)
		}
	}
	b := s.appendBinary(nil)
	back, rest, err := decodeSessions(append(slices.Clip(b), "after"...))
	if err != nil || string(rest) != "after" {
		t.Fatalf("%q is left: %v", rest, err)
	}
	if again := back.appendBinary(nil); !slices.Equal(again, b) {
		t.Fatalf("% x became % x", b, again)
	}
	// They go on where they were, and in no other table.
	copied := s.clone()
	for _, table := range []*sessions{back, copied} {
		id := table.byNode["d"].id
		if v := table.judge(id, 2); v != repeated {
			t.Errorf("a repetition is %v", v)
		}
		if v := table.judge(id, 3); v != accepted {
			t.Errorf("the next is %v", v)
		}
	}
	if last := s.byNode["d"].last; last != 2 {
		t.Errorf("a copy's append went into the original: %d", last)
	}
	for cut := range b {
		if _, _, err := decodeSessions(b[:cut]); err == nil {
			t.Errorf("%d bytes of %d are taken", cut, len(b))
		}
	}
}
