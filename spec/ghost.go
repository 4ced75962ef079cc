package spec

import "slices"

// WithoutGhosts is the model without its ghosts and all that is said of them. It takes the
// same steps: none requires anything of a ghost.
func (m *Model) WithoutGhosts() *Model {
	said := func(n Named) bool { return m.mentions(n.Formula, ofGhosts) }
	n := *m
	n.Symbols = slices.DeleteFunc(slices.Clone(m.Symbols), func(s *Symbol) bool { return s.Ghost })
	n.Definitions = slices.DeleteFunc(slices.Clone(m.Definitions), func(d *Definition) bool { return m.mentions(d.Body, ofGhosts) })
	n.Inits = slices.DeleteFunc(slices.Clone(m.Inits), said)
	n.Invariants = slices.DeleteFunc(slices.Clone(m.Invariants), func(i Invariant) bool { return said(i.Named) })
	n.Actions = make([]*Action, len(m.Actions))
	for i, a := range m.Actions {
		b := *a
		b.Follows = slices.DeleteFunc(slices.Clone(a.Follows), said)
		b.Updates = slices.DeleteFunc(slices.Clone(a.Updates), func(u Update) bool { return u.Symbol.Ghost })
		n.Actions[i] = &b
	}
	return &n
}

func ofGhosts(s *Symbol) bool { return s.Ghost }

func ofNoGhosts(s *Symbol) bool { return s.State && !s.Ghost }

// mentions reports whether a formula is about such symbols, by way of definitions, too.
func (m *Model) mentions(f *Formula, such func(*Symbol) bool) bool {
	found := false
	f.walk(func(part *Formula) {
		if part.Op != Call || found {
			return
		}
		if s := m.Symbol(part.Name); s != nil {
			found = such(s)
		} else if d := m.Definition(part.Name); d != nil {
			found = m.mentions(d.Body, such)
		}
	})
	return found
}

// checkGhosts refuses whatever would be another without the ghosts.
func checkGhosts(m *Model) {
	refuse := func(f *Formula, what string) {
		if m.mentions(f, ofGhosts) {
			fail(f.Line, "%s depends on a ghost", what)
		}
	}
	for _, i := range m.Inits {
		if m.mentions(i.Formula, ofNoGhosts) {
			refuse(i.Formula, "more than ghosts in "+i.Name)
		}
	}
	for _, a := range m.Actions {
		for _, r := range a.Requires {
			refuse(r.Formula, a.Name+"."+r.Name)
		}
		for _, u := range a.Updates {
			if !u.Symbol.Ghost {
				refuse(u.Value, "the update of "+u.Symbol.Name)
			}
		}
	}
	for _, t := range m.Traces {
		refuse(t.Reaches, "trace "+t.Name)
	}
}
