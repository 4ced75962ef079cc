package spec

import (
	"strings"
	"testing"
)

// haunted is a room with a ghost that counts who was there.
const haunted = `
sort person
relation inside(person)
ghost relation came(person)
define known(p: person) = came(p)
init empty: not inside(P)
init nobody: not came(P)
action enter(p: person) {
    require outside: not inside(p)
    follows somebody: not inside(p)
    follows first: not known(p) or came(p)
    inside(p) := true
    came(p) := true
}
safety Alive: inside(P) or not inside(P)
invariant all_came: inside(P) -> known(P)
trace in: enter reaches exists p: person. inside(p)`

func TestAModelWithoutGhostsTakesTheSameSteps(t *testing.T) {
	m := parse(t, haunted)
	n := m.WithoutGhosts()
	enter := n.Action("enter")
	if len(enter.Requires) != 1 || len(enter.Updates) != 1 || enter.Updates[0].Symbol.Name != "inside" {
		t.Errorf("enter is %+v", enter)
	}
	if len(enter.Follows) != 1 || enter.Follows[0].Name != "somebody" {
		t.Errorf("what follows is %v", enter.Follows)
	}
	if n.Symbol("came") != nil || n.Definition("known") != nil || len(n.Inits) != 1 || n.Inits[0].Name != "empty" {
		t.Errorf("there is %v, %v, %v", n.Symbols, n.Definitions, n.Inits)
	}
	if len(n.Invariants) != 1 || n.Invariants[0].Name != "Alive" {
		t.Errorf("invariants %v", n.Invariants)
	}
	if m.Symbol("came") == nil || len(m.Action("enter").Updates) != 2 || len(m.Action("enter").Follows) != 2 || len(m.Invariants) != 2 {
		t.Error("the model itself has changed")
	}
}

func TestNothingDependsOnAGhost(t *testing.T) {
	for _, c := range []struct{ old, replaced, want string }{
		{"require outside: not inside(p)", "require outside: not known(p)", "enter.outside depends on a ghost"},
		{"inside(p) := true", "inside(p) := came(p)", "the update of inside depends on a ghost"},
		{"init nobody: not came(P)", "init nobody: not came(P) and not inside(P)", "more than ghosts in nobody"},
		{"exists p: person. inside(p)", "exists p: person. came(p)", "trace in depends on a ghost"},
	} {
		_, err := Parse("haunted", Source{"haunted", strings.Replace(haunted, c.old, c.replaced, 1)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.replaced, err, c.want)
		}
	}
}
