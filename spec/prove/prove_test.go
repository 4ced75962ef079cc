package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/spec"
)

func prove(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, &out)
	return out.String(), err
}

func needs(t *testing.T, solver string) {
	t.Helper()
	if _, err := exec.LookPath(solver); err != nil {
		t.Skipf("%s is not installed; make proof installs it, and leaves nothing out", solver)
	}
}

func TestZ3ProvesTheLockAndFindsItsRuns(t *testing.T) {
	needs(t, "z3")
	for _, args := range [][]string{{"-solver", "z3", "lock"}, {"-solver", "z3", "-traces", "lock"}, {"-solver", "z3", "quorums"}} {
		if out, err := prove(t, args...); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

func TestAModelThatIsWrongIsNotProved(t *testing.T) {
	needs(t, "z3")
	m, err := spec.Load("lock")
	if err != nil {
		t.Fatal(err)
	}
	m = m.Without("accept", "fencing")
	p := &prover{ctx: t.Context(), parallel: 1, perCheck: 0}
	err = p.report(&bytes.Buffer{}, m.Name, solvers()[0], m.Proof(checksAtOnce), "unsat")
	if err == nil || !strings.Contains(err.Error(), "accept/NoStaleWriteIsAccepted (sat)") {
		t.Errorf("a resource that accepts everything: %v", err)
	}
}

func TestOneCounterexampleIsPrinted(t *testing.T) {
	needs(t, "z3")
	m, err := spec.Load("lock")
	if err != nil {
		t.Fatal(err)
	}
	p := &prover{ctx: t.Context(), parallel: 1}
	for _, c := range []struct {
		match string
		model *spec.Model
		want  string
	}{
		{".", m, ""},
		{".", m.Without("accept", "fencing"), "NoStaleWriteIsAccepted, accept\n"},
		{"grant", m.Without("accept", "fencing"), ""},
	} {
		var out bytes.Buffer
		if err := p.counterexample(&out, c.model, solvers()[:1], regexp.MustCompile(c.match)); err != nil || out.String() != c.want {
			t.Errorf("of steps that match %q: %q, %v, want %q", c.match, out.String(), err, c.want)
		}
	}
}

// fakeSolver puts a z3 in front of all others that says something, whatever it is asked.
func fakeSolver(t *testing.T, says string) {
	t.Helper()
	fakeProgram(t, "cat >/dev/null\nprintf '"+says+"'\n")
}

// fakeProgram puts a z3 in front of all others that is such a script.
func fakeProgram(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	program := "#!/bin/sh\n" + script
	if err := os.WriteFile(filepath.Join(dir, "z3"), []byte(program), 0o700); err != nil { // #nosec G306 -- a program
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

func TestNoAnswerIsNoProof(t *testing.T) {
	for _, c := range []struct{ says, want string }{
		{"", "0 answers to 25 checks"},
		{"unsat\\nunsat\\n", "2 answers to"},
		{strings.Repeat("unknown\\n", 25), "(unknown)"},
		{strings.Repeat("unsat\\n", 24) + "timeout\\n", "(timeout)"},
		{`(error "what?")`, "what?"},
	} {
		fakeSolver(t, c.says)
		q := spec.Question{Name: "step", Checks: make([]string, 25)}
		p := &prover{ctx: t.Context(), parallel: 1, perCheck: 0}
		err := p.report(&bytes.Buffer{}, "m", solvers()[0], []spec.Question{q}, "unsat")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("a solver that says %q: %v, want %s", c.says, err, c.want)
		}
	}
}

func TestAMissingSolverIsAnError(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, solver := range []string{"z3", "cvc5"} {
		if _, err := prove(t, "-solver", solver, "lock"); err == nil || !strings.Contains(err.Error(), solver+" is not installed") {
			t.Errorf("without %s: %v", solver, err)
		}
	}
}

func TestTheQuestionsCanBePrinted(t *testing.T) {
	out, err := prove(t, "-text", "lock")
	if err != nil || !strings.Contains(out, "; accept\n(declare-sort token 0)") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := prove(t, "nothing"); err == nil {
		t.Error("a model that there is not was read")
	}
	if _, err := prove(t, "-solver", "abacus", "lock"); err == nil {
		t.Error("a solver that there is not was asked")
	}
}

func TestOnlyWhatMatchesIsAsked(t *testing.T) {
	fakeSolver(t, strings.Repeat("unsat\\n", 9))
	out, err := prove(t, "-solver", "z3", "-match", "^expire$", "lock")
	if err != nil || !strings.Contains(out, "9 of 9 unsat") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestWhatIsNeededIsWhatTheSolverUsed(t *testing.T) {
	const cores = "unsat\\n(order enter.friend OnlyFriends)\\nunsat\\n(lock.le)\\n"
	fakeSolver(t, cores)
	m, err := spec.Parse("door", spec.Source{File: "door", Text: `
relation inside
action enter() { inside := true }
safety OnlyFriends: true
invariant order: true`})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	p := &prover{ctx: t.Context(), parallel: 1}
	if err := p.needs(&out, m); err != nil {
		t.Fatal(err)
	}
	want := "| | OnlyFriends |\n|---|:-:|\n| OnlyFriends | • |\n| order | • |\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	fakeSolver(t, "unsat\\n()\\nunknown\\n")
	if err := p.needs(&out, m); err == nil || !strings.Contains(err.Error(), "says unknown") {
		t.Errorf("without an answer: %v", err)
	}
}

// What follows from what a step requires is used in the proofs of invariants, and in its own proof
// others are: what needs it needs those.
func TestWhatFollowsPassesOnWhatItNeeds(t *testing.T) {
	m, err := spec.Parse("door", spec.Source{File: "door", Text: `
relation inside
action enter() {
    require outside: not inside
    follows near: not inside
    inside := true
}
safety OnlyFriends: true
invariant order: true
invariant alone: true`})
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]string{"OnlyFriends": "enter.near", "enter.near": "enter.outside order", "alone": "alone"}
	program := "case $(grep -c check-sat) in\n"
	for _, q := range m.Proof(checksAtOnce) {
		program += fmt.Sprintf("%d) printf '", len(q.Checks))
		for _, check := range q.Checks {
			program += "unsat\\n(" + used[check] + ")\\n"
		}
		program += "' ;;\n"
	}
	fakeProgram(t, program+"esac\n")
	var out bytes.Buffer
	if err := (&prover{ctx: t.Context(), parallel: 1}).needs(&out, m); err != nil {
		t.Fatal(err)
	}
	want := "| | OnlyFriends |\n|---|:-:|\n| OnlyFriends | |\n| order | • |\n| alone | |\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
