package sim

import (
	"context"
	"io"
	"reflect"
	"testing"
	"time"
)

// forgetful is run in a world with a bug: a node that crashes loses the last entry that it
// had on its disk, unless that is the first.
func forgetful(s *Schedule, out io.Writer) (Report, []byte, *Violation) {
	w := newWorld(s, out)
	violation := w.guard(func() {
		w.found()
		w.dueOp()
		up := map[*node]bool{}
		for w.nextOp < len(s.Ops) {
			w.happen()
			for _, n := range w.nodes {
				if entries := n.disk.saved.Entries; up[n] && n.process == nil && len(entries) > 1 {
					n.disk.saved.Entries = entries[:len(entries)-1]
				}
				up[n] = n.process != nil
			}
		}
		w.settle()
		w.users.judge()
	})
	return w.finished(), w.noise.drawn(), violation
}

// found looks for a schedule with which a world goes wrong.
func found(t *testing.T, profile string, play player) *Schedule {
	t.Helper()
	for seed := range uint64(500) {
		s := Generate(seed, profile)
		if _, _, v := play(s, nil); v != nil {
			return s
		}
	}
	t.Fatal("the bug is not found")
	return nil
}

func TestAFindingIsShrunkToAHandfulOfOps(t *testing.T) {
	inOneGoroutine(t)
	s := found(t, "churn", forgetful)
	_, _, before := forgetful(s, nil)
	var last Shrunk
	f := shrink(t.Context(), s, 5000, forgetful, func(sh Shrunk) { last = sh })
	t.Logf("from %d ops to %d, %d nodes, %d bytes of noise, in %d runs: %v; %+v", len(s.Ops), last.Ops, last.Nodes, last.Noise, last.Runs, f.Violation, f.Schedule)
	if f.Violation == nil || f.Violation.Property != before.Property {
		t.Fatalf("it violates %v, and violated %v", f.Violation, before)
	}
	if len(f.Schedule.Ops) > 6 {
		t.Errorf("%d ops are left", len(f.Schedule.Ops))
	}
	first, _, again := forgetful(f.Schedule, nil)
	second, _, _ := forgetful(f.Schedule, nil)
	if !reflect.DeepEqual(again, f.Violation) || first.Hash != second.Hash {
		t.Errorf("played again it is %v with hashes %x and %x, want %v", again, first.Hash, second.Hash, f.Violation)
	}
	if twice := shrink(t.Context(), s, 5000, forgetful, nil); !reflect.DeepEqual(twice, f) {
		t.Errorf("shrunk again it is another: %+v, %+v", twice, f)
	}
}

// afterFaults is run, and finds fault with it if some things have happened.
func afterFaults(faults ...string) player {
	return func(s *Schedule, out io.Writer) (Report, []byte, *Violation) {
		report, drawn, _ := run(s, out)
		for _, name := range faults {
			if report.Faults[name] == 0 {
				return report, drawn, nil
			}
		}
		return report, drawn, &Violation{Property: Bounded, Step: report.Events}
	}
}

func TestWhatHasToHappenIsAllThatIsLeft(t *testing.T) {
	inOneGoroutine(t)
	for _, faults := range [][]string{
		{"cut"},
		{"crash", "transfer"},
		{"frame lost"},
		{"write slow", "slow link"},
		{"restart", "frame repeated"},
	} {
		play := afterFaults(faults...)
		s := found(t, "swarm", play)
		f := shrink(t.Context(), s, 5000, play, nil)
		ops, setup := f.Schedule.Ops, f.Schedule.Setup
		t.Logf("%v: %+v", faults, f.Schedule)
		if f.Violation == nil || len(ops) > 4 || len(loud(f.Schedule.Noise)) > 3 || f.Schedule.NoiseSeed != 0 {
			t.Errorf("%v: %v, ops %v and noise %v are left", faults, f.Violation, ops, f.Schedule.Noise)
		}
		if setup.Nodes+setup.Spares > 3 || setup.Small {
			t.Errorf("%v: a setup %+v is left", faults, setup)
		}
	}
}

// tooFar is a schedule whose nodes are so far from each other that none is ever elected.
func tooFar() *Schedule {
	s := Generate(3, "partitions")
	s.Setup.Delay = time.Second
	return s
}

func TestShrinkKeepsWhatTheViolationNeeds(t *testing.T) {
	inOneGoroutine(t)
	f := Shrink(t.Context(), tooFar(), 300, nil)
	if f.Violation == nil || f.Violation.Property != Liveness {
		t.Fatalf("the violation is %v, want one of liveness", f.Violation)
	}
	s := f.Schedule
	if len(s.Ops) != 0 || len(s.Noise) != 0 || s.Setup.Faults != (Faults{}) || s.Setup.Nodes != 2 || s.Setup.Delay != time.Second {
		t.Errorf("what is left is %+v", s)
	}
	report, again := Run(s, nil)
	report2, _ := Run(s, nil)
	if !reflect.DeepEqual(again, f.Violation) || report.Hash != report2.Hash {
		t.Errorf("played again it is %v, want %v", again, f.Violation)
	}
}

func TestShrinkEndsWithItsRunsOrItsContext(t *testing.T) {
	for _, most := range []int{1, 2, 20} {
		count := 0
		play := func(s *Schedule, out io.Writer) (Report, []byte, *Violation) {
			count++
			return forgetful(s, out)
		}
		s := found(t, "churn", forgetful)
		if f := shrink(t.Context(), s, most, play, nil); count != most || f.Violation == nil {
			t.Errorf("it took %d runs, had %d, and has %v", count, most, f.Violation)
		}
	}
	ended, end := context.WithCancel(t.Context())
	f := shrink(ended, found(t, "churn", forgetful), 1000, forgetful, func(sh Shrunk) {
		end()
		if sh.Runs > 2 {
			t.Errorf("run %d after the end", sh.Runs)
		}
	})
	if f.Violation == nil {
		t.Error("the violation is gone")
	}
}

func TestWhatViolatesNothingStaysAsItIs(t *testing.T) {
	s := Generate(1, "swarm")
	want := s.clone()
	if f := Shrink(t.Context(), s, 100, nil); f.Violation != nil || !reflect.DeepEqual(f.Schedule, want) {
		t.Errorf("it is %v, and the schedule %+v", f.Violation, f.Schedule)
	}
}

func TestANodeIsRemovedFromOpsToo(t *testing.T) {
	s := &Schedule{Setup: Setup{Nodes: 3, Spares: 1}, Ops: []Op{
		{After: 1, Kind: Crash, Node: 0},
		{After: 2, Kind: Crash, Node: 1},
		{After: 4, Kind: Crash, Node: 6}, // which is 2
		{After: 8, Kind: Cut, Node: 3, Other: 1},
		{After: 16, Kind: Cut, Node: 3, Other: Leader},
		{After: 32, Kind: Partition, Node: 1, Amount: 0b1011},
		{After: 64, Kind: Change, Node: Leader, Amount: 0b0110<<16 | 0b1101},
		{After: 128, Kind: Graph, Amount: 0b110110}, // 0-2, 1-2, 1-3, 2-3
	}}
	s.removeNode(1)
	want := &Schedule{Setup: Setup{Nodes: 2, Spares: 1}, Ops: []Op{
		{After: 1, Kind: Crash, Node: 0},
		{After: 6, Kind: Crash, Node: 1},
		{After: 24, Kind: Cut, Node: 2, Other: Leader},
		{After: 32, Kind: Partition, Node: 0, Amount: 0b101},
		{After: 64, Kind: Change, Node: Leader, Amount: 0b010<<16 | 0b111},
		{After: 128, Kind: Graph, Amount: 0b101}, // 0-1, 1-2
	}}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("it is %+v, want %+v", s, want)
	}
}
