package finite

import (
	"github.com/ben-ng/gaggle/spec"
)

// wordBits is how many bits a word of a state has.
const wordBits = 64

// A layout says which bit of a state says what. A relation has a bit for each list of
// arguments, a function one for each of these and each value. What is about one thing of a
// sort whose things are alike, as a message, is a block of words, so that the order of
// these things can be forgotten.
//
//	all else │ message 0 │ message 1 │ … │ read 0 │ …
type layout struct {
	model *spec.Model
	scope *Scope
	// at is where the cells of a symbol begin: in the state, or in each block of its sort.
	at map[string]int
	// blocks are the sorts with blocks, in order.
	blocks []*block
	words  int
}

// A block is what a state says of one thing of a sort.
type block struct {
	sort string
	// first is the first word of the first block, words how many each has.
	first, words, count int
}

func newLayout(m *spec.Model, s *Scope) *layout {
	l := &layout{model: m, scope: s, at: map[string]int{}}
	bits := 0
	for _, symbol := range m.Symbols {
		if symbol.State && l.blockSort(symbol) == "" {
			l.at[symbol.Name] = bits
			bits += l.cells(symbol, "")
		}
	}
	l.words = (bits + wordBits - 1) / wordBits
	for _, sort := range m.Sorts {
		if l.mayBeBlock(sort) {
			l.addBlock(sort.Name)
		}
	}
	l.words = max(l.words, 1)
	return l
}

func (l *layout) addBlock(sort string) {
	bits := 0
	for _, symbol := range l.model.Symbols {
		if symbol.State && l.blockSort(symbol) == sort {
			l.at[symbol.Name] = bits
			bits += l.cells(symbol, sort)
		}
	}
	b := &block{sort: sort, first: l.words, words: (bits + wordBits - 1) / wordBits, count: l.scope.Sizes[sort]}
	l.blocks = append(l.blocks, b)
	l.words += b.words * b.count
}

// mayBeBlock reports whether things of a sort are alike: nothing but what is said of each of
// them tells them apart.
func (l *layout) mayBeBlock(sort spec.Sort) bool {
	if sort.Ordered {
		return false
	}
	about := false
	for _, symbol := range l.model.Symbols {
		n := 0
		for _, a := range symbol.Args {
			if a == sort.Name {
				n++
			}
		}
		if n > 1 || symbol.Sort == sort.Name || n > 0 && (!symbol.State || l.otherBlock(symbol, sort.Name)) {
			return false
		}
		about = about || n == 1
	}
	return about
}

// otherBlock reports whether a symbol is about things of another sort that comes first and may
// have blocks.
func (l *layout) otherBlock(symbol *spec.Symbol, sort string) bool {
	for _, s := range l.model.Sorts {
		if s.Name == sort {
			return false
		}
		for _, a := range symbol.Args {
			if a == s.Name && l.mayBeBlock(s) {
				return true
			}
		}
	}
	return false
}

// blockSort is the sort whose blocks have a symbol's cells; "" if there is none.
func (l *layout) blockSort(symbol *spec.Symbol) string {
	for _, sort := range l.model.Sorts {
		for _, a := range symbol.Args {
			if a == sort.Name && l.mayBeBlock(sort) {
				return sort.Name
			}
		}
	}
	return ""
}

// cells is how many bits a symbol takes, those of one block if it is in one.
func (l *layout) cells(symbol *spec.Symbol, block string) int {
	n := l.values(symbol)
	for _, a := range symbol.Args {
		if a != block {
			n *= l.scope.Sizes[a]
		}
	}
	return n
}

// values is how many bits there are for each list of arguments.
func (l *layout) values(symbol *spec.Symbol) int {
	if symbol.Sort == spec.Bool {
		return 1
	}
	return l.scope.Sizes[symbol.Sort]
}

// strides are what each argument counts for in the number of a cell, and where cell 0 is.
func (l *layout) strides(symbol *spec.Symbol) (strides []int, base int) {
	inBlock := l.blockSort(symbol)
	strides, base = make([]int, len(symbol.Args)), l.at[symbol.Name]
	stride := l.values(symbol)
	for i := len(symbol.Args) - 1; i >= 0; i-- {
		if symbol.Args[i] == inBlock {
			continue
		}
		strides[i] = stride
		stride *= l.scope.Sizes[symbol.Args[i]]
	}
	for _, b := range l.blocks {
		if b.sort != inBlock {
			continue
		}
		base += b.first * wordBits
		for i, a := range symbol.Args {
			if a == inBlock {
				strides[i] = b.words * wordBits
			}
		}
	}
	return strides, base
}

// bit is the bit of a symbol for some arguments, and of a function for a value; 0 for relations.
func (l *layout) bit(symbol *spec.Symbol, args []int, value int) int {
	strides, at := l.strides(symbol)
	for i, x := range args {
		at += strides[i] * x
	}
	return at + value
}
