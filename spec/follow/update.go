package follow

import (
	"errors"

	"github.com/ben-ng/gaggle/spec"
)

// An update computes what changes of a relation, from the state as it was.
type update func(frame, *changes) error

// changes are what an action changes, to be made at once when all of it is known.
type changes struct{ list []change }

// A change is one of a relation, for a key: all that is kept for it, or a tuple.
type change struct {
	relation *Relation
	key      uint64
	kept     kept
	rest     [3]uint64
	is       bool
	clear    bool
}

func (c *changes) make() {
	for i := range c.list {
		ch := &c.list[i]
		switch r := ch.relation; {
		case ch.clear:
			delete(r.list, ch.key)
		case r.tuples:
			r.setTuple(ch.key, ch.rest, ch.is)
		default:
			*r.at(ch.key) = ch.kept
		}
	}
	c.drop()
}

// drop forgets changes.
func (c *changes) drop() {
	clear(c.list)
	c.list = c.list[:0]
}

// update compiles an update.
func (c *compiler) update(u *spec.Update) update {
	r := c.run.relations[u.Symbol.Name]
	z := &c.run.normalizer
	for _, a := range u.Args {
		if !a.Fixed {
			c.slot(variable{a.Name, a.Sort})
		}
	}
	if r.tuples {
		return c.updateTuples(r, u)
	}
	value := c.value(r, u, z)
	if r.key < 0 || u.Args[r.key].Fixed {
		key := func(frame) uint64 { return 0 }
		if r.key >= 0 {
			key = c.term(u.Args[r.key].Formula)
		}
		return func(e frame, out *changes) error {
			k := key(e)
			kept, err := value(e, r.of(k))
			out.list = append(out.list, change{relation: r, key: k, kept: kept})
			return err
		}
	}
	slot, domain := c.slots[u.Args[r.key].Name], c.run.domain(u.Args[r.key].Sort)
	return func(e frame, out *changes) error {
		for _, k := range domain.things {
			e[slot] = k
			kept, err := value(e, r.of(k))
			if err != nil {
				return err
			}
			out.list = append(out.list, change{relation: r, key: k, kept: kept})
		}
		return nil
	}
}

func (c *compiler) updateTuples(r *Relation, u *spec.Update) update {
	var terms []term
	all := true
	for _, a := range u.Args {
		if a.Fixed {
			terms = append(terms, c.term(a.Formula))
		} else {
			all = false
		}
	}
	if !all {
		if u.Value.Op != spec.False || len(terms) != 1 || !u.Args[0].Fixed {
			c.fail("%s can only be updated for one tuple, or made false for a first part", r.Name)
		}
		return func(e frame, out *changes) error {
			out.list = append(out.list, change{relation: r, key: terms[0](e), clear: true})
			return nil
		}
	}
	is := c.truth(c.run.normalizer.normal(u.Value))
	return func(e frame, out *changes) error {
		ch := change{relation: r, key: terms[0](e), is: is(e)}
		for i, t := range terms[1:] {
			ch.rest[i] = t(e)
		}
		out.list = append(out.list, ch)
		return nil
	}
}

// value is what is kept for a key after an update.
func (c *compiler) value(r *Relation, u *spec.Update, z *normalizer) func(frame, *kept) (kept, error) {
	switch {
	case r.function && r.vec < 0:
		value := c.term(z.expand(u.Value, nil))
		return func(e frame, _ *kept) (kept, error) { return kept{value: value(e)}, nil }
	case r.function:
		return c.valueOfFunction(r, u, z)
	case r.cell >= 0:
		return c.valueOfColumn(r, u, z)
	}
	n := z.normal(u.Value)
	vec := u.Args[r.vec]
	if vec.Fixed {
		is, x := c.truth(n), c.term(vec.Formula)
		one := func(e frame, old Set) Set {
			x := x(e)
			switch has := old.Has(x); {
			case has == is(e):
				return old
			case has:
				return old.and(Set{{x, x}}.not())
			}
			return old.Or(Set{{x, x}})
		}
		switch {
		case r.row < 0:
			return func(e frame, old *kept) (kept, error) { return kept{set: one(e, old.set)}, nil }
		case u.Args[r.row].Fixed:
			row := c.term(u.Args[r.row].Formula)
			return func(e frame, old *kept) (kept, error) {
				row := row(e)
				return kept{rows: old.rows.with(row, one(e, old.rows.Of(row)))}, nil
			}
		}
		c.fail("the update of %s names a thing for each row", r.Name)
		return nil
	}
	if r.row < 0 {
		set := c.vector(n, vec.Name)
		return func(e frame, _ *kept) (kept, error) { return kept{set: set(e)}, nil }
	}
	if u.Args[r.row].Fixed {
		set, row := c.vector(n, vec.Name), c.term(u.Args[r.row].Formula)
		return func(e frame, old *kept) (kept, error) {
			return kept{rows: old.rows.with(row(e), set(e))}, nil
		}
	}
	return c.valueOfRows(n, u.Args[r.row], vec)
}

// valueOfRows is all rows anew.
func (c *compiler) valueOfRows(n *node, row, vec spec.Argument) func(frame, *kept) (kept, error) {
	c.vectors[vec.Name] = true
	slot := c.slots[row.Name]
	values := c.support(n, row.Name)
	if values == nil {
		c.fail("nothing says which rows an update makes")
		return nil
	}
	set := c.vector(n, vec.Name)
	return func(e frame, old *kept) (kept, error) {
		var rows Rows
		values(e, func(x uint64) bool {
			if len(rows) > 0 && rows[len(rows)-1].Key >= x && len(rows.Of(x)) > 0 {
				return true // it came before
			}
			e[slot] = x
			if s := set(e); len(s) > 0 {
				if len(rows) == 0 || rows[len(rows)-1].Key < x {
					rows = append(rows, Row{x, s})
				} else {
					rows = rows.with(x, s)
				}
			}
			return true
		})
		if sameRows(rows, old.rows) {
			rows = old.rows
		}
		return kept{rows: rows}, nil
	}
}

// errTwoValues: an update gives an index of a column two values.
var errTwoValues = errors.New("it gives an index two values")

// valueOfColumn is a column after an update.
func (c *compiler) valueOfColumn(r *Relation, u *spec.Update, z *normalizer) func(frame, *kept) (kept, error) {
	n := z.normal(u.Value)
	index, cell := u.Args[r.vec], u.Args[r.cell]
	if index.Fixed && cell.Fixed {
		is, x, v := c.truth(n), c.term(index.Formula), c.term(cell.Formula)
		return func(e frame, old *kept) (kept, error) {
			at, value := x(e), v(e)
			if !is(e) {
				if old, has := old.column.At(at); !has || old != value {
					return kept{}, errors.New("it takes a value away that is not there")
				}
				return kept{column: old.column.within(span(at, at).not())}, nil
			}
			return kept{column: old.column.with(at, value)}, nil
		}
	}
	if index.Fixed || cell.Fixed {
		c.fail("the update of %s is neither for one index and value nor for all", r.Name)
		return nil
	}
	c.vectors[index.Name], c.vectors[cell.Name] = true, true
	column := c.column(n, index.Name, cell.Name)
	return func(e frame, _ *kept) (kept, error) {
		col, err := column(e)
		return kept{column: col}, err
	}
}

// column is what a node says of an index x and a value y, of which there is one at most.
func (c *compiler) column(n *node, x, y string) columns {
	if col := c.columnAt(n, x, y); col != nil {
		return col
	}
	switch {
	case n.op == constant && n.negated:
		return func(frame) (Column, error) { return nil, nil }
	case n.op == or:
		var kids []columns
		for _, k := range n.kids {
			kids = append(kids, c.column(k, x, y))
		}
		return func(e frame) (Column, error) {
			var out Column
			for _, k := range kids {
				col, err := k(e)
				if err != nil {
					return nil, err
				}
				var ok bool
				if out, ok = out.join(col); !ok {
					return nil, errTwoValues
				}
			}
			return out, nil
		}
	case n.op == and:
		var within []*node
		var col columns
		for _, k := range n.kids {
			switch {
			case !k.free[y]:
				within = append(within, k)
			case col == nil:
				col = c.column(k, x, y)
			default:
				c.fail("two columns at a time")
			}
		}
		if col != nil && len(within) > 0 {
			set := c.set(join(and, within), x)
			return func(e frame) (Column, error) {
				out, err := col(e)
				return out.within(set(e)), err
			}
		}
	default:
	}
	c.fail("an update of a column is neither a column, nor a part of one, nor some of these")
	return func(frame) (Column, error) { return nil, nil }
}

// valueOfFunction is the column of a function after an update.
func (c *compiler) valueOfFunction(r *Relation, u *spec.Update, z *normalizer) func(frame, *kept) (kept, error) {
	f := z.expand(u.Value, nil)
	index := u.Args[r.vec]
	if index.Fixed {
		at := c.term(index.Formula)
		value := c.choice(f)
		return func(e frame, old *kept) (kept, error) {
			return kept{column: old.column.with(at(e), value(e))}, nil
		}
	}
	c.vectors[index.Name] = true
	col := c.functionOf(f, index.Name)
	return func(e frame, _ *kept) (kept, error) {
		out, err := col(e)
		return kept{column: out}, err
	}
}

// choice is a term, or one of two.
func (c *compiler) choice(f *spec.Formula) term {
	if f.Op != spec.If {
		return c.term(f)
	}
	is := c.truth(c.run.normalizer.normal(f.Args[0]))
	yes, no := c.choice(f.Args[1]), c.choice(f.Args[2])
	return func(e frame) uint64 {
		if is(e) {
			return yes(e)
		}
		return no(e)
	}
}

// functionOf is a term as a function of an index.
func (c *compiler) functionOf(f *spec.Formula, x string) columns {
	if col := c.functionAt(f, x); col != nil {
		return col
	}
	if f.Op != spec.If {
		c.fail("%s, in line %v, is no function of an index", f.Name, f.Line)
		return func(frame) (Column, error) { return nil, nil }
	}
	set := c.set(c.run.normalizer.normal(f.Args[0]), x)
	yes, no := c.functionOf(f.Args[1], x), c.functionOf(f.Args[2], x)
	return func(e frame) (Column, error) {
		where := set(e)
		a, err := yes(e)
		if err != nil {
			return nil, err
		}
		b, err := no(e)
		if err != nil {
			return nil, err
		}
		out, _ := a.within(where).join(b.within(where.not()))
		return out, nil
	}
}
