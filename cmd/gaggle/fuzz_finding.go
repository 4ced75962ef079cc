package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ben-ng/gaggle/sim"
)

// findingEvent is what --json writes of a finding.
type findingEvent struct {
	Event    string       `json:"event"`
	Property sim.Property `json:"property"`
	Detail   string       `json:"detail"`
	Seed     uint64       `json:"seed"`
	Profile  string       `json:"profile"`
	Layer    string       `json:"layer"`
	Nodes    int          `json:"nodes"`
	Spares   int          `json:"spares"`
	// Events is how many it takes until it shows.
	Events  int      `json:"events"`
	Ops     []sim.Op `json:"ops"`
	File    string   `json:"file,omitempty"`
	Picture string   `json:"picture,omitempty"`
}

// saved is what was written of a finding, and the command that finds it again.
type saved struct {
	file, picture string
	again         string
	err           error
}

// save writes what was found, so that it can be played again.
func (f *fuzzRun) save(finding *sim.Finding) (s saved) {
	name := f.options.out
	if name == "" {
		name = fmt.Sprintf("gaggle-finding-%d.json", finding.Schedule.Seed)
	}
	s.again = fmt.Sprintf("gaggle fuzz --seed %d --runs 1", finding.Schedule.Seed)
	if p := f.options.profile; p != "" {
		s.again += " --profile " + p
	}
	var data bytes.Buffer
	if s.err = finding.Write(&data); s.err != nil {
		return s
	}
	if err := os.WriteFile(name, data.Bytes(), 0o600); err != nil {
		s.err = fmt.Errorf("the finding could not be written: %w", err)
		return s
	}
	s.file = name
	if finding.Schedule.Setup.Layer != sim.Engines {
		return s // there are no users who could have seen something
	}
	page := strings.TrimSuffix(name, ".json") + ".html"
	switch err := f.picture(finding.Schedule, page); {
	case err == nil:
		s.picture = page
	case !errors.Is(err, sim.ErrNoHistory):
		s.err = err
	}
	return s
}

// show shows a finding.
func (f *fuzzRun) show(finding *sim.Finding, s saved) {
	v, schedule := finding.Violation, finding.Schedule
	setup := &schedule.Setup
	e := findingEvent{
		Event: "finding", Property: v.Property, Detail: v.Detail, Seed: schedule.Seed, Profile: schedule.Profile,
		Layer: setup.Layer.String(), Nodes: setup.Nodes, Spares: setup.Spares, Events: v.Step,
		Ops: append([]sim.Op{}, schedule.Ops...), File: s.file, Picture: s.picture,
	}
	f.out.event(e, "%s", findingWords(finding, s))
}

// broken is the error of a command that has found something.
func broken(v *sim.Violation) error { return fmt.Errorf("%q does not hold: %s", v.Property, v.Detail) }

// findingWords describes a finding for people.
func findingWords(finding *sim.Finding, s saved) string {
	v, schedule := finding.Violation, finding.Schedule
	setup := &schedule.Setup
	var b strings.Builder
	line := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format+"\n", args...) }
	line("VIOLATED: %s", v.Property)
	line("  %s", v.Detail)
	line("seed %d, profile %s, layer %s: %s, %s, %s in %v", schedule.Seed, schedule.Profile, setup.Layer,
		count(setup.Nodes, "node"), count(setup.Spares, "spare"), count(v.Step, "event"), v.At)
	line("%s:", count(len(schedule.Ops), "op"))
	var at time.Duration
	for _, op := range schedule.Ops {
		at += op.After
		line("%12.6f  %s", at.Seconds(), opWords(op))
	}
	line("%s", noiseWords(schedule))
	if s.again != "" {
		line("to find it again: %s", s.again)
	}
	if s.file != "" {
		line("to see it event by event: gaggle fuzz --replay %s", s.file)
	}
	if s.picture != "" {
		line("what users saw: %s", s.picture)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// noiseWords says how much is left to chance.
func noiseWords(s *sim.Schedule) string {
	trouble := 0
	for _, b := range s.Noise {
		if b != 0 {
			trouble++
		}
	}
	switch {
	case s.NoiseSeed != 0:
		return "what befalls each frame and each write follows from the seed"
	case trouble == 0:
		return "nothing befalls frames and writes by chance"
	}
	return count(trouble, "frame") + " or writes may be lost, repeated, late or slow by chance"
}

// opWords describes an Op.
func opWords(op sim.Op) string {
	switch op.Kind {
	case sim.Mend:
		return op.Kind.String()
	case sim.FormerLife:
		return fmt.Sprintf("%v: frame %d again", op.Kind, op.Amount)
	case sim.Partition:
		return fmt.Sprintf("%v: %s from the others", op.Kind, nodeSet(op.Amount))
	case sim.Graph:
		return fmt.Sprintf("%v: links %b", op.Kind, op.Amount)
	case sim.Noisy:
		return fmt.Sprintf("%v: of 256 frames %d lost, %d repeated, %d late, of writes %d slow", op.Kind,
			op.Amount&0xff, op.Amount>>8&0xff, op.Amount>>16&0xff, op.Amount>>24)
	case sim.Change:
		nobody := ""
		if op.Amount&0x8000 != 0 {
			nobody = " and one that is not there"
		}
		return fmt.Sprintf("%v: voters %s%s, learners %s", op.Kind, nodeSet(op.Amount&0x7fff), nobody, nodeSet(op.Amount>>16))
	case sim.Cut, sim.SlowLink, sim.Unreachable, sim.Transfer:
		return fmt.Sprintf("%v %s → %s%s", op.Kind, nodeName(op.Node), nodeName(op.Other), amountWords(op))
	default:
		return fmt.Sprintf("%v %s%s", op.Kind, nodeName(op.Node), amountWords(op))
	}
}

// amountWords is how much, if it is something.
func amountWords(op sim.Op) string {
	if op.Amount == 0 {
		return ""
	}
	unit := ""
	switch op.Kind {
	case sim.ClockJump:
		unit = " ticks"
	case sim.ClockRate:
		unit = " percent"
	case sim.Sluggish:
		unit = " hundredths of a tick"
	case sim.SlowDisk, sim.SlowLink:
		unit = " times as slow"
	case sim.Compact:
		unit = " entries kept"
	case sim.Crash:
		unit = " writes survive"
	default:
	}
	return fmt.Sprintf(", %d%s", op.Amount, unit)
}

// nodeName is what the node of a number is called at first.
func nodeName(number uint8) string {
	if number == sim.Leader {
		return "the leader"
	}
	return string(rune('a' + number))
}

// nodeSet lists the nodes whose bits are set.
func nodeSet(bits uint32) string {
	var names []string
	for number := range uint8(16) {
		if bits>>number&1 == 1 {
			names = append(names, nodeName(number))
		}
	}
	return "{" + strings.Join(names, " ") + "}"
}
