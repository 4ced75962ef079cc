package main

import (
	"context"
	"sync"
	"time"

	"github.com/ben-ng/gaggle/spec"
)

// An answer is what a solver said to one question.
type answer struct {
	question spec.Question
	answers  []string
	took     time.Duration
	err      error
}

// not lists the checks whose answer is another than it should be.
func (a *answer) not(expected string) []string {
	var list []string
	for i, got := range a.answers {
		if got != expected {
			list = append(list, a.question.Name+"/"+a.question.Checks[i]+" ("+got+")")
		}
	}
	return list
}

// askAll asks several questions at a time, and gives the answers in the questions' order.
func (p *prover) askAll(s solver, questions []spec.Question) []answer {
	all := make([]answer, len(questions))
	var wait sync.WaitGroup
	slots := make(chan struct{}, p.parallel)
	for i, q := range questions {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			began := time.Now()
			answers, err := s.ask(p.ctx, q, p.perCheck)
			all[i] = answer{q, answers, time.Since(began), err}
		})
	}
	wait.Wait()
	return all
}

// failures sums answers up: how many checks there were, and which had another answer than
// expected. An error ends it.
func failures(all []answer, expected string) (checks int, failed []string, err error) {
	for i := range all {
		if all[i].err != nil {
			return 0, nil, all[i].err
		}
		checks += len(all[i].answers)
		failed = append(failed, all[i].not(expected)...)
	}
	return checks, failed, nil
}

// A prover asks solvers.
type prover struct {
	ctx      context.Context
	parallel int
	perCheck time.Duration
}
