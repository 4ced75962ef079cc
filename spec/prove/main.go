// Command prove asks solvers whether what package spec claims of its models is so.
//
//	go run ./spec/prove                  all invariants of all models, by z3 and by cvc5
//	go run ./spec/prove -solver z3 raft  those of one model, by one solver
//	go run ./spec/prove -traces          whether the models do anything: runs that exist
//	go run ./spec/prove -counterexample  one counterexample, for a model that may be wrong
//	go run ./spec/prove -guards          whether every requirement of an action is needed
//	go run ./spec/prove -needs raft      which invariants each safety property needs
//	go run ./spec/prove -text raft       the questions themselves, in SMT-LIB 2
//
// It fails if a solver finds a counterexample, does not find an answer, or is missing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/ben-ng/gaggle/spec"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
		os.Exit(1)
	}
}

// checksAtOnce is how many checks a solver gets in one script: few enough that the work
// spreads over the processors, and enough that reading the script is the lesser part.
const checksAtOnce = 25

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("prove", flag.ContinueOnError)
	only := flags.String("solver", "", "ask this solver alone: z3 or cvc5")
	parallel := flags.Int("j", runtime.NumCPU(), "how many questions to ask at a time")
	perCheck := flags.Duration("t", time.Minute, "how long one answer may take")
	traces := flags.Bool("traces", false, "look for the runs of the traces")
	guards := flags.Bool("guards", false, "take away each requirement in turn; the proof has to break")
	counterexample := flags.Bool("counterexample", false, "print the first step and invariant that there is a counterexample to, nothing if there is none; do not fail")
	needs := flags.Bool("needs", false, "print what each safety property needs, by z3")
	match := flags.String("match", "", "ask only about steps, runs and requirements that match this expression")
	text := flags.Bool("text", false, "print the questions, and ask nobody")
	if err := flags.Parse(args); err != nil {
		return err
	}
	asked := slices.DeleteFunc(solvers(), func(s solver) bool { return *only != "" && s.name != *only })
	if len(asked) == 0 {
		return fmt.Errorf("%s is no solver that is known here", *only)
	}
	matching, err := regexp.Compile(*match)
	if err != nil {
		return err
	}
	p := &prover{ctx: ctx, parallel: *parallel, perCheck: *perCheck}
	subjects, err := load(flags.Args())
	if err != nil {
		return err
	}
	for _, subject := range subjects {
		switch questions, expected := subject.proof, "unsat"; {
		case *guards && subject.model == nil: // there is nothing to take away
		case *guards:
			err = errors.Join(err, p.guards(out, subject.model, asked[0], matching))
		case *counterexample && subject.model == nil: // it is no model
		case *counterexample:
			err = errors.Join(err, p.counterexample(out, subject.model, asked, matching))
		case *needs && subject.model == nil: // there is nothing beside the claims
		case *needs:
			err = errors.Join(err, p.needs(out, subject.model))
		case *text:
			err = errors.Join(err, printAll(out, questions))
		default:
			if *traces {
				questions, expected = subject.runs, "sat"
			}
			questions = slices.DeleteFunc(questions, func(q spec.Question) bool { return !matching.MatchString(q.Name) })
			for _, s := range asked {
				err = errors.Join(err, p.report(out, subject.name, s, questions, expected))
			}
		}
	}
	return err
}

// A subject is a model, or what is proved of quorums, which is none.
type subject struct {
	name        string
	model       *spec.Model
	proof, runs []spec.Question
}

// quorums is the name of the subject that is no model.
const quorums = "quorums"

// load finds subjects, all if none is named.
func load(names []string) ([]subject, error) {
	if len(names) == 0 {
		names = append(spec.Names(), quorums)
	}
	subjects := make([]subject, len(names))
	for i, name := range names {
		if name == quorums {
			subjects[i] = subject{quorums, nil, []spec.Question{spec.Quorums()}, []spec.Question{spec.DisjointQuorums()}}
			continue
		}
		m, err := spec.Load(name)
		if err != nil {
			return nil, err
		}
		subjects[i] = subject{name, m, m.Proof(checksAtOnce), m.Runs()}
	}
	return subjects, nil
}

func printAll(out io.Writer, questions []spec.Question) error {
	for _, q := range questions {
		if _, err := fmt.Fprintf(out, "; %s\n%s\n", q.Name, q.Text); err != nil {
			return err
		}
	}
	return nil
}

// report asks one solver about one subject, and says what came of it.
func (p *prover) report(out io.Writer, name string, s solver, questions []spec.Question, expected string) error {
	began := time.Now()
	all := p.askAll(s, questions)
	checks, failed, err := failures(all, expected)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%-13s %-5s %5d of %d %s, %.1fs; longest: %s\n",
		name, s.name, checks-len(failed), checks, expected, time.Since(began).Seconds(), longest(all))
	if err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("%s: %s does not say %s to: %s", name, s.name, expected, strings.Join(failed, ", "))
	}
	return nil
}

func longest(all []answer) string {
	var most answer
	for _, a := range all {
		if a.took > most.took {
			most = a
		}
	}
	return fmt.Sprintf("%s, %.1fs", most.question.Name, most.took.Seconds())
}
