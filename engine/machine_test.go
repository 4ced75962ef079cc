package engine

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
)

// captured takes what a capture says.
type captured struct {
	write func(io.Writer) error
	err   error
	times int
}

func (c *captured) done(write func(io.Writer) error, err error) {
	c.write, c.err = write, err
	c.times++
}

func (c *captured) bytes(t *testing.T) string {
	t.Helper()
	if c.err != nil || c.times != 1 {
		t.Fatalf("it was captured %d times: %v", c.times, c.err)
	}
	var b strings.Builder
	if err := c.write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// turnWith does something in a turn, behind what the machine was handed before it.
func turnWith(n *Node, task func()) {
	_ = n.do(task)
	n.Turn()
}

func TestAStateIsCapturedAsItIsBetweenTwoValues(t *testing.T) {
	f, leader, _ := tapes(t, 1)
	before := len(tapeOf(leader).applied())
	var c captured
	propose(t, leader, "in it")
	f.settle()
	turnWith(leader, func() { leader.applier.capture(leader.applied, c.done) })
	propose(t, leader, "not in it")
	f.work()
	if got := len(tapeOf(leader).applied()); got != before+2 {
		t.Errorf("%d values were applied, want 2", got-before)
	}
	if got := c.bytes(t); !strings.HasSuffix(got, "\nin it") {
		t.Errorf("the state captured is %q", got)
	}
}

func TestARestoredStateTakesThePlaceOfTheOldAndTheLogGoesOnFromThere(t *testing.T) {
	f, leader, _ := tapes(t, 1)
	propose(t, leader, "replaced")
	f.settle()
	closed := false
	turnWith(leader, func() {
		at := leader.applied
		leader.applier.restoreFrom(at, func() (raft.Index, io.ReadCloser, error) {
			return at, closer{strings.NewReader("one\ntwo"), &closed}, nil
		})
	})
	p := propose(t, leader, "three")
	f.work()
	if want := []string{"one", "two", "three"}; !slices.Equal(tapeOf(leader).applied(), want) || p.Result() != "3 three" {
		t.Errorf("the state is %q, the result %q", tapeOf(leader).applied(), p.Result())
	}
	if !closed {
		t.Error("it was not closed")
	}
	if s := leader.Status(); s.MachineApplied != s.Applied {
		t.Errorf("the machine is at %d of %d", s.MachineApplied, s.Applied)
	}
}

type closer struct {
	io.Reader
	closed *bool
}

func (c closer) Close() error {
	*c.closed = true
	return nil
}

func TestANodeWhoseStateCannotBeRestoredStops(t *testing.T) {
	type opener = func() (raft.Index, io.ReadCloser, error)
	failing := func() (raft.Index, io.ReadCloser, error) { return 0, nil, errSpring }
	broken := func() (raft.Index, io.ReadCloser, error) { return 1, closer{strings.NewReader(""), new(bool)}, nil }
	panicking := func() (raft.Index, io.ReadCloser, error) { panic(errSpring.Error()) }
	for name, open := range map[string]opener{"not opened": failing, "not read": broken, "panics": panicking} {
		_, leader, _ := tapes(t, 1)
		tapeOf(leader).restoreErr = errSpring
		before := leader.Status().MachineApplied
		turnWith(leader, func() { leader.applier.restoreFrom(leader.applied+1, open) })
		p := propose(t, leader, "x")
		leader.Turn()
		leader.Work()
		leader.Turn()
		if s := leader.Status(); s.State != Stopped || !errors.Is(s.Problem, ErrMachine) || !strings.Contains(s.Problem.Error(), errSpring.Error()) || s.MachineApplied != before {
			t.Errorf("%s: it is %v: %v, at %d", name, s.State, s.Problem, s.MachineApplied)
		}
		if _, done, err := p.Poll(); !done || !errors.Is(err, ErrUncertain) || !errors.Is(err, ErrMachine) {
			t.Errorf("%s: the append behind it ended with %v, %v", name, done, err)
		}
	}
}

func TestANodeGoesOnWhenItsStateCannotBeCapturedUnlessThatPanics(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want State
	}{
		"fails":  {errors.New("not now"), Member},
		"panics": {errSpring, Stopped},
	} {
		f, leader, _ := tapes(t, 1)
		tapeOf(leader).snapshotErr = c.err
		var got captured
		turnWith(leader, func() { leader.applier.capture(leader.applied, got.done) })
		f.work()
		if s := leader.Status(); s.Problem != nil && !strings.Contains(s.Problem.Error(), fmt.Sprintf("its snapshot at %d: panic", s.Applied)) {
			t.Errorf("%s: the problem is %v", name, s.Problem)
		}
		if got.err == nil || got.times != 1 || leader.Status().State != c.want {
			t.Errorf("%s: it ended with %v, and the node is %v", name, got.err, leader.Status().State)
		}
	}
}

func TestWhatWaitsForTheMachineIsToldWhenTheNodeCloses(t *testing.T) {
	_, leader, _ := tapes(t, 1)
	propose(t, leader, "x")
	leader.Turn()
	var c captured
	opened := false
	turnWith(leader, func() {
		leader.applier.capture(leader.applied, c.done)
		leader.applier.restoreFrom(leader.applied, func() (raft.Index, io.ReadCloser, error) {
			opened = true
			return 0, nil, nil
		})
	})
	if err := leader.Close(); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(c.err, ErrClosed) || c.times != 1 || opened {
		t.Errorf("captured: %v, %d times; opened: %v", c.err, c.times, opened)
	}
	before := len(tapeOf(leader).applied())
	leader.Work()
	if got := len(tapeOf(leader).applied()); got != before {
		t.Errorf("%d values were applied after closing", got-before)
	}
}

func TestAPlainLogHasNoMachine(t *testing.T) {
	_, leader, _ := leads(t, 1)
	leader.Work() // harmless
	p := propose(t, leader, "x")
	leader.Turn()
	item, _, err := p.Poll()
	if outcome := p.Result(); outcome != nil || err != nil || item.Index == 0 {
		t.Errorf("the result is %v, %v, %v", item, outcome, err)
	}
	if s := leader.Status(); s.MachineApplied != 0 {
		t.Errorf("its machine is at %d", s.MachineApplied)
	}
}

func TestAMachineKeepsUpWithEntriesThatAreNoValues(t *testing.T) {
	f := &flock{t: t, ch: memory.New()}
	config := testConfig("a", 1)
	config.Machine = &tape{}
	n := f.add(config)
	f.until("it leads, and has an entry of its own", func() bool { return n.Status().Applied > 1 })
	n.Work()
	if s := n.Status(); s.MachineApplied != s.Applied || len(tapeOf(n).applied()) > 0 {
		t.Errorf("the machine is at %d of %d, with %q", s.MachineApplied, s.Applied, tapeOf(n).applied())
	}
}

// A snapshot comes while the machine is at work on a page of values: what is left of that, and
// a snapshot that was to be taken in it, count no more.
func TestARestoredStateTakesThePlaceOfValuesThatWereTakenAlready(t *testing.T) {
	f, leader, _ := tapes(t, 1)
	m := tapeOf(leader)
	for i := range 5 * applierChunk {
		propose(t, leader, number(i))
	}
	var c captured
	f.until("all are committed", func() bool { return leader.applier.unapplied.count == 5*applierChunk })
	at := leader.applied
	m.spring = func(value string) error {
		if value == number(3) {
			turnWith(leader, func() {
				leader.applier.capture(at-1, c.done)
				leader.applier.restoreFrom(at, func() (raft.Index, io.ReadCloser, error) {
					return at, closer{strings.NewReader("restored"), new(bool)}, nil
				})
			})
		}
		return nil
	}
	leader.Work()
	m.spring = nil
	propose(t, leader, "after")
	f.work()
	if got, want := m.applied(), []string{"restored", "after"}; !slices.Equal(got, want) {
		t.Errorf("the state is %q, want %q", got, want)
	}
	if !errors.Is(c.err, snapshot.ErrObsolete) || c.times != 1 {
		t.Errorf("a snapshot that was to be taken ended with %v, %d times", c.err, c.times)
	}
	if u := leader.applier.unapplied; u != (load{}) {
		t.Errorf("%+v are counted as unapplied", u)
	}
}
