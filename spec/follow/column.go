package follow

import "slices"

// A Column is a partial function of numbers: pieces that do not overlap, rising. It is not changed
// once it is made.
type Column []Piece

// A Piece is what a Column says from Lo to Hi: Const for all, or, if Cells is not nil, its cells
// from At on.
type Piece struct {
	Lo, Hi uint64
	Const  uint64
	Cells  *Cells
	At     int
}

// Cells are values that columns share. They are only added to.
type Cells struct{ values []uint64 }

func (p *Piece) value(x uint64) uint64 {
	if p.Cells == nil {
		return p.Const
	}
	return p.Cells.values[p.At+int(x-p.Lo)]
}

// cut is the part of a piece from lo to hi, which are in it.
func (p *Piece) cut(lo, hi uint64) Piece {
	return Piece{lo, hi, p.Const, p.Cells, p.At + int(lo-p.Lo)}
}

// agree reports whether two pieces are one where they overlap, without a look at their cells.
func (p *Piece) agree(q *Piece, at uint64) bool {
	if p.Cells != q.Cells {
		return false
	}
	if p.Cells == nil {
		return p.Const == q.Const
	}
	return p.At+int(at-p.Lo) == q.At+int(at-q.Lo)
}

// At is the value of a number, if it has one.
func (c Column) At(x uint64) (value uint64, has bool) {
	if n := len(c); n > 0 && c[n-1].Lo <= x { // where most look
		if x > c[n-1].Hi {
			return 0, false
		}
		return c[n-1].value(x), true
	}
	i := c.at(x)
	if i == len(c) || c[i].Lo > x {
		return 0, false
	}
	return c[i].value(x), true
}

// at is the first piece that does not end before a number.
func (c Column) at(x uint64) int {
	i, _ := slices.BinarySearchFunc(c, x, func(p Piece, x uint64) int {
		if p.Hi < x {
			return -1
		}
		return 1
	})
	return i
}

// domain is where it has values.
func (c Column) domain() Set {
	var out Set
	for i := range c {
		if n := len(out); n > 0 && out[n-1].Hi+1 == c[i].Lo {
			out[n-1].Hi = c[i].Hi
		} else {
			out = append(out, Span{c[i].Lo, c[i].Hi})
		}
	}
	return out
}

// add appends a piece, which is joined with the last if it goes on from it.
func (c Column) add(p Piece) Column {
	if n := len(c); n > 0 && c[n-1].Hi+1 == p.Lo && c[n-1].agree(&p, p.Lo) {
		c[n-1].Hi = p.Hi
		return c
	}
	return append(c, p)
}

// within is the column where a set has numbers.
func (c Column) within(s Set) Column {
	if len(c) == 0 || s.isAll() || len(s) == 1 && s[0].Lo <= c[0].Lo && c[len(c)-1].Hi <= s[0].Hi {
		return c
	}
	var out Column
	for i, j := 0, 0; i < len(c) && j < len(s); {
		lo, hi := max(c[i].Lo, s[j].Lo), min(c[i].Hi, s[j].Hi)
		if lo <= hi {
			out = append(out, c[i].cut(lo, hi))
		}
		if c[i].Hi < s[j].Hi {
			i++
		} else {
			j++
		}
	}
	return out
}

// join is two columns that have no number in common, or the same value where they do; ok is
// false if they have not.
func (c Column) join(d Column) (out Column, ok bool) {
	switch {
	case len(c) == 0 || same(c, d):
		return d, true
	case len(d) == 0:
		return c, true
	}
	both := c.domain().and(d.domain())
	if len(both) > 0 {
		if !both.Equal(c.equals(d).and(both)) {
			return nil, false
		}
		d = d.within(c.domain().not())
	}
	out = make(Column, 0, len(c)+len(d))
	for i, j := 0, 0; i < len(c) || j < len(d); {
		if j == len(d) || i < len(c) && c[i].Lo < d[j].Lo {
			out = out.add(c[i])
			i++
		} else {
			out = out.add(d[j])
			j++
		}
	}
	return out, true
}

// with is the same but for the value of a number.
func (c Column) with(x, value uint64) Column {
	if n := len(c); n == 0 || c[n-1].Hi < x {
		return c.extended(x, value)
	}
	if old, has := c.At(x); has && old == value {
		return c
	}
	out, _ := c.within(span(x, x).not()).join(Column{{Lo: x, Hi: x, Const: value}})
	return out
}

// extended is the same with the value of a number behind all others. Values that come one after
// the other, and differ, become cells.
func (c Column) extended(x, value uint64) Column {
	n := len(c)
	if n == 0 || c[n-1].Hi+1 != x {
		return append(slices.Clip(c), Piece{Lo: x, Hi: x, Const: value})
	}
	last := c[n-1]
	length := int(last.Hi - last.Lo + 1)
	switch {
	case last.Cells == nil && last.Const == value:
	case last.Cells == nil && length > 1:
		return append(slices.Clip(c), Piece{Lo: x, Hi: x, Const: value})
	case last.Cells == nil:
		last.Cells, last.Const, last.At = &Cells{values: []uint64{last.Const, value}}, 0, 0
	case last.At+length == len(last.Cells.values):
		last.Cells.values = append(last.Cells.values, value)
	case last.Cells.values[last.At+length] == value:
	default:
		return append(slices.Clip(c), Piece{Lo: x, Hi: x, Const: value})
	}
	last.Hi = x
	out := slices.Clone(c)
	out[n-1] = last
	return out
}

// where is the numbers that have a value.
func (c Column) where(value uint64) Set {
	var out Set
	add := func(lo, hi uint64) {
		if n := len(out); n > 0 && out[n-1].Hi+1 == lo {
			out[n-1].Hi = hi
		} else {
			out = append(out, Span{lo, hi})
		}
	}
	for i := range c {
		p := &c[i]
		if p.Cells == nil {
			if p.Const == value {
				add(p.Lo, p.Hi)
			}
			continue
		}
		for x := p.Lo; x <= p.Hi; x++ {
			if p.value(x) == value {
				add(x, x)
			}
		}
	}
	return out
}

// equals is the numbers that have the same value in two columns, or none in both.
func (c Column) equals(d Column) Set {
	if same(c, d) {
		return all
	}
	neither := c.domain().Or(d.domain()).not()
	var both Set
	for i, j := 0, 0; i < len(c) && j < len(d); {
		p, q := &c[i], &d[j]
		lo, hi := max(p.Lo, q.Lo), min(p.Hi, q.Hi)
		switch {
		case lo > hi:
		case p.agree(q, lo):
			both = append(both, Span{lo, hi})
		case p.Cells == nil && q.Cells == nil:
		default:
			for x := lo; x <= hi; x++ {
				if p.value(x) == q.value(x) {
					both = append(both, Span{x, x})
				}
			}
		}
		if p.Hi < q.Hi {
			i++
		} else {
			j++
		}
	}
	return touching(both).Or(neither)
}

// touching joins spans that touch.
func touching(spans Set) Set {
	out := spans[:0]
	for _, p := range spans {
		if n := len(out); n > 0 && out[n-1].Hi+1 == p.Lo {
			out[n-1].Hi = p.Hi
		} else {
			out = append(out, p)
		}
	}
	return out
}

// values calls do for each value, once for each piece at least, until it says to stop.
func (c Column) values(do func(uint64) bool) bool {
	for i := range c {
		p := &c[i]
		if p.Cells == nil {
			if !do(p.Const) {
				return false
			}
			continue
		}
		for x := p.Lo; x <= p.Hi; x++ {
			if !do(p.value(x)) {
				return false
			}
		}
	}
	return true
}

// Same reports whether two columns have the same values.
func (c Column) Same(d Column) bool { return same(c, d) || c.equals(d).isAll() }

// AgreesTo reports whether two columns have the same values up to a number.
func (c Column) AgreesTo(x uint64, d Column) bool {
	if same(c, d) {
		return true
	}
	to := span(0, x)
	return len(to.and(c.within(to).equals(d.within(to)).not())) == 0
}

// Differs is the first number that has a value, and another, or none, in d; 0 if there is none.
func (c Column) Differs(d Column) uint64 {
	if s := c.domain().and(c.equals(d).not()); len(s) > 0 {
		return s[0].Lo
	}
	return 0
}
