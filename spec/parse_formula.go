package spec

// The grammar of formulas, loosest first. Binary operators but -> group to the left.
//
//	formula  = ("forall" | "exists") name ":" sort {"," name ":" sort} "." formula
//	         | "if" formula "then" formula "else" formula
//	         | or ["->" formula | "<->" or]
//	or       = and {"or" and}
//	and      = not {"and" not}
//	not      = "not" not | relation
//	relation = primary [("=" | "!=" | "<=" | "<") primary]
//	primary  = name ["(" formula {"," formula} ")"] | "(" formula ")" | "true" | "false"
//
// A quantifier or an "if" on the right of an operator reaches as far as it can.

func (p *parser) formula() *Formula {
	switch p.peek() {
	case "forall", "exists", "if":
		return p.not()
	}
	left := p.or()
	switch line := p.line(); {
	case p.accept("->"):
		return &Formula{Op: Implies, Args: []*Formula{left, p.formula()}, Line: line}
	case p.accept("<->"):
		return &Formula{Op: Equal, Args: []*Formula{left, p.or()}, Line: line}
	}
	return left
}

func (p *parser) or() *Formula  { return p.chain("or", Or, p.and) }
func (p *parser) and() *Formula { return p.chain("and", And, p.not) }

func (p *parser) chain(word string, op Op, next func() *Formula) *Formula {
	f := next()
	if p.peek() != word {
		return f
	}
	f = &Formula{Op: op, Args: []*Formula{f}, Line: f.Line}
	for p.accept(word) {
		f.Args = append(f.Args, next())
	}
	return f
}

func (p *parser) not() *Formula {
	line := p.line()
	switch {
	case p.accept("not"):
		return &Formula{Op: Not, Args: []*Formula{p.not()}, Line: line}
	case p.accept("forall"):
		return p.quantifier(Forall, line)
	case p.accept("exists"):
		return p.quantifier(Exists, line)
	case p.accept("if"):
		f := &Formula{Op: If, Line: line}
		f.Args = append(f.Args, p.formula())
		p.expect("then")
		f.Args = append(f.Args, p.formula())
		p.expect("else")
		f.Args = append(f.Args, p.formula())
		return f
	}
	return p.relation()
}

func (p *parser) quantifier(op Op, line Place) *Formula {
	f := &Formula{Op: op, Line: line, Bound: p.typedList()}
	p.expect(".")
	f.Args = []*Formula{p.formula()}
	return f
}

func (p *parser) relation() *Formula {
	left := p.primary()
	line := p.line()
	switch {
	case p.accept("="):
		return &Formula{Op: Equal, Args: []*Formula{left, p.primary()}, Line: line}
	case p.accept("!="):
		equal := &Formula{Op: Equal, Args: []*Formula{left, p.primary()}, Line: line}
		return &Formula{Op: Not, Args: []*Formula{equal}, Line: line}
	case p.accept("<="):
		return &Formula{Op: Call, Name: "<=", Args: []*Formula{left, p.primary()}, Line: line}
	case p.accept("<"): // a < b is not b <= a, as the order is total
		atMost := &Formula{Op: Call, Name: "<=", Args: []*Formula{p.primary(), left}, Line: line}
		return &Formula{Op: Not, Args: []*Formula{atMost}, Line: line}
	}
	return left
}

func (p *parser) primary() *Formula {
	line := p.line()
	switch {
	case p.accept("("):
		f := p.formula()
		p.expect(")")
		return f
	case p.accept("true"):
		return &Formula{Op: True, Line: line}
	case p.accept("false"):
		return &Formula{Op: False, Line: line}
	}
	f := &Formula{Op: Call, Name: p.name(), Line: line}
	if p.accept("(") {
		for {
			f.Args = append(f.Args, p.formula())
			if !p.accept(",") {
				break
			}
		}
		p.expect(")")
	}
	return f
}
