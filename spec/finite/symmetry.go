package finite

import (
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/ben-ng/gaggle/spec"
)

// permutations lists what may be done to the things of the sorts that have neither order nor
// blocks without changing what the fixed symbols mean: such a renaming of everything in a state
// makes a state that is the same but for names.
func (l *layout) permutations() []map[string][]int {
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
	return slices.DeleteFunc(renamings, func(r map[string][]int) bool { return !l.keepsFixed(r) })
}

// A thing of a sort.
type thing struct {
	sort   string
	number int
}

// A mark says what a bit adds to the colors of two things, by their places in a list; the place
// behind the last is that of none.
type mark struct {
	things [2]int
	colors [2]uint64
}

// marks are what each bit of a state adds to the colors of the things that it is about. What that
// is depends on what the bit says, but not on the names of things that may be renamed: so a
// thing has the same color in all states that are the same but for names, and most things of
// a state have different ones. Then only one renaming brings them in the order of their colors.
func (l *layout) marks() ([]mark, []thing) {
	var things []thing
	for _, sort := range l.model.Sorts {
		if len(l.ofSort(sort)) > 1 && slices.ContainsFunc(l.model.Symbols, func(s *spec.Symbol) bool {
			return s.State && (s.Sort == sort.Name || slices.Contains(s.Args, sort.Name))
		}) {
			for x := range l.scope.Sizes[sort.Name] {
				things = append(things, thing{sort.Name, x})
			}
		}
	}
	marks := make([]mark, l.words*wordBits)
	for i := range marks {
		marks[i].things = [2]int{len(things), len(things)}
	}
	for _, symbol := range l.model.Symbols {
		if !symbol.State {
			continue
		}
		for _, args := range l.scope.tuples(symbol.Args) {
			for v := range l.values(symbol) {
				marks[l.bit(symbol, args, v)] = l.mark(symbol, args, v, things)
			}
		}
	}
	return marks, things
}

// mark is that of a bit: of the first two things that it is about.
func (l *layout) mark(symbol *spec.Symbol, args []int, value int, things []thing) mark {
	m := mark{things: [2]int{len(things), len(things)}}
	says := fnv.New64a()
	var about []int
	for i, sort := range append(slices.Clone(symbol.Args), symbol.Sort) {
		x := value
		if i < len(args) {
			x = args[i]
		}
		if at := slices.Index(things, thing{sort, x}); at >= 0 {
			about = append(about, at)
		} else if s := slices.IndexFunc(l.model.Sorts, func(s spec.Sort) bool { return s.Name == sort }); s >= 0 && l.model.Sorts[s].Ordered {
			_, _ = fmt.Fprint(says, x, " ") // a hash takes everything
		}
	}
	for i, at := range about[:min(len(about), len(m.things))] {
		m.things[i] = at
		_, _ = fmt.Fprint(says, symbol.Name, i)
		m.colors[i] = says.Sum64()
	}
	return m
}

// comes lists the things that a renaming brings to the places of some.
func comes(r map[string][]int, things []thing) []uint8 {
	list := make([]uint8, len(things))
	for i, t := range things {
		list[slices.Index(things, thing{t.sort, renamed(r, t.sort, t.number)})] = uint8(i)
	}
	return list
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

// table says where each bit goes by a renaming.
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
