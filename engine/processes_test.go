package engine

import (
	"context"
	"runtime"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// followsOnDisk returns a cluster with homes, and the place of a node in it that follows.
func followsOnDisk(t *testing.T) (h *homes, leader *Node, i int) {
	t.Helper()
	h = newHomes(t, 3, nil)
	h.until("one leads", func() bool { return h.leader() != nil })
	leader = h.leader()
	return h, leader, (slices.Index(h.nodes, leader) + 1) % len(h.nodes)
}

// restart lets a node lose its power and come back, until it knows its leader.
func (h *homes) restart(i int) *Node {
	h.t.Helper()
	h.crash(i)
	n := h.start(i)
	h.until("it follows again", func() bool {
		if n.core == nil {
			return false
		}
		_, _, leader := n.core.Leadership()
		return leader != raft.None
	})
	return n
}

// What the leader has answered to a process may still be on its way when the next process of
// the node asks: that answer knows of nothing that was committed in between.
func TestAnAnswerToAnEarlierProcessServesNoRead(t *testing.T) {
	h, leader, i := followsOnDisk(t)
	s := spyOn(t, h.nodes[i])
	reads(t, h.nodes[i], 1)
	h.nodes[i].Turn()
	before := tokens(s)
	n := h.restart(i)
	s = spyOn(t, n)
	all := reads(t, n, 1)
	n.Turn()
	after := tokens(s)
	if len(before) != 1 || len(after) != 1 {
		t.Fatalf("asked were %v, then %v", before, after)
	}
	hear(n, leader.ID(), &wire.ReadIndexReply{Token: before[0], OK: true})
	if answered(t, all) > 0 {
		t.Error("the answer to an earlier process served a read")
	}
	hear(n, leader.ID(), &wire.ReadIndexReply{Token: after[0], OK: true, Index: n.applied})
	if answered(t, all) != 1 {
		t.Error("its own answer did not serve it")
	}
}

// A leader remembers which calls it has run of a node, whichever of its processes made them.
func TestACallOfTheNextProcessIsNoRepetition(t *testing.T) {
	h, leader, i := followsOnDisk(t)
	err := leader.Handle("echo", func(_ context.Context, _ raft.Term, payload []byte) ([]byte, error) { return payload, nil })
	if err != nil {
		t.Fatal(err)
	}
	for life := range 3 {
		want := string(rune('x' + life))
		c := calls(h.nodes[i], "echo", want)
		for ended := false; !ended; {
			select {
			case <-c.done:
				ended = true
			default:
				runtime.Gosched()
				h.tick()
			}
		}
		if c.err != nil || string(c.payload) != want {
			t.Errorf("process %d: %q, %v", life, c.payload, c.err)
		}
		h.restart(i)
	}
}
