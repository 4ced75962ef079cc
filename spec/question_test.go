package spec

import (
	"strings"
	"testing"
)

const doorBeginning = `(declare-sort step 0)
(declare-sort person 0)
(declare-fun first () step)
(declare-fun step.le (step step) Bool)
(declare-fun friend (person) Bool)
(assert (! (forall ((A step)) (step.le A A)) :named step_reflexive))
(assert (! (forall ((A step)(B step)(C step)) (=> (and (step.le A B) (step.le B C)) (step.le A C))) :named step_transitive))
(assert (! (forall ((A step)(B step)) (=> (and (step.le A B) (step.le B A)) (= A B))) :named step_antisymmetric))
(assert (! (forall ((A step)(B step)) (or (step.le A B) (step.le B A))) :named step_total))
(assert (! (forall ((A step)) (step.le first A)) :named step_least))
(assert (! (exists ((p person)) (friend p)) :named somebody))
(declare-fun inside (person) Bool)
(declare-fun seen (person) step)
(declare-fun locked () Bool)
(define-fun safe ((p person)) Bool (or locked (friend p)))
`

const doorEnter = `(assert (! (forall ((P person)) (=> (inside P) (friend P))) :named OnlyFriends))
(assert (! (forall ((S step)(P person)) (=> (not (step.le S (seen P))) (step.le first S))) :named order))
(declare-const p person)
(declare-const s step)
(assert (! (not locked) :named enter.open))
(assert (! (and (friend p) (safe p)) :named enter.friend))
(define-fun inside! ((x0 person)) Bool (or (inside x0) (and (= x0 p))))
(define-fun seen! ((x0 person)) step (ite (and (= x0 p)) s (seen x0)))
(define-fun locked! () Bool locked)
(define-fun safe! ((p person)) Bool (or locked! (friend p)))
(push 1)
(assert (not (forall ((P person)) (=> (inside! P) (friend P)))))
(check-sat)
(pop 1)
(push 1)
(assert (not (forall ((S step)(P person)) (=> (not (step.le S (seen! P))) (step.le first S)))))
(check-sat)
(pop 1)
`

func TestAStepIsAskedForACounterexample(t *testing.T) {
	q := parse(t, door).Proof(10)
	if len(q) != 3 || q[0].Name != Beginning || q[1].Name != "enter" || q[2].Name != "lock" {
		t.Fatalf("questions %v", q)
	}
	if want := doorBeginning + doorEnter; q[1].Text != want {
		t.Errorf("the question is\n%s\nwant\n%s", q[1].Text, want)
	}
	if len(q[1].Checks) != 2 || q[1].Checks[0] != "OnlyFriends" {
		t.Errorf("checks %v", q[1].Checks)
	}
}

func TestTheBeginningIsAskedForACounterexample(t *testing.T) {
	want := doorBeginning + `(assert (! (forall ((P person)) (and (not (inside P)) (not locked))) :named outside))
(push 1)
(assert (not (forall ((P person)) (=> (inside P) (friend P)))))
`
	if q := parse(t, door).Proof(10)[0]; !strings.HasPrefix(q.Text, want) {
		t.Errorf("the question is\n%s\nwant it to begin with\n%s", q.Text, want)
	}
}

func TestARunIsAskedForStepByStep(t *testing.T) {
	q := parse(t, door).Runs()
	if len(q) != 1 || len(q[0].Checks) != 1 {
		t.Fatalf("questions %v", q)
	}
	for _, want := range []string{
		"(declare-fun inside@0 (person) Bool)\n",
		":named outside@0))\n",
		"(declare-const p_0 person)\n",
		"(assert (! (not locked@0) :named enter.open_0))\n",
		"(define-fun inside@1 ((x0 person)) Bool (or (inside@0 x0) (and (= x0 p_0))))\n",
		"(define-fun locked@2 () Bool true)\n",
		"(assert (! (exists ((p person)) (and (inside@2 p) locked@2)) :named reaches@2))\n(check-sat)\n",
	} {
		if !strings.Contains(q[0].Text, want) {
			t.Errorf("there is no %s in\n%s", want, q[0].Text)
		}
	}
}

func TestALimitSpreadsChecksOverQuestions(t *testing.T) {
	m := parse(t, door)
	if n := len(m.Proof(1)); n != 6 {
		t.Errorf("%d questions", n)
	}
	for _, q := range m.Proof(1) {
		if len(q.Checks) != 1 || strings.Count(q.Text, "check-sat") != 1 {
			t.Errorf("%s has checks %v", q.Name, q.Checks)
		}
	}
}

func TestARequirementTakenAwayIsMissedByItsActionAlone(t *testing.T) {
	m := parse(t, door)
	n := m.Without("enter", "friend")
	if len(n.Action("enter").Requires) != 1 || n.Action("enter").Requires[0].Name != "open" {
		t.Errorf("enter requires %v", n.Action("enter").Requires)
	}
	if len(m.Action("enter").Requires) != 2 {
		t.Error("the model itself has changed")
	}
}

func TestWhatFollowsIsAskedAndThenTakenToHold(t *testing.T) {
	m := parse(t, strings.Replace(door, "require friend: ", "follows closed: not locked\n    follows twice: not locked\n    require friend: ", 1))
	all := m.Proof(10)
	if len(all) != 4 || all[1].Name != "enter" || all[2].Name != "enter" {
		t.Fatalf("questions %v", all)
	}
	const closed = "(assert (! (not locked) :named enter.closed))\n"
	const denied = "(push 1)\n(assert (not (not locked)))\n(check-sat)\n(pop 1)\n"
	if q := all[1]; len(q.Checks) != 2 || q.Checks[0] != "enter.closed" || !strings.Contains(q.Text, denied+closed+denied) {
		t.Errorf("checks %v in\n%s", q.Checks, q.Text)
	}
	if q := all[2]; len(q.Checks) != 2 || !strings.Contains(q.Text, closed) {
		t.Errorf("checks %v in\n%s", q.Checks, q.Text)
	}
	if q := all[3]; strings.Contains(q.Text, "enter.closed") {
		t.Errorf("another action takes it to hold:\n%s", q.Text)
	}
	for _, run := range m.Runs() {
		if strings.Contains(run.Text, "enter.closed") {
			t.Errorf("a run takes it to hold:\n%s", run.Text)
		}
	}
}
