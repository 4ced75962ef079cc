package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// slow is the node of a flock whose state machine applies nothing until it is released.
const slow = 2

// behind are three nodes with homes and lists, of which one falls behind from now on.
func behind(t *testing.T, tune func(*Config)) (h *homes, leader, follower *Node) {
	t.Helper()
	h = newHomes(t, 3, func(c *Config) {
		c.TailBytes, c.Machine = 2000, &listMachine{}
		tune(c)
	})
	h.until("one leads", func() bool { return h.leader() != nil })
	for h.leader() == h.nodes[slow] {
		turnWith(h.leader(), func() { h.nodes[slow].step(raft.TransferLeadership{}) })
		h.until("another leads", func() bool { return h.leader() != nil })
	}
	h.append(h.nodes[slow], "from the slow one")
	h.level()
	h.blocked = map[int]bool{slow: true}
	return h, h.leader(), h.nodes[slow]
}

// level waits until all nodes have applied as much, whatever their machines do.
func (h *homes) level() {
	h.t.Helper()
	h.until("all have applied as much", func() bool {
		return !slices.ContainsFunc(h.nodes, func(n *Node) bool {
			return n.core == nil || n.applied != h.nodes[0].applied || n.core.Last().Index != n.applied
		})
	})
}

// release lets the slow machine go on, until it has what the leader's has.
func (h *homes) release(leader *Node) {
	h.t.Helper()
	h.blocked = nil
	h.level()
	h.until("the machine has caught up", func() bool { return len(listOf(h.nodes[slow])) == len(listOf(leader)) })
	if got, want := listOf(h.nodes[slow]), listOf(leader); !slices.Equal(got, want) {
		h.t.Fatalf("it applied %d values, and not the %d that the leader did", len(got), len(want))
	}
	if s := h.nodes[slow].Status(); s.MachineApplied != s.Applied || s.State != Member {
		h.t.Errorf("the machine of a %v is at %d of %d: %v", s.State, s.MachineApplied, s.Applied, s.Problem)
	}
}

// held is how many values, and how many bytes of them, a node has in memory for its readers and its
// state machine, and how much else waits for that.
func held(n *Node) (values load, others int) {
	for _, page := range append(slices.Clone(n.feed.pages), n.applier.items) {
		for _, item := range page {
			values.add(len(item.Value))
		}
	}
	a := n.applier
	return values, len(a.own) + len(a.tasks) + len(a.hand) + len(a.pending.own) + len(a.pending.tasks)
}

func TestWhatASlowMachineHasNotAppliedIsReadBackFromTheLog(t *testing.T) {
	h, leader, n := behind(t, func(c *Config) { c.CheckpointBytes = 1 << 30 })
	reached, term := n.Status().MachineApplied, leader.Status().Term
	const count = maxUnapplied + 5000
	for i := range count {
		p := propose(t, leader, number(i))
		if i%1000 == 0 {
			h.until("it is applied", func() bool { return len(p.ready) > 0 })
		}
	}
	h.level()
	s := n.Status()
	if s.Applied != leader.applied || s.MachineApplied != reached || !n.applier.full.Load() || n.applier.unapplied.count < count {
		t.Fatalf("it is at %d of %d, its machine at %d, with %+v before it", s.Applied, leader.applied, s.MachineApplied, n.applier.unapplied)
	}
	// What a reader would find in memory as well, by whole pages, and nothing beside.
	if values, others := held(n); values.count > 2*feedPage || others > 0 {
		t.Errorf("it holds %+v, and %d others", values, others)
	}
	if inMemory := n.core.Last().Index - n.applied + 1; n.feed.first < reached+maxUnapplied || inMemory > 1 {
		t.Errorf("in memory are the values from %d on; the machine is at %d", n.feed.first, reached)
	}
	if _, ok := n.core.Entry(raft.Position{Index: reached + 2000, Term: term}); ok {
		t.Error("the core has in memory what the machine has not applied")
	}
	h.release(leader)
	if n.applier.unapplied != (load{}) || n.applier.full.Load() {
		t.Errorf("%+v are counted as unapplied", n.applier.unapplied)
	}
	h.append(n, "afterwards")
}

// Where the log is in memory, it is what the values wait in.
func TestASlowMachineHoldsNoValuesBesideALogInMemory(t *testing.T) {
	f := &flock{t: t, ch: memory.New()}
	for i := range 3 {
		config := testConfig(string(rune('a'+i)), 3)
		config.Machine = &tape{}
		f.add(config)
	}
	leader, n := f.lead()
	f.work()
	const count = 3000
	for i := range count {
		propose(t, leader, number(i))
	}
	f.until("all are committed", func() bool { return n.applied == leader.core.Last().Index && n.applier.unapplied.count >= count })
	if _, others := held(n); others > 0 || len(n.applier.items) > 0 {
		t.Errorf("beside the feed it holds %d values and %d others", len(n.applier.items), others)
	}
	f.work()
	if got, want := tapeOf(n).applied(), values(leader); !slices.Equal(got, want) {
		t.Errorf("it applied %d values, want %d", len(got), len(want))
	}
}

func TestNothingIsLostWhenANodeDiesWhoseMachineIsBehind(t *testing.T) {
	h, leader, _ := behind(t, func(c *Config) { c.CheckpointBytes = 20_000 })
	h.appendMany(leader, 1500)
	for _, end := range []func(){func() { h.crash(slow) }, func() {
		if err := h.nodes[slow].Close(); err != nil {
			t.Fatal(err)
		}
	}} {
		end()
		h.start(slow) // as slow as before
		h.appendMany(leader, 1500)
		if n := h.nodes[slow]; n.Status().MachineApplied > 0 {
			t.Fatal("its machine is not behind")
		}
	}
	h.release(leader)
}

func TestADiskThatCannotBeReadForAWhileHoldsUpTheMachineAlone(t *testing.T) {
	h, leader, n := behind(t, func(c *Config) { c.CheckpointBytes = 1 << 30 })
	h.appendMany(leader, 1500)
	before := len(listOf(n))
	h.disks[slow].SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
		if o.Kind == vfs.OpRead {
			return errSpring
		}
		return nil
	}})
	h.blocked = nil
	for range 20 * n.config.Raft.HeartbeatTicks {
		h.tick()
	}
	if got := len(listOf(n)); got != before || n.Status().State != Member {
		t.Errorf("it applied %d values, and is a %v: %v", got-before, n.Status().State, n.Status().Problem)
	}
	h.append(leader, "meanwhile")
	h.until("the node has it", func() bool { return n.applied == leader.applied })
	h.disks[slow].SetFaults(vfs.Faults{})
	h.release(leader)
}

func TestWhatIsDamagedBeforeAMachineHasAppliedItComesFromTheOthers(t *testing.T) {
	h, leader, n := behind(t, func(c *Config) { c.CheckpointBytes = 1 << 30 })
	h.append(leader, "rotten")
	h.appendMany(leader, 1500)
	h.level()
	if h.rot(slow, "rotten") == 0 {
		t.Fatal("it is not where it is thought to be")
	}
	h.release(leader)
	if len(n.mending.wanted) > 0 {
		t.Errorf("damaged are %v", n.mending.wanted)
	}
}

func TestALogIsNotCompactedBeforeTheMachineHasAppliedIt(t *testing.T) {
	h, leader, n := behind(t, func(c *Config) { c.CheckpointBytes = 2000 })
	before := n.core.Status().Base
	h.appendMany(leader, 1500)
	h.level()
	if base := leader.core.Status().Base.Index; base < 500 {
		t.Fatalf("the leader's log begins behind %d", base)
	}
	if base := n.core.Status().Base; base != before {
		t.Errorf("the log begins behind %v, and the machine is at %d", base, n.Status().MachineApplied)
	}
	h.release(leader)
	h.until("the log is compacted", func() bool {
		h.append(n, "more")
		return n.core.Status().Base.Index > 500
	})
}

// overtake brings the slow node another snapshot.
func (h *homes) overtake(leader *Node) {
	h.t.Helper()
	n := h.nodes[slow]
	h.ch.Isolate(n.ID())
	h.until("its log begins behind what the other has", func() bool {
		h.append(leader, fmt.Sprintf("value %d", leader.applied))
		return leader.core.Status().Base.Index > n.applied
	})
	h.ch.Heal()
	h.level()
}

func TestAMachineThatIsSeveralSnapshotsBehindTakesTheNewest(t *testing.T) {
	h, leader, n := behind(t, func(c *Config) { c.CheckpointBytes = 600 })
	p := propose(t, n, "before all of them")
	h.until("it is committed", func() bool { return n.applier.unapplied.count > 0 })
	for range 3 {
		before := n.checkpoints.latest
		if h.overtake(leader); n.checkpoints.latest <= before {
			t.Fatal("it was sent the log, not a snapshot")
		}
	}
	restores := 0
	restore := n.applier.restore
	open := restore.open
	restore.open = func() (raft.Index, io.ReadCloser, error) { restores++; return open() }
	h.release(leader)
	if restores != 1 {
		t.Errorf("it restored %d snapshots", restores)
	}
	if _, done, err := p.Poll(); !done || !errors.Is(err, ErrUncertain) {
		t.Errorf("an append that the machine never saw ended with %v, %v", done, err)
	}
	if n.inbox.proposals != (load{}) || n.applier.unapplied != (load{}) {
		t.Errorf("open are %+v, unapplied %+v", n.inbox.proposals, n.applier.unapplied)
	}
	h.append(n, "afterwards")
}

// A snapshot may be removed before the machine comes to it, as there are two newer ones of
// which the core took neither, since those that sent them had ceased to lead.
func TestAMachineWhoseSnapshotIsGoneTakesOneThatTheTurnHasNotComeTo(t *testing.T) {
	h, leader, n := behind(t, func(c *Config) { c.CheckpointBytes = 600 })
	h.overtake(leader)
	h.ch.Isolate(n.ID())
	for range 2 {
		before, _ := leader.snapshots.Latest()
		h.until("there is another", func() bool {
			h.append(leader, fmt.Sprintf("value %d", leader.applied))
			latest, _ := leader.snapshots.Latest()
			return latest.Meta.Last.Index > before.Meta.Last.Index
		})
		latest, _ := leader.snapshots.Latest()
		r, err := leader.snapshots.Open(latest)
		if err != nil {
			t.Fatal(err)
		}
		b := make([]byte, latest.Size)
		if _, err := r.ReadRaw(b, 0); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		_ = r.Close()
		if _, err := n.snapshots.Import(bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
	}
	n.Work()
	n.Turn()
	latest, _ := n.snapshots.Latest()
	if s := n.Status(); n.applier.reached.Load() != uint64(latest.Meta.Last.Index) || s.State != Member || s.MachineApplied != s.Applied {
		t.Errorf("the machine of a %v is at %d of %d, the newest snapshot at %v: %v", s.State, s.MachineApplied, s.Applied, latest.Meta.Last, s.Problem)
	}
	h.ch.Heal()
	h.release(leader)
	h.append(n, "afterwards")
}
