package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatIsSeldomReachedIsNamed(t *testing.T) {
	t.Chdir("../..")
	path := filepath.Join(t.TempDir(), "profile")
	profile := `mode: count
github.com/ben-ng/gaggle/raft/quorum.go:4.28,4.45 1 3
github.com/ben-ng/gaggle/raft/quorum.go:4.28,4.45 1 4
github.com/ben-ng/gaggle/raft/quorum.go:26.16,28.3 1 0
github.com/ben-ng/gaggle/raft/quorum.go:29.2,29.10 1 500
`
	if err := os.WriteFile(path, []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := report(path, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{"0  raft/quorum.go:26  quorumReached", "7  raft/quorum.go:4  majority", "2 of 3 statements"} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("line %d is not %q in\n%s", i+1, want, out.String())
		}
	}
}

func TestWhatIsNoProfileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "profile")
	if err := os.WriteFile(path, []byte("something else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := report(path, new(strings.Builder)); err == nil {
		t.Error("it is taken for a profile")
	}
	if err := report(path+"2", new(strings.Builder)); err == nil {
		t.Error("a file that is not there is read")
	}
}
