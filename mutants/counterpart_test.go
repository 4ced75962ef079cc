package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/spec"
)

func TestEveryCounterpartIsAModel(t *testing.T) {
	for _, m := range patches(t) {
		c := m.specification
		if c == nil {
			continue
		}
		var parts []spec.Source
		for _, part := range []string{"", ".proof", ".runs"} {
			text, err := os.ReadFile(filepath.Join("..", "spec", c.model+part+".epr")) //nolint:gosec // of this module
			if err != nil {
				t.Fatalf("%s: %v", m.name, err)
			}
			altered := string(text)
			if part == "" {
				if altered, err = c.apply(altered); err != nil {
					t.Errorf("%s: %v", m.name, err)
				}
			}
			parts = append(parts, spec.Source{File: part, Text: altered})
		}
		model, err := spec.Parse(c.model, parts...)
		if err == nil {
			err = model.CheckOrder()
		}
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

const modelText = `
define all(n: node) = has(n) and
    held(n)

// It leaves.
action leave(n: node) {
    require here: forall m: node.
        has(m) or held(n)
    require held: held(n)
    has(n) := false
}

action enter(n: node) {
    require held: held(n)
    has(n) := true
}
`

func TestACounterpartHasOneMistake(t *testing.T) {
	for _, test := range []struct{ text, old, new, actions string }{
		{"leave without", "", "", ""},
		{"m without leave.here", "    require here: forall m: node.\n        has(m) or held(n)\n", "", "^(leave)$"},
		{"m without enter.held", "enter(n: node) {\n    require held: held(n)\n", "enter(n: node) {\n", "^(enter)$"},
		{"m without enter.here", "", "", ""},
		{"m without stay.here", "", "", ""},
		{"m in leave: has(n) := false reads has(n) := true", "has(n) := false", "has(n) := true", "^(leave)$"},
		{"m in leave: := true reads := false", "", "", ""},
		{"m in leave: held reads kept", "", "", ""}, // it is there more than once
		{"m in all: and reads or", "and", "or", "."},
		{"m in leave: := false reads := true; without enter.held", "", "", "^(leave|enter)$"},
	} {
		c, err := parseCounterpart(test.text)
		if err == nil {
			var got string
			if got, err = c.apply(modelText); err == nil && test.old != "" && got != strings.Replace(modelText, test.old, test.new, 1) {
				t.Errorf("%s gives\n%s", test.text, got)
			}
		}
		if (err == nil) != (test.actions != "") {
			t.Errorf("%s: %v", test.text, err)
		}
		if err == nil && c.actions(modelText) != test.actions {
			t.Errorf("%s is about %s, want %s", test.text, c.actions(modelText), test.actions)
		}
	}
}

func TestAHeaderSaysHowItIsExplored(t *testing.T) {
	with := strings.Replace(text, "--- a/", "Specification: raft without\nstand.end\nExplored: -writes 7 -- -from x\n--- a/", 1)
	m, err := parse("x", with)
	if err != nil {
		t.Fatal(err)
	}
	if m.explored != "-writes 7 -- -from x" || m.specification.alterations[0].where != "stand" || !m.reaches(prover) || !m.reaches(explorer) {
		t.Errorf("read %+v, %+v", m, m.specification)
	}
	if why := m.why(checker); why != "for a reason, and another." {
		t.Errorf("the checker is survived as %q", why)
	}
	if m, err = parse("x", text); err != nil || m.reaches(prover) || m.reaches(explorer) || !m.reaches(safety) {
		t.Errorf("without a counterpart: %+v, %v", m, err)
	}
	if _, err := parse("x", strings.Replace(with, "Specification: raft without\nstand.end\n", "", 1)); err == nil {
		t.Error("a search through nothing was read")
	}
}
