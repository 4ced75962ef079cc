package spec

import (
	"fmt"
	"strings"
)

// A state is a moment of a run, by what its symbols' names end with in a script.
type state string

// A script is the text of a question to a solver, in the language SMT-LIB 2.
type script struct {
	out   strings.Builder
	model *Model
}

func (s *script) line(format string, args ...any) {
	s.out.WriteString(fmt.Sprintf(format, args...) + "\n")
}

// begin declares sorts and fixed symbols, and asserts the axioms.
func (m *Model) begin() *script {
	s := &script{model: m}
	for _, sort := range m.Sorts {
		s.line("(declare-sort %s 0)", sort.Name)
	}
	for _, symbol := range m.Symbols {
		if !symbol.State {
			s.declare(symbol, "")
		}
	}
	s.define(false, "")
	for _, a := range m.Axioms {
		s.assert(a, "")
	}
	return s
}

func (s *script) declare(symbol *Symbol, at state) {
	s.line("(declare-fun %s%s (%s) %s)", symbol.Name, at, strings.Join(symbol.Args, " "), symbol.Sort)
}

// declareState makes all of a state unknown.
func (s *script) declareState(at state) {
	for _, symbol := range s.model.Symbols {
		if symbol.State {
			s.declare(symbol, at)
		}
	}
	s.define(true, at)
}

// define writes the definitions that depend on the state, or those that do not.
func (s *script) define(onState bool, at state) {
	for _, d := range s.model.Definitions {
		if d.State == onState {
			s.line("(define-fun %s%s (%s) Bool %s)", d.Name, at, typedText(d.Params), s.text(d.Body, at, ""))
		}
	}
}

func (s *script) assert(n Named, at state) {
	s.line("(assert (! %s :named %s%s))", s.text(n.Formula, at, ""), n.Name, at)
}

func typedText(list []Typed) string {
	var b strings.Builder
	for _, v := range list {
		fmt.Fprintf(&b, "(%s %s)", v.Name, v.Sort)
	}
	return b.String()
}

// operator is the name of an op in SMT-LIB; "" if it has none of its own.
func operator(op Op) string {
	switch op {
	case Not:
		return "not"
	case And:
		return "and"
	case Or:
		return "or"
	case Implies:
		return "=>"
	case Equal:
		return "="
	case If:
		return "ite"
	case Forall:
		return "forall"
	case Exists:
		return "exists"
	default:
		return ""
	}
}

// text is a formula about a state. Names in params, those of an action's parameters, get
// an ending.
func (s *script) text(f *Formula, at state, ending string, params ...Typed) string {
	var args strings.Builder
	for _, a := range f.Args {
		args.WriteString(" " + s.text(a, at, ending, params...))
	}
	switch f.Op {
	case True:
		return "true"
	case False:
		return "false"
	case Variable:
		for _, p := range params {
			if p.Name == f.Name {
				return f.Name + ending
			}
		}
		return f.Name
	case Call:
		name := f.Name
		if dependsOnState(s.model, name) {
			name += string(at)
		}
		if len(f.Args) == 0 {
			return name
		}
		return "(" + name + args.String() + ")"
	case Forall, Exists:
		return fmt.Sprintf("(%s (%s)%s)", operator(f.Op), typedText(f.Bound), args.String())
	default:
		return "(" + operator(f.Op) + args.String() + ")"
	}
}

// taken says that an action is taken: all is so that it requires. Its parameters get an ending,
// which keeps those of several steps apart.
func (s *script) taken(a *Action, before state, ending string) {
	for _, p := range a.Params {
		s.line("(declare-const %s%s %s)", p.Name, ending, p.Sort)
	}
	for _, r := range a.Requires {
		s.ofAction(a, r, before, ending)
	}
}

// ofAction asserts something that is about an action's parameters.
func (s *script) ofAction(a *Action, n Named, at state, ending string) {
	s.line("(assert (! %s :named %s.%s%s))", s.text(n.Formula, at, ending, a.Params...), a.Name, n.Name, ending)
}

// leads says what the state is after an action that is taken.
func (s *script) leads(a *Action, before, after state, ending string) {
	updates := map[string]Update{}
	for _, u := range a.Updates {
		updates[u.Symbol.Name] = u
	}
	for _, symbol := range s.model.Symbols {
		if !symbol.State {
			continue
		}
		if u, ok := updates[symbol.Name]; ok {
			s.update(a, u, before, after, ending)
		} else {
			s.keep(symbol, before, after)
		}
	}
	s.define(true, after)
}

func (s *script) keep(symbol *Symbol, before, after state) {
	params := make([]Typed, len(symbol.Args))
	for i, sort := range symbol.Args {
		params[i] = Typed{fmt.Sprintf("x%d", i), sort}
	}
	s.line("(define-fun %s%s (%s) %s %s)", symbol.Name, after, typedText(params), symbol.Sort, application(symbol, before, params))
}

func application(symbol *Symbol, at state, args []Typed) string {
	if len(args) == 0 {
		return symbol.Name + string(at)
	}
	text := "(" + symbol.Name + string(at)
	for _, a := range args {
		text += " " + a.Name
	}
	return text + ")"
}

// update defines a symbol anew: the value where the fixed arguments are met, else as it was.
func (s *script) update(a *Action, u Update, before, after state, ending string) {
	var params []Typed
	var here string
	for i, arg := range u.Args {
		if !arg.Fixed {
			params = append(params, arg.Typed)
			continue
		}
		x := Typed{fmt.Sprintf("x%d", i), arg.Sort}
		params = append(params, x)
		here += fmt.Sprintf(" (= %s %s)", x.Name, s.text(arg.Formula, before, ending, a.Params...))
	}
	old := application(u.Symbol, before, params)
	value := s.text(u.Value, before, ending, a.Params...)
	switch {
	case here == "":
	case u.Value.Op == True:
		value = fmt.Sprintf("(or %s (and%s))", old, here)
	case u.Value.Op == False:
		value = fmt.Sprintf("(and %s (not (and%s)))", old, here)
	default:
		value = fmt.Sprintf("(ite (and%s) %s %s)", here, value, old)
	}
	s.line("(define-fun %s%s (%s) %s %s)", u.Symbol.Name, after, typedText(params), u.Symbol.Sort, value)
}
