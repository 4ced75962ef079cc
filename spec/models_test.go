package spec

import (
	"slices"
	"testing"
)

func load(t *testing.T, name string) *Model {
	t.Helper()
	m, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheModelsAreThereAndInOrder(t *testing.T) {
	if names := Names(); !slices.Equal(names, []string{"configuration", "lock", "membership", "raft"}) {
		t.Errorf("models %v", names)
	}
	for _, name := range Names() {
		load(t, name)
	}
}

func TestEveryActionIsTakenInARun(t *testing.T) {
	for _, name := range Names() {
		m := load(t, name)
		var taken []string
		for _, trace := range m.Traces {
			taken = append(taken, trace.Steps...)
		}
		for _, a := range m.Actions {
			if !slices.Contains(taken, a.Name) {
				t.Errorf("%s: %s is in no trace", name, a.Name)
			}
		}
	}
}

func TestEverySparedRequirementIsThereAndHasAReason(t *testing.T) {
	for _, name := range Names() {
		spared, err := Spared(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range load(t, name).Actions {
			for _, r := range a.Requires {
				delete(spared, a.Name+"."+r.Name)
			}
		}
		for requirement := range spared {
			t.Errorf("%s: there is no requirement %s", name, requirement)
		}
	}
}
