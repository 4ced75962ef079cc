package spec

import "slices"

// resolve gives every name its meaning and every formula its sort, and adds the axioms of
// the orders. Variables that begin with a capital letter need not be declared: they stand
// for everything of their sort, which follows from where they are used.
func resolve(m *Model) {
	checkSorts(m)
	m.Axioms = append(orderAxioms(m), m.Axioms...)
	all := m.Definitions
	for i, d := range all {
		m.Definitions = all[:i] // a definition may use those before it
		resolveDefinition(m, d)
	}
	m.Definitions = all
	for _, list := range [][]Named{m.Axioms, m.Inits} {
		for i := range list {
			list[i].Formula = newScope(m, nil).statement(list[i].Formula)
		}
	}
	for i := range m.Invariants {
		m.Invariants[i].Formula = newScope(m, nil).statement(m.Invariants[i].Formula)
	}
	for _, a := range m.Actions {
		resolveAction(m, a)
	}
	for i := range m.Traces {
		t := &m.Traces[i]
		t.Reaches = newScope(m, nil).statement(t.Reaches)
		for _, step := range t.Steps {
			if m.Action(step) == nil {
				fail(t.Reaches.Line, "trace %s: there is no action %s", t.Name, step)
			}
		}
	}
	checkNames(m)
	checkGhosts(m)
}

func resolveDefinition(m *Model, d *Definition) {
	scope := newScope(m, d.Params)
	scope.closed = true
	line := d.Body.Line
	d.Body = scope.statement(d.Body)
	d.Body.walk(func(f *Formula) {
		if f.Op == Call {
			d.State = d.State || dependsOnState(m, f.Name)
		}
	})
	if m.Symbol(d.Name) != nil {
		fail(line, "%s is declared twice", d.Name)
	}
}

func dependsOnState(m *Model, name string) bool {
	if s := m.Symbol(name); s != nil {
		return s.State
	}
	d := m.Definition(name)
	return d != nil && d.State
}

func checkSorts(m *Model) {
	known := func(sort string) {
		if sort != Bool && m.sort(sort) == nil {
			fail(Place{m.Name, 0}, "there is no sort %s", sort)
		}
	}
	for _, s := range m.Symbols {
		known(s.Sort)
		for _, a := range s.Args {
			known(a)
		}
	}
}

// checkNames refuses two meanings for one name.
func checkNames(m *Model) {
	seen := map[string]bool{}
	once := func(kind, name string) {
		if seen[kind+name] {
			fail(Place{m.Name, 0}, "%s is declared twice", name)
		}
		seen[kind+name] = true
	}
	for _, s := range m.Symbols {
		once("", s.Name)
	}
	for _, d := range m.Definitions {
		once("", d.Name)
	}
	for _, i := range m.Invariants {
		once("invariant ", i.Name)
	}
	for _, a := range m.Actions {
		once("action ", a.Name)
		for _, r := range slices.Concat(a.Requires, a.Follows) {
			once("action "+a.Name+".", r.Name)
		}
	}
	for _, t := range m.Traces {
		once("trace ", t.Name)
	}
}

// orderAxioms says of every ordered sort that its order is total, and begins with Least.
func orderAxioms(m *Model) []Named {
	var all []Named
	for _, s := range m.Sorts {
		if !s.Ordered {
			continue
		}
		// Each use of a variable is a formula of its own, as resolving changes it.
		v := func(name string) *Formula { return &Formula{Op: Call, Name: name} }
		le := func(a, b string) *Formula {
			return &Formula{Op: Call, Name: OrderOf(s.Name), Args: []*Formula{v(a), v(b)}}
		}
		of := func(op Op, args ...*Formula) *Formula { return &Formula{Op: op, Args: args} }
		add := func(name string, f *Formula) { all = append(all, Named{s.Name + "_" + name, f}) }
		add("reflexive", le("A", "A"))
		add("transitive", of(Implies, of(And, le("A", "B"), le("B", "C")), le("A", "C")))
		add("antisymmetric", of(Implies, of(And, le("A", "B"), le("B", "A")), of(Equal, v("A"), v("B"))))
		add("total", of(Or, le("A", "B"), le("B", "A")))
		if s.Least != "" {
			add("least", le(s.Least, "A"))
		}
	}
	return all
}

func resolveAction(m *Model, a *Action) {
	for _, list := range [][]Named{a.Requires, a.Follows} {
		for i := range list {
			list[i].Formula = newScope(m, a.Params).statement(list[i].Formula)
		}
	}
	updated := make([]string, 0, len(a.Updates))
	for i := range a.Updates {
		u := &a.Updates[i]
		name, line := u.Symbol.Name, u.Value.Line
		u.Symbol = m.Symbol(name)
		switch {
		case u.Symbol == nil || !u.Symbol.State:
			fail(line, "%s is no state symbol", name)
		case slices.Contains(updated, name):
			fail(line, "%s is updated twice in %s", name, a.Name)
		case len(u.Args) != len(u.Symbol.Args):
			fail(line, "%s takes %d arguments", name, len(u.Symbol.Args))
		}
		updated = append(updated, name)
		resolveUpdate(m, a, u)
	}
}

func resolveUpdate(m *Model, a *Action, u *Update) {
	scope := newScope(m, a.Params)
	for i := range u.Args {
		arg := &u.Args[i]
		arg.Sort = u.Symbol.Args[i]
		if isAny(arg.Name) {
			scope.bind([]Typed{arg.Typed}, u.Value.Line)
			continue
		}
		arg.Fixed = true
		arg.Formula = &Formula{Op: Call, Name: arg.Name, Line: u.Value.Line}
		scope.check(arg.Formula)
		scope.want(arg.Formula, arg.Sort)
	}
	scope.closed = true
	line := u.Value.Line
	scope.infer(u.Value)
	scope.check(u.Value)
	scope.want(u.Value, u.Symbol.Sort)
	u.Value.walk(func(f *Formula) {
		if f.Op == Forall || f.Op == Exists {
			fail(line, "a quantifier in the update of %s", u.Symbol.Name)
		}
	})
}
