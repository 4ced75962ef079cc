package engine

import (
	"errors"
	"fmt"
	"testing"
)

// Whose a directory is, and what it has promised while the cluster was founded, is in small
// files that nothing can take the place of. A node that began with others would be another
// one, and nobody has said that it may.
func TestAHomeWhoseFilesOfOneSectorRottedIsRefusedAsItIs(t *testing.T) {
	for _, c := range []struct {
		file, text string
		want       error
	}{
		{identityFile, "a#1", ErrForeign}, // in both of its sectors
		{foundingFile, "a#1", ErrDamaged},
	} {
		t.Run(c.file, func(t *testing.T) {
			h := newHomes(t, 1, nil)
			h.until("it leads", func() bool { return h.leader() != nil })
			h.append(h.nodes[0], "acknowledged")
			h.crash(0)
			before, err := h.disks[0].List()
			if err != nil {
				t.Fatal(err)
			}
			if h.rotIn(0, c.file, c.text) == 0 {
				t.Fatal("it is not where it is thought to be")
			}
			for range 2 {
				if _, err := h.tryStart(0); !errors.Is(err, c.want) {
					t.Fatalf("it starts: %v", err)
				}
			}
			after, err := h.disks[0].List()
			if err != nil {
				t.Fatal(err)
			}
			if len(after) != len(before) {
				t.Errorf("there were the files %q, and are %q", before, after)
			}
		})
	}
}

// A lonely node that founded its cluster anew would answer reads without what it acknowledged.
func TestANodeThatBeginsAnewFoundsNothing(t *testing.T) {
	h := newHomes(t, 1, nil)
	h.until("it leads", func() bool { return h.leader() != nil })
	h.append(h.nodes[0], "acknowledged")
	h.crash(0)
	if h.rot(0, "acknowledged") != 2 {
		t.Fatal("it is not there twice")
	}
	n := h.start(0)
	for range 100 * n.config.Raft.ElectionTicksMax {
		h.tick()
		if s := n.Status(); s.State != Standby || n.core != nil {
			t.Fatalf("it is a %v", s.State)
		}
	}
}

// Without a snapshot, a log that begins later says nothing of what came before it.
func TestANodeWithoutAnySnapshotThatIsWholeBeginsAnew(t *testing.T) {
	h := newHomes(t, 3, withLists)
	h.until("one leads", func() bool { return h.leader() != nil })
	for i := range 60 {
		h.append(h.nodes[i%3], fmt.Sprintf("value %d", i))
	}
	h.agree()
	before := h.nodes[1]
	if len(before.snapshots.List()) != 2 || before.core.Status().Base.Index == 0 {
		t.Fatal("there are no two snapshots, and a log that begins behind")
	}
	h.crash(1)
	if h.rotIn(1, "snapshot-", "value 0") < 2 {
		t.Fatal("it is not where it is thought to be")
	}
	n := h.start(1)
	if n.ID() == before.ID() || n.home.Lost == nil || !errors.Is(n.Status().Problem, ErrDamaged) {
		t.Fatalf("%s is back, with %v", n.ID(), n.Status().Problem)
	}
	if state := n.Status().State; state != Standby {
		t.Errorf("it is a %v", state)
	}
}
