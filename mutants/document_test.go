package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDocumentSaysWhoFoundWhat(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mutants.md")
	of := func(m *mutant, killed, survived []string) *result {
		r := &result{Mutant: m.name}
		for _, o := range outcomes(killed, survived) {
			o.Of, o.Seconds = m.fingerprint(o.Layer), 5.4
			if o.Killed {
				o.By = "it"
			}
			r.add(o)
		}
		return r
	}
	mutants := []*mutant{
		{name: "several", profile: "calm"},
		{name: "one", survives: map[string]string{simulator: "for a reason."}},
		{name: "unknown"},
		{name: "untried"},
		{name: "partly"},
	}
	results := []*result{
		of(mutants[0], []string{scripts, checker}, []string{safety, invariants}),
		of(mutants[1], []string{scripts}, simulated),
		of(mutants[2], []string{checker}, []string{scripts, safety, invariants}),
		of(mutants[4], []string{scripts}, nil),
	}
	if err := document(file, mutants, results); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file) //nolint:gosec // just written
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Of 5 mistakes, scripts and the simulator have looked at 3. Of these, 1 are found by two layers or more, 2 by one, and 0 by none; 1 are found by layers that share nothing",
		"simulator had 5 to 5 seconds together for each mistake, with runs of all profiles; or, for the 1 whose",
		"| scripts | 4 | 3 |\n| safety | 3 | 0 |",
		"- **one**, by scripts alone: for a reason.\n- **unknown**, by checker alone: no reason is known.\n",
		"not since they were changed: untried, partly.",
		"| several | it (5.4 s) | – | – | it (5.4 s) |  |  |\n",
		"| untried |  |  |  |  |  |  |\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}
