package finite

import (
	"fmt"
	"go/format"
	"slices"
	"strings"

	"github.com/ben-ng/gaggle/spec"
)

// Source is a program that explores a model within a scope, with package search. The model's ghosts
// are left out: they are about how a state was reached, so with them there would be more states.
func Source(m *spec.Model, s Scope) ([]byte, error) {
	if err := s.check(m); err != nil {
		return nil, err
	}
	m = m.WithoutGhosts()
	g := &generator{layout: newLayout(m, &s)}
	if g.words*wordBits > 1<<16 {
		return nil, fmt.Errorf("a state has %d bits, must be at most %d", g.words*wordBits, 1<<16)
	}
	g.line("// Code generated from %s.epr; it is made anew each time.\n\npackage main\n", m.Name)
	g.line("import (\n%q\n%q\n)", "math/bits", "github.com/ben-ng/gaggle/spec/search")
	g.line("type state [%d]uint64", g.words)
	g.symbols()
	for _, d := range m.Definitions {
		g.function("is_"+d.Name, d.Params, d.Body)
	}
	g.invariants()
	g.actions()
	g.beginning()
	g.canonical()
	g.main()
	source, err := format.Source([]byte(g.String()))
	if err != nil {
		return nil, fmt.Errorf("the program is not Go: %w\n%s", err, g.String())
	}
	return source, nil
}

// A generator writes a program.
type generator struct {
	strings.Builder
	*layout
	// later are functions that formulas need, which are written when nothing else is.
	later   []string
	helpers int
}

func (g *generator) line(format string, args ...any) {
	_, _ = fmt.Fprintf(g, format+"\n", args...) // a Builder takes everything
}

// flush writes what formulas have made necessary.
func (g *generator) flush() {
	for len(g.later) > 0 {
		more := g.later
		g.later = nil
		for _, text := range more {
			g.line("%s", text)
		}
	}
}

// symbols writes how each symbol is read and, if it is of the state, changed.
func (g *generator) symbols() {
	for _, symbol := range g.model.Symbols {
		if symbol.State {
			g.stateSymbol(symbol)
		} else {
			g.fixedSymbol(symbol)
		}
	}
}

func argumentNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("a%d", i)
	}
	return names
}

// parameters is a list of ints for a function's head, behind something or first.
func parameters(before string, names []string) string {
	if len(names) == 0 {
		return before
	}
	list := strings.Join(names, ", ") + " int"
	if before == "" {
		return list
	}
	return before + ", " + list
}

func (g *generator) fixedSymbol(symbol *spec.Symbol) {
	if strings.HasSuffix(symbol.Name, ".le") {
		return // it is <=
	}
	names := argumentNames(len(symbol.Args))
	value := g.scope.fixed(g.model, symbol)
	var table []string
	for _, args := range g.scope.tuples(symbol.Args) {
		table = append(table, fmt.Sprint(value(args)))
	}
	at := "0"
	for i, name := range names {
		at = fmt.Sprintf("(%s)*%d+%s", at, g.scope.Sizes[symbol.Args[i]], name)
	}
	g.line("var table_%s = [...]uint8{%s}", symbol.Name, strings.Join(table, ", "))
	if symbol.Sort == spec.Bool {
		g.line("func get_%s(%s) bool { return table_%s[%s] != 0 }", symbol.Name, parameters("", names), symbol.Name, at)
	} else {
		g.line("func get_%s(%s) int { return int(table_%s[%s]) }", symbol.Name, parameters("", names), symbol.Name, at)
	}
}

func (g *generator) stateSymbol(symbol *spec.Symbol) {
	names := argumentNames(len(symbol.Args))
	strides, base := g.strides(symbol)
	at := fmt.Sprint(base)
	for i, name := range names {
		at += fmt.Sprintf("+%d*%s", strides[i], name)
	}
	if symbol.Sort == spec.Bool {
		g.line("func get_%s(%s) bool { k := uint(%s); return s[k/64]>>(k%%64)&1 != 0 }", symbol.Name, parameters("s *state", names), at)
		g.line("func set_%s(%s, v bool) { k := uint(%s); if v { s[k/64] |= 1 << (k%%64) } else { s[k/64] &^= 1 << (k%%64) } }",
			symbol.Name, parameters("s *state", names), at)
		return
	}
	size := g.scope.Sizes[symbol.Sort]
	g.line("func get_%s(%s) int { k := uint(%s); for v := range %d { if s[k/64]>>(k%%64)&1 != 0 { return v }; k++ }; return 0 }",
		symbol.Name, parameters("s *state", names), at, size)
	g.line("func set_%s(%s) { k := uint(%s); for w := range %d { if w == v { s[k/64] |= 1 << (k%%64) } else { s[k/64] &^= 1 << (k%%64) }; k++ } }",
		symbol.Name, parameters("s *state", append(slices.Clone(names), "v")), at, size)
}

// function writes a statement as a function of a state and its parameters.
func (g *generator) function(name string, params []spec.Typed, body *spec.Formula) {
	names := make([]string, 0, len(params))
	for _, p := range params {
		names = append(names, variable(p.Name))
	}
	text := g.text(body, "s", params)
	g.line("func %s(%s) bool { return %s }", name, parameters("s *state", names), text)
	g.flush()
}

// invariants writes the function that says which invariant does not hold; -1 if all do.
func (g *generator) invariants() {
	for i, inv := range g.model.Invariants {
		g.function(fmt.Sprintf("invariant_%d", i), nil, inv.Formula)
	}
	for _, what := range []string{"safety", "all"} {
		g.line("func broken_%s(s *state) int {", what)
		for i, inv := range g.model.Invariants {
			if inv.Safety || what == "all" {
				g.line("if !invariant_%d(s) { return %d }", i, i)
			}
		}
		g.line("return -1\n}")
	}
}

// beginning writes the first state: nothing is so but what an init says is.
func (g *generator) beginning() {
	g.line("func first() (first state, broken string) {\ns := &first")
	for _, i := range g.model.Inits {
		g.settle(i.Formula, nil)
	}
	for n, i := range g.model.Inits {
		g.line("if !init_%d(s) { broken = %q }", n, i.Name)
	}
	for n, a := range g.model.Axioms {
		g.line("if !axiom_%d(s) { broken = %q }", n, a.Name)
	}
	g.line("return first, broken\n}")
	for n, i := range g.model.Inits {
		g.function(fmt.Sprintf("init_%d", n), nil, i.Formula)
	}
	for n, a := range g.model.Axioms {
		g.function(fmt.Sprintf("axiom_%d", n), nil, a.Formula)
	}
}

// settle writes what makes an init true, where that is to say that something is so.
func (g *generator) settle(f *spec.Formula, bound []spec.Typed) {
	switch f.Op {
	case spec.Forall:
		g.settle(f.Args[0], append(slices.Clone(bound), f.Bound...))
	case spec.And:
		for _, a := range f.Args {
			g.settle(a, bound)
		}
	case spec.Equal:
		left := f.Args[0]
		symbol := g.model.Symbol(left.Name)
		if left.Op != spec.Call || symbol == nil || !symbol.State {
			return
		}
		for _, v := range bound {
			g.line("for %s := range %d {", variable(v.Name), g.scope.Sizes[v.Sort])
			g.line("_ = %s", variable(v.Name))
		}
		g.line("set_%s(s, %s)", symbol.Name, strings.Join(append(g.list(left.Args, "s", bound), g.text(f.Args[1], "s", bound)), ", "))
		for range bound {
			g.line("}")
		}
	default:
	}
}

// canonical writes what makes states that are the same but for names one and the same: the
// things of a sort are brought in the order of their colors, see marks, in all ways there are, and the
// least of the states that this makes stands for all of them.
func (g *generator) canonical() {
	renamings := g.permutations()
	marks, things := g.marks()
	g.line("var renamings = [...][%d]uint16{", g.words*wordBits)
	for _, r := range renamings {
		g.line("%s,", strings.Replace(fmt.Sprintf("%#v", g.table(r)), "[]uint16", "", 1))
	}
	g.line("}\n// The things that come to the places of the first, the second … by each renaming.")
	g.line("var comes = [...][%d]uint8{", len(things))
	for _, r := range renamings {
		g.line("%s,", strings.Replace(fmt.Sprintf("%#v", comes(r, things)), "[]byte", "", 1))
	}
	g.line("}\ntype mark struct { thing, other uint8; color, otherColor uint64 }")
	g.line("var marks = [...]mark{")
	for _, m := range marks {
		g.line("{%d, %d, %d, %d},", m.things[0], m.things[1], m.colors[0], m.colors[1])
	}
	g.line("}")
	g.line(`func canonical(s *state) {
		var colors [%d]uint64
		for w, word := range s {
			for ; word != 0; word &= word - 1 {
				m := &marks[w*64+bits.TrailingZeros64(word)]
				colors[m.thing] += m.color
				colors[m.other] += m.otherColor
			}
		}
		first := 0
		for i := range comes {
			if order(&colors, i, first) < 0 {
				first = i
			}
		}
		var best state
		for i := first; i < len(renamings); i++ {
			if order(&colors, i, first) != 0 {
				continue
			}
			to := &renamings[i]
			var t state
			for w, word := range s {
				for ; word != 0; word &= word - 1 {
					k := to[w*64+bits.TrailingZeros64(word)]
					t[k/64] |= 1 << (k %% 64)
				}
			}
			sortBlocks(&t)
			if i == first || search.Less(t[:], best[:]) {
				best = t
			}
		}
		*s = best
	}
	func order(colors *[%[1]d]uint64, i, j int) int {
		for at, x := range comes[i] {
			if a, b := colors[x], colors[comes[j][at]]; a < b {
				return -1
			} else if a > b {
				return 1
			}
		}
		return 0
	}`, len(things)+1)
	g.line("func sortBlocks(s *state) {")
	for _, b := range g.blocks {
		if b.count > 1 && b.words > 0 {
			g.line("search.SortBlocks(s[%d:%d], %d)", b.first, b.first+b.words*b.count, b.words)
		}
	}
	g.line("}")
}

func (g *generator) main() {
	g.line("func main() {")
	g.line("search.Main(search.Model[state]{")
	g.line("First: first, Next: next, Canonical: canonical, Words: func(s *state) []uint64 { return s[:] },")
	g.line("BrokenSafety: broken_safety, Broken: broken_all, Reached: reached, Actions: actions[:], Facts: facts(), Invariants: invariants[:], Traces: traces[:],")
	g.line("})\n}")
	g.line("var invariants = [...]string{")
	for _, i := range g.model.Invariants {
		g.line("%q,", i.Name)
	}
	g.line("}")
	g.traces()
	g.facts()
}

// traces writes the runs that can be begun from.
func (g *generator) traces() {
	g.line("var traces = [...]search.Trace{")
	for _, t := range g.model.Traces {
		steps := make([]string, 0, len(t.Steps))
		for _, step := range t.Steps {
			steps = append(steps, fmt.Sprint(slices.Index(g.model.Actions, g.model.Action(step))))
		}
		g.line("{Name: %q, Steps: []int{%s}},", t.Name, strings.Join(steps, ", "))
	}
	g.line("}\nfunc reached(s *state, trace int) bool {\nswitch trace {")
	for n := range g.model.Traces {
		g.line("case %d: return reached_%d(s)", n, n)
	}
	g.line("}\nreturn false\n}")
	for n, t := range g.model.Traces {
		g.function(fmt.Sprintf("reached_%d", n), nil, t.Reaches)
	}
}

// facts writes what each bit means, for people.
func (g *generator) facts() {
	g.line("func facts() []string {\nall := make([]string, %d)", g.words*wordBits)
	for _, symbol := range g.model.Symbols {
		if !symbol.State {
			continue
		}
		for _, args := range g.scope.tuples(symbol.Args) {
			for v := range g.values(symbol) {
				fact := symbol.Name + "(" + g.named(symbol.Args, args) + ")"
				if symbol.Sort != spec.Bool {
					fact += " = " + g.name(symbol.Sort, v)
				}
				g.line("all[%d] = %q", g.bit(symbol, args, v), fact)
			}
		}
	}
	g.line("return all\n}")
}

func (g *generator) named(sorts []string, args []int) string {
	names := make([]string, 0, len(args))
	for i, x := range args {
		names = append(names, g.name(sorts[i], x))
	}
	return strings.Join(names, ", ")
}

// name is what a thing is called: node a, term 1, message m0.
func (g *generator) name(sort string, x int) string {
	if s := slices.IndexFunc(g.model.Sorts, func(s spec.Sort) bool { return s.Name == sort }); s >= 0 && g.model.Sorts[s].Ordered {
		return fmt.Sprint(x)
	}
	if sort == "node" {
		return string(rune('a' + x))
	}
	return fmt.Sprintf("%s%d", sort[:1], x)
}
