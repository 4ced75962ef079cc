package engine

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// rot changes a bit of something that is written in the log of a node, wherever it is, and
// reports how often that was: what fits into a sector is written twice.
func (h *homes) rot(i int, text string) (found int) {
	h.t.Helper()
	return h.rotIn(i, "log-", text)
}

// rotIn does so in the files with names that begin with something.
func (h *homes) rotIn(i int, prefix, text string) (found int) {
	h.t.Helper()
	names, err := h.disks[i].List()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		b, err := vfs.ReadFile(h.disks[i], name)
		if err != nil {
			h.t.Fatal(err)
		}
		for at := bytes.Index(b, []byte(text)); at >= 0; at = bytes.Index(b, []byte(text)) {
			b[at] ^= 0x10
			h.disks[i].Garble(name, int64(at), func(c []byte) { c[0] = b[at] }, 1)
			found++
		}
	}
	return found
}

func TestADamagedEntryComesFromTheOthers(t *testing.T) {
	for name, running := range map[string]bool{"found at the start": false, "found while it runs": true} {
		t.Run(name, func(t *testing.T) {
			h := newHomes(t, 3, nil)
			h.until("one leads", func() bool { return h.leader() != nil })
			want := h.appendMany(h.nodes[0], 60)
			h.agree()
			if !running {
				h.crash(1)
			}
			if h.rot(1, want[10]) == 0 || h.rot(1, want[40]) == 0 {
				t.Fatal("it is not where it is thought to be")
			}
			n := h.nodes[1]
			if !running {
				n = h.start(1)
			}
			h.until("it is found", func() bool { return len(n.mending.wanted) > 0 })
			h.until("it is mended", func() bool { return len(n.mending.wanted) == 0 })
			if got := h.agree(); !slices.Equal(got, want) {
				t.Fatalf("they have %d values, want %d", len(got), len(want))
			}
			// It may lead again, too.
			h.until("it leads", func() bool {
				if l := h.leader(); l != nil && l != n {
					_ = l.core.Step(raft.TransferLeadership{To: n.ID()})
				}
				return h.leader() == n
			})
			for i := range h.nodes {
				h.crash(i)
			}
			if n = h.start(1); len(n.home.recovered.Faulty) > 0 {
				t.Fatalf("it is still damaged: %v", n.home.recovered.Faulty)
			}
			h.start(0)
			if got := h.agree(); !slices.Equal(got, want) {
				t.Fatalf("they have %d values, want %d", len(got), len(want))
			}
		})
	}
}

// If the others do not have it, it may have been acknowledged all the same: by this node and
// by one that is gone. So nothing is guessed, and the node says what it waits for.
func TestWhatNobodyHasIsWaitedFor(t *testing.T) {
	h := newHomes(t, 3, nil)
	h.until("one leads", func() bool { return h.leader() != nil })
	leader := slices.Index(h.nodes, h.leader())
	other, behind := (leader+1)%3, (leader+2)%3
	want := h.appendMany(h.leader(), 5)
	h.agree()
	h.crash(behind)
	large := "acknowledged by two " + strings.Repeat("x", 2000) // too large to be written twice
	p := propose(t, h.leader(), large)
	h.until("it is", func() bool { return len(p.ready) > 0 })
	h.crash(leader)
	h.crash(other)
	if h.rot(other, "acknowledged by two") != 1 {
		t.Fatal("it is not there")
	}
	h.start(behind)
	n := h.start(other)
	h.until("it says so", func() bool { return errors.Is(n.Status().Problem, ErrDamaged) })
	for range 500 {
		if h.tick(); h.leader() != nil {
			t.Fatalf("%s leads without what was acknowledged", h.leader().ID())
		}
		if role, _, _ := n.core.Leadership(); role != raft.Follower {
			t.Fatalf("the node that cannot give others what it has is a %v", role)
		}
	}
	h.start(leader)
	if got := h.agree(); !slices.Equal(got, append(want, large)) {
		t.Fatalf("they have %v", got)
	}
	h.until("the problem is over", func() bool { return n.Status().Problem == nil })
}

// Where neither copy of the end of the log can be read, nobody knows what was acknowledged. So
// the node does not go by its old name any more.
func TestANodeThatCannotReadWhatItPromisedBeginsAnew(t *testing.T) {
	h := newHomes(t, 3, nil)
	h.until("one leads", func() bool { return h.leader() != nil })
	want := h.appendMany(h.nodes[0], 5)
	h.append(h.nodes[0], "small")
	h.agree()
	before := h.nodes[1].ID()
	h.crash(1)
	if h.rot(1, "small") != 2 {
		t.Fatal("it is not there twice")
	}
	n := h.start(1)
	if n.ID() == before || n.home.Lost == nil || !errors.Is(n.Status().Problem, ErrDamaged) {
		t.Fatalf("%s is back, with %v", n.ID(), n.Status().Problem)
	}
	h.until("it stands by", func() bool { return n.Status().State == Standby })
	h.crash(1)
	if again := h.start(1); again.ID() != n.ID() || again.home.Lost != nil {
		t.Fatalf("%s came back as %s: %v", n.ID(), again.ID(), again.home.Lost)
	}
	h.nodes[1] = nil // it is none of those that agree
	h.append(h.nodes[0], "more")
	if got := h.agree(); !slices.Equal(got, append(want, "small", "more")) {
		t.Fatalf("they have %v", got)
	}
}

func TestANodeThatBeganAnewHasNoProblemWhenItHasAPlace(t *testing.T) {
	h := newHomes(t, 3, func(c *Config) { c.ReplaceAfterTicks = 2 * c.Raft.ElectionTicksMax })
	h.until("one leads", func() bool { return h.leader() != nil })
	h.append(h.nodes[0], "small")
	h.agree()
	h.crash(1)
	if h.rot(1, "small") != 2 {
		t.Fatal("it is not there twice")
	}
	n := h.start(1)
	h.until("it stands by", func() bool { return n.Status().State == Standby })
	if err := n.Status().Problem; !errors.Is(err, ErrDamaged) {
		t.Fatalf("it stands by, and its problem is %v", err)
	}
	h.until("it is a member", func() bool { return n.Status().State == Member })
	if err := n.Status().Problem; err != nil {
		t.Errorf("it is a member, and its problem is %v", err)
	}
}

func TestAReaderThatMeetsDamageHasItMended(t *testing.T) {
	h := newHomes(t, 3, func(c *Config) { c.TailBytes = 2000 })
	h.until("one leads", func() bool { return h.leader() != nil })
	want := h.appendMany(h.nodes[0], 1500)
	h.agree()
	if h.rot(1, want[100]) == 0 {
		t.Fatal("it is not there")
	}
	n := h.nodes[1]
	var err error
	for from := raft.Index(1); err == nil && from < 400; from++ {
		_, err = n.Feed().Next(t.Context(), from, from)
	}
	if !errors.Is(err, ErrDamaged) {
		t.Fatalf("it reads on: %v", err)
	}
	if h.settle(); len(n.mending.wanted) == 0 {
		t.Fatal("nobody is asked for it")
	}
	h.until("it is mended", func() bool { return len(n.mending.wanted) == 0 })
	if got := h.agree(); !slices.Equal(got, want) {
		t.Fatalf("they have %d values, want %d", len(got), len(want))
	}
}

// Nobody has to be asked for what is in memory: there may be nobody.
func TestADamagedEntryThatIsInMemoryIsWrittenAgain(t *testing.T) {
	h := newHomes(t, 1, nil)
	h.until("it leads", func() bool { return h.leader() != nil })
	want := h.appendMany(h.nodes[0], 60)
	if h.rot(0, want[10]) == 0 {
		t.Fatal("it is not where it is thought to be")
	}
	n := h.nodes[0]
	h.until("it is found", func() bool { return len(n.mending.wanted) > 0 })
	h.until("it is mended", func() bool { return len(n.mending.wanted) == 0 })
	h.crash(0)
	if n = h.start(0); len(n.home.recovered.Faulty) > 0 {
		t.Errorf("it is still damaged: %v", n.home.recovered.Faulty)
	}
	if got := h.agree(); !slices.Equal(got, want) {
		t.Errorf("it has %d values, want %d", len(got), len(want))
	}
}
