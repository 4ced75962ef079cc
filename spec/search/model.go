package search

// A Model is a finite system of states and steps. Its functions are pure, and may be called
// from several goroutines at once.
type Model[S comparable] struct {
	// First is the state at the beginning, and what is wrong with it; "" if nothing is.
	First func() (S, string)
	// Next yields each state that an action leads to, with its parameters, until yield returns
	// false, and then returns false. What is yielded is only lent, and is in the scratch.
	Next func(s *S, action int, x *Scratch[S], yield func(args []uint8, t *S) bool) bool
	// Canonical makes one state of all that are the same but for names.
	Canonical func(*S)
	// Words are a state's bits.
	Words func(*S) []uint64
	// BrokenSafety is the number of a safety property that does not hold, Broken that of any
	// invariant; -1 if all hold.
	BrokenSafety, Broken func(*S) int
	// Reached reports whether a state is one that a trace ends in.
	Reached func(s *S, trace int) bool

	Actions    []Action
	Traces     []Trace
	Invariants []string
	// Facts are what each bit of a state means; "" if nothing.
	Facts []string
}

// Scratch is where steps are made, of actions with so many parameters at most. It may be used
// for one state after the other.
type Scratch[S comparable] struct {
	To   S
	Args [32]uint8
}

// An Action is a kind of step.
type Action struct {
	Name   string
	Params []Param
}

// A Param of an action: one of some things.
type Param struct {
	Name   string
	Things []string
}

// A Trace is a series of actions, by number, that leads somewhere worth to begin from.
type Trace struct {
	Name  string
	Steps []int
}

// A Step is an action that was taken.
type Step struct {
	Action int
	Args   []uint8
}

// String is the action with its parameters.
func (a *Action) text(args []uint8) string {
	text := a.Name + "("
	for i, p := range a.Params {
		if i > 0 {
			text += ", "
		}
		text += p.Name + "=" + p.Things[args[i]]
	}
	return text + ")"
}
