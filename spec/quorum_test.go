package spec

import (
	"strings"
	"testing"
)

func TestSizesAddUpTheKindsOfNodesThatAreInAllSets(t *testing.T) {
	for _, c := range []struct {
		sets []string
		want string
	}{
		{[]string{"V"}, "(+ 0 k1 k3 k5 k7 k9 k11 k13 k15)"},
		{[]string{"A", "B"}, "(+ 0 k12 k13 k14 k15)"},
		{[]string{"B", "O", "V", "A"}, "(+ 0 k15)"},
	} {
		if got := size(c.sets...); got != c.want {
			t.Errorf("%v: %s, want %s", c.sets, got, c.want)
		}
	}
}

func TestQuorumsAreAskedForTwoThatDoNotMeet(t *testing.T) {
	q := Quorums()
	if len(q.Checks) != 3 || strings.Count(q.Text, "(check-sat)") != 3 || strings.Count(q.Text, "(= 0 "+size("A", "B")+")") != 3 {
		t.Errorf("%v:\n%s", q.Checks, q.Text)
	}
	if strings.Count(q.Text, "declare-const") != quorumKinds {
		t.Error("not every kind of node is declared")
	}
}
