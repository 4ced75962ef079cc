package finite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ben-ng/gaggle/spec"
)

// variable is a variable's name in the program, where it must not be another's.
func variable(name string) string { return "v_" + name }

// text is a formula in Go, about the state of this name: a bool, or an int for a thing.
func (g *generator) text(f *spec.Formula, state string, bound []spec.Typed) string {
	switch f.Op {
	case spec.True:
		return "true"
	case spec.False:
		return "false"
	case spec.Variable:
		return variable(f.Name)
	case spec.Call:
		return g.call(f, state, bound)
	case spec.Not:
		return "!(" + g.text(f.Args[0], state, bound) + ")"
	case spec.And:
		return "(" + strings.Join(g.list(f.Args, state, bound), " && ") + ")"
	case spec.Or:
		return "(" + strings.Join(g.list(f.Args, state, bound), " || ") + ")"
	case spec.Implies:
		return "(!(" + g.text(f.Args[0], state, bound) + ") || " + g.text(f.Args[1], state, bound) + ")"
	case spec.Equal:
		return "(" + strings.Join(g.list(f.Args, state, bound), " == ") + ")"
	case spec.If:
		return "search.If(" + strings.Join(g.list(f.Args, state, bound), ", ") + ")"
	case spec.Forall, spec.Exists:
		return g.quantifier(f, state, bound)
	}
	return "" // there are no other ops
}

func (g *generator) list(all []*spec.Formula, state string, bound []spec.Typed) []string {
	texts := make([]string, 0, len(all))
	for _, f := range all {
		texts = append(texts, g.text(f, state, bound))
	}
	return texts
}

func (g *generator) call(f *spec.Formula, state string, bound []spec.Typed) string {
	args := g.list(f.Args, state, bound)
	if symbol := g.model.Symbol(f.Name); symbol != nil {
		if strings.HasSuffix(symbol.Name, ".le") {
			return "(" + args[0] + " <= " + args[1] + ")"
		}
		if symbol.State {
			args = append([]string{state}, args...)
		}
		return fmt.Sprintf("get_%s(%s)", f.Name, strings.Join(args, ", "))
	}
	return fmt.Sprintf("is_%s(%s)", f.Name, strings.Join(append([]string{state}, args...), ", "))
}

// quantifier makes a function of loops, and calls it. What is claimed is checked as soon as
// the variables that it has are there.
func (g *generator) quantifier(f *spec.Formula, state string, bound []spec.Typed) string {
	g.helpers++
	name := fmt.Sprintf("helper_%d", g.helpers)
	names := make([]string, 0, len(bound))
	for _, v := range bound {
		names = append(names, variable(v.Name))
	}
	inner := append(slices.Clone(bound), f.Bound...)
	premises, goal := parts(f)
	var b strings.Builder
	fmt.Fprintf(&b, "func %s(%s) bool {\n", name, parameters("s *state", names))
	left := premises
	for i := 0; i <= len(f.Bound); i++ {
		known := append(slices.Clone(bound), f.Bound[:i]...)
		var rest []*spec.Formula
		for _, p := range left {
			if !within(p, known) {
				rest = append(rest, p)
				continue
			}
			next := "continue"
			if i == 0 {
				next = fmt.Sprintf("return %t", f.Op == spec.Forall)
			}
			fmt.Fprintf(&b, "if !(%s) { %s }\n", g.text(p, "s", known), next)
		}
		if left = rest; i < len(f.Bound) {
			v := f.Bound[i]
			fmt.Fprintf(&b, "for %s := range %d {\n", variable(v.Name), g.scope.Sizes[v.Sort])
		}
	}
	// A variable may be in nothing but what was checked.
	for _, v := range f.Bound {
		fmt.Fprintf(&b, "_ = %s\n", variable(v.Name))
	}
	if f.Op == spec.Forall {
		fmt.Fprintf(&b, "if !(%s) { return false }\n", g.text(goal, "s", inner))
	} else {
		fmt.Fprintf(&b, "if %s { return true }\n", g.text(goal, "s", inner))
	}
	b.WriteString(strings.Repeat("}\n", len(f.Bound)))
	fmt.Fprintf(&b, "return %t\n}", f.Op == spec.Forall)
	g.later = append(g.later, b.String())
	return fmt.Sprintf("%s(%s)", name, strings.Join(append([]string{state}, names...), ", "))
}

// parts splits what a quantifier is about: into what has to be so for anything to be claimed,
// and the rest.
func parts(f *spec.Formula) (premises []*spec.Formula, goal *spec.Formula) {
	goal = f.Args[0]
	for f.Op == spec.Forall && goal.Op == spec.Implies {
		premises, goal = append(premises, conjuncts(goal.Args[0])...), goal.Args[1]
	}
	if f.Op == spec.Exists {
		all := conjuncts(goal)
		premises, goal = all[:len(all)-1], all[len(all)-1]
	}
	return premises, goal
}

func conjuncts(f *spec.Formula) []*spec.Formula {
	if f.Op != spec.And {
		return []*spec.Formula{f}
	}
	var all []*spec.Formula
	for _, a := range f.Args {
		all = append(all, conjuncts(a)...)
	}
	return all
}

// within reports whether a formula has no other free variables than these.
func within(f *spec.Formula, known []spec.Typed) bool {
	switch f.Op {
	case spec.Variable:
		return slices.ContainsFunc(known, func(v spec.Typed) bool { return v.Name == f.Name })
	case spec.Forall, spec.Exists:
		return within(f.Args[0], append(slices.Clone(known), f.Bound...))
	default:
	}
	return !slices.ContainsFunc(f.Args, func(a *spec.Formula) bool { return !within(a, known) })
}
