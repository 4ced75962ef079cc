package spec

import (
	"slices"
	"strings"
	"testing"
)

// door is a model small enough to be looked at in full.
const door = `
sort step ordered from first   // a comment
sort person
fixed relation friend(person)
relation inside(person)
function seen(person): step
relation locked
define safe(p: person) = locked or friend(p)
axiom somebody: exists p: person. friend(p)
init outside: not inside(P) and not locked
action enter(p: person, s: step) {
    require open: not locked
    require friend: friend(p) and safe(p)
    inside(p) := true
    seen(p) := s
}
action lock() { locked := true }
safety OnlyFriends: inside(P) -> friend(P)
invariant order: seen(P) < S -> first <= S
trace in: enter, lock reaches exists p: person. inside(p) and locked
`

func parse(t *testing.T, source string) *Model {
	t.Helper()
	m, err := Parse("door", Source{"door", source})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAModelIsWhatItsTextSays(t *testing.T) {
	m := parse(t, door)
	if len(m.Sorts) != 2 || !m.Sorts[0].Ordered || m.Sorts[0].Least != "first" || m.Sorts[1].Ordered {
		t.Errorf("sorts %+v", m.Sorts)
	}
	if s := m.Symbol("seen"); s == nil || s.Sort != "step" || !slices.Equal(s.Args, []string{"person"}) || !s.State {
		t.Errorf("seen is %+v", s)
	}
	if m.Symbol("friend").State || !m.Symbol("locked").State {
		t.Error("what is fixed and what changes is mixed up")
	}
	if !m.Definition("safe").State {
		t.Error("safe depends on the state")
	}
	if n := len(m.Axioms); n != 6 { // five for the order
		t.Errorf("%d axioms", n)
	}
	enter := m.Action("enter")
	if len(enter.Params) != 2 || len(enter.Requires) != 2 || enter.Requires[1].Name != "friend" || len(enter.Updates) != 2 {
		t.Errorf("enter is %+v", enter)
	}
	if len(m.Invariants) != 2 || !m.Invariants[0].Safety || m.Invariants[1].Safety {
		t.Errorf("invariants %+v", m.Invariants)
	}
	if tr := m.Traces[0]; tr.Name != "in" || !slices.Equal(tr.Steps, []string{"enter", "lock"}) {
		t.Errorf("trace %+v", tr)
	}
}

// text is what a formula over these symbols becomes.
func text(t *testing.T, formula string) string {
	t.Helper()
	m := parse(t, `
sort s ordered from zero
relation a relation b relation c
relation p(s)
function f(s): s
invariant i: `+formula)
	return (&script{model: m}).text(m.Invariants[0].Formula, "", "")
}

func TestOperatorsBindAsTheGrammarSays(t *testing.T) {
	for _, c := range []struct{ formula, want string }{
		{"a or b and c", "(or a (and b c))"},
		{"a and b or c", "(or (and a b) c)"},
		{"not a and b", "(and (not a) b)"},
		{"a and b and c", "(and a b c)"},
		{"(a and b) and c", "(and (and a b) c)"},
		{"a -> b -> c", "(=> a (=> b c))"},
		{"a and b -> c or a", "(=> (and a b) (or c a))"},
		{"a -> b <-> c", "(=> a (= b c))"},
		{"not f(zero) = zero", "(not (= (f zero) zero))"},
		{"f(zero) != zero", "(not (= (f zero) zero))"},
		{"zero <= f(zero)", "(s.le zero (f zero))"},
		{"zero < f(zero)", "(not (s.le (f zero) zero))"},
		{"if a then b else c", "(ite a b c)"},
		{"a and forall x: s. p(x) -> b", "(and a (forall ((x s)) (=> (p x) b)))"},
		{"exists x: s, y: s. x = y and a", "(exists ((x s)(y s)) (and (= x y) a))"},
		{"p(X)", "(forall ((X s)) (p X))"},
		{"X = f(Y) -> p(Z)", "(forall ((X s)(Y s)(Z s)) (=> (= X (f Y)) (p Z)))"},
		{"X <= Y and Y = zero", "(forall ((X s)(Y s)) (and (s.le X Y) (= Y zero)))"},
		{"true or false", "(or true false)"},
	} {
		if got := text(t, c.formula); got != c.want {
			t.Errorf("%s: %s, want %s", c.formula, got, c.want)
		}
	}
}

func TestAMistakeIsNamedWithItsLine(t *testing.T) {
	const head = "sort s ordered\nsort u\nrelation p(s)\nrelation q(u)\nfixed relation g(s)\n"
	for _, c := range []struct{ source, want string }{
		{"invariant i: p(X", `m:6: "", where ")" should be`},
		{"invariant i: ", `m:6: "", where a name should be`},
		{"invariant i p(X)", `m:6: "p", where ":" should be`},
		{"invariant if: p(X)", `"if", where a name should be`},
		{"invariant i: p(X) ; true", "what is \";\"?"},
		{"rule i: p(X)", "where a declaration should begin"},
		{"invariant i: r(X)", "the sort of X does not follow"},
		{"invariant i: r", "what is r?"},
		{"invariant i: p(X, X)", "p takes 1 arguments, not 2"},
		{"invariant i: p(X) and q(X)", "s X, where a u should be"},
		{"invariant i: p(X) -> X", "s X, where a Bool should be"},
		{"invariant i: q(X) and X <= X", "u is not ordered"},
		{"invariant i: X = X", "the sort of X does not follow"},
		{"invariant i: forall p: s. p(p)", "p means something already"},
		{"invariant i: forall x: t. p(x)", "there is no sort t"},
		{"relation r(t)", "there is no sort t"},
		{"relation p", "p is declared twice"},
		{"define p() = true", "p is declared twice"},
		{"define d(x: s) = p(X)", "what is X?"},
		{"define d() = e define e() = true", "what is e?"},
		{"invariant i: true invariant i: true", "i is declared twice"},
		{"action a(x: s) { g(x) := true }", "g is no state symbol"},
		{"action a(x: s) { p(x) := true p(x) := false }", "p is updated twice in a"},
		{"action a(x: s) { p(x) := p(Y) }", "what is Y?"},
		{"action a(x: u) { p(x) := true }", "u x, where a s should be"},
		{"action a(x: s) { p(x) := forall y: s. p(y) }", "a quantifier in the update of p"},
		{"action a(x: s) { p() := true }", "where a name should be"},
		{"action a() { p := true }", "p takes 1 arguments"},
		{"trace t: a reaches true", "there is no action a"},
	} {
		_, err := Parse("m", Source{"m", head + c.source})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.source, err, c.want)
		}
	}
}

func TestAModelMayBeInSeveralFiles(t *testing.T) {
	first, second := Source{"first", "relation a\n"}, Source{"second", "\ninvariant i: a"}
	if m, err := Parse("m", first, second); err != nil || len(m.Invariants) != 1 {
		t.Errorf("%v", err)
	}
	second.Text += " and b"
	if _, err := Parse("m", first, second); err == nil || !strings.Contains(err.Error(), "second:2: what is b?") {
		t.Errorf("%v", err)
	}
}
