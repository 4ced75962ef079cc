package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// How long a model is looked at: by the prover for each answer and in all, and by the explorer.
const (
	perAnswer  = 20 * time.Second
	maxProof   = 5 * time.Minute
	maxExplore = time.Minute
)

// plantCounterpart alters the specification in the tree, and returns what takes that back and
// which actions the prover has to be asked about.
func (t *tree) plantCounterpart(c *counterpart) (undo func() error, actions string, err error) {
	name := filepath.Join("spec", c.model+".epr")
	text, err := os.ReadFile(filepath.Join(t.dir, name)) //nolint:gosec // of the copy of the module
	if err != nil {
		return nil, "", err
	}
	altered, err := c.apply(string(text))
	if err != nil {
		return nil, "", err
	}
	undo = func() error { return t.write(name, string(text)) }
	return undo, c.actions(string(text)), t.write(name, altered)
}

// model lets the explorer or the prover look at the counterpart of a mutant.
func (t *tree) model(ctx context.Context, m *mutant, layer string) (o outcome, err error) {
	undo, actions, err := t.plantCounterpart(m.specification)
	if undo != nil {
		defer func() { err = errors.Join(err, undo()) }()
	}
	if err != nil {
		return outcome{}, fmt.Errorf("the counterpart: %w", err)
	}
	if layer == prover {
		return t.prove(ctx, m.specification.model, actions)
	}
	return t.explore(ctx, m)
}

// prove has solvers look for a counterexample to any invariant.
func (t *tree) prove(ctx context.Context, model, actions string) (outcome, error) {
	program, err := t.build(ctx, []string{"build"}, "./spec/prove")
	if err != nil {
		return outcome{}, err
	}
	limited, cancel := context.WithTimeout(ctx, maxProof)
	defer cancel()
	o := outcome{Layer: prover}
	began := time.Now()
	c := exec.CommandContext(limited, program, "-counterexample", "-j", "1", //nolint:gosec // built above
		"-t", perAnswer.String(), "-match", actions, model)
	c.Stderr = os.Stderr
	out, err := c.Output()
	o.Seconds = time.Since(began).Seconds()
	switch {
	case ctx.Err() != nil:
		return o, ctx.Err()
	case limited.Err() != nil: // it has not found any, in that time
		return o, nil
	case err != nil:
		return o, fmt.Errorf("the prover fails: %w", err)
	}
	o.By = strings.TrimSpace(string(out))
	o.Killed = o.By != ""
	return o, nil
}

// broken is the exit code of a search that has found a state where something does not hold.
const broken = 1

// explore searches the states of the altered model as the patch says.
func (t *tree) explore(ctx context.Context, m *mutant) (outcome, error) {
	scope, search, _ := strings.Cut(m.explored, "--")
	program := filepath.Join(t.dir, "explore.program")
	build := exec.CommandContext(ctx, "go", append([]string{"run", "./spec/explore", "-model", m.specification.model, "-build", program}, strings.Fields(scope)...)...) //nolint:gosec // of a patch
	build.Dir = t.dir
	if out, err := build.CombinedOutput(); err != nil {
		return outcome{}, fmt.Errorf("the explorer cannot be built: %w\n%s", err, out)
	}
	o := outcome{Layer: explorer}
	began := time.Now()
	c := exec.CommandContext(ctx, program, append(strings.Fields(search), "-for", maxExplore.String())...) //nolint:gosec // built above
	out, err := c.Output()
	o.Seconds = time.Since(began).Seconds()
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return o, ctx.Err()
	case errors.As(err, &ended) && ended.ExitCode() == broken:
		_, story, _ := strings.Cut(string(out), "\n")
		property, _, _ := strings.Cut(story, " does not hold")
		o.Killed, o.By, o.Detail = true, property, end(story)
		return o, nil
	case err != nil:
		return o, fmt.Errorf("the explorer fails: %w\n%s", err, out)
	}
	return o, nil
}
