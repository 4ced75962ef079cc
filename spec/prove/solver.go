package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/ben-ng/gaggle/spec"
)

// A solver is a program that answers questions in SMT-LIB 2 on its standard input.
type solver struct {
	name    string
	options []string
	// perCheck is the option for the longest time that one check may take, in milliseconds.
	perCheck string
	// logic: it is told the logic of a question.
	logic bool
}

// cvc5 needs to be told to look for finite models, or it gives up on some questions; and with
// the instances that terms suggest it takes seconds where it takes minutes by models alone.
func solvers() []solver {
	return []solver{
		{name: "z3", options: []string{"-in", "-smt2"}, perCheck: "-t:%d"},
		{
			name:     "cvc5",
			options:  []string{"--lang=smt2", "--incremental", "--finite-model-find", "--e-matching", "--fmf-mbqi=none", "-"},
			perCheck: "--tlimit-per=%d", logic: true,
		},
	}
}

// errNoSolver is what ask returns if a solver is not installed.
var errNoSolver = errors.New("is not installed")

// ask returns a solver's answers to a question, one for each check: "sat", "unsat", or
// why there is none.
func (s solver) ask(ctx context.Context, q spec.Question, perCheck time.Duration) ([]string, error) {
	program, err := exec.LookPath(s.name)
	if err != nil {
		return nil, fmt.Errorf("%s %w", s.name, errNoSolver)
	}
	args := append([]string{fmt.Sprintf(s.perCheck, perCheck.Milliseconds())}, s.options...)
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
