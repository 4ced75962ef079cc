package spec

import (
	"fmt"
	"slices"
)

// A parser reads declarations in turn. The first mistake ends it, see syntaxError.
type parser struct {
	tokens []token
	at     int
	model  *Model
}

// keywords may not be names.
var keywords = [...]string{
	"sort", "ordered", "from", "fixed", "ghost", "relation", "function", "define", "axiom", "init", "action",
	"require", "follows", "safety", "invariant", "trace", "reaches", "forall", "exists", "if", "then", "else",
	"and", "or", "not", "true", "false",
}

// A Source is the text of a model, or a part of it.
type Source struct{ File, Text string }

// Parse reads a model, and checks that its names and sorts fit.
func Parse(name string, sources ...Source) (m *Model, err error) {
	defer func() {
		if r := recover(); r != nil {
			mistake, ok := r.(*syntaxError)
			if !ok {
				panic(r)
			}
			m, err = nil, mistake
		}
	}()
	m = &Model{Name: name}
	for _, s := range sources {
		all, err := tokens(s.File, s.Text)
		if err != nil {
			return nil, err
		}
		p := &parser{tokens: all, model: m}
		for p.peek() != "" {
			p.declaration()
		}
	}
	resolve(m)
	return m, nil
}

// A syntaxError is raised where there is a mistake, and returned by Parse.
type syntaxError struct{ error }

func fail(line Place, format string, args ...any) {
	panic(&syntaxError{fmt.Errorf("%v: %w", line, fmt.Errorf(format, args...))})
}

func (p *parser) peek() string { return p.tokens[p.at].text }
func (p *parser) line() Place  { return p.tokens[p.at].line }

func (p *parser) accept(text string) bool {
	if p.peek() != text || text == "" {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		fail(p.line(), "%q, where %q should be", p.peek(), text)
	}
}

func (p *parser) name() string {
	t := p.tokens[p.at]
	if !t.isWord() || slices.Contains(keywords[:], t.text) {
		fail(t.line, "%q, where a name should be", t.text)
	}
	p.at++
	return t.text
}

// typedList is: name ":" sort {"," name ":" sort}.
func (p *parser) typedList() []Typed {
	var list []Typed
	for {
		t := Typed{Name: p.name()}
		p.expect(":")
		t.Sort = p.name()
		list = append(list, t)
		if !p.accept(",") {
			return list
		}
	}
}

// names is: "(" name {"," name} ")", or nothing.
func (p *parser) names() []string {
	if !p.accept("(") {
		return nil
	}
	list := []string{p.name()}
	for p.accept(",") {
		list = append(list, p.name())
	}
	p.expect(")")
	return list
}

func (p *parser) params() []Typed {
	p.expect("(")
	if p.accept(")") {
		return nil
	}
	list := p.typedList()
	p.expect(")")
	return list
}

func (p *parser) declaration() {
	m, line := p.model, p.line()
	switch {
	case p.accept("sort"):
		p.sort()
	case p.accept("fixed"):
		p.symbol(Symbol{})
	case p.accept("ghost"):
		p.symbol(Symbol{State: true, Ghost: true})
	case p.peek() == "relation" || p.peek() == "function":
		p.symbol(Symbol{State: true})
	case p.accept("define"):
		d := &Definition{Name: p.name(), Params: p.params()}
		p.expect("=")
		d.Body = p.formula()
		m.Definitions = append(m.Definitions, d)
	case p.accept("axiom"):
		m.Axioms = append(m.Axioms, p.named())
	case p.accept("init"):
		m.Inits = append(m.Inits, p.named())
	case p.accept("safety"):
		m.Invariants = append(m.Invariants, Invariant{Named: p.named(), Safety: true})
	case p.accept("invariant"):
		m.Invariants = append(m.Invariants, Invariant{Named: p.named()})
	case p.accept("action"):
		p.action(line)
	case p.accept("trace"):
		p.trace()
	default:
		fail(line, "%q, where a declaration should begin", p.peek())
	}
}

// named is: name ":" formula.
func (p *parser) named() Named {
	name := p.name()
	p.expect(":")
	return Named{name, p.formula()}
}

// sort is: name ["ordered" ["from" name]].
func (p *parser) sort() {
	s := Sort{Name: p.name(), Ordered: p.accept("ordered")}
	if s.Ordered && p.accept("from") {
		s.Least = p.name()
		p.model.Symbols = append(p.model.Symbols, &Symbol{Typed: Typed{s.Least, s.Name}})
	}
	if s.Ordered {
		p.model.Symbols = append(p.model.Symbols, &Symbol{Typed: Typed{OrderOf(s.Name), Bool}, Args: []string{s.Name, s.Name}})
	}
	p.model.Sorts = append(p.model.Sorts, s)
}

// symbol is: "relation" name ["(" sorts ")"] or "function" name ["(" sorts ")"] ":" sort.
func (p *parser) symbol(s Symbol) {
	relation := p.accept("relation")
	if !relation {
		p.expect("function")
	}
	s.Typed, s.Args = Typed{p.name(), Bool}, p.names()
	if !relation {
		p.expect(":")
		s.Sort = p.name()
	}
	p.model.Symbols = append(p.model.Symbols, &s)
}

// action is: name "(" params ")" "{" {"require" named | "follows" named | target ":=" formula} "}".
func (p *parser) action(line Place) {
	a := &Action{Name: p.name(), Params: p.params(), Line: line}
	p.expect("{")
	for !p.accept("}") {
		switch {
		case p.accept("require"):
			a.Requires = append(a.Requires, p.named())
		case p.accept("follows"):
			a.Follows = append(a.Follows, p.named())
		default:
			a.Updates = append(a.Updates, p.update())
		}
	}
	p.model.Actions = append(p.model.Actions, a)
}

func (p *parser) update() Update {
	line := p.line()
	u := Update{Symbol: &Symbol{Typed: Typed{Name: p.name()}}}
	for _, name := range p.names() {
		u.Args = append(u.Args, Argument{Typed: Typed{Name: name}})
	}
	p.expect(":=")
	u.Value = p.formula()
	u.Value.Line = line
	return u
}

// trace is: name ":" action {"," action} "reaches" formula.
func (p *parser) trace() {
	t := Trace{Name: p.name()}
	p.expect(":")
	for {
		t.Steps = append(t.Steps, p.name())
		if !p.accept(",") {
			break
		}
	}
	p.expect("reaches")
	t.Reaches = p.formula()
	p.model.Traces = append(p.model.Traces, t)
}
