package finite

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/spec"
)

// post is a small model with everything that the language has. A clerk stamps letters, each
// once, with days that rise; a letter goes to another clerk, who keeps it.
const post = `
sort letter
sort day ordered from day0
sort clerk
sort pair
fixed relation in_pair(clerk, pair)
axiom pairs_meet: exists c: clerk. in_pair(c, P) and in_pair(c, Q)
relation sent(letter)
function written(letter): day
function to(letter): clerk
relation today(clerk, day)
relation keeps(clerk, day)
relation rests(clerk)
define idle(c: clerk) = rests(c) or (forall d: day. not keeps(c, d))
init days: today(C, D) <-> D = day0
init nothing: not sent(L) and not keeps(C, D) and not rests(C)
action wake(c: clerk, d: day, e: day) {
    require today: today(c, d)
    require later: d < e
    today(c, D) := D = e
    rests(c) := false
}
action send(c: clerk, d: day, l: letter, other: clerk) {
    require today: today(c, d)
    require later: d != day0
    require fresh: not sent(l)
    sent(l) := true
    written(l) := d
    to(l) := other
}
action keep(c: clerk, l: letter) {
    require sent: sent(l)
    require mine: to(l) = c
    require idle: idle(c)
    keeps(c, D) := if D = written(l) then true else keeps(c, D)
}
action rest(c: clerk, p: pair) {
    require pair: in_pair(c, p) and exists o: clerk. in_pair(o, p) and o != c and not rests(o)
    rests(c) := true
}
safety OneADay: keeps(C, D) and keeps(C, E) -> D = E
safety NobodyKeepsNothing: not keeps(C, day0)
trace kept: wake, send, keep reaches exists c: clerk, d: day. keeps(c, d)
`

func postScope(clerks, days, letters int) Scope {
	inPair, pairs := Majorities(clerks)
	return Scope{
		Sizes: map[string]int{"letter": letters, "day": days, "clerk": clerks, "pair": pairs},
		Fixed: map[string]func([]int) int{"in_pair": inPair},
	}
}

// build builds the program of a model.
func build(t *testing.T, m *spec.Model, s Scope) (program string) {
	t.Helper()
	source, err := Source(m, s)
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(text, source, 0o600); err != nil {
		t.Fatal(err)
	}
	program = strings.TrimSuffix(text, ".go")
	if b, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, text).CombinedOutput(); err != nil { //nolint:gosec // what was just made
		t.Fatalf("%v\n%s", err, b)
	}
	return program
}

// run runs a program, and returns what it writes and its exit code.
func run(t *testing.T, program string, args ...string) (out string, code int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, args...) //nolint:gosec // what was just built
	b, err := c.Output()
	if err != nil && c.ProcessState.ExitCode() < 0 {
		t.Fatal(err)
	}
	return string(b), c.ProcessState.ExitCode()
}

func parsed(t *testing.T, source string) *spec.Model {
	t.Helper()
	m, err := spec.Parse("post", spec.Source{Text: source})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAProgramSeesAllStatesOfASmallModel(t *testing.T) {
	m := parsed(t, post)
	for _, c := range []struct{ clerks, days, letters int }{{3, 2, 1}, {3, 3, 1}, {2, 2, 2}, {3, 2, 2}} {
		want := count(c.clerks, c.days, c.letters)
		out, code := run(t, build(t, m, postScope(c.clerks, c.days, c.letters)), "-states", "1000000", "-invariants")
		if code != 0 || !strings.HasPrefix(out, strconv.Itoa(want)+" different states, which are all there are") {
			t.Errorf("%+v: exit code %d, %s, want %d states", c, code, out, want)
		}
	}
}

// Graphs on three nodes and on four, loops among them, of which there are 104 and 3,044 but for the names
// of nodes. Many look the same from each node and are not, as the two ways round a circle.
func TestStatesInWhichAllThingsLookAlikeAreCountedOnceAsWell(t *testing.T) {
	m := parsed(t, `
sort node
relation edge(node, node)
init none: not edge(A, B)
action join(a: node, b: node) {
    require new: not edge(a, b)
    edge(a, b) := true
}
safety Nothing: edge(A, B) -> edge(A, B)
`)
	for nodes, want := range map[int]int{3: 104, 4: 3044} {
		program := build(t, m, Scope{Sizes: map[string]int{"node": nodes}})
		if out, code := run(t, program, "-states", "10000"); code != 0 || !strings.HasPrefix(out, fmt.Sprintf("%d different states, which are all", want)) {
			t.Errorf("%d nodes, exit code %d: %s", nodes, code, out)
		}
	}
}

func TestARequirementThatIsLeftOutIsMissed(t *testing.T) {
	for _, c := range []struct{ action, require, broken string }{
		{"keep", "idle", "OneADay"},
		{"send", "later", "NobodyKeepsNothing"},
	} {
		program := build(t, parsed(t, post).Without(c.action, c.require), postScope(3, 3, 2))
		out, code := run(t, program)
		if code != 1 || !strings.Contains(out, c.broken+" does not hold after:\n  1  ") {
			t.Errorf("without %s.%s: exit code %d\n%s", c.action, c.require, code, out)
		}
		if out, code = run(t, program, "-walk", "-states", "100000"); code != 1 || !strings.Contains(out, c.broken) {
			t.Errorf("at random, without %s.%s: exit code %d\n%s", c.action, c.require, code, out)
		}
	}
}

func TestASearchBeginsAtTheEndOfATrace(t *testing.T) {
	program := build(t, parsed(t, post).Without("keep", "idle"), postScope(3, 3, 2))
	out, code := run(t, program, "-from", "kept")
	if code != 1 || !strings.Contains(out, "  4  ") || strings.Contains(out, " 10  ") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if _, code := run(t, build(t, parsed(t, post), postScope(3, 1, 2)), "-from", "kept"); code != 2 {
		t.Errorf("with no room for it: exit code %d", code)
	}
	if _, code := run(t, program, "-from", "nowhere"); code != 2 {
		t.Errorf("from nowhere: exit code %d", code)
	}
}

func TestAScopeInWhichAnAxiomIsNotTrueIsRefused(t *testing.T) {
	s := postScope(3, 2, 1)
	s.Fixed["in_pair"] = func(args []int) int { // each by itself
		if args[0] == args[1] {
			return 1
		}
		return 0
	}
	if _, code := run(t, build(t, parsed(t, post), s)); code != 2 {
		t.Errorf("exit code %d", code)
	}
	if _, err := Source(parsed(t, post), Scope{Sizes: s.Sizes}); err == nil {
		t.Error("a scope without a meaning for in_pair")
	}
	if _, err := Source(parsed(t, post), Scope{Fixed: s.Fixed}); err == nil {
		t.Error("a scope without sizes")
	}
}

// A desk is a state of the model, written by hand.
type desk struct {
	today  [3]int
	keeps  [3]int // a set of days
	rests  [3]bool
	letter [2]struct{ day, to int } // day 0 is not sent
}

// count counts the states of the model that differ by more than names, the slow way.
func count(clerks, days, letters int) int {
	inPair, pairs := Majorities(clerks)
	seen := map[desk]bool{{}: true}
	todo := []desk{{}}
	visit := func(d desk) {
		if !seen[d] {
			seen[d] = true
			todo = append(todo, d)
		}
	}
	for len(todo) > 0 {
		d := todo[0]
		todo = todo[1:]
		for c := range clerks {
			for e := d.today[c] + 1; e < days; e++ {
				t := d
				t.today[c], t.rests[c] = e, false
				visit(t)
			}
			for l := range letters {
				for to := range clerks {
					if t := d; d.today[c] > 0 && d.letter[l].day == 0 {
						t.letter[l].day, t.letter[l].to = d.today[c], to
						visit(t)
					}
				}
				if t := d; d.letter[l].day > 0 && d.letter[l].to == c && (d.rests[c] || d.keeps[c] == 0) {
					t.keeps[c] |= 1 << d.letter[l].day
					visit(t)
				}
			}
			for p := range pairs {
				for o := range clerks {
					if t := d; o != c && inPair([]int{c, p}) == 1 && inPair([]int{o, p}) == 1 && !d.rests[o] {
						t.rests[c] = true
						visit(t)
					}
				}
			}
		}
	}
	kinds := map[desk]bool{}
	for d := range seen {
		kinds[smallest(d, clerks, letters)] = true
	}
	return len(kinds)
}

// smallest is one of all states that are the same but for names.
func smallest(d desk, clerks, letters int) desk {
	best, first := d, true
	for _, names := range [][3]int{{0, 1, 2}, {1, 0, 2}, {0, 2, 1}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}} {
		if clerks == 2 && names[2] != 2 {
			continue
		}
		for swap := range letters {
			t := d
			for c := range 3 {
				t.today[names[c]], t.keeps[names[c]], t.rests[names[c]] = d.today[c], d.keeps[c], d.rests[c]
			}
			for l := range letters {
				from := d.letter[(l+swap)%letters]
				t.letter[l] = from
				if from.day > 0 {
					t.letter[l].to = names[from.to]
				}
			}
			if first || less(t, best) {
				best, first = t, false
			}
		}
	}
	return best
}

func less(a, b desk) bool { return fmt.Sprint(a) < fmt.Sprint(b) }
