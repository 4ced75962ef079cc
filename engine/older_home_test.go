package engine

import (
	"errors"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/wal"
)

// A copy of a directory from an earlier time is refused as it is. Who has it adopted all the
// same brings back a node that does not know what it has promised since: it stops when the
// others hear it, who have lost nothing, and go on.
func TestANodeOfAnOlderDirectoryStopsWhenTheOthersHearIt(t *testing.T) {
	for _, c := range []struct {
		name string
		// since is how many entries it has acknowledged since.
		since int
		stops []error
	}{
		{"it was only started since", 0, []error{ErrCopied}},
		{"it has acknowledged more since", 5, []error{ErrCopied, ErrInvariant}},
	} {
		h := newHomes(t, 3, nil)
		h.until("one leads", func() bool { return h.leader() != nil })
		want := h.appendMany(h.leader(), 5)
		h.agree()
		h.crash(1)
		older := h.disks[1].Copy()
		h.start(1)
		h.until("one leads", func() bool { return h.leader() != nil })
		want = append(want, h.appendMany(h.leader(), c.since)...)
		h.agree()
		h.crash(1)
		h.disks[1] = older
		if _, err := h.tryStart(1); !errors.Is(err, ErrCopied) {
			t.Fatalf("%s: an older directory is opened: %v", c.name, err)
		}
		if _, err := wal.Adopt(older); err != nil {
			t.Fatal(err)
		}
		n := h.start(1)
		h.until("it stops", func() bool { return n.Status().State == Stopped })
		if err := n.Status().Problem; !slices.ContainsFunc(c.stops, func(stop error) bool { return errors.Is(err, stop) }) {
			t.Errorf("%s: it stops with %v", c.name, err)
		}
		h.nodes[1] = nil // it is none of those that agree
		h.until("one leads", func() bool { return h.leader() != nil })
		h.append(h.leader(), "after")
		if got := h.agree(); !slices.Equal(got, append(want, "after")) {
			t.Errorf("%s: they have %v, want %v", c.name, got, append(want, "after"))
		}
	}
}
