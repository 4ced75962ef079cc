package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/sim"
)

// fewest is how many planted bugs there are, at least.
const fewest = 100

func TestEveryPatchApplies(t *testing.T) {
	mutants := patches(t)
	if len(mutants) < fewest {
		t.Errorf("%d patches, there were %d", len(mutants), fewest)
	}
	for _, m := range mutants {
		for _, f := range m.files {
			text, err := os.ReadFile(filepath.Join("..", f.path))
			if err != nil {
				t.Errorf("%s: %v", m.name, err)
				continue
			}
			if changed, err := f.apply(string(text)); err != nil {
				t.Errorf("%s: %v", m.name, err)
			} else if changed == string(text) {
				t.Errorf("%s: nothing changes in %s", m.name, f.path)
			}
		}
	}
}

func TestNoTwoPatchesAreTheSame(t *testing.T) {
	seen := map[string]string{}
	for _, m := range patches(t) {
		text, err := os.ReadFile(filepath.Join("patches", m.name+".patch"))
		if err != nil {
			t.Fatal(err)
		}
		_, diff, _ := strings.Cut(string(text), "--- a/")
		for _, same := range []string{m.about, diff} {
			if other, ok := seen[same]; ok {
				t.Errorf("%s is %s", m.name, other)
			}
			seen[same] = m.name
		}
	}
}

// What ships is changed, and not what tests it: a test that is broken finds nothing.
func TestPatchesChangeWhatShips(t *testing.T) {
	for _, m := range patches(t) {
		for _, f := range m.files {
			if strings.HasSuffix(f.path, "_test.go") || !slices.Contains(tested, filepath.Dir(f.path)) {
				t.Errorf("%s changes %s", m.name, f.path)
			}
		}
	}
}

func TestThereAreTheProfilesThatPatchesName(t *testing.T) {
	for _, m := range patches(t) {
		if sim.Generate(1, m.profile) == nil {
			t.Errorf("%s: the simulator has no profile %q", m.name, m.profile)
		}
	}
}

func patches(t *testing.T) []*mutant {
	t.Helper()
	mutants, err := readMutants("patches")
	if err != nil {
		t.Fatal(err)
	}
	return mutants
}

const text = `A vote is given and not
remembered.
From: somebody.
Profile: calm
Survives sim: for a reason,
and another.
--- a/x.go
+++ b/x.go
@@ -2,3 +2,3 @@
 b
-c
+C
 d
@@ -6,2 +6,1 @@
 f
-g
`

func TestAPatchIsReadAndApplied(t *testing.T) {
	m, err := parse("x", text)
	if err != nil {
		t.Fatal(err)
	}
	if m.about != "A vote is given and not remembered." || m.from != "somebody." || m.profile != "calm" || m.survives["sim"] != "for a reason, and another." {
		t.Errorf("read %q, %q, %q", m.about, m.from, m.survives)
	}
	for before, after := range map[string]string{
		"a\nb\nc\nd\ne\nf\ng\nh\n":           "a\nb\nC\nd\ne\nf\nh\n",
		"0\na\nb\nc\nd\ne\n1\nf\ng\n":        "0\na\nb\nC\nd\ne\n1\nf\n", // moved
		"a\nb\nc\nd\ne\nf\ng\nb\nc\nd\nf\ng": "a\nb\nC\nd\ne\nf\nb\nc\nd\nf\ng",
	} {
		if got, err := m.files[0].apply(before); err != nil || got != after {
			t.Errorf("%q became %q, %v", before, got, err)
		}
	}
}

func TestAPatchThatDoesNotFitIsRefused(t *testing.T) {
	m, err := parse("x", text)
	if err != nil {
		t.Fatal(err)
	}
	for _, before := range []string{
		"",
		"a\nb\nc\ne\nf\ng\n",             // a line is gone
		"a\nb\nc \nd\nf\ng\n",            // a line has changed
		"f\ng\na\nb\nc\nd\n",             // the order has
		"0\na\nb\nc\nd\nb\nc\nd\nf\ng\n", // it could be here or there
	} {
		if got, err := m.files[0].apply(before); err == nil {
			t.Errorf("%q became %q", before, got)
		}
	}
}

func TestWhatIsNoPatchIsRefused(t *testing.T) {
	for _, bad := range []string{
		"",
		"about\nFrom: x\n",
		strings.Replace(text, "From: ", "", 1),
		strings.Replace(text, "sim:", "prayer:", 1),
		strings.Replace(text, "+++ b/x.go", "+++ b/y.go", 1),
		strings.ReplaceAll(text, "/x.go", "/../x.go"),
		strings.Replace(text, "-2,3 +2,3", "-2,4 +2,3", 1),
		strings.Replace(text, " d\n", "?d\n", 1),
		strings.Replace(text, "-c\n+C\n", " c\n", 1),
		strings.TrimSuffix(text, "-g\n"),
	} {
		if _, err := parse("x", bad); err == nil {
			t.Errorf("read\n%s", bad)
		}
	}
}

func TestTheTestThatFailedIsNamed(t *testing.T) {
	for out, want := range map[string]string{
		"--- FAIL: TestA (0.1s)\n    --- FAIL: TestA/one (0s)\n    --- FAIL: TestA/two (0s)\nFAIL\n": "raft: TestA/one",
		"--- FAIL: TestA (0.1s)\n--- FAIL: TestB (0s)\n":                                             "raft: TestA",
		"panic: test timed out after 1m\n":                                                           "raft: the tests do not end",
		"panic: x\n":                                                                                 "raft: a panic",
	} {
		if got := failed("raft", out); got != want {
			t.Errorf("%q: %s, want %s", out, got, want)
		}
	}
}

// outcomes are what layers have made of a mutant: those that have found it, and those that have not.
func outcomes(killed, survived []string) []outcome {
	var all []outcome
	for _, layer := range killed {
		all = append(all, outcome{Layer: layer, Killed: true})
	}
	for _, layer := range survived {
		all = append(all, outcome{Layer: layer})
	}
	return all
}

func TestWhoIsFoundByFewIsAFailureUnlessItIsKnownWhy(t *testing.T) {
	none := &mutant{}
	known := &mutant{survives: map[string]string{scripts: "why", simulator: "why"}}
	for _, test := range []struct {
		name   string
		mutant *mutant
		result result
		fails  bool
	}{
		{"killed by two", none, result{Outcomes: outcomes([]string{scripts, checker}, []string{safety})}, false},
		{"killed by the only one that was asked", none, result{Outcomes: outcomes([]string{scripts}, nil)}, false},
		{"killed by one", none, result{Outcomes: outcomes([]string{scripts}, []string{safety})}, true},
		{"killed by one, and known to survive", known, result{Outcomes: outcomes([]string{scripts}, []string{safety})}, false},
		{"survives", none, result{Outcomes: outcomes(nil, []string{scripts, safety})}, true},
		{"survives, and is known to", known, result{Outcomes: outcomes(nil, []string{scripts, safety})}, false},
		{"survives one more than it is known to", known, result{Outcomes: outcomes(nil, []string{scripts, prover})}, true},
		{"cannot be tried", none, result{Error: "it does not compile"}, true},
	} {
		err := judge(&settings{seconds: 1, layers: layerNames}, []*mutant{test.mutant}, []*result{&test.result}, 1)
		if (err != nil) != test.fails {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestThatTheSimulatorFindsLessIsAFailure(t *testing.T) {
	few := []*result{{Outcomes: outcomes([]string{scripts, safety}, nil)}}
	mutants := []*mutant{{}}
	s := &settings{seconds: fullSeconds, layers: layerNames}
	if judge(s, mutants, few, len(few)) == nil {
		t.Error("not noticed")
	}
	if err := judge(s, mutants, few, len(few)+1); err != nil {
		t.Errorf("where not all were tried: %v", err)
	}
}

func TestResultsAreGoneOnWith(t *testing.T) {
	m, err := parse("x", text)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "results")
	for _, o := range outcomes([]string{safety}, []string{scripts, prover}) {
		o.Of = m.fingerprint(o.Layer)
		if err := merge(file, &result{Mutant: "x", Outcomes: []outcome{o}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := merge(file, &result{Mutant: "y", Outcomes: outcomes([]string{safety}, nil)}); err != nil {
		t.Fatal(err)
	}
	all, err := readResults(file)
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	if r := stillTrue(all, m); len(r.Outcomes) != 2 || r.of(scripts).Killed || !r.of(safety).Killed {
		t.Errorf("what the layers within reach found is %+v", r)
	}
	m.diff += " "
	if r := stillTrue(all, m); len(r.Outcomes) != 0 {
		t.Errorf("of another mutant of that name: %+v", r)
	}
	if all, err := readResults(file + ".none"); err != nil || len(all) != 0 {
		t.Errorf("without a file: %v, %v", all, err)
	}
}

func TestWhatTheSimulatorSaysIsOfItsLayer(t *testing.T) {
	all, err := readHunt([]byte(`{"runs":9,"seconds":2.5,"found":{"safety":{"property":"liveness","profile":"floods","seed":7,"runs":3,"seconds":1}}}`), []string{safety, checker})
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	if o := all[0]; o.Layer != safety || !o.Killed || o.By != "liveness, floods" || o.Seed != 7 || o.Runs != 3 || o.Seconds != 1 {
		t.Errorf("what was found is %+v", o)
	}
	if o := all[1]; o.Layer != checker || o.Killed || o.Runs != 9 || o.Seconds != 2.5 {
		t.Errorf("what was not found is %+v", o)
	}
}
