package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/ben-ng/gaggle/spec"
)

// A solver is a program that answers questions in SMT-LIB 2 on its standard input.
type solver struct {
	name string
	// ways are its options: the first, and others for what it gives up on so.
	ways [][]string
	// perCheck is the option for the longest time that one check may take, in milliseconds.
	perCheck string
	// logic: it is told the logic of a question.
	logic bool
}

// cvc5 needs to be told to look for finite models, or it gives up on some questions. With the
// instances that terms suggest it takes seconds where it takes minutes by models alone, and the
// other way round. Of the latter, one instance of what is quantified at a time is the faster one.
func solvers() []solver {
	models := []string{"--lang=smt2", "--incremental", "--finite-model-find"}
	return []solver{
		{name: "z3", ways: [][]string{{"-in", "-smt2"}}, perCheck: "-t:%d"},
		{
			name: "cvc5", ways: [][]string{
				slices.Concat(models, []string{"--e-matching", "--fmf-mbqi=none", "-"}),
				slices.Concat(models, []string{"--mbqi-one-inst-per-round", "-"}),
			},
			perCheck: "--tlimit-per=%d", logic: true,
		},
	}
}

// firstWay is how long a check gets in a way that is not the last. Most answers take less than a
// second, whichever way is good for them.
const firstWay = 15 * time.Second

// errNoSolver is what ask returns if a solver is not installed.
var errNoSolver = errors.New("is not installed")

// ask returns a solver's answers to a question, one for each check: "sat", "unsat", or
// why there is none, in no way.
func (s solver) ask(ctx context.Context, q spec.Question, perCheck time.Duration) ([]string, error) {
	answers := make([]string, len(q.Checks))
	given := func(answer string) bool { return answer == "sat" || answer == "unsat" }
	for i, way := range s.ways {
		limit := perCheck
		if i < len(s.ways)-1 {
			limit = min(limit, firstWay)
		}
		now, err := s.askIn(ctx, way, q, limit)
		if err != nil {
			return nil, err
		}
		all := true
		for k, a := range now {
			if !given(answers[k]) {
				answers[k] = a
			}
			all = all && given(answers[k])
		}
		if all {
			break
		}
	}
	return answers, nil
}

// askIn asks in one way.
func (s solver) askIn(ctx context.Context, way []string, q spec.Question, perCheck time.Duration) ([]string, error) {
	program, err := exec.LookPath(s.name)
	if err != nil {
		return nil, fmt.Errorf("%s %w", s.name, errNoSolver)
	}
	args := append([]string{fmt.Sprintf(s.perCheck, perCheck.Milliseconds())}, way...)
	command := exec.CommandContext(ctx, program, args...) // #nosec G204 -- the solver's name is ours
	text := q.Text
	if s.logic {
		text = "(set-logic " + q.Logic + ")\n" + text
	}
	command.Stdin = strings.NewReader(text)
	var said, complaint bytes.Buffer
	command.Stdout, command.Stderr = &said, &complaint
	failed := command.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	answers := strings.Fields(said.String())
	for _, a := range answers {
		if a != "sat" && a != "unsat" && a != "unknown" && a != "timeout" {
			return nil, fmt.Errorf("%s on %s: %s", s.name, q.Name, strings.TrimSpace(said.String()))
		}
	}
	if len(answers) != len(q.Checks) {
		return nil, fmt.Errorf("%s on %s: %d answers to %d checks: %w", s.name, q.Name, len(answers), len(q.Checks), errors.Join(failed, errors.New(complaint.String())))
	}
	return answers, nil
}
