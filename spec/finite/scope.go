// Package finite turns a model into a program that explores it: with so many nodes, terms and
// entries and no more, a state is a row of bits, a formula is Go, and an action is loops that
// are cut short by what it requires.
//
// What is found is true of the scope, and of nothing beyond it. Where a function has no
// value at the beginning, it has the first of its sort here.
package finite

import (
	"fmt"
	"slices"

	"github.com/ben-ng/gaggle/spec"
)

// A Scope says how many things of each sort there are, and what the fixed symbols mean. Things
// are numbers, from 0.
type Scope struct {
	Sizes map[string]int
	// Fixed gives the value of a fixed symbol: 0 or 1 for a relation. Orders, and what an order
	// begins with, are the numbers'.
	Fixed map[string]func(args []int) int
}

// Majorities is a scope's meaning of in_quorum: the smallest majorities of the first nodes, in the
// order of the numbers whose bits they are, and how many of them there are. Other nodes are in
// none.
func Majorities(nodes int) (inQuorum func(args []int) int, count int) {
	var sets []int
	for set := range 1 << nodes {
		if ones(set) == nodes/2+1 {
			sets = append(sets, set)
		}
	}
	return func(args []int) int { return sets[args[1]] >> args[0] & 1 }, len(sets)
}

func ones(set int) int {
	n := 0
	for ; set > 0; set >>= 1 {
		n += set & 1
	}
	return n
}

func (s *Scope) check(m *spec.Model) error {
	for _, sort := range m.Sorts {
		if n, ok := s.Sizes[sort.Name]; !ok || n < 0 || n > 255 {
			return fmt.Errorf("the scope has %d of sort %s, must be 0 to 255", n, sort.Name)
		}
	}
	for _, symbol := range m.Symbols {
		if !symbol.State && s.fixed(m, symbol) == nil {
			return fmt.Errorf("the scope does not say what %s means", symbol.Name)
		}
	}
	return nil
}

// fixed is the meaning of a fixed symbol; nil if the scope has none.
func (s *Scope) fixed(m *spec.Model, symbol *spec.Symbol) func(args []int) int {
	for _, sort := range m.Sorts {
		switch {
		case sort.Ordered && symbol.Name == spec.OrderOf(sort.Name):
			return func(args []int) int {
				if args[0] <= args[1] {
					return 1
				}
				return 0
			}
		case sort.Ordered && symbol.Name == sort.Least:
			return func([]int) int { return 0 }
		}
	}
	return s.Fixed[symbol.Name]
}

// tuples lists all argument lists for some sorts, in order, the last running fastest.
func (s *Scope) tuples(sorts []string) [][]int {
	all := [][]int{nil}
	for _, sort := range sorts {
		var longer [][]int
		for _, t := range all {
			for x := range s.Sizes[sort] {
				longer = append(longer, append(slices.Clone(t), x))
			}
		}
		all = longer
	}
	return all
}
