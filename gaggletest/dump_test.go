package gaggletest

import (
	"container/list"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

type inner struct {
	name string
	next *inner
}

type everything struct {
	N      int
	hidden map[string][]inner
	When   time.Time
	any    any
	mu     sync.Mutex //nolint:unused // looked at by reflection
	count  atomic.Int64
	pair   [2]bool //nolint:unused // looked at by reflection
	raw    []byte
	f      func()
	table  sync.Map
	where  map[[2]int]string
	list   *list.List
	large  *big.Int
	price  float64
}

func full() *everything {
	loop := &inner{name: "loop"}
	loop.next = loop
	e := &everything{
		N: 1, hidden: map[string][]inner{"x": {{"y", loop}}, "a": nil}, any: []any{1, "one"},
		When: time.Date(2000, 1, 2, 3, 4, 5, 6, time.UTC), raw: []byte("raw"), f: func() {},
		where: map[[2]int]string{{1, 2}: "here", {0, 5}: "there"}, list: list.New(), large: big.NewInt(99), price: 1.5,
	}
	e.count.Store(7)
	e.table.Store("k", "v")
	e.list.PushBack("first")
	return e
}

func TestADumpHasEverything(t *testing.T) {
	got := dump(full())
	for _, want := range []string{
		".N = 1", `.hidden["x"][0].name = "y"`, `.hidden["x"][0].next.name = "loop"`, `.hidden["x"][0].next.next = what it is part of`,
		`.hidden["a"] = nothing`, ".When = 2000-01-02T03:04:05.000000006Z", ".any = a []interface {}", ".any[0] = a int", ".any[0] = 1",
		".count = 7", ".pair[1] = false", `.raw = "raw"`, ".f = func", `.table[a string "k"] = "v"`, `.where[[0] = 0, [1] = 5] = "there"`,
		`"first"`, ".large.abs[0] = 99", ".price = 1.5",
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "mu") {
		t.Errorf("a lock has contents:\n%s", got)
	}
	for range 20 {
		if again := dump(full()); again != got {
			inA, inB := difference(got, again)
			t.Fatalf("the same twice: %s, %s", inA, inB)
		}
	}
}

func TestADumpShowsEachDifference(t *testing.T) {
	got := dump(full())
	for name, change := range map[string]func(*everything){
		"a number":   func(e *everything) { e.N++ },
		"a pointer":  func(e *everything) { e.hidden["x"][0].next = nil },
		"a key":      func(e *everything) { e.hidden["b"] = nil },
		"a time":     func(e *everything) { e.When = e.When.Add(1) },
		"a type":     func(e *everything) { e.any = []any{1.0, "one"} },
		"an atomic":  func(e *everything) { e.count.Add(1) },
		"a table":    func(e *everything) { e.table.Store("k", "w") },
		"a list":     func(e *everything) { e.list.PushBack("second") },
		"a sequence": func(e *everything) { e.raw = append(e.raw, 0) },
	} {
		e := full()
		change(e)
		if dump(e) == got {
			t.Errorf("%s: no difference", name)
		}
	}
}

func TestWhatIsNilAndWhatIsEmptyIsTheSame(t *testing.T) {
	type two struct {
		List []int
		Map  map[string]int
	}
	if a, b := dump(two{}), dump(two{[]int{}, map[string]int{}}); a != b {
		t.Errorf("%q and %q", a, b)
	}
}

func TestATimeIsTheSameWithAndWithoutAReadingOfTheClock(t *testing.T) {
	now := time.Now()
	if a, b := dump(now), dump(now.Round(0)); a != b {
		t.Errorf("%q and %q", a, b)
	}
}

func TestWhatIsTooMuchSaysSo(t *testing.T) {
	var deep any
	for range maxDumpDepth + 1 {
		deep = []any{deep}
	}
	for name, v := range map[string]any{"large": make([]bool, maxDumpLines+1), "deep": deep} {
		func() {
			defer func() {
				if p, ok := recover().(string); !ok || !strings.Contains(p, "give the Machine a Hash") {
					t.Errorf("%s: it panics with %q", name, p)
				}
			}()
			dump(v)
		}()
	}
}

func TestScribblingChangesAllThatIsShared(t *testing.T) {
	type part struct{ N int }
	type whole struct {
		List []string
		Map  map[string]part
		Ptr  *part
		Any  any
		Raw  []byte
		On   []bool
		F    []float64
		U    [1]uint8
		When time.Time
		none *part
	}
	fresh := func() whole {
		return whole{
			List: []string{"a"}, Map: map[string]part{"k": {1}}, Ptr: &part{2}, Any: []any{&part{3}}, Raw: []byte{4},
			On: []bool{true}, F: []float64{5}, U: [1]uint8{6}, When: time.Unix(0, 0).UTC(), none: &part{7},
		}
	}
	mine := fresh()
	shared := mine
	scribble(reflect.ValueOf(&mine).Elem())
	for what, changed := range map[string]bool{
		"a slice": shared.List[0] != "a", "a map": shared.Map["k"].N != 1, "a pointer": shared.Ptr.N != 2,
		"what is behind an interface": shared.Any.([]any)[0].(*part).N != 3, "bytes": shared.Raw[0] != 4, "a flag": !shared.On[0],
		"a float": shared.F[0] != 5, "what is not exported is left alone": shared.none.N == 7, "a copy is left alone": shared.U[0] == 6,
		"the location of a time is left alone": shared.When.Equal(fresh().When),
	} {
		if !changed {
			t.Errorf("%s: it is not so", what)
		}
	}
}
