package gaggletest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A shop is a state machine of which each part can be spoilt.
type shop struct {
	Stock map[string]int
	Log   []string
	Tags  [][]string
	sold  int
}

type order struct {
	Item string
	N    int
	Tags []string
}

func (s *shop) apply(o order) int {
	s.Stock[o.Item] += o.N
	s.sold++
	s.Tags = append(s.Tags, slices.Clone(o.Tags))
	return s.Stock[o.Item]
}

// saved is what a snapshot of a shop has.
type saved struct {
	Stock map[string]int
	Log   []string
	Tags  [][]string
	Sold  int
}

func (s *shop) snapshot() ([]byte, error) {
	return json.Marshal(saved{s.Stock, s.Log, s.Tags, s.sold})
}

func restoreShop(data []byte) (*shop, error) {
	v := saved{Stock: map[string]int{}}
	err := json.Unmarshal(data, &v)
	return &shop{v.Stock, v.Log, v.Tags, v.Sold}, err
}

func drawOrder(s *Source) order {
	return order{Pick(s, "egg", "nest", "goose", "down"), s.IntN(100) - 50, []string{s.String(5), s.String(5)}}
}

func shopMachine() Machine[*shop, order, int] {
	return Machine[*shop, order, int]{
		New:     func() *shop { return &shop{Stock: map[string]int{}} },
		Apply:   (*shop).apply,
		Command: drawOrder,

		Snapshot: (*shop).snapshot,
		Restore:  restoreShop,
	}
}

// trialOf examines n commands in simulated time.
func trialOf[S, C, R any](t *testing.T, m Machine[S, C, R], seed uint64, n int) (text string) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		source := &Source{random: rand.New(rand.NewPCG(seed, 0))}
		commands := make([]C, n)
		for i := range commands {
			commands[i] = m.draw(source)
		}
		text = examine(m, commands, origin{seed, true}, true)
	})
	return text
}

// spoil makes a machine of which one command in a few does something else besides.
func spoil(also func(*shop, *order)) Machine[*shop, order, int] {
	m := shopMachine()
	m.Apply = func(s *shop, o order) int {
		n := s.apply(o)
		also(s, &o)
		return n
	}
	return m
}

func spoilSnapshot(snapshot func(*shop) ([]byte, error)) Machine[*shop, order, int] {
	m := shopMachine()
	m.Snapshot = snapshot
	return m
}

func spoilRestore(restore func([]byte) (*shop, error)) Machine[*shop, order, int] {
	m := shopMachine()
	m.Restore = restore
	return m
}

func TestWhatMayNotBeIsFound(t *testing.T) {
	var counter int
	var counting sync.Mutex
	var shared []byte
	var busy atomic.Int64
	for name, c := range map[string]struct {
		machine Machine[*shop, order, int]
		want    []string // parts of what is said
	}{
		"the order of a map shows in the state": {spoil(func(s *shop, _ *order) {
			for item := range s.Stock {
				s.Log = append(s.Log, item)
			}
		}), []string{"the state of", ".Log["}},
		"the order of a map shows in a result": {func() Machine[*shop, order, int] {
			m := shopMachine()
			m.Apply = func(s *shop, o order) int {
				s.apply(o)
				for _, n := range s.Stock {
					return n
				}
				return 0
			}
			return m
		}(), []string{"the result of"}},
		"the order of a map shows in a command in many": {spoil(func(s *shop, o *order) {
			if o.N == 17 && len(s.Stock) > 1 {
				s.Log = slices.Collect(maps.Keys(s.Stock))
			}
		}), []string{"the state of", ".Log["}},
		"the clock": {spoil(func(s *shop, _ *order) {
			s.Log = append(s.Log, time.Now().String())
		}), []string{"the state of", `.Log[0]`, "after 1 of"}},
		"the date": {spoil(func(s *shop, _ *order) {
			s.Log = append(s.Log, time.Now().Format(time.DateOnly))
		}), []string{"the state of", `.Log[0]`}},
		"the clock, where nothing is exported": {spoil(func(s *shop, _ *order) {
			s.sold = int(time.Now().UnixNano())
		}), []string{"the state of", `.sold`, "after 1 of"}},
		"chance": {spoil(func(s *shop, _ *order) {
			s.Log = append(s.Log, strconv.Itoa(rand.IntN(1000)))
		}), []string{"the state of", `.Log[`}},
		"a package variable": {spoil(func(s *shop, _ *order) {
			counting.Lock()
			defer counting.Unlock()
			counter++
			s.Log = append(s.Log, strconv.Itoa(counter))
		}), []string{"the state of", `.Log[0]`, "after 1 of"}},
		"goroutines that race": {spoil(func(s *shop, _ *order) {
			var running sync.WaitGroup
			var mu sync.Mutex
			for i := range 16 {
				running.Go(func() {
					mu.Lock()
					defer mu.Unlock()
					s.Log = append(s.Log, strconv.Itoa(i))
				})
			}
			running.Wait()
		}), []string{"the state of", `.Log[`}},
		"what runs at the same time": {spoil(func(s *shop, _ *order) {
			if busy.Add(1) > 1 {
				s.Log = append(s.Log, "not alone")
			}
			time.Sleep(time.Millisecond)
			busy.Add(-1)
		}), []string{"the state of one that runs beside others", `.Log[0] = "not alone"`}},
		"a pointer as text": {spoil(func(s *shop, _ *order) {
			s.Log = append(s.Log, fmt.Sprintf("%p", s))
		}), []string{"the state of", `.Log[0]`, "after 1 of"}},
		"a command that is kept": {spoil(func(s *shop, o *order) {
			s.Tags[len(s.Tags)-1] = o.Tags
		}), []string{"kept memory of its command", ".Tags[0][0]", "after 1 of"}},
		"a command that is changed": {spoil(func(_ *shop, o *order) {
			slices.Sort(o.Tags)
		}), []string{"changed its command", ".Tags[0]"}},
		"a panic": {spoil(func(s *shop, _ *order) {
			if s.sold == 5 {
				panic("sold out")
			}
		}), []string{"panic: sold out", "after 5 of"}},
		"a snapshot that lacks a field": {spoilSnapshot(func(s *shop) ([]byte, error) {
			return json.Marshal(s)
		}), []string{"restored from a snapshot", ".sold = 0", "after 1 of"}},
		"a snapshot that lacks a field sometimes": {spoilSnapshot(func(s *shop) ([]byte, error) {
			v := saved{s.Stock, s.Log, s.Tags, s.sold}
			if s.Stock["egg"] < -30 {
				v.Sold = 0
			}
			return json.Marshal(v)
		}), []string{"restored from a snapshot", ".sold = 0"}},
		"a snapshot that changes the state": {spoilSnapshot(func(s *shop) ([]byte, error) {
			s.Log = append(s.Log, "saved")
			return s.snapshot()
		}), []string{"Snapshot has changed the state", "saved"}},
		"a second snapshot that is another": {spoilSnapshot(func(s *shop) ([]byte, error) {
			v := saved{s.Stock, s.Log, s.Tags, s.sold}
			counting.Lock()
			defer counting.Unlock()
			if counter++; counter%2 == 0 {
				v.Sold--
			}
			return json.Marshal(v)
		}), []string{"restored from a", "snapshot", ".sold"}},
		"a snapshot whose bytes are used again": {spoilSnapshot(func(s *shop) ([]byte, error) {
			data, err := s.snapshot()
			counting.Lock()
			defer counting.Unlock()
			shared = append(shared[:0], data...)
			return shared, err
		}), []string{"bytes of a snapshot have changed"}},
		"a snapshot that fails": {spoilSnapshot(func(s *shop) ([]byte, error) {
			if s.sold > 3 {
				return nil, os.ErrPermission
			}
			return s.snapshot()
		}), []string{"Snapshot fails: permission denied", "after 4 of"}},
		"a snapshot that cannot be restored": {spoilRestore(func(data []byte) (*shop, error) {
			if bytes.Contains(data, []byte(`"down"`)) {
				return nil, os.ErrInvalid
			}
			return restoreShop(data)
		}), []string{"Restore fails: invalid argument", "command 1"}},
		"a restored state without a map": {spoilRestore(func(data []byte) (*shop, error) {
			s, err := restoreShop(data)
			if s != nil {
				s.Stock = nil
			}
			return s, err
		}), []string{"restored from a snapshot", ".Stock = nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := trialOf(t, c.machine, 1, 200)
			t.Log(text)
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("it does not say %q:\n%s", want, text)
				}
			}
		})
	}
}

func TestWhatIsRightIsFoundToBeRight(t *testing.T) {
	for seed := range uint64(3) {
		if text := trialOf(t, shopMachine(), seed, 100); text != "" {
			t.Fatal(text)
		}
	}
}

func TestASmallMachineNeedsNoSnapshots(t *testing.T) {
	m := shopMachine()
	m.Snapshot, m.Restore = nil, nil
	if text := trialOf(t, m, 1, 100); text != "" {
		t.Error(text)
	}
}

func TestWhatMayDifferIsLeftOutOfAHash(t *testing.T) {
	m := spoil(func(s *shop, _ *order) { s.Log = []string{time.Now().String()} })
	m.Hash = func(s *shop) string { return fmt.Sprint(s.Stock, s.sold) }
	if text := trialOf(t, m, 1, 100); text != "" {
		t.Error(text)
	}
}

func TestAMachineMayKeepCommandsIfItSaysSo(t *testing.T) {
	m := spoil(func(s *shop, o *order) { s.Tags[len(s.Tags)-1] = o.Tags })
	m.KeepsCommands = true
	if text := trialOf(t, m, 1, 100); text != "" {
		t.Error(text)
	}
}

// basket returns its own contents, which the next command changes.
func TestAResultThatChangesLaterIsFound(t *testing.T) {
	m := Machine[*[]int, int, []int]{
		New:     func() *[]int { return &[]int{0, 0} },
		Apply:   func(s *[]int, n int) []int { (*s)[n]++; return *s },
		Command: func(s *Source) int { return s.IntN(2) },
	}
	text := trialOf(t, m, 1, 100)
	if !strings.Contains(text, "the result changed when later commands were applied") || !strings.Contains(text, "after 1 of") {
		t.Errorf("it says %q", text)
	}
}

func TestRestoreMustNotKeepTheBytes(t *testing.T) {
	m := Machine[*[]byte, byte, int]{
		New:      func() *[]byte { return &[]byte{} },
		Apply:    func(s *[]byte, b byte) int { *s = append(*s, b); return len(*s) },
		Command:  (*Source).Byte,
		Snapshot: func(s *[]byte) ([]byte, error) { return slices.Clone(*s), nil },
		Restore:  func(data []byte) (*[]byte, error) { return &data, nil },
	}
	if text := trialOf(t, m, 1, 100); !strings.Contains(text, "Restore has kept the bytes") {
		t.Errorf("it says %q", text)
	}
}

// Commands of type []byte go without a codec, as entries do.
func TestCommandsMayBeBytes(t *testing.T) {
	m := Machine[map[string]int, []byte, int]{
		New:     func() map[string]int { return map[string]int{} },
		Apply:   func(s map[string]int, c []byte) int { s[string(c)]++; return s[string(c)] },
		Command: func(s *Source) []byte { return s.Bytes(3) },
	}
	if text := trialOf(t, m, 1, 100); text != "" {
		t.Error(text)
	}
}

func TestACommandThatDoesNotSurviveItsCodecIsFound(t *testing.T) {
	type secret struct {
		Open   int
		closed int
	}
	m := Machine[*int, secret, int]{
		New:     func() *int { return new(int) },
		Apply:   func(s *int, c secret) int { *s += c.Open + c.closed; return *s },
		Command: func(s *Source) secret { return secret{s.IntN(10), s.IntN(2)} },
	}
	text := trialOf(t, m, 1, 100)
	if !strings.Contains(text, "is not what it was") || !strings.Contains(text, ".closed = 0") {
		t.Errorf("it says %q", text)
	}
	unencodable := Machine[*int, func(), int]{
		New: func() *int { return new(int) }, Apply: func(*int, func()) int { return 0 }, Command: func(*Source) func() { return func() {} },
	}
	if text := trialOf(t, unencodable, 1, 10); !strings.Contains(text, "cannot be encoded") {
		t.Errorf("it says %q", text)
	}
}

// What needs two commands of a hundred is shown with little else.
func TestAFailureShowsFewCommands(t *testing.T) {
	m := spoil(func(s *shop, _ *order) {
		if s.Stock["egg"] > 40 && s.Stock["down"] < -20 {
			s.Log = append(s.Log, time.Now().String())
		}
	})
	text := trialOf(t, m, 0, 200)
	if n := strings.Count(text, "\ncommand "); n == 0 || n > 5 {
		t.Errorf("it shows %d commands:\n%s", n, text)
	}
}

func TestTheFirstCommandThatGoesWrongIsNamed(t *testing.T) {
	m := spoil(func(s *shop, _ *order) {
		if s.sold >= 50 {
			s.Log = []string{time.Now().String()}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		source := &Source{random: rand.New(rand.NewPCG(1, 0))}
		commands := make([]order, 100)
		for i := range commands {
			commands[i] = drawOrder(source)
		}
		if text := examine(m, commands, origin{1, true}, false); !strings.Contains(text, "after 50 of 100 commands") {
			t.Error(text)
		}
	})
}

func TestAMachineHasToBeWhole(t *testing.T) {
	for name, spoil := range map[string]func(*Machine[*shop, order, int]){
		"New":      func(m *Machine[*shop, order, int]) { m.New = nil },
		"Apply":    func(m *Machine[*shop, order, int]) { m.Apply = nil },
		"Command":  func(m *Machine[*shop, order, int]) { m.Command = nil },
		"Restore":  func(m *Machine[*shop, order, int]) { m.Restore = nil },
		"Snapshot": func(m *Machine[*shop, order, int]) { m.Snapshot = nil },
	} {
		m := shopMachine()
		spoil(&m)
		if m.whole() == nil {
			t.Errorf("without %s it counts as whole", name)
		}
	}
}

func TestCheckPassesWhatIsRight(t *testing.T) {
	Check(t, shopMachine(), 7, 30)
	Run(t, func(t *testing.T) { Check(t, shopMachine(), 8, 30) }) // in a bubble that is there
}

func TestASourceOfBytesEndsInZeros(t *testing.T) {
	s := &Source{data: []byte{5, 1, 3, 0, 1, 2, 7, 0, 0, 0, 0, 0, 0, 0}}
	if n, b, text, u := s.IntN(3), s.Bool(), s.String(4), s.Uint64(); n != 2 || !b || text != "abc" || u != 7 {
		t.Errorf("it draws %d, %v, %q and %d", n, b, text, u)
	}
	if n, b, text := s.IntN(1<<20), s.Bool(), s.Bytes(9); n != 0 || b || len(text) != 0 || Pick(s, 4, 5) != 4 {
		t.Errorf("at the end it draws %d, %v and %q", n, b, text)
	}
}

// All but those that are restarted are made at the beginning.
func TestAStateThatBeginsOtherwiseTheNextTimeIsFound(t *testing.T) {
	m, made := shopMachine(), 0
	m.New = func() *shop {
		if made++; made > len(habits[*shop, order, int]()) {
			return &shop{Stock: map[string]int{"egg": 1}}
		}
		return &shop{Stock: map[string]int{}}
	}
	text := trialOf(t, m, 1, 100)
	if !strings.Contains(text, "after 0 of") || !strings.Contains(text, "the state of one that was restarted") {
		t.Errorf("it says %q", text)
	}
}

func TestACommandThatDrawsNothingUsesUpItsInput(t *testing.T) {
	m := shopMachine()
	m.Command = func(*Source) order { return order{} }
	s := &Source{data: []byte{1, 2}}
	m.draw(s)
	if len(s.data) != 1 {
		t.Errorf("%d bytes are left, want 1", len(s.data))
	}
}
