package spec

// Bool is the sort of formulas. All other sorts are a model's own.
const Bool = "Bool"

// An Op says what a formula is at its top.
type Op uint8

// The ops. Comparisons by order are Calls of the sort's order, see OrderOf.
const (
	// Variable is a bound variable or a parameter: Name.
	Variable Op = iota
	// Call applies the symbol or definition Name to Args; a constant has no Args.
	Call
	True
	False
	Not     // of Args[0]
	And     // of Args
	Or      // of Args
	Implies // Args[1] if Args[0]
	Equal   // Args[0] and Args[1], of the same sort, which may be Bool
	If      // Args[1] if Args[0], else Args[2]
	Forall  // Args[0] for all Bound
	Exists  // Args[0] for some Bound
)

// A Formula is an expression of the language: a term of a model's sort, or a statement.
// It is not changed once a Model has it.
type Formula struct {
	Op    Op
	Name  string
	Args  []*Formula
	Bound []Typed
	// Sort is Bool or a sort of the model.
	Sort string
	// Line is where it is in the source.
	Line Place
}

// Typed is a name and its sort.
type Typed struct{ Name, Sort string }

// OrderOf is the name of the relation "at most" of an ordered sort.
func OrderOf(sort string) string { return sort + ".le" }

// walk calls do for a formula and all that is in it, from the outside in.
func (f *Formula) walk(do func(*Formula)) {
	do(f)
	for _, a := range f.Args {
		a.walk(do)
	}
}

// quantified is a formula for all of some variables, itself if there are none.
func quantified(bound []Typed, f *Formula) *Formula {
	if len(bound) == 0 {
		return f
	}
	return &Formula{Op: Forall, Args: []*Formula{f}, Bound: bound, Sort: Bool, Line: f.Line}
}
