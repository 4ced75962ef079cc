package finite

import (
	"slices"

	"github.com/ben-ng/gaggle/spec"
)

// permutations lists what may be done to the things of the sorts that have neither order nor
// blocks without changing what the fixed symbols mean: such a renaming of everything in a state
// makes a state that is the same but for names. Each is a table of bits: where a bit goes.
func (l *layout) permutations() [][]uint16 {
	renamings := []map[string][]int{{}}
	for _, sort := range l.model.Sorts {
		var more []map[string][]int
		for _, r := range renamings {
			for _, p := range l.ofSort(sort) {
				one := map[string][]int{sort.Name: p}
				for name, other := range r {
					one[name] = other
				}
				more = append(more, one)
			}
		}
		renamings = more
	}
	var tables [][]uint16
	for _, r := range renamings {
		if l.keepsFixed(r) {
			tables = append(tables, l.table(r))
		}
	}
	return tables
}

// maxPermuted is how many things of a sort are renamed: the permutations of more take longer to
// look through than they save. Without them the same state may count as several.
const maxPermuted = 6

// ofSort are the permutations of a sort by itself; of too many things, that which changes nothing.
func (l *layout) ofSort(sort spec.Sort) [][]int {
	identity := make([]int, l.scope.Sizes[sort.Name])
	for i := range identity {
		identity[i] = i
	}
	if sort.Ordered || l.mayBeBlock(sort) || len(identity) > maxPermuted {
		return [][]int{identity}
	}
	var all [][]int
	var permute func(done, left []int)
	permute = func(done, left []int) {
		if len(left) == 0 {
			all = append(all, slices.Clone(done))
		}
		for i, x := range left {
			permute(append(slices.Clone(done), x), slices.Concat(left[:i], left[i+1:]))
		}
	}
	permute(nil, identity)
	return all
}

func (l *layout) keepsFixed(r map[string][]int) bool {
	for _, symbol := range l.model.Symbols {
		value := l.scope.fixed(l.model, symbol)
		if symbol.State {
			continue
		}
		for _, args := range l.scope.tuples(symbol.Args) {
			if v := renamed(r, symbol.Sort, value(args)); value(renamedAll(r, symbol.Args, args)) != v {
				return false
			}
		}
	}
	return true
}

func renamed(r map[string][]int, sort string, x int) int {
	if p := r[sort]; p != nil {
		return p[x]
	}
	return x
}

func renamedAll(r map[string][]int, sorts []string, args []int) []int {
	all := make([]int, len(args))
	for i, x := range args {
		all[i] = renamed(r, sorts[i], x)
	}
	return all
}

func (l *layout) table(r map[string][]int) []uint16 {
	table := make([]uint16, l.words*wordBits)
	for i := range table {
		table[i] = uint16(i)
	}
	for _, symbol := range l.model.Symbols {
		if !symbol.State {
			continue
		}
		for _, args := range l.scope.tuples(symbol.Args) {
			for v := range l.values(symbol) {
				to := l.bit(symbol, renamedAll(r, symbol.Args, args), renamed(r, symbol.Sort, v))
				table[l.bit(symbol, args, v)] = uint16(to)
			}
		}
	}
	return table
}
