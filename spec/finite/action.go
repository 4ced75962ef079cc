package finite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ben-ng/gaggle/spec"
)

// actions writes a function for each action, which hands out all states that it leads to.
func (g *generator) actions() {
	for i, a := range g.model.Actions {
		g.action(i, a)
		g.flush()
	}
	g.line("var actions = [...]search.Action{")
	for _, a := range g.model.Actions {
		g.line("{Name: %q, Params: []search.Param{", a.Name)
		for _, p := range a.Params {
			names := make([]string, 0, g.scope.Sizes[p.Sort])
			for x := range g.scope.Sizes[p.Sort] {
				names = append(names, fmt.Sprintf("%q", g.name(p.Sort, x)))
			}
			g.line("{Name: %q, Things: []string{%s}},", p.Name, strings.Join(names, ", "))
		}
		g.line("}},")
	}
	g.line("}")
	g.line("func next(s *state, which int, x *search.Scratch[state], yield func(args []uint8, t *state) bool) bool {\nswitch which {")
	for i := range g.model.Actions {
		g.line("case %d: return action_%d(s, x, yield)", i, i)
	}
	g.line("}\nreturn true\n}")
}

// action writes loops over what the parameters may be. A loop is left as soon as something
// that is required is not so.
func (g *generator) action(number int, a *spec.Action) {
	var required []*spec.Formula
	for _, r := range a.Requires {
		required = append(required, conjuncts(r.Formula)...)
	}
	g.line("func action_%d(s *state, x *search.Scratch[state], yield func(args []uint8, t *state) bool) bool {", number)
	g.line("t, args := &x.To, x.Args[:%d]", len(a.Params))
	order := g.order(a, required)
	for i := 0; i <= len(order); i++ {
		known := order[:i]
		var rest []*spec.Formula
		for _, r := range required {
			if !within(r, known) {
				rest = append(rest, r)
				continue
			}
			next := "continue"
			if i == 0 {
				next = "return true"
			}
			g.line("if !(%s) { %s }", g.text(r, "s", known), next)
		}
		if required = rest; i < len(order) {
			g.loop(order[i])
		}
	}
	g.line("*t = *s")
	for _, u := range a.Updates {
		g.update(a, u)
	}
	if len(order) > 0 {
		g.line("if *t == *s { continue }")
	}
	for i, p := range a.Params {
		g.line("args[%d] = uint8(%s)", i, variable(p.Name))
	}
	g.line("if !yield(args, t) { return false }")
	g.line("%s\nreturn true\n}", strings.Repeat("}", len(order)))
}

// order is the order in which parameters are bound: next is always the one with which most
// can be checked.
func (g *generator) order(a *spec.Action, required []*spec.Formula) []spec.Typed {
	var order []spec.Typed
	left := slices.Clone(a.Params)
	for len(left) > 0 {
		best, most := 0, -1
		for i, p := range left {
			with := append(slices.Clone(order), p)
			checked := 0
			for _, r := range required {
				if within(r, with) {
					checked++
				}
			}
			if checked > most {
				best, most = i, checked
			}
		}
		order = append(order, left[best])
		left = slices.Delete(left, best, best+1)
	}
	return order
}

// loop begins a loop over the things of a sort. Of those of which the state says the same,
// the first is enough.
func (g *generator) loop(p spec.Typed) {
	g.line("for %s := range %d {\n_ = %s", variable(p.Name), g.scope.Sizes[p.Sort], variable(p.Name))
	for _, b := range g.blocks {
		if b.sort == p.Sort && b.count > 1 && b.words > 0 {
			g.line("if search.SameBlock(s[%d:%d], %d, %s) { continue }", b.first, b.first+b.words*b.count, b.words, variable(p.Name))
		}
	}
}

// update writes the change of a symbol, from the state before.
func (g *generator) update(a *spec.Action, u spec.Update) {
	bound := slices.Clone(a.Params)
	args := []string{"t"}
	loops := 0
	for _, arg := range u.Args {
		if arg.Fixed {
			args = append(args, g.text(arg.Formula, "s", a.Params))
			continue
		}
		bound = append(bound, arg.Typed)
		g.line("for %s := range %d {", variable(arg.Name), g.scope.Sizes[arg.Sort])
		args = append(args, variable(arg.Name))
		loops++
	}
	args = append(args, g.text(u.Value, "s", bound))
	g.line("set_%s(%s)", u.Symbol.Name, strings.Join(args, ", "))
	g.line("%s", strings.Repeat("}", loops))
}
