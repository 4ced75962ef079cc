package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/ben-ng/gaggle/sim"
)

// happenedEvent is one thing that happens in a replay.
type happenedEvent struct {
	Event   string  `json:"event"`
	Seconds float64 `json:"seconds"`
	Text    string  `json:"text"`
}

// happenedNoMoreEvent says that a replay does not violate anything.
type happenedNoMoreEvent struct {
	Event    string       `json:"event"`
	Property sim.Property `json:"property"`
	Detail   string       `json:"detail"`
}

// replay shows what was found before, event by event.
func (f *fuzzRun) replay(ctx context.Context) error {
	before, err := readFinding(f.options.replay)
	if err != nil {
		return fmt.Errorf("--replay %s: %w", f.options.replay, err)
	}
	f.options.seed = before.Schedule.Seed
	end := make(chan error, 1)
	// Not waited for after an interrupt: nothing can interrupt a run, which ends before
	// long by itself.
	go func() { end <- f.replayed(before) }()
	select {
	case err := <-end:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// replayed plays it, and says what came of it this time.
func (f *fuzzRun) replayed(before *sim.Finding) error {
	report, violation := f.play(before.Schedule, &happenings{out: f.out})
	was := before.Violation
	var err error
	switch {
	case violation == nil:
		f.out.event(happenedNoMoreEvent{"happened no more", was.Property, was.Detail},
			"It does not happen any more. It was: %s: %s", was.Property, was.Detail)
	case violation.Property != was.Property:
		err = fmt.Errorf("%w; it was %q when it was found", broken(violation), was.Property)
	default:
		err = broken(violation)
	}
	if violation != nil {
		f.show(&sim.Finding{Schedule: before.Schedule, Violation: violation}, saved{})
	}
	f.conclude(report, violation != nil)
	return errors.Join(err, f.out.flush())
}

func readFinding(name string) (*sim.Finding, error) {
	file, err := os.Open(name) //nolint:gosec // the user says which
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	return sim.ReadFinding(file)
}

// happenings writes the lines that a run tells. Each comes in one Write.
type happenings struct{ out *output }

func (h *happenings) Write(line []byte) (int, error) {
	text := string(bytes.TrimSuffix(line, []byte("\n")))
	at, what, _ := strings.Cut(strings.TrimLeft(text, " "), "  ")
	seconds, err := strconv.ParseFloat(at, 64)
	if err != nil {
		return 0, err
	}
	h.out.event(happenedEvent{"happened", seconds, what}, "%s", text)
	return len(line), nil
}
