package follow

import (
	"fmt"
	"strings"

	"github.com/ben-ng/gaggle/spec"
)

// A Relation is what a state symbol, or a fixed one, says of the things there are. How that is
// kept follows from its layout: for each argument a letter, as in "k r v":
//
//	k  a key: for each, something of its own is kept
//	r  within that a row, for each of which there is a set
//	v  what is in the set; or, with an f, the index of a column
//	f  the value of the column: for a key and an index there is one at most
//	t  a part of a tuple, of which there is a plain list
//
// A function has a value where a relation has its last argument.
type Relation struct {
	*spec.Symbol
	key, row, vec, cell int // positions of arguments, -1 if there is none
	tuples              bool
	function            bool
	kept                []kept
	more                map[uint64]*kept
	list                map[uint64]map[[3]uint64]struct{} // tuples, by their first part
}

// kept is what is kept for a key.
type kept struct {
	set    Set
	rows   Rows
	column Column
	value  uint64
}

// dense is how many keys are kept in an array; terms, nodes and few others.
const dense = 256

// maxTuple is how many arguments a relation of tuples may have.
const maxTuple = 4

func newRelation(s *spec.Symbol, layout string) (*Relation, error) {
	r := &Relation{Symbol: s, key: -1, row: -1, vec: -1, cell: -1, function: s.Sort != spec.Bool}
	if layout == "" {
		layout = defaultLayout(s)
	}
	letters := strings.Fields(layout)
	if len(letters) != len(s.Args) {
		return nil, fmt.Errorf("follow: the layout %q of %s has not its %d arguments", layout, s.Name, len(s.Args))
	}
	for i, letter := range letters {
		at := map[string]*int{"k": &r.key, "r": &r.row, "v": &r.vec, "f": &r.cell}[letter]
		switch {
		case letter == "t" && !r.function && len(letters) <= maxTuple:
			r.tuples = true
		case at == nil || *at >= 0:
			return nil, fmt.Errorf("follow: %q is no layout of %s", layout, s.Name)
		default:
			*at = i
		}
	}
	switch {
	case r.tuples:
		r.list = map[uint64]map[[3]uint64]struct{}{}
	case r.function && (r.row >= 0 || r.cell >= 0), !r.function && r.vec < 0, r.row >= 0 && r.cell >= 0:
		return nil, fmt.Errorf("follow: %q is no layout of %s", layout, s.Name)
	}
	r.more = map[uint64]*kept{}
	return r, nil
}

// defaultLayout is that of most symbols: an index is in the set, or else the last argument is; a
// term beside it is a row.
func defaultLayout(s *spec.Symbol) string {
	letters := make([]string, len(s.Args))
	for i := range letters {
		letters[i] = "k"
	}
	last := len(s.Args) - 1
	if s.Sort != spec.Bool {
		if last > 0 && s.Args[last] == "index" {
			letters[last] = "v"
		}
		return strings.Join(letters, " ")
	}
	vec := last
	for i, sort := range s.Args {
		if sort == "index" {
			vec = i
		}
	}
	for i, sort := range s.Args {
		switch {
		case i == vec:
			letters[i] = "v"
		case sort == "term":
			letters[i] = "r"
		}
	}
	return strings.Join(letters, " ")
}

// of is what is kept for a key; it must not be changed.
func (r *Relation) of(key uint64) *kept {
	if key < uint64(len(r.kept)) {
		return &r.kept[key]
	}
	if k := r.more[key]; k != nil {
		return k
	}
	return &kept{}
}

// at is the place of a key.
func (r *Relation) at(key uint64) *kept {
	if key < dense {
		for uint64(len(r.kept)) <= key {
			r.kept = append(r.kept, kept{})
		}
		return &r.kept[key]
	}
	k := r.more[key]
	if k == nil {
		k = &kept{}
		r.more[key] = k
	}
	return k
}

// forget lets go of what is kept for a key.
func (r *Relation) forget(key uint64) {
	if key < uint64(len(r.kept)) {
		r.kept[key] = kept{}
	}
	delete(r.more, key)
}

// reset lets go of everything.
func (r *Relation) reset() {
	clear(r.kept)
	r.kept = r.kept[:0]
	clear(r.more)
	clear(r.list)
}

// has reports whether a tuple is in the list.
func (r *Relation) has(first uint64, rest [3]uint64) bool {
	_, ok := r.list[first][rest]
	return ok
}

func (r *Relation) setTuple(first uint64, rest [3]uint64, to bool) {
	of := r.list[first]
	switch {
	case !to:
		delete(of, rest)
	case of == nil:
		r.list[first] = map[[3]uint64]struct{}{rest: {}}
	default:
		of[rest] = struct{}{}
	}
}

func (r *Relation) keyOf(args []uint64) uint64 {
	if r.key < 0 {
		return 0
	}
	return args[r.key]
}

// Holds reports whether the relation holds.
func (r *Relation) Holds(args ...uint64) bool {
	if r.tuples {
		var rest [3]uint64
		copy(rest[:], args[1:])
		return r.has(args[0], rest)
	}
	of, x := r.of(r.keyOf(args)), args[r.vec]
	switch {
	case r.row >= 0:
		return of.rows.Of(args[r.row]).Has(x)
	case r.cell >= 0:
		v, has := of.column.At(x)
		return has && v == args[r.cell]
	}
	return of.set.Has(x)
}

// Set is the set that is kept for a key, which is 0 if the relation has none.
func (r *Relation) Set(key uint64) Set { return r.of(key).set }

// Rows are those that are kept for a key.
func (r *Relation) Rows(key uint64) Rows { return r.of(key).rows }

// Column is the one that is kept for a key.
func (r *Relation) Column(key uint64) Column { return r.of(key).column }
