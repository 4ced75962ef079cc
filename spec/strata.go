package spec

import (
	"fmt"
	"maps"
	"slices"
)

// CheckOrder reports the first reason why proofs about the model might never end.
//
// Solvers decide such questions, by finitely many instances, if no thing can lead to
// another thing of its own sort by way of functions and "for every … there is a …": the
// sorts have to be ordered such that these only lead from earlier to later ones. The order
// is that of the declarations. (This is the extension of effectively propositional logic,
// EPR, to many sorts.) It covers what is asserted: axioms, the first state, requirements,
// what follows from them, invariants, and that one of these does not hold.
func (m *Model) CheckOrder() error {
	c := &orderCheck{model: m}
	for _, s := range m.Symbols {
		if s.Sort == Bool {
			continue
		}
		for _, a := range s.Args {
			c.leads(a, s.Sort, "function "+s.Name)
		}
	}
	for _, list := range [][]Named{m.Axioms, m.Inits} {
		for _, n := range list {
			c.statement(n, true)
		}
	}
	for _, i := range m.Invariants {
		c.statement(i.Named, true)
		c.statement(i.Named, false)
	}
	for _, a := range m.Actions {
		for _, r := range a.Requires {
			c.statement(r, true)
		}
		for _, f := range a.Follows {
			c.statement(f, true)
			c.statement(f, false)
		}
	}
	return c.err
}

type orderCheck struct {
	model *Model
	// where is the statement that is being looked at.
	where string
	err   error
}

// dependence says of each variable in sight on which things it depends that may be
// anything, by their sorts: itself, or, if it stands for something that there is, those for
// which there is one each.
type dependence map[string][]string

func (c *orderCheck) leads(from, to, why string) {
	at := func(name string) int {
		return slices.IndexFunc(c.model.Sorts, func(s Sort) bool { return s.Name == name })
	}
	if c.err == nil && at(from) >= at(to) {
		c.err = fmt.Errorf("%s: %s leads from %s to %s, which is not declared after it", c.model.Name, why, from, to)
	}
}

func (c *orderCheck) statement(n Named, holds bool) {
	c.where = n.Name
	c.look(n.Formula, holds, dependence{})
}

// look follows a formula that is asserted, or denied.
func (c *orderCheck) look(f *Formula, holds bool, on dependence) {
	switch f.Op {
	case Not:
		c.look(f.Args[0], !holds, on)
	case Implies:
		c.look(f.Args[0], !holds, on)
		c.look(f.Args[1], holds, on)
	case Forall, Exists:
		c.quantifier(f, holds, on)
	case If:
		c.both(f.Args[0], on)
		c.look(f.Args[1], holds, on)
		c.look(f.Args[2], holds, on)
	case Equal:
		c.both(f.Args[0], on)
		c.both(f.Args[1], on)
	case Call:
		c.call(f, holds, on)
	default:
		for _, a := range f.Args {
			c.look(a, holds, on)
		}
	}
}

// both follows a formula that may turn out either way.
func (c *orderCheck) both(f *Formula, on dependence) {
	c.look(f, true, on)
	c.look(f, false, on)
}

// call looks into a definition, whose parameters depend on what the arguments do.
func (c *orderCheck) call(f *Formula, holds bool, on dependence) {
	d := c.model.Definition(f.Name)
	if d == nil {
		return
	}
	inner := dependence{}
	for i, p := range d.Params {
		inner[p.Name] = on.of(f.Args[i])
	}
	c.look(d.Body, holds, inner)
}

// of is what the variables of a formula depend on, those aside that are bound within.
func (on dependence) of(f *Formula) []string {
	var all []string
	f.walk(func(part *Formula) {
		if part.Op == Variable {
			all = append(all, on[part.Name]...)
		}
	})
	return all
}

func (c *orderCheck) quantifier(f *Formula, holds bool, on dependence) {
	around, inner := on.of(f), maps.Clone(on)
	for _, v := range f.Bound {
		if (f.Op == Forall) == holds {
			inner[v.Name] = []string{v.Sort}
			continue
		}
		inner[v.Name] = around
		for _, u := range around {
			c.leads(u, v.Sort, c.where)
		}
	}
	c.look(f.Args[0], holds, inner)
}
