package gaggle_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

// livingIn joins nodes that live in directories of their own below one.
func livingIn(t *testing.T, dir string, options ...gaggle.Option) []*gaggle.Node[string] {
	t.Helper()
	ch := memory.New()
	var nodes []*gaggle.Node[string]
	for i := range 3 {
		o := append([]gaggle.Option{gaggle.Size(3), gaggle.Local(), gaggle.Dir(filepath.Join(dir, fmt.Sprint(i)))}, options...)
		n, err := gaggle.Join[string](t.Context(), ch, o...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = n.Close() })
		nodes = append(nodes, n)
	}
	return nodes
}

// shut closes nodes.
func shut(t *testing.T, nodes []*gaggle.Node[string]) {
	t.Helper()
	for _, n := range nodes {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// everything is what a node has, after a read.
func everything(t *testing.T, n *gaggle.Node[string]) []string {
	t.Helper()
	if err := n.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all []string
	for e, err := range n.Entries(t.Context(), gaggle.Until(n.Status().Applied)) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Value)
	}
	return all
}

func TestAClusterGoesOnWhereItWasWhenAllOfItWasStopped(t *testing.T) {
	dir := t.TempDir()
	var want []string
	var ids []gaggle.NodeID
	for round := range 3 {
		nodes := livingIn(t, dir)
		for i, n := range nodes {
			value := fmt.Sprintf("%d of %d", i, round)
			if _, err := n.Append(t.Context(), value); err != nil {
				t.Fatal(err)
			}
			want = append(want, value)
			if ids = append(ids, n.ID()); n.ID() != ids[i] {
				t.Fatalf("%s came back as %s", ids[i], n.ID())
			}
		}
		for _, n := range nodes {
			if got := everything(t, n); !slices.Equal(got, want) {
				t.Fatalf("%s has %q, want %q", n.ID(), got, want)
			}
		}
		shut(t, nodes)
	}
}

func TestADirectoryIsOneNodesAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a")
	join := func(dir string, options ...gaggle.Option) error {
		n, err := gaggle.Join[string](t.Context(), memory.New(), append([]gaggle.Option{gaggle.Size(1), gaggle.Dir(dir)}, options...)...)
		if err == nil {
			_ = n.Close()
		}
		return err
	}
	n, err := gaggle.Join[string](t.Context(), memory.New(), gaggle.Size(1), gaggle.Dir(dir), gaggle.ID("ann"))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := join(dir); !errors.Is(err, gaggle.ErrLocked) {
		t.Errorf("it has two nodes: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	for what, option := range map[string]gaggle.Option{
		"another name":    gaggle.ID("bob"),
		"another cluster": gaggle.Name("other"),
		"another size":    gaggle.Size(3),
	} {
		if err := join(dir, option); !errors.Is(err, gaggle.ErrForeign) {
			t.Errorf("%s: %v", what, err)
		}
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := join(copied); !errors.Is(err, gaggle.ErrCopied) {
		t.Errorf("a copy: %v", err)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "log-*"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("there are the files %q: %v", logs, err)
	}
	for _, log := range logs {
		if err := os.Remove(log); err != nil {
			t.Fatal(err)
		}
	}
	if err := join(dir); !errors.Is(err, gaggle.ErrIncomplete) {
		t.Errorf("its log is gone: %v", err)
	}
	if err := join(filepath.Join(dir, "no", "parent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its parent is not there: %v", err)
	}
}

func TestDirAndInMemoryExcludeEachOther(t *testing.T) {
	_, err := gaggle.Join[string](context.Background(), memory.New(), gaggle.Size(1), gaggle.Dir(t.TempDir()), gaggle.InMemory())
	if err == nil || !strings.Contains(err.Error(), "say one of them") {
		t.Errorf("it says %v", err)
	}
}
