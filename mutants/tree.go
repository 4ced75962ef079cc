package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A tree is a copy of the module's files in a temporary directory, to be changed.
type tree struct{ dir string }

// files lists what git knows of the module, or would add to it, with what has not been
// committed. The benchmarks are a module of their own.
func files(root string) ([]string, error) {
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir, list.Stderr = root, os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var names []string
	for name := range strings.SplitSeq(string(out), "\x00") {
		if name == "" || strings.HasPrefix(name, "bench/") {
			continue
		}
		if info, err := os.Stat(filepath.Join(root, name)); err != nil || !info.Mode().IsRegular() {
			continue // removed, and not yet from the index
		}
		names = append(names, name)
	}
	return names, nil
}

func newTree(root string, names []string) (*tree, error) {
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	t := &tree{dir}
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(root, name)) //nolint:gosec // a file of the module
		if err == nil {
			err = t.write(name, string(text))
		}
		if err != nil {
			t.remove()
			return nil, err
		}
	}
	return t, nil
}

func (t *tree) write(name, text string) error {
	path := filepath.Join(t.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600) //nolint:gosec // in this directory of its own
}

func (t *tree) remove() { _ = os.RemoveAll(t.dir) }

// plant changes the tree, and returns what takes the change back.
func (t *tree) plant(m *mutant) (undo func() error, err error) {
	before := map[string]string{}
	undo = func() error {
		for path, text := range before {
			if err := t.write(path, text); err != nil {
				return err
			}
		}
		return nil
	}
	for _, f := range m.files {
		text, err := os.ReadFile(filepath.Join(t.dir, f.path))
		if err != nil {
			return undo, err
		}
		changed, err := f.apply(string(text))
		if err != nil {
			return undo, err
		}
		before[f.path] = string(text)
		if err := t.write(f.path, changed); err != nil {
			return undo, err
		}
	}
	return undo, nil
}
