package gaggle_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/trace"
)

// tracedAlone runs a node that is a cluster by itself, and traces it to a file.
func tracedAlone(t *testing.T, dir, file, value string) gaggle.NodeID {
	t.Helper()
	n, err := gaggle.Join[string](t.Context(), memory.New(), gaggle.Size(1), gaggle.Local(), gaggle.Dir(dir), gaggle.Trace(file))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Append(t.Context(), value); err != nil {
		t.Error(err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	return n.ID()
}

func TestATraceHasEveryStepOfEachStartAndNoValue(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "trace")
	const value = "what is nobody's business"
	id := tracedAlone(t, dir, file, value)
	tracedAlone(t, dir, file, value)
	b, err := os.ReadFile(file) //nolint:gosec // its own
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte(value)) {
		t.Error("the value is in the trace")
	}
	r, err := trace.NewReader(bufio.NewReader(bytes.NewReader(b)))
	if err != nil {
		t.Fatal(err)
	}
	if r.Node() != id {
		t.Errorf("the trace is of %s, the node is %s", r.Node(), id)
	}
	starts, led, proposals := 0, 0, 0
	for {
		step, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if step.Saved != nil {
			starts++
		}
		if _, ok := step.Event.(raft.Propose); ok {
			proposals++
		}
		for _, e := range step.Effects {
			if e.Kind == raft.Became && e.Role == raft.Leader {
				led++
			}
		}
	}
	if starts != 2 || led != 2 || proposals < 2 {
		t.Errorf("of two starts, in each of which it led and appended, the trace has %d, %d and %d", starts, led, proposals)
	}
}

func TestJoinRefusesTheTraceOfAnotherNode(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trace")
	tracedAlone(t, t.TempDir(), file, "x")
	dir := t.TempDir()
	_, err := gaggle.Join[string](t.Context(), memory.New(), gaggle.Size(1), gaggle.Local(), gaggle.Dir(dir), gaggle.Trace(file))
	if !errors.Is(err, trace.ErrForeign) {
		t.Fatalf("it says %v, want that the trace is another node's", err)
	}
	tracedAlone(t, dir, file+"2", "x") // the directory is free again
}
