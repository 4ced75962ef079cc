package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The layers of tests that look for a planted bug, each by itself.
const (
	scripts    = "scripts"    // the scripted and unit tests of the packages below
	safety     = "safety"     // the simulator, with random schedules: what a user can see
	invariants = "invariants" // the same: what has to hold inside, and the core's assertions
	checker    = "checker"    // the same: each step of a core is one of the specification's
	explorer   = "explorer"   // a search through the states of the altered specification
	prover     = "prover"     // the proof of the altered specification
)

var (
	layerNames = []string{scripts, safety, invariants, checker, explorer, prover}
	// Those that look at the same runs of the simulator, in one go.
	simulated = []string{safety, invariants, checker}
)

// simulator is what a patch calls all of simulated.
const simulator = "sim"

// tested are the packages that bugs are planted in, and whose tests look for them.
var tested = []string{"raft", "founding", "engine", "wire", "wal", "snapshot", "vfs"}

// maxTests is what the tests of a package may take. Those of wal take a minute on a busy machine; that
// tests do not end is a finding, and must not come of that.
const maxTests = 20 * time.Minute

// build compiles something of the tree, and returns the name of the program. That a
// mutant does not compile says nothing about the tests: its patch is wrong.
func (t *tree) build(ctx context.Context, command []string, target string) (string, error) {
	program := filepath.Join(t.dir, "mutant.test")
	// Without paths in them, what is the same in all trees is built once.
	args := slices.Concat(command, []string{"-trimpath", "-ldflags=-s -w", "-o", program, target})
	c := exec.CommandContext(ctx, "go", args...) //nolint:gosec // of this program's own making
	c.Dir = t.dir
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("does not compile: %w\n%s", err, out)
	}
	return program, nil
}

// tests runs the tests of the packages, those of the changed one first, until one fails.
// Test programs run by themselves, and not under the go command, so that there is
// nothing but them to be killed when the time is over.
func (t *tree) tests(ctx context.Context, m *mutant) (outcome, error) {
	o := outcome{Layer: scripts}
	for _, dir := range inOrder(m) {
		program, err := t.build(ctx, []string{"test", "-c"}, "./"+dir)
		if err != nil {
			return o, err
		}
		began := time.Now()
		limited, cancel := context.WithTimeout(ctx, maxTests)
		c := exec.CommandContext(limited, program, "-test.failfast", "-test.timeout", (maxTests / 2).String()) //nolint:gosec // built above
		c.Dir = filepath.Join(t.dir, dir)
		out, err := c.CombinedOutput()
		cancel()
		o.Seconds += time.Since(began).Seconds()
		if ctx.Err() != nil {
			return o, ctx.Err()
		}
		if err != nil {
			o.Killed, o.By, o.Detail = true, failed(dir, string(out)), end(string(out))
			break
		}
	}
	return o, nil
}

// inOrder lists the tested packages, those that a mutant changes first.
func inOrder(m *mutant) []string {
	var first, rest []string
	for _, dir := range tested {
		if slices.ContainsFunc(m.files, func(f filePatch) bool { return filepath.Dir(f.path) == dir }) {
			first = append(first, dir)
		} else {
			rest = append(rest, dir)
		}
	}
	return append(first, rest...)
}

// failed finds the test that failed first, in what a test program has said.
func failed(dir, out string) string {
	name := ""
	for line := range strings.Lines(out) {
		after, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: ")
		if !ok {
			continue
		}
		test, _, _ := strings.Cut(after, " ")
		if name != "" && !strings.HasPrefix(test, name+"/") {
			break
		}
		name = test
	}
	switch {
	case strings.Contains(out, "panic: test timed out"):
		return dir + ": the tests do not end"
	case name == "":
		return dir + ": a panic"
	}
	return dir + ": " + name
}

// end is the last of a long text.
func end(s string) string {
	const most = 2000
	return s[max(0, len(s)-most):]
}
