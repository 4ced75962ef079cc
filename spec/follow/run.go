package follow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ben-ng/gaggle/spec"
)

// A Run is a state of a model, and what has led to it. It is for one goroutine.
type Run struct {
	model      *spec.Model
	normalizer normalizer
	relations  map[string]*Relation
	// domains are those of the sorts whose things have to be known: as some formula speaks of all
	// of them, or as they begin with a state that is not nothing.
	domains map[string]*domain
	actions map[string]*Action
	changes changes
	// steps counts the steps that were taken.
	steps int
}

// domain is the things of a sort that a run was told of and may still speak of.
type domain struct {
	things []uint64
	known  map[uint64]struct{}
	// begins set what the model says of a new thing that is not nothing.
	begins []func(frame, *changes)
}

// New is a run of a model that has come to no step yet, with how its relations are kept where
// that is not as with most. An error says what of the model cannot be followed.
func New(m *spec.Model, layouts map[string]string) (*Run, error) {
	r := &Run{
		model: m, normalizer: normalizer{model: m},
		relations: map[string]*Relation{}, domains: map[string]*domain{}, actions: map[string]*Action{},
	}
	for _, s := range m.Symbols {
		if len(s.Args) == 0 || strings.HasSuffix(s.Name, ".le") {
			continue
		}
		var err error
		if r.relations[s.Name], err = newRelation(s, layouts[s.Name]); err != nil {
			return nil, err
		}
	}
	for _, a := range m.Actions {
		action, err := r.compile(a)
		if err != nil {
			return nil, err
		}
		r.actions[a.Name] = action
	}
	if err := r.compileInits(); err != nil {
		return nil, err
	}
	for _, a := range r.actions {
		for _, p := range a.action.Params {
			a.domains = append(a.domains, r.domains[p.Sort])
		}
	}
	r.Reset()
	return r, nil
}

// Reset goes back to no step at all, and knows of nothing and of no fixed relation then: a run can
// be used again, as it takes longer to make one than to take some thousand steps.
func (r *Run) Reset() {
	for _, k := range r.relations {
		k.reset()
	}
	for _, d := range r.domains {
		d.things = d.things[:0]
		clear(d.known)
	}
	r.changes.drop()
	r.steps = 0
	for _, s := range r.model.Sorts {
		if s.Least != "" {
			r.Know(s.Name, 0)
		}
	}
}

// Steps is how many steps were taken.
func (r *Run) Steps() int { return r.steps }

func (r *Run) domain(sort string) *domain {
	d := r.domains[sort]
	if d == nil {
		d = &domain{known: map[uint64]struct{}{}}
		r.domains[sort] = d
	}
	return d
}

// least reports whether a name is that of the least of a sort.
func (r *Run) least(name string) bool {
	return slices.ContainsFunc(r.model.Sorts, func(s spec.Sort) bool { return s.Least == name })
}

// Know says that there is a thing of a sort: its state is what it is at the beginning. It is
// said of the arguments of a step without that.
func (r *Run) Know(sort string, thing uint64) {
	if d := r.domains[sort]; d != nil {
		d.know(r, thing)
	}
}

func (d *domain) know(r *Run, thing uint64) {
	if _, known := d.known[thing]; known {
		return
	}
	d.known[thing] = struct{}{}
	d.things = append(d.things, thing)
	for _, begin := range d.begins {
		begin(frame{thing}, &r.changes)
		r.changes.make()
	}
}

// Forget says that no step will ever speak of a thing again, nor require anything of all of
// its sort for which it would matter.
func (r *Run) Forget(sort string, thing uint64) {
	if d := r.domains[sort]; d != nil {
		delete(d.known, thing)
		d.things = slices.DeleteFunc(d.things, func(x uint64) bool { return x == thing })
	}
	for _, s := range r.model.Symbols {
		if k := r.relations[s.Name]; k != nil && k.key >= 0 && s.Args[k.key] == sort {
			k.forget(thing)
		}
	}
}

// Set makes a tuple of a fixed relation true.
func (r *Run) Set(name string, args ...uint64) {
	k := r.relations[name]
	for i, a := range args {
		r.Know(k.Args[i], a)
	}
	at := k.at(k.keyOf(args))
	at.set = at.set.Or(span(args[k.vec], args[k.vec]))
}

// Relation returns what is kept of a symbol, nil if there is none.
func (r *Run) Relation(name string) *Relation { return r.relations[name] }

// An Action is a step that a run can take.
type Action struct {
	run      *Run
	action   *spec.Action
	requires []truths
	updates  []update
	frame    frame
	// domains are those of the parameters, nil where nobody has to know.
	domains []*domain
}

// Action returns an action by its name, nil if there is none.
func (r *Run) Action(name string) *Action { return r.actions[name] }

// A RefusedError says which step was refused, and what it requires that is not so.
type RefusedError struct {
	Action, Requirement string
	// Args are the step's, with the names of the action's parameters.
	Args []Arg
	// Why, if not nil, says why it cannot be taken although all it requires is so.
	Why error
}

// An Arg is an argument of a step.
type Arg struct {
	Name, Sort string
	Value      uint64
}

func (e *RefusedError) Error() string {
	words := make([]string, 0, len(e.Args))
	for _, a := range e.Args {
		words = append(words, fmt.Sprintf("%s=%d", a.Name, a.Value))
	}
	step := fmt.Sprintf("%s(%s)", e.Action, strings.Join(words, ", "))
	if e.Why != nil {
		return step + ": " + e.Why.Error()
	}
	return step + " requires " + e.Requirement
}

// Do takes the step, with these arguments, one for each parameter. A *RefusedError says why it cannot;
// nothing has changed then.
func (a *Action) Do(args ...uint64) error {
	e := a.frame
	for i, d := range a.domains {
		e[i] = args[i]
		if d != nil {
			d.know(a.run, args[i])
		}
	}
	for i, is := range a.requires {
		if !is(e) {
			return a.refused(args, a.action.Requires[i].Name, nil)
		}
	}
	out := &a.run.changes
	for i, u := range a.updates {
		if err := u(e, out); err != nil {
			out.drop()
			return a.refused(args, "", fmt.Errorf("%s: %w", a.action.Updates[i].Symbol.Name, err))
		}
	}
	out.make()
	a.run.steps++
	return nil
}

func (a *Action) refused(args []uint64, requirement string, why error) error {
	e := &RefusedError{Action: a.action.Name, Requirement: requirement, Why: why}
	for i, p := range a.action.Params {
		e.Args = append(e.Args, Arg{p.Name, p.Sort, args[i]})
	}
	return e
}

// compile makes an action of one of the model.
func (r *Run) compile(a *spec.Action) (*Action, error) {
	out := &Action{run: r, action: a}
	c := &compiler{run: r}
	slots := 0
	fresh := func() {
		c.slots, c.sorts, c.vectors = map[string]int{}, map[string]string{}, map[string]bool{}
		for _, p := range a.Params {
			c.slot(variable{p.Name, p.Sort})
		}
	}
	for i := range a.Requires {
		fresh()
		out.requires = append(out.requires, c.truth(r.normalizer.normal(a.Requires[i].Formula)))
		slots = max(slots, len(c.slots))
	}
	for i := range a.Updates {
		fresh()
		out.updates = append(out.updates, c.update(&a.Updates[i]))
		slots = max(slots, len(c.slots))
	}
	out.frame = make(frame, slots)
	if c.err != nil {
		return nil, fmt.Errorf("action %s: %w", a.Name, c.err)
	}
	return out, nil
}

// compileInits finds, in what the model says of its initial state, the relations that hold of
// something: all others hold of nothing.
func (r *Run) compileInits() error {
	for _, init := range r.model.Inits {
		if err := r.compileInit(r.normalizer.expand(init.Formula, nil)); err != nil {
			return fmt.Errorf("init %s: %w", init.Name, err)
		}
	}
	return nil
}

func (r *Run) compileInit(f *spec.Formula) error {
	switch {
	case f.Op == spec.Forall:
		return r.compileInit(f.Args[0])
	case f.Op == spec.And:
		for _, a := range f.Args {
			if err := r.compileInit(a); err != nil {
				return err
			}
		}
		return nil
	case f.Op == spec.Not && f.Args[0].Op == spec.Call && r.relations[f.Args[0].Name] != nil:
		return nil // it is empty
	case f.Op == spec.Equal && f.Args[0].Op == spec.Call && r.relations[f.Args[0].Name] != nil:
		return r.compileBeginning(f.Args[0], f.Args[1])
	}
	return fmt.Errorf("follow: it says neither that a relation is empty nor of what it holds")
}

// compileBeginning makes `relation(...) <-> formula` the state of a new thing: the relation's key,
// or, of one without, what it holds of.
func (r *Run) compileBeginning(left, right *spec.Formula) error {
	k := r.relations[left.Name]
	u := spec.Update{Symbol: k.Symbol, Value: right}
	begins := k.key
	if begins < 0 {
		begins = k.vec
	}
	if k.tuples {
		begins = 0
	}
	c := &compiler{run: r, slots: map[string]int{}, sorts: map[string]string{}, vectors: map[string]bool{}}
	for i, a := range left.Args {
		if a.Op != spec.Variable {
			return fmt.Errorf("follow: %s holds of what is no variable", left.Name)
		}
		arg := spec.Argument{Typed: spec.Typed{Name: a.Name, Sort: a.Sort}}
		if i == begins {
			arg.Fixed, arg.Formula = true, a
			c.slot(variable{a.Name, a.Sort})
		}
		u.Args = append(u.Args, arg)
	}
	do := c.update(&u)
	if c.err != nil {
		return c.err
	}
	slots := len(c.slots)
	d := r.domain(left.Args[begins].Sort)
	d.begins = append(d.begins, func(e frame, out *changes) {
		full := make(frame, slots)
		copy(full, e)
		_ = do(full, out) // only a column can be given two values
	})
	return nil
}
