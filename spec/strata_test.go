package spec

import (
	"strings"
	"testing"
)

func TestWhatMayNeverEndIsRefused(t *testing.T) {
	const head = "sort a\nsort b\nrelation r(a, b)\nrelation p(b)\n"
	for _, c := range []struct{ source, want string }{
		{"axiom x: exists y: b. r(X, y)", ""},
		{"axiom x: exists y: a. r(y, X)", "x leads from b to a"},
		{"function f(a): b", ""},
		{"function f(b): a", "function f leads from b to a"},
		{"function f(a): a", "function f leads from a to a"},
		{"invariant i: p(X) -> exists y: a. r(y, X)", "i leads from b to a"},
		{"invariant i: (forall y: a. r(y, X)) -> p(X)", "i leads from b to a"},
		{"invariant i: p(X) <-> forall y: a. r(y, X)", "i leads from b to a"},
		{"invariant i: (exists y: a. r(y, X)) -> p(X)", ""},
		{"invariant i: exists x: b. forall y: a. r(y, x)", "i leads from b to a"}, // when it is denied
		{"invariant i: exists y: a. forall x: b. r(y, x)", ""},
		{"action s(x: b) { require i: exists y: a. r(y, x) }", ""}, // one x, not any
		{"action s() { require i: forall x: b. exists y: a. r(y, x) }", "i leads from b to a"},
		{"action s() { follows i: forall x: b. exists y: a. r(y, x) }", "i leads from b to a"},
		{"action s() { follows i: exists x: b. forall y: a. r(y, x) }", "i leads from b to a"}, // when it is denied
		{"define d(x: b) = exists y: a. r(y, x) invariant i: d(X)", "i leads from b to a"},
		{"define d(x: b) = exists y: a. r(y, x) axiom i: exists x: b. d(x)", ""},
		{"axiom i: exists x: b. forall z: a. exists y: b. r(z, y) and r(z, x)", ""},
		{"axiom i: if (exists y: a. r(y, X)) then p(X) else true", "i leads from b to a"},
	} {
		m, err := Parse("m", Source{"m", head + c.source})
		if err != nil {
			t.Fatal(err)
		}
		switch err := m.CheckOrder(); {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.source, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %s", c.source, err, c.want)
		}
	}
}
