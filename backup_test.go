package gaggle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/backup"
	"github.com/ben-ng/gaggle/channel/memory"
)

func TestANodesBackupBecomesANewCluster(t *testing.T) {
	ch := memory.New()
	var nodes []*gaggle.Node[string]
	for range 3 {
		n, err := gaggle.Join[string](t.Context(), ch, gaggle.Size(3), gaggle.Local(), gaggle.Name("old"))
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		nodes = append(nodes, n)
	}
	var want []string
	for i := range 30 {
		want = append(want, fmt.Sprint(i))
		if _, err := nodes[i%3].Append(t.Context(), want[i]); err != nil {
			t.Fatal(err)
		}
	}
	var inside, outside bytes.Buffer
	for attempt := 0; ; attempt++ {
		term := nodes[1].Status().Term
		inside.Reset()
		outside.Reset()
		info, err := nodes[1].Backup(t.Context(), &inside)
		if err != nil || info.Name != "old" || info.Cluster != nodes[1].Status().ClusterID || info.Size != int64(inside.Len()) {
			t.Fatalf("%+v, %v", info, err)
		}
		if _, err := gaggle.Backup(t.Context(), ch, &outside, gaggle.Name("old")); err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(inside.Bytes(), outside.Bytes()) {
			break
		}
		// A leader that is new since has an entry of its own in the second one.
		if nodes[1].Status().Term == term || attempt == 10 {
			t.Fatal("from outside it is another")
		}
	}
	members := []string{"x", "y", "z"}
	again := memory.New()
	for _, id := range members {
		dir := filepath.Join(t.TempDir(), id)
		got, err := gaggle.Restore(bytes.NewReader(outside.Bytes()), gaggle.Restoration{Dir: dir, ID: id, Members: members})
		if err != nil {
			t.Fatal(err)
		}
		n, err := gaggle.Join[string](t.Context(), again, gaggle.Size(3), gaggle.Local(), gaggle.Name("old"), gaggle.Dir(dir))
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		if n.ID() != got {
			t.Errorf("%s says that it is %s", got, n.ID())
		}
		if id != "z" {
			continue
		}
		if _, err := n.Append(t.Context(), "more"); err != nil {
			t.Fatal(err)
		}
		if all := everything(t, n); !slices.Equal(all, append(want, "more")) {
			t.Errorf("%q", all)
		}
	}
}

func TestAReplicasBackupHasItsState(t *testing.T) {
	replicate := func(ch *memory.Channel, options ...gaggle.Option) *gaggle.Replica[Shelf, Delivery, int] {
		t.Helper()
		r, err := gaggle.Replicate(t.Context(), ch, &Shelf{map[string]int{}}, (*Shelf).Apply, append(options, gaggle.Size(1), gaggle.Local())...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close() })
		return r
	}
	r := replicate(memory.New())
	if _, err := r.Do(t.Context(), Delivery{"egg", 7}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := r.Backup(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "x")
	if _, err := gaggle.Restore(bytes.NewReader(b.Bytes()), gaggle.Restoration{Dir: dir, ID: "x", Members: []string{"x"}, Name: "new"}); err != nil {
		t.Fatal(err)
	}
	left, err := replicate(memory.New(), gaggle.Dir(dir), gaggle.Name("new")).Do(t.Context(), Delivery{"egg", -2})
	if err != nil || left != 5 {
		t.Errorf("there are %d, %v", left, err)
	}
}

func TestARestorationThatCannotBeIsRefusedBeforeAnythingIsMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	long := strings.Repeat("x", 129)
	for want, r := range map[string]gaggle.Restoration{
		`ID("")`:                    {Dir: dir, Members: []string{"x"}},
		`ID("x#1")`:                 {Dir: dir, ID: "x#1", Members: []string{"x#1"}},
		`ID("y#1")`:                 {Dir: dir, ID: "x", Members: []string{"x", "y#1"}},
		"not one of the members":    {Dir: dir, ID: "x", Members: []string{"y"}},
		"once":                      {Dir: dir, ID: "x", Members: []string{"x", "x"}},
		fmt.Sprintf("%q", long):     {Dir: dir, ID: "x", Members: []string{"x"}, Name: long},
		"no such file or directory": {Dir: filepath.Join(dir, "y", "z"), ID: "x", Members: []string{"x"}},
	} {
		if _, err := gaggle.Restore(strings.NewReader(""), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", r, err, want)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory: %v", err)
	}
	if _, err := gaggle.Restore(strings.NewReader("dear Ben"), gaggle.Restoration{Dir: dir, ID: "x", Members: []string{"x"}}); !errors.Is(err, backup.ErrNotBackup) {
		t.Errorf("a letter: %v", err)
	}
}

func TestABackupFromOutsideNeedsAChannelAndAName(t *testing.T) {
	if _, err := gaggle.Backup(t.Context(), nil, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "the channel is nil") {
		t.Error(err)
	}
	if _, err := gaggle.Backup(t.Context(), memory.New(), &bytes.Buffer{}, gaggle.Name("")); err == nil || !strings.Contains(err.Error(), "Name") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := gaggle.Backup(ctx, memory.New(), &bytes.Buffer{}); err == nil {
		t.Error("with an ended context it has succeeded")
	}
}
