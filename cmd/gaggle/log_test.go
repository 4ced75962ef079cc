package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

// livedIn is a directory in which a node has appended some values, all of them large enough to
// be written once only.
func livedIn(t *testing.T, count int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "node")
	n, err := gaggle.Join[[]byte](t.Context(), memory.New(), gaggle.Size(1), gaggle.Local(), gaggle.Dir(dir), gaggle.ID("alice"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range count {
		if _, err := n.Append(t.Context(), fmt.Appendf(nil, "value %d %s", i, strings.Repeat("x", 2000))); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// contents are the bytes of all files of a directory, by name.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range files {
		b, err := os.ReadFile(file) //nolint:gosec // of the test's own directory
		if err != nil {
			t.Fatal(err)
		}
		all[file] = string(b)
	}
	return all
}

func TestALogIsShownAndNotChanged(t *testing.T) {
	dir := livedIn(t, 3)
	before := contents(t, dir)
	o := runCommand(t.Context(), strings.NewReader(""), "log", dir, "--entries")
	for _, want := range []string{
		"node alice#", `of cluster "gaggle" of size 1, started 1 times`, "term 2, voted for \"alice#", "segment log-0000000000000001: 16777216 bytes, entries 1 to ",
		"configuration, ", "noop, 0 bytes", "value 2 xxx",
	} {
		if !strings.Contains(o.out, want) {
			t.Errorf("%q is not in what it says:\n%s", want, o.out)
		}
	}
	if o.code != 0 {
		t.Errorf("exit status %d: %s", o.code, o.errs)
	}
	o = runCommand(t.Context(), strings.NewReader(""), "log", dir, "--json")
	for _, event := range []string{"directory", "state", "segment"} {
		if !strings.Contains(o.out, `{"event":"`+event+`",`) {
			t.Errorf("there is no event %s:\n%s", event, o.out)
		}
	}
	after := contents(t, dir)
	for name, b := range before {
		if after[name] != b {
			t.Errorf("%s was changed", name)
		}
	}
	if len(after) != len(before) {
		t.Errorf("there were %d files, and are %d", len(before), len(after))
	}
}

func TestDamageInALogIsShownAndTheExitStatusSaysSo(t *testing.T) {
	dir := livedIn(t, 3)
	file := filepath.Join(dir, "log-0000000000000001")
	b, err := os.ReadFile(file) //nolint:gosec // of the test's own directory
	if err != nil {
		t.Fatal(err)
	}
	b[bytes.Index(b, []byte("value 1 "))+1000] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil { //nolint:gosec // of the test's own directory
		t.Fatal(err)
	}
	o := runCommand(t.Context(), strings.NewReader(""), "log", dir, "--entries")
	if o.code != 1 || !strings.Contains(o.out, "damaged: entry ") || !strings.Contains(o.errs, "damaged in 1 places") {
		t.Errorf("exit status %d: %s\n%s", o.code, o.errs, o.out)
	}
	if strings.Contains(o.out, "value 1 ") || !strings.Contains(o.out, "value 0 ") || !strings.Contains(o.out, "value 2 ") {
		t.Errorf("of three entries, one of them damaged, it shows:\n%s", o.out)
	}
}

func TestALogIsNotMadeByLookingForIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nothing")
	if o := runCommand(t.Context(), strings.NewReader(""), "log", dir); o.code != 1 {
		t.Errorf("exit status %d: %s", o.code, o.out)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("it is there now")
	}
}
