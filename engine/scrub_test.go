package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/vfs"
)

// withSnapshots is a cluster of which each node has two snapshots, and a log that begins behind
// the first entries.
func withSnapshots(t *testing.T) (h *homes, want []string) {
	h = newHomes(t, 3, withLists)
	h.until("one leads", func() bool { return h.leader() != nil })
	for i := range 60 {
		want = append(want, fmt.Sprintf("value %d", i))
		h.append(h.nodes[i%3], want[i])
	}
	h.agree()
	for _, n := range h.nodes {
		if len(n.snapshots.List()) != 2 || n.core.Status().Base.Index == 0 {
			t.Fatal("there are no two snapshots, and a log that begins behind")
		}
	}
	return h, want
}

// Nobody appends anything, and nobody reads a snapshot: it is found all the same, and another
// is made, of which and the log from there on the state can be read.
func TestASnapshotThatRotsWhileANodeRunsIsMadeAnew(t *testing.T) {
	for which, name := range []string{"the newest", "the one before"} {
		h, want := withSnapshots(t)
		at := slices.IndexFunc(h.nodes, func(n *Node) bool { return n != h.leader() })
		n := h.nodes[at]
		w := n.Watch()
		if h.rotIn(at, n.snapshots.List()[which].Name, want[0]) == 0 {
			t.Fatalf("%s: it is not where it is thought to be", name)
		}
		var told []string
		h.until("it is over", func() bool {
			told = append(told, problemsTold(w)...)
			return len(told) == 2
		})
		if !slices.Equal(told, []string{"found", "solved"}) || n.Status().Problem != nil {
			t.Errorf("%s: watchers are told %v, and the problem is %v", name, told, n.Status().Problem)
		}
		if len(n.snapshots.List()) != 2 || len(n.snapshots.Damaged()) > 0 {
			t.Errorf("%s: there are %d snapshots, and damaged ones: %v", name, len(n.snapshots.List()), n.snapshots.Damaged())
		}
		for _, info := range n.snapshots.List() {
			if err := n.snapshots.Verify(info); err != nil {
				t.Errorf("%s: of those that there are now, one is damaged: %v", name, err)
			}
		}
		h.crash(at)
		n = h.start(at)
		h.until("it has applied everything", func() bool { return slices.Equal(listOf(n), want) })
	}
}

// Where no other snapshot is left, and the log begins later, a node that starts again could not
// go by its old name. One that runs has the state, and makes another.
func TestANodeThatRunsOutlivesTheRotOfAllItsSnapshots(t *testing.T) {
	h, want := withSnapshots(t)
	at := slices.IndexFunc(h.nodes, func(n *Node) bool { return n != h.leader() })
	n := h.nodes[at]
	if h.rotIn(at, "snapshot-", want[0]) < 2 {
		t.Fatal("it is not where it is thought to be")
	}
	w, told := n.Watch(), 0
	h.until("it is over", func() bool {
		told += len(problemsTold(w))
		return told > 0 && n.Status().Problem == nil && len(n.snapshots.List()) > 0 && n.snapshots.Verify(n.snapshots.List()[0]) == nil
	})
	before := n.ID()
	h.crash(at)
	if n = h.start(at); n.ID() != before {
		t.Fatalf("%s is back as %s: %v", before, n.ID(), n.home.Lost)
	}
	h.until("it has applied everything", func() bool { return slices.Equal(listOf(n), want) })
}

func TestTheScrubReadsEverythingAtItsRate(t *testing.T) {
	h := newHomes(t, 1, func(c *Config) {
		withLists(c)
		c.CheckpointBytes = 512 << 10
	})
	h.until("it leads", func() bool { return h.leader() != nil })
	n := h.nodes[0]
	h.until("there are two snapshots of several pieces", func() bool {
		h.append(n, strings.Repeat("x", 8<<10))
		list := n.snapshots.List()
		return len(list) == 2 && list[1].Size > 2*scrubBytes
	})
	reached, inPeriod := map[string]int64{}, 0
	h.disks[0].SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
		if o.Kind == vfs.OpRead {
			inPeriod += o.Length
			if o.Offset <= reached[o.Name] { // one after the other, from the header on
				reached[o.Name] = max(reached[o.Name], o.Offset+int64(o.Length))
			}
		}
		return nil
	}})
	period := scrubHeartbeats * n.config.Raft.HeartbeatTicks
	for range 20 {
		inPeriod = 0
		for range period {
			h.tick()
		}
		// What a piece ends with is read to its end: an entry, or a chunk, with its frame.
		if inPeriod > scrubBytes+300<<10 {
			t.Errorf("%d bytes are read in the time of %d", inPeriod, scrubBytes)
		}
	}
	for _, info := range n.snapshots.List() {
		if reached[info.Name] < info.Content {
			t.Errorf("of a snapshot of %d bytes, %d are read", info.Size, reached[info.Name])
		}
	}
	if err := n.Status().Problem; err != nil {
		t.Errorf("there is no rot, and the problem is %v", err)
	}
}
