package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/trace"
)

// hearing knows what was said, and refuses what it is told to.
type hearing struct {
	said   map[string]bool
	refuse raft.Index
	order  []string
}

func sayingOf(m *raft.Message) string {
	return fmt.Sprintf("%s %s %d %T %+v", m.From, m.To, m.Term, m.Body, m.Body)
}

func (h *hearing) Ready(_ raft.NodeID, t *raft.Trace) bool {
	e, ok := t.Event.(raft.Receive)
	return !ok || h.said[sayingOf(e.Message)]
}

func (h *hearing) Take(node raft.NodeID, t *raft.Trace) error {
	for i := range t.Effects {
		if e := &t.Effects[i]; e.Kind == raft.Said || e.Kind == raft.Withheld {
			h.said[sayingOf(&e.Message)] = true
		}
	}
	if e, ok := t.Event.(raft.Applied); ok && e.Index == h.refuse && h.refuse != 0 {
		return fmt.Errorf("it was refused")
	}
	h.order = append(h.order, string(node)+" "+stepKind(t))
	return nil
}

// two are the traces of a, which says something, and of b, which receives it.
func two(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	m := raft.Message{From: "b", To: "a", Term: 1, Body: &raft.TimeoutNow{}}
	var paths []string
	for node, steps := range map[raft.NodeID][]*raft.Trace{
		"a": {{Saved: &raft.Saved{}}, {Event: raft.Receive{Message: &m}}, {Event: raft.Applied{Index: 4}}},
		"b": {{Saved: &raft.Saved{}}, {Event: raft.Tick{}}, {Event: raft.Tick{}, Effects: []raft.Effect{{Kind: raft.Said, Message: m}}}, {Update: &raft.Update{}}},
	} {
		paths = append(paths, filepath.Join(dir, string(node)))
		w, err := trace.Open(paths[len(paths)-1], node, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range steps {
			w.Traced(step)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

func checked(t *testing.T, paths []string, h *hearing) (string, error) {
	t.Helper()
	h.said = map[string]bool{}
	var out bytes.Buffer
	err := checkTraces(paths, h, &logReport{w: &out})
	return out.String(), err
}

func TestWhatIsReceivedComesAfterWhatIsSaid(t *testing.T) {
	var h hearing
	out, err := checked(t, two(t), &h)
	want := "a Start,b Start,b Tick,b Tick,a Receive,b Update,a Applied"
	if got := strings.Join(h.order, ","); err != nil || got != want {
		t.Errorf("the order is %s, want %s: %v", got, want, err)
	}
	if !strings.HasPrefix(out, "7 steps of 2 nodes fit (1 Applied, 1 Receive, 2 Start, 2 Tick, 1 Update), in ") {
		t.Errorf("it says %q", out)
	}
}

func TestWhatNobodySaidAndWhatDoesNotFitIsShown(t *testing.T) {
	paths := two(t)
	for i := range paths {
		if strings.HasSuffix(paths[i], "a") {
			out, err := checked(t, paths[i:i+1], &hearing{})
			if err == nil || !strings.Contains(out, "step 2 of a, in "+paths[i]+": nobody has said") {
				t.Errorf("of one alone, it says %q: %v", out, err)
			}
		}
	}
	out, err := checked(t, paths, &hearing{refuse: 4})
	if err == nil || !strings.Contains(out, "step 3 of a, in ") || !strings.Contains(out, ": it was refused\n") {
		t.Errorf("of what is refused, it says %q: %v", out, err)
	}
	if out, err := checked(t, append(paths, paths[0]), &hearing{}); err == nil || out != "" {
		t.Errorf("of a file that is given twice, it says %q: %v", out, err)
	}
}
