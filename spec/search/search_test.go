package search

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// cup is a state of the puzzle with two cups, of 3 and of 5: how full they are.
type cup [1]uint64

func cupOf(small, large uint64) cup { return cup{small | large<<8} }

func (c cup) both() (small, large uint64) { return c[0] & 0xff, c[0] >> 8 }

// cups is that puzzle. An action's parameter is the cup. It is broken by a state with 4.
func cups() *Model[cup] {
	sizes := [2]uint64{3, 5}
	which := []Param{{Name: "cup", Things: []string{"small", "large"}}}
	facts := make([]string, 64)
	for i := range facts {
		facts[i] = fmt.Sprintf("bit %d", i)
	}
	four := func(s *cup) int {
		if _, large := s.both(); large == 4 {
			return 0
		}
		return -1
	}
	return &Model[cup]{
		First:     func() (cup, string) { return cupOf(0, 0), "" },
		Canonical: func(*cup) {},
		Words:     func(s *cup) []uint64 { return s[:] },
		Next: func(s *cup, action int, x *Scratch[cup], yield func([]uint8, *cup) bool) bool {
			for i := range uint8(2) {
				now := [2]uint64{}
				now[0], now[1] = s.both()
				switch action {
				case 0: // fill it
					now[i] = sizes[i]
				case 1: // empty it
					now[i] = 0
				case 2: // pour it into the other
					n := min(now[i], sizes[1-i]-now[1-i])
					now[i], now[1-i] = now[i]-n, now[1-i]+n
				}
				x.To, x.Args[0] = cupOf(now[0], now[1]), i
				if x.To != *s && !yield(x.Args[:1], &x.To) {
					return false
				}
			}
			return true
		},
		BrokenSafety: four,
		Broken:       four,
		Reached:      func(s *cup, _ int) bool { small, _ := s.both(); return small == 1 },
		Actions:      []Action{{"fill", which}, {"empty", which}, {"pour", which}},
		Traces:       []Trace{{"three and two", []int{0, 2, 0, 2}}, {"nothing to pour", []int{2}}, {"no such end", []int{0}}},
		Invariants:   []string{"NotFour"},
		Facts:        facts,
	}
}

// breadthOf is a search in which no file fails.
func breadthOf(t *testing.T, m *Model[cup], from cup, l Limits, progress func(Result)) Result {
	t.Helper()
	r, err := Breadth(t.Context(), m, from, l, progress)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func never(*cup) int { return -1 }

func TestASearchSeesEachStateOnceAndKnowsWhenItHasSeenAll(t *testing.T) {
	m := cups()
	m.BrokenSafety = never
	for workers := range 4 {
		levels := 0
		r := breadthOf(t, m, cupOf(0, 0), Limits{States: 1000, Workers: workers + 1}, func(Result) { levels++ })
		// Sixteen states have a cup that is empty or full, and all of these can be reached.
		if r.States != 16 || !r.Whole || r.Broken != "" || levels == 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestTheShortestWayIsFound(t *testing.T) {
	m := cups()
	r := breadthOf(t, m, cupOf(0, 0), Limits{States: 1000, Workers: 2}, func(Result) {})
	if r.Broken != "NotFour" || len(r.Path) != 6 || r.Whole {
		t.Fatalf("%+v", r)
	}
	var story strings.Builder
	if err := Tell(&story, m, cupOf(0, 0), r.Path); err != nil {
		t.Fatal(err)
	}
	if got := story.String(); !strings.HasPrefix(got, "  1  fill(cup=large)\n       + bit 8  + bit 10  \n") || strings.Count(got, "(cup=") != 6 {
		t.Errorf("%s", got)
	}
	if err := Tell(&story, m, cupOf(0, 0), []Step{{2, []uint8{0}}}); err == nil {
		t.Error("a step that cannot be taken is told")
	}
}

func TestStatesThatAreTheSameButForNamesAreOne(t *testing.T) {
	m := cups()
	m.BrokenSafety = never
	all := breadthOf(t, m, cupOf(0, 0), Limits{States: 1000, Workers: 1}, func(Result) {})
	m.Canonical = func(s *cup) { // who pays attention to the large one only
		_, large := s.both()
		*s = cupOf(0, large)
	}
	r := breadthOf(t, m, cupOf(0, 0), Limits{States: 1000, Workers: 1}, func(Result) {})
	if r.States >= all.States || !r.Whole {
		t.Errorf("%d states, of %d", r.States, all.States)
	}
}

// numbers is a model whose states are those to a limit, each reached from that of a bit less: the
// greatest, in most steps of all, breaks it.
func numbers(limit uint64) *Model[cup] {
	m := cups()
	m.Actions = []Action{{Name: "next to a bit less"}, {Name: "twice"}}
	m.Next = func(s *cup, action int, x *Scratch[cup], yield func([]uint8, *cup) bool) bool {
		x.To = cup{s[0] + 1}
		if action == 1 {
			x.To = cup{s[0] * 2}
		}
		return x.To[0] > limit || x.To == *s || yield(x.Args[:0], &x.To)
	}
	m.BrokenSafety = func(s *cup) int {
		if s[0] == limit {
			return 0
		}
		return -1
	}
	return m
}

func TestWhatHasNoPlaceInMemoryIsGoneOnFromAsWell(t *testing.T) {
	const limit = 1<<14 - 1 // it takes doubling and adding one, for each of its 14 bits
	for _, memory := range []int{0, 1_000, 1 << 30} {
		m := numbers(limit)
		r := breadthOf(t, m, cup{}, Limits{States: 1 << 15, Workers: 2, Memory: memory}, func(Result) {})
		if r.Broken != "NotFour" || len(r.Path) != 27 || r.Depth != 27 {
			t.Errorf("memory of %d bytes: %+v", memory, r)
		}
		if err := Tell(io.Discard, m, cup{}, r.Path); err != nil {
			t.Error(err)
		}
		m.BrokenSafety = never
		if r := breadthOf(t, m, cup{}, Limits{States: 1 << 15, Workers: 2, Memory: memory}, func(Result) {}); r.States != limit+1 || !r.Whole {
			t.Errorf("memory of %d bytes: %+v", memory, r)
		}
	}
}

func TestWordsAreDecodedAsTheyWere(t *testing.T) {
	words := []uint64{0, 1, math.MaxUint64, 1 << 63, 0xff00, 0x0102030405060708}
	text := append(encode(nil, words), 42)
	got := make([]uint64, len(words))
	if rest := decode(text, got); !slices.Equal(got, words) || len(rest) != 1 {
		t.Errorf("%x, want %x; %d bytes are left", got, words, len(rest))
	}
}

func TestWhereNoFileCanBeMadeASearchFails(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/nowhere")
	if _, err := Breadth(t.Context(), numbers(100_000), cup{}, Limits{States: 1 << 18, Workers: 2}, func(Result) {}); err == nil {
		t.Error("it does not")
	}
}

func TestLimitsEndASearch(t *testing.T) {
	m := cups()
	m.BrokenSafety = never
	if r := breadthOf(t, m, cupOf(0, 0), Limits{States: 1000, Depth: 2, Workers: 1}, func(Result) {}); r.Depth != 2 || r.Whole {
		t.Errorf("depth: %+v", r)
	}
	if r := breadthOf(t, m, cupOf(0, 0), Limits{States: 4, Workers: 1}, func(Result) {}); r.States != 4 || r.Whole {
		t.Errorf("states: %+v", r)
	}
	m.BrokenSafety = cups().BrokenSafety
	if r := breadthOf(t, m, cupOf(0, 4), Limits{States: 4, Workers: 1}, func(Result) {}); r.Broken != "NotFour" || len(r.Path) != 0 {
		t.Errorf("at the beginning: %+v", r)
	}
}

func TestASearchThatIsInterruptedHasNotSeenAll(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	m := cups()
	m.Next = func(*cup, int, *Scratch[cup], func([]uint8, *cup) bool) bool { interrupt(); return true }
	if r, err := Breadth(ctx, m, cupOf(0, 0), Limits{States: 1000, Workers: 1}, func(Result) {}); err != nil || r.Whole {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAWalkIsRepeatedByItsSeedAndFindsWhatIsBroken(t *testing.T) {
	m := cups()
	r := Walks(t.Context(), m, cupOf(0, 0), Limits{States: 100_000}, 7)
	if r.Broken != "NotFour" || len(r.Path) < 6 {
		t.Fatalf("%+v", r)
	}
	if again := Walks(t.Context(), m, cupOf(0, 0), Limits{States: 100_000}, 7); fmt.Sprint(again) != fmt.Sprint(r) {
		t.Error("the same seed gives another walk")
	}
	if err := Tell(&strings.Builder{}, m, cupOf(0, 0), r.Path); err != nil {
		t.Error(err)
	}
	if r := Walks(t.Context(), m, cupOf(0, 0), Limits{States: 5}, 7); r.Broken != "" || r.Steps != 5 {
		t.Errorf("of five steps: %+v", r)
	}
}

func TestATraceIsFollowedToItsEnd(t *testing.T) {
	m := cups()
	path, end, err := Follow(m, cupOf(0, 0), 0)
	if small, _ := end.both(); err != nil || len(path) != 4 || small != 1 {
		t.Errorf("%v, %v, %v", path, end, err)
	}
	for trace := 1; trace < len(m.Traces); trace++ {
		if _, _, err := Follow(m, cupOf(0, 0), trace); err == nil || !strings.Contains(err.Error(), m.Traces[trace].Name) {
			t.Errorf("%s: %v", m.Traces[trace].Name, err)
		}
	}
}

func TestBlocksAreSortedAndThoseThatAreTheSameAreSeen(t *testing.T) {
	all := []uint64{1, 2, 3, 0, 1, 2, 2, 9}
	SortBlocks(all, 2)
	if want := []uint64{3, 0, 2, 9, 1, 2, 1, 2}; fmt.Sprint(all) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", all, want)
	}
	for which, want := range []bool{false, false, false, true} {
		if SameBlock(all, 2, which) != want {
			t.Errorf("block %d", which)
		}
	}
}

func TestATableHasEachHashOnceAndSaysWhenItIsFull(t *testing.T) {
	s, err := newTable(3)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.free(); err != nil {
			t.Error(err)
		}
	}()
	const last = math.MaxUint64
	for _, h := range []uint64{last, last - 1, last - 2} { // all of them begin at the last slot
		for _, want := range []bool{true, false} {
			if got, err := s.add(h); got != want || err != nil {
				t.Errorf("%d: %t, %v", h, got, err)
			}
		}
	}
	if _, err := s.add(99); err == nil {
		t.Error("there is room for more")
	}
}
