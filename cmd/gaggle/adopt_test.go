package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wal"
)

// aCopy makes a node's directory, and a copy of it.
func aCopy(t *testing.T) (original, copied string) {
	t.Helper()
	original, copied = filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	dir, err := vfs.OS(original)
	if err == nil {
		_, err = wal.CreateIdentity(dir, wal.Identity{Directory: [16]byte{1}, Node: "alice#1", Cluster: "farm", Size: 3})
	}
	if err == nil {
		err = os.CopyFS(copied, os.DirFS(original))
	}
	if err != nil {
		t.Fatal(err)
	}
	return original, copied
}

func opens(t *testing.T, path string) error {
	t.Helper()
	dir, err := vfs.OS(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = wal.OpenIdentity(dir)
	return err
}

func TestACopyIsAdoptedOnlyWhenSomebodyAnswersForIt(t *testing.T) {
	_, copied := aCopy(t)
	o := runCommand(t.Context(), strings.NewReader(""), "adopt", copied)
	if o.code != 1 || !strings.Contains(o.errs, `node alice#1 of cluster "farm"`) || !strings.Contains(o.errs, "--yes") {
		t.Errorf("without --yes: %+v", o)
	}
	if err := opens(t, copied); !errors.Is(err, wal.ErrCopied) {
		t.Errorf("without --yes it was adopted: %v", err)
	}
	o = runCommand(t.Context(), strings.NewReader(""), "adopt", copied, "--yes")
	if o.code != 0 || !strings.Contains(o.out, `node alice#1 of cluster "farm" lives from now on`) {
		t.Errorf("with --yes: %+v", o)
	}
	if err := opens(t, copied); err != nil {
		t.Errorf("with --yes it was not adopted: %v", err)
	}
}

func TestWhatIsNoCopyIsNotAdopted(t *testing.T) {
	original, copied := aCopy(t)
	if o := runCommand(t.Context(), strings.NewReader(""), "adopt", original, "--yes"); o.code != 0 || !strings.Contains(o.out, "already") {
		t.Errorf("the original: %+v", o)
	}
	if o := runCommand(t.Context(), strings.NewReader(""), "adopt", t.TempDir(), "--yes"); o.code != 1 || !strings.Contains(o.errs, "no identity") {
		t.Errorf("an empty directory: %+v", o)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if o := runCommand(t.Context(), strings.NewReader(""), "adopt", missing, "--yes"); o.code != 1 {
		t.Errorf("no directory: %+v", o)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("it made the directory")
	}
	dir, err := vfs.OS(copied)
	if err != nil {
		t.Fatal(err)
	}
	lock, err := dir.Lock()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	if o := runCommand(t.Context(), strings.NewReader(""), "adopt", copied, "--yes"); o.code != 1 || !errors.Is(opens(t, copied), wal.ErrCopied) {
		t.Errorf("a directory in use: %+v", o)
	}
}
