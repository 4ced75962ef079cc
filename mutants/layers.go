package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The layers of tests that look for a planted bug, each by itself.
const (
	scripts   = "scripts" // the scripted and unit tests of the packages below
	simulator = "sim"     // the simulator, with random schedules
)

var layerNames = []string{scripts, simulator}

// tested are the packages that bugs are planted in, and whose tests look for them.
var tested = []string{"raft", "founding", "engine", "wire", "wal", "snapshot", "vfs"}

// What may take how long: the tests of a package, and the simulator beyond its time.
const (
	maxTests = 3 * time.Minute
	maxExtra = time.Minute
)

// An outcome is what one layer made of a mutant.
type outcome struct {
	Killed bool `json:"killed"`
	// By is the test that failed, or the property that did not hold and in which profile.
	By string `json:"by,omitempty"`
	// Detail is what was said.
	Detail string `json:"detail,omitempty"`
	// Seed and Runs are the simulator's.
	Seed    uint64  `json:"seed,omitempty"`
	Runs    int     `json:"runs,omitempty"`
	Seconds float64 `json:"seconds"`
}

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
	var o outcome
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

// hunt has the simulator look for a violation, for as long as the settings say.
func (t *tree) hunt(ctx context.Context, s *settings) (outcome, error) {
	program, err := t.build(ctx, []string{"build"}, "./mutants/hunt")
	if err != nil {
		return outcome{}, err
	}
	limit := time.Duration(s.seconds*float64(time.Second)) + maxExtra
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := exec.CommandContext(limited, program, "-seconds", fmt.Sprint(s.seconds), "-seed", fmt.Sprint(s.seed), "-profile", s.profile) //nolint:gosec // built above
	c.Dir, c.Stderr = t.dir, os.Stderr
	out, err := c.Output()
	switch {
	case ctx.Err() != nil:
		return outcome{}, ctx.Err()
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		return outcome{Killed: true, By: "the simulator does not end", Seconds: limit.Seconds()}, nil
	case err != nil:
		return outcome{}, fmt.Errorf("the simulator fails: %w", err)
	}
	var r struct {
		Runs                      int
		Seconds                   float64
		Property, Detail, Profile string
		Seed                      uint64
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return outcome{}, fmt.Errorf("what the simulator says cannot be read: %w", err)
	}
	o := outcome{Killed: r.Property != "", Detail: r.Detail, Seed: r.Seed, Runs: r.Runs, Seconds: r.Seconds}
	if o.Killed {
		o.By = r.Property + ", " + r.Profile
	}
	return o, nil
}
