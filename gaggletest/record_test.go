package gaggletest

import (
	"strings"
	"testing"

	"github.com/ben-ng/gaggle"
)

type entry = gaggle.Entry[string]

func at(i gaggle.Index, term gaggle.Term, v string) entry {
	return entry{Index: i, Term: term, Value: v}
}

func TestTheRecordSeesWhatIsWrong(t *testing.T) {
	one, two := entry{Index: 2, Term: 2, Value: "one"}, entry{Index: 3, Term: 2, Value: "two"}
	both := func(entries ...entry) []nodeLog[string] {
		return []nodeLog[string]{{"a", true, entries}, {"b", true, entries}}
	}
	against := func(complete bool, entries ...entry) []nodeLog[string] {
		return []nodeLog[string]{{"a", complete, entries}, {"b", true, []entry{one, two}}}
	}
	for name, c := range map[string]struct {
		logs []nodeLog[string]
		want string // "" if nothing is wrong
	}{
		"all is well":      {both(one, two), ""},
		"a node is behind": {against(false, one), ""},
		"one lacks some":   {against(true, one), "a has 1 entries where b has 2"},
		"one skips some":   {against(true, two), "a has {Index:3 Term:2 Value:two} where b has {Index:2 Term:2 Value:one}"},
		"another term":     {against(true, at(2, 1, "one")), "where b has"},
		"another value":    {against(true, at(2, 2, "two")), "where b has"},
		"lost":             {both(two), "{Index:2 Term:2 Value:one} was acknowledged, and b has not got it"},
		"elsewhere":        {both(at(2, 1, "one"), two), "was acknowledged"},
		"twice":            {both(one, two, at(4, 2, "one")), "for the 2th time, and it was appended 1 times"},
		"twice, rightly":   {both(one, two, at(4, 2, "two")), ""},
		"invented":         {both(one, two, at(4, 2, "three")), "which was never appended"},
		"indexes fall":     {both(one, two, at(3, 2, "two")), "{Index:3 Term:2 Value:two} after {Index:3 Term:2 Value:two}"},
		"terms fall":       {both(one, two, at(4, 1, "two")), "after"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecord[string]()
			for _, v := range []string{"one", "two", "two"} {
				if _, err := r.Marshal(v); err != nil {
					t.Fatal(err)
				}
			}
			r.decoded = true
			r.acknowledge(one)
			faults := strings.Join(r.verdict(c.logs), "\n")
			if c.want == "" && faults != "" || !strings.Contains(faults, c.want) {
				t.Errorf("the verdict is %q, want %q", faults, c.want)
			}
		})
	}
}

// A recorder is a test that takes note instead of failing.
type recorder struct {
	testing.TB
	said []string
	over []func()
}

func (r *recorder) Cleanup(f func()) { r.over = append(r.over, f) }
func (r *recorder) Failed() bool     { return len(r.said) > 0 }
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, format)
	r.Logf("as it should: "+format, args...)
}

// invent makes the record forget that a value was appended.
func invent(t *testing.T, c *Nodes[string]) {
	t.Helper()
	c.Append(c.Leader(), "forgotten")
	c.Eventually("somebody has decoded it", func() bool {
		for _, err := range c.Leader().Entries(t.Context(), gaggle.Until(c.Leader().Status().Applied)) {
			return err == nil
		}
		return false
	})
	c.record.encoded = nil
}

func TestCheckFailsTheTest(t *testing.T) {
	Run(t, func(t *testing.T) {
		r := &recorder{TB: t}
		c := Cluster[string](r, 3)
		invent(t, c)
		if c.Check(); !r.Failed() {
			t.Error("an entry that nobody appended is not noticed")
		}
		r.over[0]()
	})
}

func TestTheEndOfATestChecksToo(t *testing.T) {
	Run(t, func(t *testing.T) {
		r := &recorder{TB: t}
		c := Cluster[string](r, 3)
		invent(t, c)
		if r.over[0](); !r.Failed() {
			t.Error("an entry that nobody appended is not noticed")
		}
		for _, n := range c.Nodes() {
			if s := n.Status().State; s != gaggle.Stopped {
				t.Errorf("%s is a %v after the end", n.ID(), s)
			}
		}
	})
}

// With a codec of the test's own nothing is known of what was appended.
func TestCheckDoesWithoutItsOwnCodec(t *testing.T) {
	Run(t, func(t *testing.T) {
		c := Cluster[string](t, 3, gaggle.WithCodec(gaggle.JSON()))
		c.Append(c.Leader(), "x")
		c.Check()
	})
	Run(t, func(t *testing.T) {
		c := Cluster[[]byte](t, 3)
		c.Append(c.Leader(), []byte("x"))
		c.Check()
	})
}

// JSON makes float64 of any number, so that what comes out is not what went in.
func TestCheckTakesValuesThatChangeWhenTheyAreEncoded(t *testing.T) {
	Run(t, func(t *testing.T) {
		c := Cluster[map[string]any](t, 3)
		c.Append(c.Leader(), map[string]any{"n": 12345678901234567, "x": nil})
		c.Check()
	})
}
