package follow

import (
	"fmt"

	"github.com/ben-ng/gaggle/spec"
)

// A formula as it is compiled: negations are at its atoms, definitions are put in, and each
// quantifier binds one variable and reaches no farther than it has to.
type node struct {
	op   op
	kids []*node
	// bound is what a quantifier binds.
	bound variable
	// atom is a relation, an order or an equality, that is not so if negated is set.
	atom    *spec.Formula
	negated bool
	free    map[string]bool
}

type op uint8

const (
	constant op = iota // true, or false if negated
	atom
	iff // its kids are both so or both not so, or one of them if negated
	and
	or
	exists
	forall
)

// A variable of a formula has a name of its own.
type variable struct{ name, sort string }

// normalizer puts definitions into formulas, and gives bound variables names of their own.
type normalizer struct {
	model *spec.Model
	names int
}

// normal is a formula as it is compiled.
func (z *normalizer) normal(f *spec.Formula) *node {
	return z.statement(z.expand(f, nil), false)
}

// expand puts definitions in, and formulas for variables.
func (z *normalizer) expand(f *spec.Formula, with map[string]*spec.Formula) *spec.Formula {
	if f.Op == spec.Variable {
		if g := with[f.Name]; g != nil {
			return g
		}
		return f
	}
	if f.Op == spec.Call {
		if d := z.model.Definition(f.Name); d != nil {
			inner := map[string]*spec.Formula{}
			for i, p := range d.Params {
				inner[p.Name] = z.expand(f.Args[i], with)
			}
			return z.expand(d.Body, inner)
		}
	}
	g := *f
	g.Args = make([]*spec.Formula, len(f.Args))
	if f.Op == spec.Forall || f.Op == spec.Exists {
		inner := map[string]*spec.Formula{}
		for name, h := range with {
			inner[name] = h
		}
		g.Bound = make([]spec.Typed, len(f.Bound))
		for i, b := range f.Bound {
			z.names++
			g.Bound[i] = spec.Typed{Name: fmt.Sprintf("%s.%d", b.Name, z.names), Sort: b.Sort}
			inner[b.Name] = &spec.Formula{Op: spec.Variable, Name: g.Bound[i].Name, Sort: b.Sort}
		}
		with = inner
	}
	for i, a := range f.Args {
		g.Args[i] = z.expand(a, with)
	}
	return &g
}

// statement is a formula, or its negation.
func (z *normalizer) statement(f *spec.Formula, not bool) *node {
	switch f.Op {
	case spec.True, spec.False:
		return truth((f.Op == spec.True) != not)
	case spec.Not:
		return z.statement(f.Args[0], !not)
	case spec.And, spec.Or:
		kids := make([]*node, 0, len(f.Args))
		for _, a := range f.Args {
			kids = append(kids, z.statement(a, not))
		}
		if (f.Op == spec.And) != not {
			return join(and, kids)
		}
		return join(or, kids)
	case spec.Implies:
		kids := []*node{z.statement(f.Args[0], !not), z.statement(f.Args[1], not)}
		if not {
			return join(and, kids)
		}
		return join(or, kids)
	case spec.If:
		return z.statement(&spec.Formula{Op: spec.And, Args: []*spec.Formula{
			{Op: spec.Implies, Args: []*spec.Formula{f.Args[0], f.Args[1]}},
			{Op: spec.Or, Args: []*spec.Formula{f.Args[0], f.Args[2]}},
		}}, not)
	case spec.Forall, spec.Exists:
		op := exists
		if (f.Op == spec.Forall) != not {
			op = forall
		}
		body := z.statement(f.Args[0], not)
		for _, b := range innermostLast(f.Bound) {
			body = quantified(op, variable{b.Name, b.Sort}, body)
		}
		return body
	case spec.Equal:
		if f.Args[0].Sort == spec.Bool {
			n := &node{op: iff, kids: []*node{z.statement(f.Args[0], false), z.statement(f.Args[1], false)}, negated: not}
			n.frees()
			return n
		}
	default:
	}
	n := &node{op: atom, atom: f, negated: not}
	n.frees()
	return n
}

// innermostLast sorts variables for nesting, the innermost quantifier first: terms, of which
// formulas say something for an index, then indexes, then the rest.
func innermostLast(bound []spec.Typed) []spec.Typed {
	var out []spec.Typed
	for _, pick := range []func(string) bool{
		func(s string) bool { return s == "term" },
		func(s string) bool { return s == "index" },
		func(s string) bool { return s != "term" && s != "index" },
	} {
		for _, b := range bound {
			if pick(b.Sort) {
				out = append(out, b)
			}
		}
	}
	return out
}

func truth(t bool) *node { return &node{op: constant, negated: !t, free: map[string]bool{}} }

// join is the conjunction or disjunction of kids.
func join(op op, kids []*node) *node {
	n := &node{op: op}
	for _, k := range kids {
		if k.op == op {
			n.kids = append(n.kids, k.kids...)
		} else {
			n.kids = append(n.kids, k)
		}
	}
	if len(n.kids) == 1 {
		return n.kids[0]
	}
	n.frees()
	return n
}

// quantified binds a variable, no farther out than it has to be.
func quantified(op op, v variable, body *node) *node {
	if !body.free[v.name] {
		return body
	}
	inner, outer := and, or // forall: over the parts of a conjunction, and past those of a disjunction
	if op == exists {
		inner, outer = or, and
	}
	switch body.op {
	case inner:
		kids := make([]*node, 0, len(body.kids))
		for _, k := range body.kids {
			kids = append(kids, quantified(op, v, k))
		}
		return join(inner, kids)
	case outer:
		var with, without []*node
		for _, k := range body.kids {
			if k.free[v.name] {
				with = append(with, k)
			} else {
				without = append(without, k)
			}
		}
		if len(without) > 0 {
			return join(outer, append(without, quantified(op, v, join(outer, with))))
		}
	default:
	}
	n := &node{op: op, kids: []*node{body}, bound: v}
	n.frees()
	return n
}

// frees finds the variables that a node does not bind.
func (n *node) frees() {
	n.free = map[string]bool{}
	for _, k := range n.kids {
		for name := range k.free {
			n.free[name] = true
		}
	}
	if n.atom != nil {
		addVariables(n.atom, n.free)
	}
	delete(n.free, n.bound.name)
}

func addVariables(f *spec.Formula, to map[string]bool) {
	if f.Op == spec.Variable {
		to[f.Name] = true
	}
	for _, a := range f.Args {
		addVariables(a, to)
	}
}

// negation is the opposite of a node.
func (n *node) negation() *node {
	m := *n
	switch n.op {
	case and:
		m.op = or
	case or:
		m.op = and
	case exists:
		m.op = forall
	case forall:
		m.op = exists
	default:
		m.negated = !n.negated
		return &m
	}
	m.kids = make([]*node, len(n.kids))
	for i, k := range n.kids {
		m.kids[i] = k.negation()
	}
	return &m
}
