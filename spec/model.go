package spec

// A Model is a system of states and steps, and what is claimed of it. Its state is what
// its state symbols mean; an action is a step that may be taken, with parameters of
// anybody's choice, whenever all that it requires holds.
type Model struct {
	// Name is the file's, without its directory and ending.
	Name  string
	Sorts []Sort
	// Symbols are relations and functions, in the order of the source.
	Symbols     []*Symbol
	Definitions []*Definition
	// Axioms are true of the fixed symbols; Inits of the state at the beginning.
	Axioms, Inits []Named
	Actions       []*Action
	// Invariants are what is claimed of every state that can be reached.
	Invariants []Invariant
	Traces     []Trace
}

// A Sort is a set of things about which nothing is known but what the axioms say.
type Sort struct {
	Name string
	// Ordered sorts have a total order, and a constant Least if it is not "".
	Ordered bool
	Least   string
}

// A Symbol is a relation, if its Sort is Bool, or a function.
type Symbol struct {
	Typed
	Args []string
	// State symbols are changed by actions; the others are fixed.
	State bool
	// Ghost ones are part of the state that nothing depends on but what is claimed of it.
	Ghost bool
}

// A Definition is a name for a statement with parameters.
type Definition struct {
	Name   string
	Params []Typed
	Body   *Formula
	// State: it depends on state symbols.
	State bool
}

// Named is a statement with a name.
type Named struct {
	Name    string
	Formula *Formula
}

// An Invariant is claimed of every state. Those that are Safety are what the model is
// for; the others are there to prove them.
type Invariant struct {
	Named
	Safety bool
}

// An Action is a step.
type Action struct {
	Name     string
	Params   []Typed
	Requires []Named
	// Follows are what else is so whenever the action can be taken. It is proved, each with what is
	// before it, and then of use in the proof of what is so afterwards.
	Follows []Named
	Updates []Update
	Line    Place
}

// An Update is the new meaning of a state symbol, in terms of the state before: Value
// where every argument that is a parameter equals it, and the old one elsewhere.
// Arguments that are no parameters are variables of Value.
type Update struct {
	Symbol *Symbol
	Args   []Argument
	Value  *Formula
}

// An Argument of an Update's left side.
type Argument struct {
	Typed
	// Fixed: it is a parameter of the action, or a constant; Formula is that.
	Fixed   bool
	Formula *Formula
}

// A Trace is a series of actions, and a statement, such that some run of these actions
// from an initial state ends where the statement holds.
type Trace struct {
	Name    string
	Steps   []string
	Reaches *Formula
}

// Symbol returns a symbol by its name, nil if there is none.
func (m *Model) Symbol(name string) *Symbol {
	for _, s := range m.Symbols {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Definition returns a definition by its name, nil if there is none.
func (m *Model) Definition(name string) *Definition {
	for _, d := range m.Definitions {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// Action returns an action by its name, nil if there is none.
func (m *Model) Action(name string) *Action {
	for _, a := range m.Actions {
		if a.Name == name {
			return a
		}
	}
	return nil
}

func (m *Model) sort(name string) *Sort {
	for i := range m.Sorts {
		if m.Sorts[i].Name == name {
			return &m.Sorts[i]
		}
	}
	return nil
}
