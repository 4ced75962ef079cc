package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/ben-ng/gaggle/spec"
)

// uses says of each invariant which others z3 used to prove it, over all steps.
type uses map[string]map[string]bool

// needs prints a table of what the safety properties of a model rest on: a property needs
// what its proof uses, what the proofs of that use, and so on. What a solver uses is enough,
// but it may be more than there has to be.
func (p *prover) needs(out io.Writer, m *spec.Model) error {
	used, err := p.collectUses(m)
	if err != nil {
		return err
	}
	var safety []string
	var columns []map[string]bool
	for _, i := range m.Invariants {
		if i.Safety {
			safety = append(safety, i.Name)
			columns = append(columns, used.closure(i.Name))
		}
	}
	lines := []string{"| | " + strings.Join(safety, " | ") + " |", "|---|" + strings.Repeat(":-:|", len(safety))}
	for _, i := range m.Invariants {
		line := "| " + i.Name + " |"
		for _, column := range columns {
			mark := " |"
			if column[i.Name] {
				mark = " • |"
			}
			line += mark
		}
		lines = append(lines, line)
	}
	_, err = fmt.Fprintln(out, strings.Join(lines, "\n"))
	return err
}

// closure is what an invariant needs, itself aside unless it needs itself before the step.
func (u uses) closure(name string) map[string]bool {
	all := map[string]bool{}
	next := []string{name}
	for len(next) > 0 {
		for used := range u[next[0]] {
			if !all[used] {
				all[used] = true
				next = append(next, used)
			}
		}
		next = next[1:]
	}
	return all
}

func (p *prover) collectUses(m *spec.Model) (uses, error) {
	// What follows from what an action requires is used as invariants are, and uses them.
	invariants := map[string]bool{}
	for _, i := range m.Invariants {
		invariants[i.Name] = true
	}
	for _, a := range m.Actions {
		for _, f := range a.Follows {
			invariants[a.Name+"."+f.Name] = true
		}
	}
	var (
		mu       sync.Mutex
		wait     sync.WaitGroup
		failed   error
		all      = uses{}
		slots    = make(chan struct{}, p.parallel)
		question = m.Proof(checksAtOnce)
	)
	for _, q := range question {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			cores, err := askForCores(p.ctx, q, p.perCheck)
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, err)
			for i, core := range cores {
				name := q.Checks[i]
				if all[name] == nil {
					all[name] = map[string]bool{}
				}
				for _, used := range core {
					if invariants[used] {
						all[name][used] = true
					}
				}
			}
		})
	}
	wait.Wait()
	return all, failed
}

// askForCores has z3 say of each check what it used.
func askForCores(ctx context.Context, q spec.Question, perCheck time.Duration) ([][]string, error) {
	command := exec.CommandContext(ctx, "z3", fmt.Sprintf("-t:%d", perCheck.Milliseconds()), "-in", "-smt2") // #nosec G204 -- numbers only
	command.Stdin = strings.NewReader("(set-option :produce-unsat-cores true)\n" +
		strings.ReplaceAll(q.Text, "(check-sat)\n", "(check-sat)\n(get-unsat-core)\n"))
	said, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("z3 on %s: %w: %s", q.Name, err, bytes.TrimSpace(said))
	}
	var cores [][]string
	lines := bufio.NewScanner(bytes.NewReader(said))
	lines.Buffer(nil, len(said)+1)
	for lines.Scan() {
		if core, ok := strings.CutPrefix(lines.Text(), "("); ok {
			cores = append(cores, strings.Fields(strings.TrimSuffix(core, ")")))
		} else if lines.Text() != "unsat" {
			return nil, fmt.Errorf("z3 on %s says %s", q.Name, lines.Text())
		}
	}
	if len(cores) != len(q.Checks) {
		return nil, fmt.Errorf("z3 on %s: %d cores of %d checks", q.Name, len(cores), len(q.Checks))
	}
	return cores, nil
}
