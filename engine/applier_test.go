package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A tape is a machine whose state is what was applied, one value a line.
type tape struct {
	mu    sync.Mutex
	lines []string
	at    []raft.Index
	// hold, if not nil, is what each Apply waits for; entered gets a token before it does.
	hold, entered chan struct{}
	// spring, if not nil, is asked before each value is applied.
	spring func(value string) error
	// snapshotErr and restoreErr are what Snapshot and Restore fail with.
	snapshotErr, restoreErr error
}

func (m *tape) Apply(index raft.Index, _ raft.Term, value []byte) (any, error) {
	if m.hold != nil {
		m.entered <- struct{}{}
		<-m.hold
	}
	if m.spring != nil {
		if err := m.spring(string(value)); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines, m.at = append(m.lines, string(value)), append(m.at, index)
	return fmt.Sprintf("%d %s", len(m.lines), value), nil
}

func (m *tape) Snapshot() (func(io.Writer) error, error) {
	if errors.Is(m.snapshotErr, errSpring) {
		panic("no snapshot for you")
	}
	state := strings.Join(m.applied(), "\n")
	return func(w io.Writer) error {
		_, err := io.WriteString(w, state)
		return err
	}, m.snapshotErr
}

func (m *tape) Restore(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil || m.restoreErr != nil {
		return errors.Join(err, m.restoreErr)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines, m.at = strings.Split(string(b), "\n"), nil
	return nil
}

func (m *tape) applied() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.lines)
}

var errSpring = errors.New("it sprang")

func tapeOf(n *Node) *tape { return n.config.Machine.(*tape) }

// tapes returns a flock of nodes with tapes, of which all are up to date.
func tapes(t testing.TB, size int) (f *flock, leader, follower *Node) {
	t.Helper()
	f = &flock{t: t, ch: memory.New()}
	for i := range size {
		config := testConfig(string(rune('a'+i)), size)
		config.Machine = &tape{}
		f.add(config)
	}
	leader, follower = f.lead()
	f.work()
	return f, leader, follower
}

// work brings all machines up to date, and lets follow what follows.
func (f *flock) work() {
	f.settle()
	for _, n := range f.nodes {
		n.Work()
	}
	f.settle()
}

// startedTapes returns nodes with tapes that run by themselves and have a leader.
func startedTapes(t testing.TB, size int) *flock {
	t.Helper()
	f := &flock{t: t, ch: memory.New()}
	for i := range size {
		config := testConfig(string(rune('a'+i)), size)
		config.Machine = &tape{}
		f.add(config).Start()
	}
	for _, n := range f.nodes {
		if _, _, err := n.Do(context.Background(), []byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range f.nodes {
		if err := n.Read(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestAProposalEndsWithWhatTheMachineMadeOfIt(t *testing.T) {
	f, leader, follower := tapes(t, 3)
	before := len(tapeOf(leader).applied())
	first, second := propose(t, follower, "from a follower"), propose(t, leader, "from the leader")
	third := appendInTerm(t, leader, leader.Status().Term, "from a handler")
	f.until("all are committed everywhere", func() bool { return follower.applied == leader.applied && len(values(follower)) == before+3 })
	if _, done, _ := first.Poll(); done || first.Result() != nil {
		t.Error("an append ended before the machine had applied it")
	}
	f.work()
	for _, p := range []*Proposal{first, second} {
		item, done, err := p.Poll()
		at := slices.Index(tapeOf(leader).applied(), string(item.Value)) + 1
		if want := fmt.Sprintf("%d %s", at, item.Value); !done || err != nil || p.Result() != want {
			t.Errorf("%q ends with %v, %v, %v, want %q", p.command, done, err, p.Result(), want)
		}
	}
	if item, err := wait(t, third); err != nil || string(item.Value) != "from a handler" {
		t.Errorf("the handler's append is %q, %v", item.Value, err)
	}
	for _, n := range f.nodes {
		if got, want := tapeOf(n).applied(), values(leader); !slices.Equal(got, want) {
			t.Errorf("%s applied %q, want %q", n.ID(), got, want)
		}
		if s := n.Status(); s.MachineApplied != s.Applied || s.Applied != leader.applied {
			t.Errorf("the machine of %s is at %d of %d", n.ID(), s.MachineApplied, s.Applied)
		}
	}
}

func TestTheMachineIsToldIndexesOfTheLog(t *testing.T) {
	_, leader, _ := tapes(t, 3)
	items, err := leader.Feed().Next(t.Context(), 1, leader.applied)
	if err != nil {
		t.Fatal(err)
	}
	for i, index := range tapeOf(leader).at {
		if items[i].Index != index {
			t.Errorf("value %d is at %d, the machine was told %d", i, items[i].Index, index)
		}
	}
}

func TestASlowMachineHoldsUpNothingButItsNodesAnswers(t *testing.T) {
	f, leader, follower := tapes(t, 3)
	before := follower.Status().MachineApplied
	for i := range 100 {
		p := propose(t, leader, number(i))
		f.settle()
		leader.Work()
		if _, done, err := p.Poll(); !done || err != nil {
			t.Fatalf("append %d: %v, %v", i, done, err)
		}
	}
	f.tick()
	if s := follower.Status(); s.Applied != leader.applied || s.MachineApplied != before {
		t.Errorf("the follower is at %d of %d, its machine at %d, want %d", s.Applied, leader.applied, s.MachineApplied, before)
	}
}

func TestAReadWaitsForTheMachine(t *testing.T) {
	f, leader, follower := tapes(t, 3)
	propose(t, leader, "x")
	f.until("it is committed everywhere", func() bool { return follower.applied == leader.applied })
	reading, err := follower.BeginRead()
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		f.tick()
	}
	if done, _ := reading.Poll(); done {
		t.Fatal("it ended before the machine was there")
	}
	follower.Work()
	if done, err := reading.Poll(); !done || err != nil || !slices.Contains(tapeOf(follower).applied(), "x") {
		t.Errorf("it is done: %v, %v; the machine has %q", done, err, tapeOf(follower).applied())
	}
	again, err := follower.BeginRead()
	if err != nil {
		t.Fatal(err)
	}
	f.until("a read of a machine that is up to date ends without its help", func() bool {
		done, _ := again.Poll()
		return done
	})
	follower.inbox.mu.Lock()
	defer follower.inbox.mu.Unlock()
	if open := follower.inbox.requests; open != (load{}) {
		t.Errorf("%d reads count as open", open.count)
	}
}

func TestAMachineThatIsFarBehindLetsAppendsWait(t *testing.T) {
	f, leader, follower := tapes(t, 3)
	big := strings.Repeat("x", MaxValue)
	for range maxUnappliedBytes/MaxValue + 1 {
		propose(t, leader, big)
		f.settle()
		leader.Work()
	}
	f.tick()
	if follower.applied != leader.applied {
		t.Fatalf("the follower is at %d of %d", follower.applied, leader.applied)
	}
	if _, err := follower.Propose(nil); !errors.Is(err, ErrBusy) {
		t.Errorf("an append ended with %v", err)
	}
	room := follower.inbox.whenRoom(1)
	if len(room) > 0 || !follower.applier.full.Load() {
		t.Error("there is room")
	}
	follower.Work()
	<-room // else this waits for ever
	p := propose(t, follower, "small")
	f.work()
	if _, done, err := p.Poll(); !done || err != nil {
		t.Errorf("an append afterwards: %v, %v", done, err)
	}
}

func TestALeaderWhoseMachineIsFarBehindTakesNothingOfOthers(t *testing.T) {
	f, leader, follower := tapes(t, 3)
	for range maxUnapplied {
		propose(t, follower, "")
	}
	f.until("all are committed", func() bool { return leader.Status().Applied == leader.core.Last().Index && leader.applier.full.Load() })
	s := spyOn(t, leader)
	hear(leader, follower.ID(), &wire.Proposals{Entries: [][]byte{newAppend(nil)}})
	if refused := taken[*wire.ProposalsRefused](s); len(refused) != 1 || refused[0].Reason != wire.Busy {
		t.Errorf("it says %v", refused)
	}
	leader.Work()
	hear(leader, follower.ID(), &wire.Proposals{Entries: [][]byte{newAppend(nil)}})
	if refused := taken[*wire.ProposalsRefused](s); len(refused) != 0 {
		t.Errorf("when it is up to date, it says %v", refused)
	}
}

func TestAMachineThatCannotGoOnStopsItsNodeAndNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		spring func(string) error
		why    string
	}{
		"it panics":        {func(string) error { panic("no sugar") }, "panic: no sugar, in engine.TestAMachine"},
		"it says so":       {func(string) error { return errSpring }, ": it sprang"},
		"it panics weakly": {func(string) error { panic(fmt.Errorf("%w", errSpring)) }, "panic: it sprang, in engine."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := startedTapes(t, 3)
				broken := f.nodes[0]
				before := len(tapeOf(broken).applied())
				tapeOf(broken).spring = c.spring
				var ends []error
				var all sync.WaitGroup
				var mu sync.Mutex
				for range 20 {
					all.Go(func() {
						_, _, err := broken.Do(t.Context(), []byte("x"))
						mu.Lock()
						defer mu.Unlock()
						ends = append(ends, err)
					})
				}
				all.Wait()
				for _, err := range ends {
					if !errors.Is(err, ErrMachine) && !errors.Is(err, ErrUncertain) {
						t.Errorf("an append ended with %v", err)
					}
				}
				synctest.Wait()
				s := broken.Status()
				if s.State != Stopped || !errors.Is(s.Problem, ErrMachine) || errors.Is(s.Problem, ErrInvariant) || !strings.Contains(s.Problem.Error(), c.why) {
					t.Errorf("it is %v: %v", s.State, s.Problem)
				}
				if !strings.Contains(s.Problem.Error(), "mend what applies") {
					t.Errorf("no hint in %v", s.Problem)
				}
				if _, err := broken.Propose(nil); !errors.Is(err, ErrMachine) {
					t.Errorf("a later append ended with %v", err)
				}
				if err := broken.Read(t.Context()); !errors.Is(err, ErrMachine) {
					t.Errorf("a later read ended with %v", err)
				}
				if got := len(tapeOf(broken).applied()); got != before {
					t.Errorf("it applied %d values afterwards", got-before)
				}
				if _, _, err := f.nodes[1].Do(t.Context(), []byte("y")); err != nil {
					t.Errorf("another node: %v", err)
				}
			})
		})
	}
}

func TestClosingWaitsForWhatIsBeingAppliedAndForNothingBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startedTapes(t, 3)
		n := f.nodes[0]
		m := tapeOf(n)
		before := len(m.applied())
		m.hold, m.entered = make(chan struct{}), make(chan struct{}, 1)
		var all []*Proposal
		for range 5 * applierChunk {
			all = append(all, propose(t, n, "x"))
		}
		<-m.entered
		synctest.Wait()
		var reading, closing sync.WaitGroup
		reading.Go(func() {
			if err := n.Read(t.Context()); !errors.Is(err, ErrClosed) {
				t.Errorf("a read that waited for the machine ended with %v", err)
			}
		})
		synctest.Wait()
		closed := false
		closing.Go(func() {
			_ = n.Close()
			closed = true
		})
		reading.Wait()
		synctest.Wait()
		if closed {
			t.Error("it is closed while something is being applied")
		}
		close(m.hold)
		closing.Wait()
		if got := len(m.applied()); got != before+1 {
			t.Errorf("%d values were applied after Close was called, want the one in hand", got-before)
		}
		for i, p := range all {
			_, err := p.Wait(t.Context())
			if i == 0 && err != nil || i > 0 && (!errors.Is(err, ErrUncertain) || !errors.Is(err, ErrClosed)) {
				t.Errorf("append %d ended with %v", i, err)
			}
		}
	})
}
