package spec

import (
	"fmt"
	"slices"
)

// A Question is a text for a solver, and what its answers mean. The solver answers each of
// Checks, in their order, with "sat" or "unsat".
type Question struct {
	// Name is the action that is asked about, Beginning, or a trace.
	Name   string
	Text   string
	Checks []string
	// Logic is the part of SMT-LIB that it is in.
	Logic string
}

// Beginning is the name of the question whether invariants hold in the first state.
const Beginning = "beginning"

// uninterpreted is the logic of models: nothing is known of their sorts and symbols.
const uninterpreted = "UF"

const (
	now  state = ""
	then state = "!"
)

// Proof is what has to be asked to prove invariants, some or all of a model's: that each
// holds in the first state, and that no action leads from a state where all hold to one
// where it does not. They hold in all states that can be reached if every answer is
// "unsat". No question has more than limit checks, so that several can be asked at once.
func (m *Model) Proof(limit int) []Question {
	all := m.ask(nil, limit)
	for _, a := range m.Actions {
		all = append(all, m.ask(a, limit)...)
	}
	return all
}

// ask is about one action, or, if it is nil, about the beginning.
func (m *Model) ask(a *Action, limit int) []Question {
	var all []Question
	if a != nil && len(a.Follows) > 0 {
		all = append(all, m.following(a))
	}
	for part := range slices.Chunk(m.Invariants, limit) {
		all = append(all, m.question(a, part))
	}
	return all
}

// following is about what follows from what an action requires.
func (m *Model) following(a *Action) Question {
	s, q := m.begin(), Question{Name: a.Name, Logic: uninterpreted}
	s.before(a)
	for _, f := range a.Follows {
		s.check(s.text(f.Formula, now, "", a.Params...))
		q.Checks = append(q.Checks, a.Name+"."+f.Name)
		s.ofAction(a, f, now, "")
	}
	q.Text = s.out.String()
	return q
}

// before says that all invariants hold, and that an action is taken.
func (s *script) before(a *Action) {
	s.declareState(now)
	for _, i := range s.model.Invariants {
		s.assert(i.Named, now)
	}
	s.taken(a, now, "")
}

// check asks whether something has to be so.
func (s *script) check(text string) {
	s.line("(push 1)\n(assert (not %s))\n(check-sat)\n(pop 1)", text)
}

func (m *Model) question(a *Action, part []Invariant) Question {
	s, q, at := m.begin(), Question{Name: Beginning, Logic: uninterpreted}, now
	if a == nil {
		s.declareState(now)
		for _, i := range m.Inits {
			s.assert(i, now)
		}
	} else {
		s.before(a)
		for _, f := range a.Follows {
			s.ofAction(a, f, now, "")
		}
		s.leads(a, now, then, "")
		q.Name, at = a.Name, then
	}
	for _, i := range part {
		s.check(s.text(i.Formula, at, ""))
		q.Checks = append(q.Checks, i.Name)
	}
	q.Text = s.out.String()
	return q
}

// Runs are questions whether there are the runs that the traces name: the answers have to
// be "sat".
func (m *Model) Runs() []Question {
	all := make([]Question, len(m.Traces))
	for i, t := range m.Traces {
		all[i] = m.run(t)
	}
	return all
}

func (m *Model) run(t Trace) Question {
	s := m.begin()
	at := func(n int) state { return state(fmt.Sprintf("@%d", n)) }
	s.declareState(at(0))
	for _, i := range m.Inits {
		s.assert(i, at(0))
	}
	for n, step := range t.Steps {
		ending := fmt.Sprintf("_%d", n)
		s.taken(m.Action(step), at(n), ending)
		s.leads(m.Action(step), at(n), at(n+1), ending)
	}
	s.assert(Named{"reaches", t.Reaches}, at(len(t.Steps)))
	s.line("(check-sat)")
	return Question{Name: t.Name, Text: s.out.String(), Checks: []string{t.Name}, Logic: uninterpreted}
}

// Without is the model with one requirement of an action less.
func (m *Model) Without(action, requirement string) *Model {
	n := *m
	n.Actions = slices.Clone(m.Actions)
	for i, a := range n.Actions {
		if a.Name == action {
			b := *a
			b.Requires = slices.DeleteFunc(slices.Clone(a.Requires), func(r Named) bool { return r.Name == requirement })
			n.Actions[i] = &b
		}
	}
	return &n
}
