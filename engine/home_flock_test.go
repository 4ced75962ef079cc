package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// A handStorage is the storage of a node with a home, which works when a test says so.
type handStorage struct {
	home   *Home
	writes []*raft.Write
	done   func(uint64, error)
	jobs   []func()
	// hung keeps writes waiting, held everything; full does so with writes until the next tick.
	hung, held, full bool
}

func (s *handStorage) Write(w *raft.Write, done func(uint64, error)) bool {
	s.writes, s.done = append(s.writes, w), done
	return false
}

func (s *handStorage) Do(_ Lane, job func()) { s.jobs = append(s.jobs, job) }
func (s *handStorage) Close() error          { return nil }

// work does what waits, and reports whether there was anything.
func (s *handStorage) work() bool {
	if s.held {
		return false
	}
	jobs, writes := s.jobs, s.writes
	if s.jobs = nil; s.hung || s.full {
		writes = nil
	} else {
		s.writes = nil
	}
	for _, job := range jobs {
		job()
	}
	if len(writes) == 0 {
		return len(jobs) > 0
	}
	if err := s.home.log.Append(writes); errors.Is(err, vfs.ErrFull) {
		s.writes, s.full = append(writes, s.writes...), true
		s.done(0, fmt.Errorf("%w: %w", ErrDiskFull, err))
		return len(jobs) > 0
	} else if err != nil {
		s.done(0, fmt.Errorf("%w: %w", ErrDisk, err))
	} else {
		s.done(writes[len(writes)-1].Number, nil)
	}
	return true
}

// homes is a flock whose nodes have homes, on disks that outlive them.
type homes struct {
	*flock
	disks []*vfs.Disk
	// size is that of the cluster; nodes beyond it are standbys.
	size     int
	storages []*handStorage
	// tune changes the configuration of a node before it is made.
	tune   func(*Config)
	random *rand.Rand
	births int
	// blocked are the nodes whose state machines do nothing.
	blocked map[int]bool
	// sparse: nobody wants what a snapshot stands for.
	sparse bool
}

func newHomes(t testing.TB, size int, tune func(*Config)) *homes {
	t.Helper()
	h := emptyHomes(t, size, tune)
	for i := range size {
		h.start(i)
	}
	return h
}

// emptyHomes are disks for nodes that are still to be started.
func emptyHomes(t testing.TB, size int, tune func(*Config)) *homes {
	h := &homes{flock: &flock{t: t, ch: memory.New()}, size: size, tune: tune, random: rand.New(rand.NewPCG(1, 2))}
	for range size {
		h.addDisk()
	}
	return h
}

// addDisk adds a disk for another node.
func (h *homes) addDisk() {
	h.disks = append(h.disks, vfs.NewDisk())
	h.nodes, h.storages = append(h.nodes, nil), append(h.storages, nil)
}

// start starts a node in its home.
func (h *homes) start(i int) *Node {
	h.t.Helper()
	n, err := h.tryStart(i)
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

func (h *homes) tryStart(i int) (*Node, error) {
	h.births++
	name := string(rune('a' + i))
	home, err := OpenHome(h.disks[i], HomeConfig{
		ID: raft.NodeID(fmt.Sprintf("%s#%d", name, h.births)), Name: name, Cluster: "test", Size: h.size,
		Mark: [16]byte{byte(h.births)}, Whole: !h.sparse, SegmentBytes: 16 << 10,
	})
	if err != nil {
		return nil, err
	}
	config := testConfig(name, h.size)
	config.ID, config.Home, config.Nonce = home.ID(), home, uint64(h.births)
	config.Raft.Seed = uint64(h.births)
	h.storages[i] = &handStorage{home: home}
	config.Storage = h.storages[i]
	if h.tune != nil {
		h.tune(&config)
	}
	n, err := New(config)
	if err != nil {
		return nil, err
	}
	if err := n.Open(h.ch); err != nil {
		return nil, err
	}
	h.t.Cleanup(func() { _ = n.Close() })
	h.nodes[i] = n
	return n, nil
}

// crash takes a node's power away. Of what its disk had not synced, chance decides.
func (h *homes) crash(i int) {
	h.disks[i].PowerOff()
	_ = h.nodes[i].Close() // all that it could do was done before
	h.disks[i].Crash(h.random.IntN)
	h.storages[i] = nil
	h.nodes[i] = nil
}

// settle lets every node and every disk do what it has to do now.
func (h *homes) settle() {
	for again := true; again; {
		again = false
		for i, n := range h.nodes {
			if n == nil {
				continue
			}
			if hasWork(n) {
				n.Turn()
				again = true
			}
			if !h.blocked[i] {
				n.Work()
			}
			again = h.storages[i].work() || again
		}
	}
}

func (h *homes) tick() {
	for i, n := range h.nodes {
		if n != nil {
			h.storages[i].full = false
			n.Tick()
		}
	}
	h.settle()
}

// until lets time pass until something is so.
func (h *homes) until(what string, isSo func() bool) {
	h.t.Helper()
	h.settle()
	for range 5000 {
		if isSo() {
			return
		}
		h.tick()
	}
	for _, n := range h.nodes {
		if n != nil {
			h.t.Logf("%+v", n.Status())
		}
	}
	h.t.Fatalf("it never came to it that %s", what)
}

// leader returns the node that leads and has committed in its term.
func (h *homes) leader() *Node {
	for _, n := range h.nodes {
		if n != nil && n.core != nil && n.core.LeadsSettled() {
			return n
		}
	}
	return nil
}

// append appends a value on a node, and waits.
func (h *homes) append(n *Node, value string) {
	h.t.Helper()
	p := propose(h.t, n, value)
	h.until(value+" is appended", func() bool { return len(p.ready) > 0 })
	if p.err != nil {
		h.t.Fatal(p.err)
	}
}

// agree waits until all nodes that live have applied as much, and returns what.
func (h *homes) agree() []string {
	h.t.Helper()
	h.until("all have applied the same", func() bool {
		at := raft.Index(0)
		for _, n := range h.nodes {
			if n == nil {
				continue
			}
			if n.core == nil || n.core.Last().Index != n.applied || at != 0 && n.applied != at {
				return false
			}
			at = n.applied
		}
		return at > 0
	})
	var all []string
	for _, n := range h.nodes {
		if n == nil {
			continue
		}
		got := values(n)
		if all != nil && fmt.Sprint(got) != fmt.Sprint(all) {
			h.t.Fatalf("%s has %v, another %v", n.ID(), got, all)
		}
		all = got
	}
	return all
}
