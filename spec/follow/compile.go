package follow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ben-ng/gaggle/spec"
)

// What formulas become. A frame has the values of parameters and bound variables, by slot.
type (
	frame   []uint64
	term    func(frame) uint64
	truths  func(frame) bool
	sets    func(frame) Set
	columns func(frame) (Column, error)
	// support calls its argument for each value that a variable may have, until that says to
	// stop, and reports whether it never did; a value may come twice.
	support func(frame, func(uint64) bool) bool
)

// compiler compiles formulas of one action.
type compiler struct {
	run   *Run
	slots map[string]int
	sorts map[string]string
	// vectors are the variables that have no value, but a set of them.
	vectors map[string]bool
	err     error
}

func (c *compiler) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("follow: "+format, args...)
	}
}

// slot makes place for a variable.
func (c *compiler) slot(v variable) int {
	s, ok := c.slots[v.name]
	if !ok {
		s = len(c.slots)
		c.slots[v.name], c.sorts[v.name] = s, v.sort
	}
	return s
}

// term is a term without a quantified index in it.
func (c *compiler) term(f *spec.Formula) term {
	if f.Op == spec.Variable {
		slot, ok := c.slots[f.Name]
		if !ok || c.vectors[f.Name] {
			c.fail("%s in line %v is where it cannot be", f.Name, f.Line)
		}
		return func(e frame) uint64 { return e[slot] }
	}
	if f.Op != spec.Call {
		c.fail("a term that is no variable and no call, in line %v", f.Line)
		return func(frame) uint64 { return 0 }
	}
	r := c.run.relations[f.Name]
	if len(f.Args) == 0 {
		if !c.run.least(f.Name) {
			c.fail("the constant %s is not the least of its sort", f.Name)
		}
		return func(frame) uint64 { return 0 }
	}
	if r == nil || !r.function {
		c.fail("%s is no function that is kept", f.Name)
		return func(frame) uint64 { return 0 }
	}
	key := c.key(r, f.Args)
	if r.vec < 0 {
		return func(e frame) uint64 { return r.of(key(e)).value }
	}
	at := c.term(f.Args[r.vec])
	return func(e frame) uint64 {
		v, _ := r.of(key(e)).column.At(at(e))
		return v
	}
}

// key is the key of a relation's use.
func (c *compiler) key(r *Relation, args []*spec.Formula) term {
	if r.key < 0 {
		return func(frame) uint64 { return 0 }
	}
	return c.term(args[r.key])
}

// truth is a node as a statement.
func (c *compiler) truth(n *node) truths {
	switch n.op {
	case constant:
		t := !n.negated
		return func(frame) bool { return t }
	case and, or:
		kids := make([]truths, 0, len(n.kids))
		for _, k := range cheapFirst(n.kids) {
			kids = append(kids, c.truth(k))
		}
		stop := n.op == or
		return func(e frame) bool {
			for _, k := range kids {
				if k(e) == stop {
					return stop
				}
			}
			return !stop
		}
	case iff:
		a, b, not := c.truth(n.kids[0]), c.truth(n.kids[1]), n.negated
		return func(e frame) bool { return (a(e) == b(e)) != not }
	case exists:
		return c.some(n)
	case forall:
		some := c.some(n.negation())
		return func(e frame) bool { return !some(e) }
	default:
	}
	is := c.atom(n.atom)
	if n.negated {
		return func(e frame) bool { return !is(e) }
	}
	return is
}

// cheapFirst puts what has no quantifier before what has.
func cheapFirst(kids []*node) []*node {
	out := slices.Clone(kids)
	slices.SortStableFunc(out, func(a, b *node) int { return a.cost() - b.cost() })
	return out
}

func (n *node) cost() int {
	cost := 0
	if n.op == exists || n.op == forall {
		cost = 1
	}
	for _, k := range n.kids {
		cost += k.cost()
	}
	return cost
}

// some reports whether there is a value for the variable that a node binds.
func (c *compiler) some(n *node) truths {
	slot := c.slot(n.bound)
	body := n.kids[0]
	if n.bound.sort == "index" {
		set := c.vector(body, n.bound.name)
		return func(e frame) bool { return len(set(e)) > 0 }
	}
	is := c.truth(body)
	values := c.supportOr(body, n.bound)
	return func(e frame) bool {
		return !values(e, func(x uint64) bool {
			e[slot] = x
			return !is(e)
		})
	}
}

// atom is a relation, an order or an equality as a statement.
func (c *compiler) atom(f *spec.Formula) truths {
	if f.Op == spec.Equal {
		a, b := c.term(f.Args[0]), c.term(f.Args[1])
		return func(e frame) bool { return a(e) == b(e) }
	}
	if strings.HasSuffix(f.Name, ".le") {
		a, b := c.term(f.Args[0]), c.term(f.Args[1])
		return func(e frame) bool { return a(e) <= b(e) }
	}
	r := c.run.relations[f.Name]
	if r == nil || r.function {
		c.fail("%s is no relation that is kept", f.Name)
		return func(frame) bool { return false }
	}
	if r.tuples {
		tuple := c.tuple(f.Args)
		return func(e frame) bool { return r.has(tuple(e)) }
	}
	key, at := c.key(r, f.Args), c.term(f.Args[r.vec])
	switch {
	case r.row >= 0:
		row := c.term(f.Args[r.row])
		return func(e frame) bool { return r.of(key(e)).rows.Of(row(e)).Has(at(e)) }
	case r.cell >= 0:
		cell := c.term(f.Args[r.cell])
		return func(e frame) bool {
			v, has := r.of(key(e)).column.At(at(e))
			return has && v == cell(e)
		}
	}
	return func(e frame) bool { return r.of(key(e)).set.Has(at(e)) }
}

func (c *compiler) tuple(args []*spec.Formula) func(frame) (uint64, [3]uint64) {
	terms := make([]term, 0, maxTuple)
	for _, a := range args {
		terms = append(terms, c.term(a))
	}
	return func(e frame) (uint64, [3]uint64) {
		var rest [3]uint64
		for i, t := range terms[1:] {
			rest[i] = t(e)
		}
		return terms[0](e), rest
	}
}
