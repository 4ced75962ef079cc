package engine

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

func TestASessionTakesEachSerialOnceAndInOrder(t *testing.T) {
	s := newSessions()
	s.configure(raft.NewConfiguration([]raft.NodeID{"a", "b"}, nil))
	a, _ := s.open(7, "a", 1)
	b, _ := s.open(9, "b", 1)
	steps := []struct {
		session, serial uint64
		want            verdict
	}{
		{a.id, 0, repeated}, // serials begin with 1
		{a.id, 2, overtaken},
		{a.id, 1, accepted},
		{a.id, 1, repeated},
		{a.id, 2, accepted}, // what was overtaken comes again
		{a.id, 1, repeated},
		{a.id, 4, overtaken},
		{b.id, 3, overtaken}, // each session counts for itself
		{b.id, 1, accepted},
		{a.id, 3, accepted},
		{8, 1, unknownSession},
		{0, 1, unknownSession},
		{a.id, 1<<64 - 1, overtaken},
	}
	for i, step := range steps {
		if got := s.judge(step.session, step.serial); got != step.want {
			t.Errorf("step %d: session %d, serial %d: verdict %d, want %d", i, step.session, step.serial, got, step.want)
		}
	}
}

func TestASessionIsOnlyOpenedForAMember(t *testing.T) {
	s := newSessions()
	if _, ok := s.open(1, "a", 1); ok {
		t.Error("a session was opened before there were members")
	}
	s.configure(raft.NewConfiguration([]raft.NodeID{"a"}, []raft.NodeID{"learner"}))
	for node, want := range map[raft.NodeID]bool{"a": true, "learner": true, "stranger": false} {
		if _, ok := s.open(2, node, 1); ok != want {
			t.Errorf("a session for %s was opened: %v, want %v", node, ok, want)
		}
	}
}

func TestOpeningASessionAgainKeepsItAndAnotherProcessReplacesIt(t *testing.T) {
	s := newSessions()
	s.configure(raft.NewConfiguration([]raft.NodeID{"a"}, nil))
	first, _ := s.open(5, "a", 1)
	s.judge(first.id, 1)
	if again, ok := s.open(6, "a", 1); !ok || again != first || again.last != 1 {
		t.Fatal("a repeated opening did not find the session that is there")
	}
	second, ok := s.open(7, "a", 2)
	if !ok || second.id != 7 || second.last != 0 {
		t.Fatal("another process of the node has no new session")
	}
	if got := s.judge(first.id, 2); got != unknownSession {
		t.Errorf("an append in the replaced session: verdict %d, want %d", got, unknownSession)
	}
	if len(s.byID) != 1 || len(s.byNode) != 1 {
		t.Errorf("one node has %d sessions", len(s.byID))
	}
}

func TestASessionIsClosedWhenItsNodeIsNoMemberAnyMore(t *testing.T) {
	s := newSessions()
	s.configure(raft.NewConfiguration([]raft.NodeID{"a", "b"}, nil))
	a, _ := s.open(5, "a", 1)
	b, _ := s.open(6, "b", 1)
	s.judge(a.id, 1)
	s.configure(raft.NewConfiguration([]raft.NodeID{"b"}, nil))
	if got := s.judge(a.id, 2); got != unknownSession {
		t.Errorf("an append of a node that was removed: verdict %d", got)
	}
	if got := s.judge(b.id, 1); got != accepted {
		t.Errorf("an append of a node that stayed: verdict %d", got)
	}
	s.configure(raft.NewConfiguration([]raft.NodeID{"a", "b"}, nil))
	back, _ := s.open(9, "a", 1)
	if back.id != 9 || back.last != 0 {
		t.Error("a node that came back went on with the session that was closed")
	}
}

// naiveSessions remembers everything that was ever accepted.
type naiveSessions struct {
	members []raft.NodeID
	open    []naiveSession
}

type naiveSession struct {
	node      raft.NodeID
	id, nonce uint64
	taken     []uint64
}

func (s *naiveSessions) judge(id, serial uint64) verdict {
	i := slices.IndexFunc(s.open, func(o naiveSession) bool { return o.id == id })
	if i < 0 {
		return unknownSession
	}
	o := &s.open[i]
	switch {
	case serial == 0 || slices.Contains(o.taken, serial):
		return repeated
	case serial > 1 && !slices.Contains(o.taken, serial-1):
		return overtaken
	}
	o.taken = append(o.taken, serial)
	return accepted
}

func (s *naiveSessions) begin(id uint64, node raft.NodeID, nonce uint64) (uint64, bool) {
	if !slices.Contains(s.members, node) {
		return 0, false
	}
	i := slices.IndexFunc(s.open, func(o naiveSession) bool { return o.node == node })
	if i >= 0 {
		if s.open[i].nonce == nonce {
			return s.open[i].id, true
		}
		if s.open[i].nonce > nonce {
			return 0, false
		}
		s.open = slices.Delete(s.open, i, i+1)
	}
	s.open = append(s.open, naiveSession{node: node, id: id, nonce: nonce})
	return id, true
}

func (s *naiveSessions) configure(members []raft.NodeID) {
	s.members = members
	s.open = slices.DeleteFunc(s.open, func(o naiveSession) bool { return !slices.Contains(members, o.node) })
}

func TestSessionsAgreeWithANaiveTwin(t *testing.T) {
	everybody := []raft.NodeID{"a", "b", "c", "d", "e"}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		s, twin := newSessions(), &naiveSessions{}
		for index := uint64(1); index <= 400; index++ {
			switch r.IntN(20) {
			case 0:
				some := slices.Clone(everybody)
				r.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
				some = some[:1+r.IntN(len(some))]
				s.configure(raft.NewConfiguration(some, nil))
				twin.configure(some)
			case 1, 2:
				node, nonce := everybody[r.IntN(len(everybody))], r.Uint64N(2)
				got, ok := s.open(raft.Index(index), node, nonce)
				want, wantOK := twin.begin(index, node, nonce)
				if ok != wantOK || ok && got.id != want {
					t.Fatalf("seed %d, entry %d: open(%s, %d) = %v, %v; the twin says %d, %v", seed, index, node, nonce, got, ok, want, wantOK)
				}
			default:
				id, serial := 1+r.Uint64N(index), r.Uint64N(6)
				if len(twin.open) > 0 && r.IntN(4) > 0 {
					o := twin.open[r.IntN(len(twin.open))]
					id, serial = o.id, uint64(len(o.taken))+r.Uint64N(4)
				}
				got, want := s.judge(id, serial), twin.judge(id, serial)
				if got != want {
					t.Fatalf("seed %d, entry %d: judge(%d, %d) = %d; the twin says %d", seed, index, id, serial, got, want)
				}
			}
			if len(s.byID) != len(twin.open) || len(s.byNode) != len(twin.open) || len(s.byID) > len(twin.members) {
				t.Fatalf("seed %d, entry %d: %d and %d sessions are kept of %d members; the twin has %d",
					seed, index, len(s.byID), len(s.byNode), len(twin.members), len(twin.open))
			}
		}
	}
}

// A message of a process that is gone may come after the next one of the same node has opened
// its session: that one goes on.
func TestALateWordOfAnEarlierProcessDoesNotCloseTheSession(t *testing.T) {
	s := newSessions()
	s.configure(raft.NewConfiguration([]raft.NodeID{"a", "b", "c"}, nil))
	s.open(5, "a", 1<<32|7)
	now, _ := s.open(9, "a", 2<<32|3)
	s.judge(now.id, 1)
	if late, ok := s.open(12, "a", 1<<32|7); ok {
		t.Errorf("it gets session %d", late.id)
	}
	if v := s.judge(now.id, 2); v != accepted {
		t.Errorf("the next append of the process that lives is %v", v)
	}
}
