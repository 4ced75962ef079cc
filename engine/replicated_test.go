package engine

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wire"
)

// An oddList is a list that writes its snapshots in ways of its own.
type oddList struct {
	listMachine
	// mark is written in front of the list.
	mark string
	// write, if not nil, comes first, restoreErr is what Restore ends with.
	write      func()
	restoreErr error
	// snapshotErr and writeErr are what Snapshot, and what it returns, end with.
	snapshotErr, writeErr error
}

func (m *oddList) Snapshot() (func(io.Writer) error, error) {
	list, err := m.listMachine.Snapshot()
	return func(w io.Writer) error {
		if m.write != nil {
			m.write()
		}
		_, err := io.WriteString(w, m.mark)
		return errors.Join(err, list(w), m.writeErr)
	}, errors.Join(err, m.snapshotErr)
}

func (m *oddList) Restore(r io.Reader) error {
	_, err := io.ReadFull(r, make([]byte, len(m.mark)))
	return errors.Join(err, m.restoreErr, m.listMachine.Restore(r))
}

func (m *oddList) list() []string { return m.values }

func oddOf(n *Node) *oddList { return n.applier.machine.(*oddList) }

// withOddLists are nodes with homes whose lists are as a test says, by the nodes' names.
func withOddLists(t *testing.T, size int, odd func(name string) *oddList) *homes {
	t.Helper()
	h := newHomes(t, size, func(c *Config) {
		c.CheckpointBytes, c.TailBytes = 600, 64
		name, _, _ := strings.Cut(string(c.ID), "#")
		c.Machine = odd(name)
	})
	h.until("one leads", func() bool { return h.leader() != nil })
	return h
}

// fill appends until something is so.
func (h *homes) fill(n *Node, what string, isSo func() bool) {
	h.t.Helper()
	for i := 0; !isSo(); i++ {
		if i == 500 {
			h.t.Fatalf("it never came to it that %s", what)
		}
		h.append(n, fmt.Sprintf("fill %d", i))
	}
}

func TestTheStateComesBackFromASnapshotAndTheLogWithTheResultsThatFollow(t *testing.T) {
	h := withOddLists(t, 3, func(string) *oddList { return &oddList{} })
	var want []string
	add := func(i int) {
		t.Helper()
		want = append(want, fmt.Sprint(i))
		p := propose(t, h.nodes[i%3], want[len(want)-1])
		h.until("it is applied", func() bool { return len(p.ready) > 0 })
		if p.err != nil || p.outcome != len(want) {
			t.Fatalf("the result of %d is %v, %v, want %d", i, p.outcome, p.err, len(want))
		}
	}
	for i := range 60 {
		add(i)
	}
	for round, down := range [][]int{{0}, {1}, {2}, {0, 1, 2}} {
		for _, i := range down {
			h.crash(i)
		}
		for _, i := range down {
			if h.start(i); h.nodes[i].checkpoints.latest == 0 {
				t.Fatal("it begins without a snapshot")
			}
		}
		for i := range 6 {
			add(100*(round+1) + i)
		}
	}
	for _, n := range h.nodes {
		h.until("it has everything, once", func() bool { return slices.Equal(oddOf(n).list(), want) })
	}
}

func TestAFollowerThatIsFarBehindGetsTheStateOfTheMachine(t *testing.T) {
	h := withOddLists(t, 3, func(string) *oddList { return &oddList{} })
	h.append(h.nodes[2], "first")
	h.crash(2)
	leader := h.leader()
	h.fill(leader, "its log begins behind what the other has", func() bool { return leader.core.Status().Base.Index > 30 })
	n := h.start(2)
	h.until("it has caught up", func() bool { return slices.Equal(oddOf(n).list(), oddOf(leader).list()) })
	if n.core.Status().Base.Index <= 30 {
		t.Error("it was sent the log, not a snapshot")
	}
	h.append(n, "after")
}

func TestASnapshotThatIsBeingWrittenHoldsUpNoValue(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	blocks := func() {
		begun <- struct{}{}
		<-release
	}
	h := withOddLists(t, 1, func(string) *oddList { return &oddList{write: blocks} })
	n := h.nodes[0]
	// The job runs beside the test, which says when it may end.
	background := &besides{handStorage: h.storages[0]}
	n.config.Storage = background
	h.fill(n, "a snapshot is being written", func() bool { return n.checkpoints.taking })
	<-begun
	before := len(oddOf(n).list())
	for i := range 20 {
		h.append(n, fmt.Sprint("meanwhile ", i))
	}
	if got := len(oddOf(n).list()); got != before+20 || n.checkpoints.latest != 0 {
		t.Errorf("%d values were applied meanwhile, and the snapshot is at %d", got-before, n.checkpoints.latest)
	}
	close(release)
	<-background.ended
	oddOf(n).write, blocks = nil, nil
	h.until("the snapshot is there", func() bool { return n.checkpoints.latest > 0 })
	n.Work()
	h.crash(0)
	n = h.start(0)
	h.until("the state is what it was", func() bool { return len(oddOf(n).list()) == before+20 })
}

// besides runs the first snapshot that is written beside the test.
type besides struct {
	*handStorage
	ended chan struct{}
}

func (s *besides) Do(lane Lane, job func()) {
	if lane != SnapshotLane || s.ended != nil {
		s.handStorage.Do(lane, job)
		return
	}
	s.ended = make(chan struct{})
	go func() {
		defer close(s.ended)
		job()
	}()
}

func TestANodeWhoseStateIsNotThatOfTheOthersStops(t *testing.T) {
	h := withOddLists(t, 3, func(name string) *oddList {
		return &oddList{mark: map[bool]string{true: "odd", false: "all"}[name == "b"]}
	})
	h.fill(h.nodes[0], "the odd one has stopped", func() bool { return h.nodes[1].Status().State == Stopped })
	if s := h.nodes[1].Status(); !errors.Is(s.Problem, ErrDiverged) {
		t.Errorf("it stopped with %v", s.Problem)
	}
	for _, i := range []int{0, 2} {
		h.append(h.nodes[i], "after")
		if s := h.nodes[i].Status(); s.State != Member {
			t.Errorf("%d is %v: %v", i, s.State, s.Problem)
		}
	}
}

func TestThatStatesDifferIsOverWhenMostAgreeAgain(t *testing.T) {
	f, leader, follower := leads(t, 3)
	third := f.other(leader, follower).ID()
	leader.compareState(5, 1)
	hear(leader, follower.ID(), &wire.StateHash{Index: 5, Hash: 2})
	if err := leader.Status().Problem; !errors.Is(err, ErrDiverged) {
		t.Fatalf("the problem is %v", err)
	}
	leader.compareState(9, 3)
	hear(leader, third, &wire.StateHash{Index: 5, Hash: 1})
	if err := leader.Status().Problem; !errors.Is(err, ErrDiverged) {
		t.Fatalf("nobody has said what it has now, and the problem is %v", err)
	}
	hear(leader, third, &wire.StateHash{Index: 9, Hash: 3})
	if err := leader.Status().Problem; err != nil {
		t.Errorf("two of three have one state, and the problem is %v", err)
	}
}

func TestNodesOfWhichEachHasAnotherStateGoOnAndSaySo(t *testing.T) {
	h := withOddLists(t, 3, func(name string) *oddList { return &oddList{mark: name} })
	h.fill(h.nodes[0], "all say so", func() bool {
		return !slices.ContainsFunc(h.nodes, func(n *Node) bool { return !errors.Is(n.Status().Problem, ErrDiverged) })
	})
	for _, n := range h.nodes {
		if n.Status().State != Member {
			t.Errorf("%s is %v", n.ID(), n.Status().State)
		}
		h.append(n, "after")
	}
}

func TestAPanicWhileASnapshotIsWrittenIsTheNodesEndAndTheMachinesFault(t *testing.T) {
	h := withOddLists(t, 3, func(name string) *oddList {
		m := &oddList{}
		if name == "c" {
			m.write = func() { panic("it sprang") }
		}
		return m
	})
	h.fill(h.nodes[0], "it has stopped", func() bool { return h.nodes[2].Status().State == Stopped })
	if s := h.nodes[2].Status(); !errors.Is(s.Problem, ErrMachine) || !strings.Contains(s.Problem.Error(), "it sprang") {
		t.Errorf("it stopped with %v", s.Problem)
	}
	h.append(h.nodes[0], "after")
}

func TestAMachineThatCannotMakeASnapshotIsToBlameAndItsNodeGoesOn(t *testing.T) {
	full := func(o vfs.Op) error {
		if o.Kind == vfs.OpWrite && strings.HasPrefix(o.Name, "snapshot-") && o.Offset > 4096 { // behind the header
			return vfs.ErrFull
		}
		return nil
	}
	for name, c := range map[string]struct {
		odd    *oddList
		faults vfs.Faults
		blamed error
	}{
		"Snapshot fails":   {&oddList{snapshotErr: errSpring}, vfs.Faults{}, ErrMachine},
		"writing it fails": {&oddList{writeErr: errSpring}, vfs.Faults{}, ErrMachine},
		"the disk is full": {&oddList{mark: strings.Repeat("x", 1<<20)}, vfs.Faults{Fail: full}, ErrDiskFull},
	} {
		t.Run(name, func(t *testing.T) {
			h := withOddLists(t, 1, func(string) *oddList { return c.odd })
			n := h.nodes[0]
			h.disks[0].SetFaults(c.faults)
			h.fill(n, "it says so", func() bool { return n.Status().Problem != nil })
			for _, of := range []error{ErrMachine, ErrDisk, ErrDiskFull} {
				if err := n.Status().Problem; errors.Is(err, of) != errors.Is(of, c.blamed) {
					t.Errorf("of %v it says %v", of, err)
				}
			}
			if errors.Is(c.blamed, ErrMachine) {
				hint := "mend what makes snapshots"
				if err := n.Status().Problem; !errors.Is(err, errSpring) || !strings.Contains(err.Error(), hint) {
					t.Errorf("it says %v", err)
				}
			}
			c.odd.snapshotErr, c.odd.writeErr = nil, nil
			h.disks[0].SetFaults(vfs.Faults{})
			h.fill(n, "there is a snapshot", func() bool { return len(n.snapshots.List()) > 0 })
			want := slices.Clone(oddOf(n).list())
			h.crash(0)
			c.odd.values = nil
			n = h.start(0)
			h.until("it has everything again", func() bool { return slices.Equal(oddOf(n).list(), want) })
		})
	}
}

func TestAMachineThatCannotRestoreItsStateIsTheNodesEndAndItsFault(t *testing.T) {
	var broken error
	h := withOddLists(t, 3, func(string) *oddList { return &oddList{restoreErr: broken} })
	h.fill(h.nodes[0], "there is a snapshot", func() bool { return h.nodes[1].checkpoints.latest > 0 })
	h.crash(1)
	broken = errSpring
	n := h.start(1)
	h.until("it has stopped", func() bool { return n.Status().State == Stopped })
	if s := n.Status(); !errors.Is(s.Problem, ErrMachine) || errors.Is(s.Problem, ErrDisk) || !errors.Is(s.Problem, errSpring) {
		t.Errorf("it stopped with %v", s.Problem)
	}
}

// atOnce is the storage of a node in memory whose jobs are done when they are given.
type atOnce struct{ inMemory }

func (atOnce) Do(_ Lane, job func()) { job() }

func TestTheLogOfAMachineInMemoryDoesNotGrowForEver(t *testing.T) {
	f := &flock{t: t, ch: memory.New()}
	for i := range 3 {
		config := testConfig(string(rune('a'+i)), 3)
		config.Machine, config.CheckpointBytes = &tape{}, 600
		config.Storage = atOnce{inMemory{&lanesRun{}}}
		f.add(config)
	}
	leader, _ := f.lead()
	for i := range 400 {
		p := propose(t, leader, fmt.Sprintf("value %d", i))
		f.until("it is applied", func() bool {
			f.work()
			return len(p.ready) > 0
		})
	}
	f.work()
	for _, n := range f.nodes {
		if base := n.core.Status().Base.Index; base < 50 {
			t.Errorf("%s has applied %d, and its log begins behind %d", n.ID(), n.applied, base)
		}
	}
}
