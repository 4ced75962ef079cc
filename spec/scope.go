package spec

// A scope knows what names mean within a formula.
type scope struct {
	model *Model
	bound []Typed
	// any are the variables that begin with a capital letter; sorts are "" until known.
	any []Typed
	// closed: there are no more of them than are bound.
	closed bool
}

func newScope(m *Model, params []Typed) *scope {
	s := &scope{model: m}
	s.bind(params, Place{m.Name, 0})
	return s
}

// bind adds variables, which may not hide anything.
func (s *scope) bind(list []Typed, line Place) {
	for _, v := range list {
		if s.model.sort(v.Sort) == nil {
			fail(line, "there is no sort %s", v.Sort)
		}
		if s.variable(v.Name) != nil || s.model.Symbol(v.Name) != nil || s.model.Definition(v.Name) != nil {
			fail(line, "%s means something already", v.Name)
		}
		s.bound = append(s.bound, v)
	}
}

func (s *scope) variable(name string) *Typed {
	for _, list := range [][]Typed{s.bound, s.any} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}

// statement resolves a formula that is to be true or false, for all of its variables that
// need no declaration.
func (s *scope) statement(f *Formula) *Formula {
	s.infer(f)
	for _, v := range s.any {
		if v.Sort == "" {
			fail(f.Line, "the sort of %s does not follow from its use", v.Name)
		}
	}
	s.check(f)
	s.want(f, Bool)
	return quantified(s.any, f)
}

// infer finds the sorts of variables that are not declared, until there is nothing new.
func (s *scope) infer(f *Formula) {
	for before := -1; before != s.known(); {
		before = s.known()
		s.inferOnce(f)
	}
}

// known counts variables that have been seen, and those whose sort is known twice.
func (s *scope) known() int {
	n := len(s.any)
	for _, v := range s.any {
		if v.Sort != "" {
			n++
		}
	}
	return n
}

func (s *scope) inferOnce(f *Formula) {
	if f.Op == Forall || f.Op == Exists {
		inner := len(s.bound)
		s.bind(f.Bound, f.Line)
		s.inferOnce(f.Args[0])
		s.bound = s.bound[:inner]
		return
	}
	for i, arg := range f.Args {
		s.note(arg, s.expected(f, i))
		s.inferOnce(arg)
	}
}

// note takes down that a formula, if it is such a variable, is of a sort, unless that is "".
func (s *scope) note(f *Formula, sort string) {
	if f.Op != Call || len(f.Args) > 0 || !isAny(f.Name) || s.closed {
		return
	}
	v := s.variable(f.Name)
	if v == nil {
		s.any = append(s.any, Typed{Name: f.Name})
		v = &s.any[len(s.any)-1]
	}
	if v.Sort == "" {
		v.Sort = sort
	}
}

// expected is the sort that an argument of a formula has to be of, "" if it is not known.
func (s *scope) expected(f *Formula, i int) string {
	switch f.Op {
	case Equal:
		return s.sortOf(f.Args[1-i])
	case If:
		if i > 0 {
			return s.sortOf(f.Args[3-i])
		}
	case Call:
		if f.Name == "<=" {
			return s.sortOf(f.Args[1-i])
		}
		if args, _ := s.signature(f.Name); i < len(args) {
			return args[i]
		}
		return ""
	default:
	}
	return Bool
}

// sortOf is the sort of a formula that is not checked yet, as far as it is known.
func (s *scope) sortOf(f *Formula) string {
	switch f.Op {
	case Call, Variable:
		if v := s.variable(f.Name); v != nil {
			return v.Sort
		}
		if f.Name == "<=" {
			return Bool
		}
		_, sort := s.signature(f.Name)
		return sort
	case If:
		if sort := s.sortOf(f.Args[1]); sort != "" {
			return sort
		}
		return s.sortOf(f.Args[2])
	default:
	}
	return Bool
}

// signature is what a symbol or definition takes, and its sort: "" if there is none.
func (s *scope) signature(name string) (args []string, sort string) {
	if symbol := s.model.Symbol(name); symbol != nil {
		return symbol.Args, symbol.Sort
	}
	if d := s.model.Definition(name); d != nil {
		for _, p := range d.Params {
			args = append(args, p.Sort)
		}
		return args, Bool
	}
	return nil, ""
}

// check sets the sorts of a formula and of all within, and refuses what does not fit.
func (s *scope) check(f *Formula) {
	if f.Op == Forall || f.Op == Exists {
		inner := len(s.bound)
		s.bind(f.Bound, f.Line)
		s.check(f.Args[0])
		s.want(f.Args[0], Bool)
		s.bound, f.Sort = s.bound[:inner], Bool
		return
	}
	for _, a := range f.Args {
		s.check(a)
	}
	switch f.Op {
	case Call:
		s.checkCall(f)
	case Equal:
		s.want(f.Args[1], f.Args[0].Sort)
		f.Sort = Bool
	case If:
		s.want(f.Args[0], Bool)
		s.want(f.Args[2], f.Args[1].Sort)
		f.Sort = f.Args[1].Sort
	default:
		for _, a := range f.Args {
			s.want(a, Bool)
		}
		f.Sort = Bool
	}
}

func (s *scope) checkCall(f *Formula) {
	if v := s.variable(f.Name); v != nil && len(f.Args) == 0 {
		f.Op, f.Sort = Variable, v.Sort
		return
	}
	if f.Name == "<=" {
		sort := s.model.sort(f.Args[0].Sort)
		if sort == nil || !sort.Ordered {
			fail(f.Line, "%s is not ordered", f.Args[0].Sort)
		}
		f.Name = OrderOf(sort.Name)
	}
	args, sort := s.signature(f.Name)
	if sort == "" {
		fail(f.Line, "what is %s?", f.Name)
	}
	if len(args) != len(f.Args) {
		fail(f.Line, "%s takes %d arguments, not %d", f.Name, len(args), len(f.Args))
	}
	for i, a := range f.Args {
		s.want(a, args[i])
	}
	f.Sort = sort
}

func (s *scope) want(f *Formula, sort string) {
	if f.Sort != sort {
		fail(f.Line, "%s %s, where a %s should be", f.Sort, f.Name, sort)
	}
}
