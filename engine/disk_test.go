package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wire"
)

// diskOn is the storage of a node that has just begun its log on a disk in memory.
func diskOn(t *testing.T, d *vfs.Disk) *disk {
	t.Helper()
	home, err := OpenHome(d, HomeConfig{ID: "a#1", Cluster: "test", Size: 1, Mark: [16]byte{1}, SegmentBytes: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	saved, err := raft.Found([]raft.NodeID{"a#1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := home.begin(saved); err != nil {
		t.Fatal(err)
	}
	s := newDisk(home)
	t.Cleanup(func() {
		_ = s.Close()
		_ = home.Close()
	})
	return s
}

// entryWrite is a write of one entry.
func entryWrite(number uint64, size int) *raft.Write {
	return &raft.Write{Number: number, Entries: [][]raft.Entry{{{Index: raft.Index(number + 1), Term: 1, Data: make([]byte, size)}}}}
}

func TestWritesThatWaitForADiskShareASync(t *testing.T) {
	d := vfs.NewDisk()
	s := diskOn(t, d)
	var (
		syncs atomic.Uint64
		file  atomic.Pointer[string]
	)
	begun, goOn := make(chan bool), make(chan bool)
	d.SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
		if o.Kind != vfs.OpSync {
			return nil
		}
		if file.CompareAndSwap(nil, &o.Name) {
			begun <- true
			<-goOn
		}
		if o.Name == *file.Load() { // a segment may be made meanwhile
			syncs.Add(1)
		}
		return nil
	}})
	var last atomic.Uint64
	written := make(chan bool, 100)
	done := func(number uint64, err error) {
		if err != nil {
			t.Error(err)
		}
		last.Store(number)
		written <- true
	}
	s.Write(entryWrite(1, 10), done)
	<-begun
	for i := uint64(2); i <= 50; i++ {
		if s.Write(entryWrite(i, 10), done) {
			t.Fatal("it is durable at once")
		}
	}
	close(goOn)
	<-written
	<-written
	if last.Load() != 50 || syncs.Load() != 2 {
		t.Errorf("write %d is durable after %d syncs", last.Load(), syncs.Load())
	}
}

func TestAFullDiskIsTriedAgainUntilThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := vfs.NewDisk()
		s := diskOn(t, d)
		free, err := d.Free()
		if err != nil {
			t.Fatal(err)
		}
		used := int64(1<<63-1) - free
		d.SetFaults(vfs.Faults{Quota: used + 1000})
		var full, durable atomic.Uint64
		done := func(number uint64, err error) {
			switch {
			case err == nil:
				durable.Store(number)
			case !errors.Is(err, ErrDiskFull):
				t.Error(err)
			default:
				full.Add(1)
			}
		}
		for i := uint64(1); i <= 3; i++ {
			s.Write(entryWrite(i, 30<<10), done)
			synctest.Wait()
		}
		if full.Load() != 1 || durable.Load() == 3 {
			t.Fatalf("write %d is durable, it was said %d times that there is no room", durable.Load(), full.Load())
		}
		time.Sleep(5 * fullRetry) // simulated
		synctest.Wait()
		if full.Load() < 3 {
			t.Fatalf("it was tried %d times", full.Load())
		}
		d.SetFaults(vfs.Faults{})
		time.Sleep(2 * fullRetry)
		synctest.Wait()
		if durable.Load() != 3 {
			t.Fatalf("there is room, and write %d is durable", durable.Load())
		}
	})
}

func TestADiskThatFailsIsNotAskedAgain(t *testing.T) {
	d := vfs.NewDisk()
	s := diskOn(t, d)
	d.SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
		if o.Kind == vfs.OpSync {
			return errors.New("an error of the medium")
		}
		return nil
	}})
	ended := make(chan error, 10)
	s.Write(entryWrite(1, 10), func(_ uint64, err error) { ended <- err })
	if err := <-ended; !errors.Is(err, ErrDisk) {
		t.Fatalf("it ends with %v", err)
	}
	d.SetFaults(vfs.Faults{})
	s.Write(entryWrite(2, 10), func(uint64, error) { t.Error("it was written though a sync had failed") })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAPanicInTheLogIsAFailureOfTheDisk(t *testing.T) {
	s := diskOn(t, vfs.NewDisk())
	ended := make(chan error, 1)
	s.Write(nil, func(_ uint64, err error) { ended <- err })
	if err := <-ended; !errors.Is(err, ErrDisk) {
		t.Errorf("it ends with %v", err)
	}
}

// A node may be held up for longer than a disk is full.
func TestADiskThatIsFullNoMoreIsNotCalledFull(t *testing.T) {
	h := newHomes(t, 3, nil)
	h.until("one leads", func() bool { return h.leader() != nil })
	n := h.leader()
	full := func() { n.writeDurable(0, fmt.Errorf("%w: %w", ErrDiskFull, vfs.ErrFull)) }
	room := func() { n.writeDurable(1, nil) }
	for _, c := range []struct {
		name  string
		words []func()
		want  bool
	}{
		{"full", []func(){full}, true},
		{"room and full", []func(){room, full}, true},
		{"full and room", []func(){full, room}, false},
	} {
		for _, word := range c.words {
			word()
		}
		n.Turn()
		if s := n.Status(); s.DiskFull != c.want || errors.Is(s.Problem, ErrDiskFull) != c.want {
			t.Errorf("%s: it is full: %v, and its problem %v", c.name, s.DiskFull, s.Problem)
		}
	}
}

func TestANodeStopsWhenItsDiskFails(t *testing.T) {
	h := newHomes(t, 3, nil)
	h.until("one leads", func() bool { return h.leader() != nil })
	n := h.leader()
	at := 0
	for i := range h.nodes {
		if h.nodes[i] == n {
			at = i
		}
	}
	p := propose(t, n, "x")
	h.disks[at].SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
		if o.Kind == vfs.OpSync {
			return errors.New("an error of the medium")
		}
		return nil
	}})
	h.until("it stops", func() bool { return n.Status().State == Stopped })
	if s := n.Status(); !errors.Is(s.Problem, ErrDisk) || len(p.ready) == 0 {
		t.Errorf("it says %v", s.Problem)
	}
	_ = n.Close()
	h.nodes[at] = nil
	h.until("the others go on", func() bool { return h.leader() != nil })
	h.append(h.leader(), "y")
	h.disks[at].SetFaults(vfs.Faults{})
	h.disks[at].Crash(h.random.IntN)
	back := h.start(at)
	h.append(back, "z")
	got := h.agree()
	if got[len(got)-1] != "z" || got[len(got)-2] != "y" {
		t.Errorf("they have %v", got)
	}
}

func TestASnapshotThatDoesNotFitIsNoDiskThatFailed(t *testing.T) {
	h := newHomes(t, 1, func(c *Config) { c.CheckpointBytes = 2000 })
	h.until("it leads", func() bool { return h.leader() != nil })
	n := h.nodes[0]
	h.disks[0].SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
		if o.Kind == vfs.OpCreate && strings.HasPrefix(o.Name, "snapshot-") {
			return vfs.ErrFull
		}
		return nil
	}})
	w := n.Watch()
	defer w.Stop()
	h.appendMany(n, 200)
	h.until("it says so", func() bool { return n.Status().Problem != nil })
	if err := n.Status().Problem; !errors.Is(err, ErrDiskFull) || errors.Is(err, ErrDisk) {
		t.Errorf("it says %v", err)
	}
	h.appendMany(n, 200)
	if got := problemsTold(w); !slices.Equal(got, []string{"found"}) {
		t.Errorf("while there is no room, watchers are told: %v", got)
	}
	h.disks[0].SetFaults(vfs.Faults{})
	h.appendMany(n, 200)
	h.until("there is a snapshot", func() bool { return len(n.snapshots.List()) > 0 })
	if err := n.Status().Problem; err != nil {
		t.Errorf("there is room, and the problem %v", err)
	}
	if got := problemsTold(w); !slices.Equal(got, []string{"solved"}) {
		t.Errorf("when there is room, watchers are told: %v", got)
	}
}

// A standby writes its first log when the leader is first heard. That its disk fails then is
// no broken invariant.
func TestADiskThatFailsWhenAStandbyGetsItsLogIsToBlame(t *testing.T) {
	h := newHomes(t, 1, nil)
	h.until("it leads", func() bool { return h.leader() != nil })
	h.disks = append(h.disks, vfs.NewDisk())
	h.nodes, h.storages = append(h.nodes, nil), append(h.storages, nil)
	standby := h.start(1)
	h.until("it stands by", func() bool { return standby.Status().State == Standby })
	h.disks[1].SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
		if o.Kind == vfs.OpSync {
			return errors.New("an error of the medium")
		}
		return nil
	}})
	leader := h.leader()
	term := leader.core.Status().Term
	heartbeat := &raft.Message{From: leader.ID(), To: standby.ID(), Term: term, Body: &raft.Heartbeat{Session: 1}}
	_ = standby.do(func() {
		standby.receive(&wire.Frame{Cluster: leader.cluster, From: leader.ID(), To: standby.ID(), Messages: []any{heartbeat}})
	})
	h.until("it has tried", func() bool { return standby.Status().State == Stopped })
	if s := standby.Status(); s.State != Stopped || !errors.Is(s.Problem, ErrDisk) || errors.Is(s.Problem, ErrInvariant) {
		t.Errorf("it is a %v: %v", s.State, s.Problem)
	}
}
