package follow

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// top is the end of a set that has none.
const top = math.MaxUint64

// A Set is a set of numbers: intervals that neither overlap nor touch, rising. It is not changed
// once it is made.
type Set []Span

// A Span is the numbers from Lo to Hi, both included.
type Span struct{ Lo, Hi uint64 }

var all = Set{{0, top}}

// span is the set of the numbers from lo to hi.
func span(lo, hi uint64) Set {
	if lo > hi {
		return nil
	}
	return Set{{lo, hi}}
}

// Has reports whether a number is in the set.
func (s Set) Has(x uint64) bool {
	if len(s) <= 4 {
		for _, p := range s {
			if p.Lo <= x && x <= p.Hi {
				return true
			}
		}
		return false
	}
	i := s.at(x)
	return i < len(s) && s[i].Lo <= x
}

// at is the first span that does not end before a number.
func (s Set) at(x uint64) int {
	i, _ := slices.BinarySearchFunc(s, x, func(p Span, x uint64) int {
		if p.Hi < x {
			return -1
		}
		return 1
	})
	return i
}

// Max is the greatest number in the set, 0 if it is empty.
func (s Set) Max() uint64 {
	if len(s) == 0 {
		return 0
	}
	return s[len(s)-1].Hi
}

func (s Set) isAll() bool { return len(s) == 1 && s[0] == all[0] }

// Equal reports whether two sets are equal.
func (s Set) Equal(t Set) bool { return same(s, t) || slices.Equal(s, t) }

// same reports whether two lists are one.
func same[S ~[]E, E any](a, b S) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// and is what both sets have.
func (s Set) and(t Set) Set {
	switch {
	case len(s) == 0 || len(t) == 0:
		return nil
	case s.isAll() || same(s, t):
		return t
	case t.isAll():
		return s
	}
	var out Set
	for i, j := 0, 0; i < len(s) && j < len(t); {
		lo, hi := max(s[i].Lo, t[j].Lo), min(s[i].Hi, t[j].Hi)
		if lo <= hi {
			out = append(out, Span{lo, hi})
		}
		if s[i].Hi < t[j].Hi {
			i++
		} else {
			j++
		}
	}
	return out
}

// Or is what either set has.
func (s Set) Or(t Set) Set {
	switch {
	case len(s) == 0 || same(s, t):
		return t
	case len(t) == 0 || s.isAll():
		return s
	case len(s) == 1 && len(t) == 1 && s[0].Lo <= t[0].Lo && t[0].Hi <= s[0].Hi:
		return s
	case len(s) == 1 && len(t) == 1 && t[0].Lo <= s[0].Lo && s[0].Hi <= t[0].Hi:
		return t
	}
	out := make(Set, 0, len(s)+len(t))
	for i, j := 0, 0; i < len(s) || j < len(t); {
		var next Span
		if j == len(t) || i < len(s) && s[i].Lo <= t[j].Lo {
			next = s[i]
			i++
		} else {
			next = t[j]
			j++
		}
		if n := len(out); n > 0 && (out[n-1].Hi == top || next.Lo <= out[n-1].Hi+1) {
			out[n-1].Hi = max(out[n-1].Hi, next.Hi)
		} else {
			out = append(out, next)
		}
	}
	return out
}

// Before is what the set has before a number.
func (s Set) Before(x uint64) Set {
	if x == 0 {
		return nil
	}
	return s.and(span(0, x-1))
}

// not is what the set does not have.
func (s Set) not() Set {
	if len(s) == 0 {
		return all
	}
	out := make(Set, 0, len(s)+1)
	lo := uint64(0)
	for _, p := range s {
		if p.Lo > lo {
			out = append(out, Span{lo, p.Lo - 1})
		}
		if p.Hi == top {
			return out
		}
		lo = p.Hi + 1
	}
	return append(out, Span{lo, top})
}

// Each calls do for each number, which are not many, until it says to stop, and reports whether
// it never did.
func (s Set) Each(do func(uint64) bool) bool {
	for _, p := range s {
		for x := p.Lo; ; x++ {
			if !do(x) {
				return false
			}
			if x == p.Hi {
				break
			}
		}
	}
	return true
}

// String is like "1-4 7".
func (s Set) String() string {
	words := make([]string, 0, len(s))
	for _, p := range s {
		switch p.Hi {
		case p.Lo:
			words = append(words, fmt.Sprint(p.Lo))
		case top:
			words = append(words, fmt.Sprintf("%d-", p.Lo))
		default:
			words = append(words, fmt.Sprintf("%d-%d", p.Lo, p.Hi))
		}
	}
	return strings.Join(words, " ")
}

// Rows is a set for each of some numbers, rising; none is empty. It is not changed once it is
// made.
type Rows []Row

// A Row is the set of a number.
type Row struct {
	Key uint64
	Set Set
}

// Of is the set of a number.
func (r Rows) Of(key uint64) Set {
	for i := len(r) - 1; i >= 0; i-- { // the last are looked for most
		if r[i].Key <= key {
			if r[i].Key == key {
				return r[i].Set
			}
			return nil
		}
	}
	return nil
}

// with is the same but for the set of a number.
func (r Rows) with(key uint64, set Set) Rows {
	i, found := slices.BinarySearchFunc(r, key, func(r Row, key uint64) int {
		switch {
		case r.Key < key:
			return -1
		case r.Key > key:
			return 1
		}
		return 0
	})
	if found && same(r[i].Set, set) || !found && len(set) == 0 {
		return r
	}
	out := make(Rows, 0, len(r)+1)
	out = append(out, r[:i]...)
	if len(set) > 0 {
		out = append(out, Row{key, set})
	}
	if found {
		i++
	}
	return append(out, r[i:]...)
}

// sameRows reports whether two are one, or equal to look at.
func sameRows(a, b Rows) bool {
	return same(a, b) || slices.EqualFunc(a, b, func(x, y Row) bool { return x.Key == y.Key && same(x.Set, y.Set) })
}

// Equal reports whether two lists of rows are equal.
func (r Rows) Equal(t Rows) bool {
	return same(r, t) || slices.EqualFunc(r, t, func(x, y Row) bool { return x.Key == y.Key && x.Set.Equal(y.Set) })
}
