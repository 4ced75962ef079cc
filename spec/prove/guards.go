package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/ben-ng/gaggle/spec"
)

// checksWithoutOne is how many checks a script has that looks for one counterexample: few,
// as those after it are in vain.
const checksWithoutOne = 5

// A trial is a requirement, and what came of taking it away.
type trial struct {
	action, requirement string
	// by is the invariant that has a counterexample without it; "" if all are still proved.
	by string
	// unknown counts the checks without an answer.
	unknown int
	err     error
}

func (t *trial) name() string { return t.action + "." + t.requirement }

// guards takes one requirement after the other from the actions of a model, and sees
// whether the proof breaks: a solver has to find a counterexample. So each of them is
// there for a reason that the proof knows of, but for those that the model's list of
// spared requirements gives another reason for. It fails if that list is not exact. Of
// requirements whose names do not match, nothing is tried or said.
func (p *prover) guards(out io.Writer, m *spec.Model, s solver, match *regexp.Regexp) error {
	spared, err := spec.Spared(m.Name)
	if err != nil {
		return err
	}
	var trials []trial
	for _, a := range m.Actions {
		for _, r := range a.Requires {
			t := trial{action: a.Name, requirement: r.Name}
			if match.MatchString(t.name()) {
				trials = append(trials, t)
			}
		}
	}
	p.tryAll(m, s, trials)
	var wrong []string
	for _, t := range trials {
		if t.err != nil {
			return t.err
		}
		_, listed := spared[t.name()]
		delete(spared, t.name())
		if _, err := fmt.Fprintf(out, "%-13s %-40s %s\n", m.Name, t.name(), t.verdict()); err != nil {
			return err
		}
		switch {
		case t.by != "" && listed:
			wrong = append(wrong, t.name()+" is listed as spared, but the proof breaks without it")
		case t.by == "" && !listed:
			wrong = append(wrong, t.name()+" is spared, and not listed with a reason")
		}
	}
	for name := range spared {
		if !match.MatchString(name) {
			continue
		}
		wrong = append(wrong, name+" is listed as spared, and there is no such requirement")
	}
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return fmt.Errorf("%s:\n%s", m.Name, strings.Join(wrong, "\n"))
	}
	return nil
}

func (t *trial) verdict() string {
	switch {
	case t.by != "":
		return "needed: " + t.by
	case t.unknown > 0:
		return fmt.Sprintf("%d checks without an answer", t.unknown)
	}
	return "spared"
}

func (p *prover) tryAll(m *spec.Model, s solver, trials []trial) {
	var wait sync.WaitGroup
	slots := make(chan struct{}, p.parallel)
	for i := range trials {
		slots <- struct{}{}
		wait.Go(func() {
			p.try(m, s, &trials[i])
			<-slots
		})
	}
	wait.Wait()
}

func (p *prover) try(m *spec.Model, s solver, t *trial) {
	p.seek(m.Without(t.action, t.requirement), s, t)
}

// counterexample prints the first counterexample to what a model claims, of the actions whose
// names match. A solver is only asked where those before it have found none.
func (p *prover) counterexample(out io.Writer, m *spec.Model, asked []solver, match *regexp.Regexp) error {
	for _, s := range asked {
		for _, a := range m.Actions {
			t := trial{action: a.Name}
			if !match.MatchString(a.Name) {
				continue
			}
			if p.seek(m, s, &t); t.err != nil {
				return t.err
			}
			if t.by != "" {
				_, err := fmt.Fprintf(out, "%s, %s\n", t.by, t.action)
				return err
			}
		}
	}
	return nil
}

// seek asks about the action until there is a counterexample.
func (p *prover) seek(m *spec.Model, s solver, t *trial) {
	for _, q := range m.Proof(checksWithoutOne) {
		if q.Name != t.action {
			continue
		}
		answers, err := s.ask(p.ctx, q, p.perCheck)
		if err != nil {
			t.err = err
			return
		}
		for i, said := range answers {
			switch said {
			case "sat":
				t.by = q.Checks[i]
				return
			case "unsat":
			default:
				t.unknown++
			}
		}
	}
}
