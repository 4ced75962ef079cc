package follow

import (
	"strings"

	"github.com/ben-ng/gaggle/spec"
)

// vector is the values of a variable for which a node is so, where it has no value.
func (c *compiler) vector(n *node, x string) sets {
	c.vectors[x] = true
	return c.set(n, x)
}

// set is the same within.
func (c *compiler) set(n *node, x string) sets {
	if !n.free[x] {
		is := c.truth(n)
		return func(e frame) Set {
			if is(e) {
				return all
			}
			return nil
		}
	}
	switch n.op {
	case and, or:
		return c.setOfMany(n, x)
	case iff:
		a, b := c.set(n.kids[0], x), c.set(n.kids[1], x)
		not := n.negated
		return func(e frame) Set {
			s, t := a(e), b(e)
			same := s.and(t).Or(s.Or(t).not())
			if not {
				return same.not()
			}
			return same
		}
	case exists:
		return c.setOfSome(n, x)
	case forall:
		if s := c.sameColumns(n, x); s != nil {
			return s
		}
		some := c.setOfSome(n.negation(), x)
		return func(e frame) Set { return some(e).not() }
	default:
	}
	s := c.setOfAtom(n.atom, x)
	if n.negated {
		return func(e frame) Set { return s(e).not() }
	}
	return s
}

func (c *compiler) setOfMany(n *node, x string) sets {
	var scalar []truths
	var kids []sets
	for _, k := range cheapFirst(n.kids) {
		if k.free[x] {
			kids = append(kids, c.set(k, x))
		} else {
			scalar = append(scalar, c.truth(k))
		}
	}
	if n.op == and {
		return func(e frame) Set {
			for _, is := range scalar {
				if !is(e) {
					return nil
				}
			}
			s := all
			for _, k := range kids {
				if s = s.and(k(e)); len(s) == 0 {
					return nil
				}
			}
			return s
		}
	}
	return func(e frame) Set {
		for _, is := range scalar {
			if is(e) {
				return all
			}
		}
		var s Set
		for _, k := range kids {
			if s = s.Or(k(e)); s.isAll() {
				return s
			}
		}
		return s
	}
}

// setOfSome is where there is a value for the variable that a node binds.
func (c *compiler) setOfSome(n *node, x string) sets {
	slot := c.slot(n.bound)
	body := c.set(n.kids[0], x)
	values := c.supportOr(n.kids[0], n.bound)
	return func(e frame) (s Set) {
		values(e, func(y uint64) bool {
			e[slot] = y
			s = s.Or(body(e))
			return true
		})
		return s
	}
}

// sameColumns is where two columns have the same value, or none: what is said of each value that
// one has it and the other, or neither.
func (c *compiler) sameColumns(n *node, x string) sets {
	body := n.kids[0]
	if body.op != iff || body.negated || body.kids[0].op != atom || body.kids[1].op != atom {
		return nil
	}
	a, b := c.columnAt(body.kids[0], x, n.bound.name), c.columnAt(body.kids[1], x, n.bound.name)
	if a == nil || b == nil {
		return nil
	}
	return func(e frame) Set {
		s, _ := a(e)
		t, _ := b(e)
		return s.equals(t)
	}
}

// columnAt is the column that an atom names at the index x and the value y; nil if it is none.
func (c *compiler) columnAt(n *node, x, y string) columns {
	if n.op != atom || n.negated || n.atom.Op != spec.Call {
		return nil
	}
	r := c.run.relations[n.atom.Name]
	if r == nil || r.cell < 0 || !isVariable(n.atom.Args[r.vec], x) || !isVariable(n.atom.Args[r.cell], y) {
		return nil
	}
	key := c.key(r, n.atom.Args)
	return func(e frame) (Column, error) { return r.of(key(e)).column, nil }
}

func isVariable(f *spec.Formula, name string) bool { return f.Op == spec.Variable && f.Name == name }

func mentions(f *spec.Formula, name string) bool {
	all := map[string]bool{}
	addVariables(f, all)
	return all[name]
}

func (c *compiler) setOfAtom(f *spec.Formula, x string) sets {
	if f.Op == spec.Equal {
		return c.setOfEqual(f, x)
	}
	if strings.HasSuffix(f.Name, ".le") {
		switch a, b := f.Args[0], f.Args[1]; {
		case isVariable(a, x) && !mentions(b, x):
			limit := c.term(b)
			return func(e frame) Set { return span(0, limit(e)) }
		case isVariable(b, x) && !mentions(a, x):
			limit := c.term(a)
			return func(e frame) Set { return span(limit(e), top) }
		}
		return c.setByTrying(f, x)
	}
	r := c.run.relations[f.Name]
	if r == nil || r.tuples || r.function {
		return c.setByTrying(f, x)
	}
	for i, a := range f.Args {
		if i != r.vec && mentions(a, x) {
			return c.setByTrying(f, x)
		}
	}
	if !isVariable(f.Args[r.vec], x) {
		return c.setByTrying(f, x)
	}
	key := c.key(r, f.Args)
	switch {
	case r.row >= 0:
		row := c.term(f.Args[r.row])
		return func(e frame) Set { return r.of(key(e)).rows.Of(row(e)) }
	case r.cell >= 0:
		cell := c.term(f.Args[r.cell])
		return func(e frame) Set { return r.of(key(e)).column.where(cell(e)) }
	}
	return func(e frame) Set { return r.of(key(e)).set }
}

func (c *compiler) setOfEqual(f *spec.Formula, x string) sets {
	for i, a := range f.Args {
		if b := f.Args[1-i]; isVariable(a, x) && !mentions(b, x) {
			value := c.term(b)
			return func(e frame) Set {
				v := value(e)
				return Set{{v, v}}
			}
		}
	}
	a, b := c.functionAt(f.Args[0], x), c.functionAt(f.Args[1], x)
	if a == nil || b == nil {
		return c.setByTrying(f, x)
	}
	return func(e frame) Set {
		s, _ := a(e)
		t, _ := b(e)
		return s.equals(t)
	}
}

// functionAt is the column of a function at the index x; nil if it is none.
func (c *compiler) functionAt(f *spec.Formula, x string) columns {
	r := c.run.relations[f.Name]
	if f.Op != spec.Call || r == nil || !r.function || r.vec < 0 || !isVariable(f.Args[r.vec], x) {
		return nil
	}
	key := c.key(r, f.Args)
	return func(e frame) (Column, error) { return r.of(key(e)).column, nil }
}

// setByTrying tries everything of a sort that there was so far.
func (c *compiler) setByTrying(f *spec.Formula, x string) sets {
	sort := c.sorts[x]
	if sort == "index" {
		c.fail("an index in %s, in line %v, where it cannot be", f.Name, f.Line)
	}
	slot := c.slots[x]
	delete(c.vectors, x)
	is := c.atom(f)
	c.vectors[x] = true
	domain := c.run.domain(sort)
	return func(e frame) (s Set) {
		for _, y := range domain.things {
			e[slot] = y
			if is(e) {
				s = s.Or(Set{{y, y}})
			}
		}
		return s
	}
}

// supportOr is the support of a variable in a node, or all of its sort that there was so far.
func (c *compiler) supportOr(n *node, v variable) support {
	c.slot(v)
	if s := c.support(n, v.name); s != nil {
		return s
	}
	if v.sort == "index" {
		c.fail("nothing bounds the index %s", v.name)
	}
	domain := c.run.domain(v.sort)
	return func(_ frame, do func(uint64) bool) bool {
		for _, x := range domain.things {
			if !do(x) {
				return false
			}
		}
		return true
	}
}

// support is values of a variable outside of which a node is not so; nil if nothing says which.
func (c *compiler) support(n *node, x string) support {
	switch n.op {
	case and:
		for _, k := range n.kids {
			if s := c.support(k, x); s != nil {
				return s
			}
		}
		return nil
	case or:
		var kids []support
		for _, k := range n.kids {
			s := c.support(k, x)
			if s == nil {
				return nil
			}
			kids = append(kids, s)
		}
		return func(e frame, do func(uint64) bool) bool {
			for _, k := range kids {
				if !k(e, do) {
					return false
				}
			}
			return true
		}
	case constant:
		if n.negated {
			return func(frame, func(uint64) bool) bool { return true }
		}
		return nil
	case atom:
		if n.negated {
			return nil
		}
		return c.supportOfAtom(n.atom, x)
	default:
	}
	return nil
}

func (c *compiler) supportOfAtom(f *spec.Formula, x string) support {
	if f.Op == spec.Equal {
		for i, a := range f.Args {
			if b := f.Args[1-i]; isVariable(a, x) && c.bound(b, x) {
				value := c.term(b)
				return func(e frame, do func(uint64) bool) bool { return do(value(e)) }
			}
		}
		return nil
	}
	r := c.run.relations[f.Name]
	if f.Op != spec.Call || r == nil || r.tuples || r.function || r.key >= 0 && !c.bound(f.Args[r.key], x) {
		return nil
	}
	key := c.key(r, f.Args)
	switch {
	case r.row >= 0 && isVariable(f.Args[r.row], x):
		return func(e frame, do func(uint64) bool) bool {
			for _, row := range r.of(key(e)).rows {
				if !do(row.Key) {
					return false
				}
			}
			return true
		}
	case r.cell >= 0 && isVariable(f.Args[r.cell], x):
		return func(e frame, do func(uint64) bool) bool { return r.of(key(e)).column.values(do) }
	case r.row < 0 && r.cell < 0 && isVariable(f.Args[r.vec], x):
		return func(e frame, do func(uint64) bool) bool { return r.of(key(e)).set.Each(do) }
	}
	return nil
}

// bound reports whether all of a term has a value where x is looked for: it has no variable but
// those that are bound farther out, which have their slots already.
func (c *compiler) bound(f *spec.Formula, x string) bool {
	all := map[string]bool{}
	addVariables(f, all)
	for name := range all {
		if _, has := c.slots[name]; name == x || !has || c.vectors[name] {
			return false
		}
	}
	return true
}
