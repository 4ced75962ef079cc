package engine

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/vfs"
)

func TestNodesComeBackAsTheyWere(t *testing.T) {
	h := newHomes(t, 3, nil)
	h.until("one leads", func() bool { return h.leader() != nil })
	var want []string
	for round := range 5 {
		for i, n := range h.nodes {
			value := fmt.Sprintf("%d of %d", i, round)
			h.append(n, value)
			want = append(want, value)
		}
		if got := h.agree(); !slices.Equal(got, want) {
			t.Fatalf("they have %v, want %v", got, want)
		}
		before := h.nodes[0].ID()
		for i := range h.nodes {
			h.crash(i)
		}
		for i := range h.nodes {
			h.start(i)
		}
		if h.nodes[0].ID() != before {
			t.Fatalf("%s came back as %s", before, h.nodes[0].ID())
		}
	}
	if got := h.agree(); !slices.Equal(got, want) {
		t.Fatalf("they have %v, want %v", got, want)
	}
}

// Whatever crashes, and whenever: what was acknowledged is there once, in the order of its
// node, and nothing is there that nobody appended.
func TestNothingAcknowledgedIsLostInACrash(t *testing.T) {
	for seed := range uint64(15) {
		h := newHomes(t, 3, func(c *Config) { c.CheckpointBytes = 2000; c.TailBytes = 1000 })
		h.random.IntN(int(seed)*3 + 1)
		h.until("one leads", func() bool { return h.leader() != nil })
		acknowledged := map[string]bool{}
		var open []*Proposal
		number := 0
		for range 120 {
			i := h.random.IntN(3)
			switch n := h.nodes[i]; {
			case n == nil:
				if h.random.IntN(3) == 0 {
					h.start(i)
				}
			case h.random.IntN(12) == 0:
				h.crash(i)
			default:
				number++
				open = append(open, propose(t, n, fmt.Sprint(number)))
			}
			for range h.random.IntN(30) {
				h.step()
			}
			open = slices.DeleteFunc(open, func(p *Proposal) bool {
				item, done, err := p.Poll()
				if done && err == nil {
					acknowledged[string(item.Value)] = true
				}
				return done
			})
		}
		for i, n := range h.nodes {
			if n == nil {
				h.start(i)
			}
		}
		got := h.agree()
		seen := map[string]bool{}
		for _, v := range got {
			if seen[v] {
				t.Fatalf("seed %d: %s is there twice", seed, v)
			}
			seen[v] = true
		}
		for v := range acknowledged {
			if !seen[v] {
				t.Fatalf("seed %d: %s was acknowledged, and is not there", seed, v)
			}
		}
		if len(acknowledged) < 20 {
			t.Errorf("seed %d: only %d were acknowledged", seed, len(acknowledged))
		}
		for i := range h.nodes {
			_ = h.nodes[i].Close()
		}
	}
}

// step lets one node, or one disk, do something.
func (h *homes) step() {
	i := h.random.IntN(len(h.nodes))
	n := h.nodes[i]
	if n == nil {
		return
	}
	switch h.random.IntN(4) {
	case 0:
		n.Tick()
	case 1:
		h.storages[i].work()
	default:
		n.Turn()
		n.Work()
	}
}

// appendMany appends values on a node, and returns them.
func (h *homes) appendMany(n *Node, count int) []string {
	h.t.Helper()
	var all []string
	for i := range count {
		value := fmt.Sprintf("%s %d %d", n.ID(), n.applied, i)
		all = append(all, value)
		p := propose(h.t, n, value)
		if i%20 == 19 || i == count-1 {
			h.until("all are appended", func() bool { return len(p.ready) > 0 })
		}
	}
	return all
}

func TestWhatIsNotInMemoryIsReadFromTheDisk(t *testing.T) {
	h := newHomes(t, 3, func(c *Config) { c.TailBytes = 2000 })
	h.until("one leads", func() bool { return h.leader() != nil })
	want := h.appendMany(h.nodes[0], 1500)
	h.crash(2)
	want = append(want, h.appendMany(h.nodes[0], 1500)...)
	h.start(2) // what it lacks is on the leader's disk only
	if got := h.agree(); !slices.Equal(got, want) {
		t.Fatalf("they have %d values, want %d", len(got), len(want))
	}
	for _, n := range h.nodes {
		if n.feed.first < 1000 {
			t.Errorf("%s has everything from %d on in memory", n.ID(), n.feed.first)
		}
	}
}

func TestANodeThatIsFarBehindGetsASnapshot(t *testing.T) {
	h := newHomes(t, 3, func(c *Config) { c.CheckpointBytes, c.Retain, c.TailBytes = 4000, 10, 2000 })
	h.until("one leads", func() bool { return h.leader() != nil })
	h.append(h.nodes[1], "first")
	h.crash(2)
	want := h.appendMany(h.nodes[0], 1000)
	n := h.start(2)
	h.until("it has caught up", func() bool { return n.applied == h.nodes[0].applied && n.applied > 1000 })
	_, err := n.Feed().Next(t.Context(), 1, 100)
	var compacted *CompactedError
	if !errors.As(err, &compacted) {
		t.Fatalf("the log begins at its beginning: %v", err)
	}
	for _, n := range h.nodes {
		items, err := n.Feed().Next(t.Context(), n.applied-5, n.applied)
		if err != nil || len(items) == 0 || !slices.Contains(want, string(items[0].Value)) {
			t.Fatalf("%s ends with %v: %v", n.ID(), items, err)
		}
	}
	// It goes on, also on its own disk, and its session is where it was.
	h.append(n, "after")
	for i := range h.nodes {
		h.crash(i)
	}
	for i := range h.nodes {
		h.start(i)
	}
	h.append(h.nodes[2], "later")
	h.append(h.nodes[1], "last")
}

// Whatever the crash leaves of it: the node that could not read its promises never votes by
// its old name again, and never founds a cluster of its own.
func TestBeginningAnewMayBeInterrupted(t *testing.T) {
	refused := 0
	for dies := range 40 {
		h := newHomes(t, 1, nil)
		h.until("it leads", func() bool { return h.leader() != nil })
		h.append(h.nodes[0], "acknowledged")
		before := h.nodes[0].ID()
		h.crash(0)
		h.rot(0, "acknowledged")
		ops := 0
		h.disks[0].SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
			if !o.Kind.Changes() {
				return nil
			}
			if ops++; ops > dies {
				return vfs.ErrCrashed
			}
			return nil
		}})
		_, err := h.tryStart(0)
		h.disks[0].SetFaults(vfs.Faults{})
		if err == nil {
			h.crash(0)
			if dies < 10 {
				t.Fatalf("it began anew with %d operations", dies)
			}
		} else {
			h.disks[0].Crash(h.random.IntN)
		}
		n, err := h.tryStart(0)
		if errors.Is(err, ErrIncomplete) {
			refused++ // and says what to do
			continue
		}
		if err != nil {
			t.Fatalf("after %d operations: %v", dies, err)
		}
		for range 100 {
			h.tick()
		}
		if n.ID() == before || n.core != nil || n.Status().State != Standby {
			t.Fatalf("after %d operations %s, which was %s, is a %v", dies, n.ID(), before, n.Status().State)
		}
	}
	if refused > 2 {
		t.Errorf("%d times of 40 it could not begin at all", refused)
	}
}

// A snapshot beyond the end of a node's own log would take its place after a crash, and what
// was to be retained would be gone from that node.
func TestASnapshotWaitsForTheLogThatItStandsFor(t *testing.T) {
	h := newHomes(t, 3, func(c *Config) { c.CheckpointBytes = 2000 })
	h.until("one leads", func() bool { return h.leader() != nil })
	slow := 0
	if h.leader() == h.nodes[0] {
		slow = 1
	}
	other := h.nodes[2]
	h.append(other, "first")
	h.agree()
	h.storages[slow].hung = true
	want := append([]string{"first"}, h.appendMany(other, 200)...)
	h.until("the others have a snapshot", func() bool { return len(other.snapshots.List()) > 0 })
	if got := h.nodes[slow].snapshots.List(); len(got) > 0 {
		t.Fatalf("there is a snapshot at %v, and the log is durable up to %d", got[0].Meta.Last, h.nodes[slow].core.Status().Durable)
	}
	h.crash(slow)
	h.start(slow)
	if got := h.agree(); !slices.Equal(got, want) {
		t.Fatalf("they have %d values, want %d", len(got), len(want))
	}
	h.append(other, "more")
	h.appendMany(other, 200)
	h.until("it has a snapshot, too", func() bool { return len(h.nodes[slow].snapshots.List()) > 0 })
}
