package engine

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// A gate is what the syncs of a disk wait before while it is shut.
type gate struct {
	mu   sync.Mutex
	shut chan struct{}
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = make(chan struct{})
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.shut)
	g.shut = nil
}

func (g *gate) wait() {
	g.mu.Lock()
	shut := g.shut
	g.mu.Unlock()
	if shut != nil {
		<-shut
	}
}

// A hangingDir is a directory whose files are synced when the gate is open.
type hangingDir struct {
	vfs.Dir
	gate *gate
}

func (d hangingDir) Create(name string) (vfs.File, error) { return d.behindGate(d.Dir.Create(name)) }
func (d hangingDir) Open(name string) (vfs.File, error)   { return d.behindGate(d.Dir.Open(name)) }

func (d hangingDir) behindGate(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return hangingFile{f, d.gate}, nil
}

type hangingFile struct {
	vfs.File
	gate *gate
}

func (f hangingFile) Sync() error {
	f.gate.wait()
	return f.File.Sync()
}

// startedIn is nodes that run, each in a directory, and are a cluster.
func startedIn(t *testing.T, dirs ...vfs.Dir) (nodes []*Node) {
	t.Helper()
	ch := memory.New()
	for i, dir := range dirs {
		name := string(rune('a' + i))
		home, err := OpenHome(dir, HomeConfig{ID: raft.NodeID(name + "#1"), Cluster: "test", Size: len(dirs), Mark: [16]byte{byte(i + 1)}, SegmentBytes: 64 << 10})
		if err != nil {
			t.Fatal(err)
		}
		config := testConfig(name, len(dirs))
		config.ID, config.Home = home.ID(), home
		n, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Open(ch); err != nil {
			t.Fatal(err)
		}
		n.Start()
		nodes = append(nodes, n)
	}
	return nodes
}

// With two members the other cannot be elected without the vote of the one whose disk hangs,
// so the leader stays, and its heartbeats, and its ticks, can be watched for as long as one likes.
func TestTicksAndHeartbeatsDoNotWaitForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gates := []*gate{{}, {}}
		nodes := startedIn(t, hangingDir{vfs.NewDisk(), gates[0]}, hangingDir{vfs.NewDisk(), gates[1]})
		defer func() { _, _ = nodes[0].Close(), nodes[1].Close() }()
		electionMax := time.Duration(nodes[0].config.Raft.ElectionTicksMax) * testTick
		if _, err := propose(t, nodes[0], "before").Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(nodes, func(n *Node) bool { return n.Status().Role == raft.Leader })
		leader, follower := nodes[at], nodes[1-at]
		term := leader.Status().Term
		gates[at].close()
		p := propose(t, leader, "x")
		time.Sleep(50 * electionMax) // simulated
		if s := follower.Status(); s.Leader != leader.ID() || s.Term != term {
			t.Errorf("the follower of %s in term %d follows %q in term %d", leader.ID(), term, s.Leader, s.Term)
		}
		silent := time.Duration(0)
		for _, m := range leader.Status().Members {
			silent = max(silent, m.Silent)
		}
		if s := leader.Status(); s.Role != raft.Leader || silent > electionMax {
			t.Errorf("the node whose disk hangs is a %v that has heard nobody for %v", s.Role, silent)
		}
		if _, done, err := p.Poll(); done {
			t.Errorf("what only one disk has was acknowledged: %v", err)
		}
		gates[at].open()
		if _, err := p.Wait(t.Context()); err != nil {
			t.Errorf("the disk goes on, and the append does not: %v", err)
		}
	})
}

func TestALeaderWhoseDiskHangsHandsOverAndStandsNoMore(t *testing.T) {
	h := newHomes(t, 3, nil)
	h.until("one leads", func() bool { return h.leader() != nil })
	h.append(h.nodes[0], "before")
	h.agree()
	at := slices.Index(h.nodes, h.leader())
	hung := h.nodes[at]
	w := hung.Watch()
	defer w.Stop()
	h.storages[at].hung = true
	durable := hung.core.Status().Durable
	h.append(hung, "x") // the disks of the others are enough
	other := func() *Node {
		if l := h.leader(); l != hung {
			return l
		}
		return nil
	}
	h.until("another leads", func() bool { return other() != nil })
	_, term, _ := other().core.Leadership()
	h.append(other(), "y")
	if err := hung.Status().Problem; !errors.Is(err, ErrDiskHangs) {
		t.Errorf("its disk hangs, and it has handed over, and the problem is %v", err)
	}
	for range 20 * hung.config.Raft.ElectionTicksMax {
		h.tick()
		if role, now, _ := hung.core.Leadership(); role != raft.Follower || now != term {
			t.Fatalf("the node whose disk hangs is a %v in term %d", role, now)
		}
	}
	for _, p := range other().core.Status().Peers {
		if p.ID == hung.ID() && p.Match > durable {
			t.Errorf("%d is acknowledged, and %d durable", p.Match, durable)
		}
	}
	if now := hung.Status().Problem; !errors.Is(now, ErrDiskHangs) || !strings.Contains(now.Error(), hung.ticks(hung.core.DiskTicks()).String()) {
		t.Errorf("its disk hangs for %v, and the problem is %v", hung.ticks(hung.core.DiskTicks()), now)
	}
	if s := other().Status(); s.Problem != nil {
		t.Errorf("the problem of another is %v", s.Problem)
	}
	if got := problemsTold(w); !slices.Equal(got, []string{"found"}) {
		t.Errorf("watchers are told %v", got)
	}
	h.storages[at].hung = false
	if got, want := h.agree(), []string{"before", "x", "y"}; !slices.Equal(got, want) {
		t.Errorf("they have %v, want %v", got, want)
	}
	if err := hung.Status().Problem; err != nil {
		t.Errorf("its disk goes on, and the problem is %v", err)
	}
}
