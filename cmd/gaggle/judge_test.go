package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ben-ng/gaggle"
)

// agreeing returns the logs of three nodes that hold some lines, the last one first.
func agreeing(lines []string) []demoLog {
	var entries []gaggle.Entry[demoLine]
	for i := len(lines) - 1; i >= 0; i-- {
		entries = append(entries, gaggle.Entry[demoLine]{Index: gaggle.Index(20 - i), Term: 2, Value: demoLine{i, lines[i]}})
	}
	return []demoLog{{"a", entries}, {"b", slices.Clone(entries)}, {"c", slices.Clone(entries)}}
}

func TestTheJudgeNoticesWhateverIsWrong(t *testing.T) {
	lines := []string{"x", "y", "x", "z"}
	type log = []gaggle.Entry[demoLine]
	// What is wrong, and what the judge says of it if it is so on one node, and on all.
	for _, wrong := range []struct {
		name       string
		edit       func(log) log
		one, every string
	}{
		{"an entry is missing at the end", func(l log) log { return l[:3] }, "c has 3 entries, a has 4", `line 1, "x", is there 0 times`},
		{"an entry is missing in the middle", func(l log) log { return slices.Delete(l, 1, 2) }, `c has "y" at index 19 of term 2 where a has "x" at index 18 of term 2`, `line 3, "x", is there 0 times`},
		{"all are missing", func(log) log { return nil }, "c has 0 entries", "is there 0 times"},
		{"an entry is there twice", func(l log) log { return append(l, gaggle.Entry[demoLine]{Index: 30, Term: 2, Value: l[1].Value}) }, "c has 5 entries, a has 4", `line 3, "x", is there 2 times`},
		{"an entry is repeated", func(l log) log { return slices.Insert(l, 2, l[1]) }, `c has "x" at index 18`, `line 3, "x", is there 2 times`},
		{"one replaces another with the same text", func(l log) log { l[1].Value.Number = 0; return l }, `c has "x" at index 18`, "times"},
		{"two have changed places", func(l log) log { l[0].Value, l[2].Value = l[2].Value, l[0].Value; return l }, `c has "y" at index 17`, ""},
		{"equal texts have changed places", func(l log) log { l[1].Value, l[3].Value = l[3].Value, l[1].Value; return l }, `c has "x" at index 18`, ""},
		{"a text is another", func(l log) log { l[0].Value.Text = "w"; return l }, `c has "w" at index 17`, `entry 17 is "w", and was "z" when it was appended`},
		{"a line is nobody's", func(l log) log { return append(l, gaggle.Entry[demoLine]{Index: 30, Term: 2, Value: demoLine{4, "w"}}) }, "c has 5 entries", `entry 30 is "w", which nobody appended`},
		{"a number is negative", func(l log) log { l[0].Value.Number = -1; return l }, `c has "z"`, `entry 17 is "z", which nobody appended`},
		{"an index is another", func(l log) log { l[3].Index = 40; return l }, `c has "x" at index 40 of term 2 where a has "x" at index 20 of term 2`, ""},
		{"a term is another", func(l log) log { l[3].Term = 3; return l }, `c has "x" at index 20 of term 3 where a has "x" at index 20 of term 2`, ""},
	} {
		t.Run(wrong.name, func(t *testing.T) {
			logs := agreeing(lines)
			logs[2].entries = wrong.edit(logs[2].entries)
			if err := judge(logs, lines); err == nil || !strings.Contains(err.Error(), wrong.one) {
				t.Errorf("on one node it is judged %v, want %q", err, wrong.one)
			}
			logs[0].entries, logs[1].entries = logs[2].entries, logs[2].entries
			switch err := judge(logs, lines); {
			case wrong.every == "" && err != nil:
				t.Errorf("on all nodes it is judged %v, and it is no fault there", err)
			case wrong.every != "" && (err == nil || !strings.Contains(err.Error(), wrong.every)):
				t.Errorf("on all nodes it is judged %v, want %q", err, wrong.every)
			}
		})
	}
}

func TestTheJudgeAcceptsNodesThatAgree(t *testing.T) {
	for _, lines := range [][]string{nil, {""}, {"x", "x", "y"}} {
		logs := agreeing(lines)
		if err := judge(logs, lines); err != nil {
			t.Errorf("%q: %v", lines, err)
		}
		if err := judge(logs[:1], lines); err != nil {
			t.Errorf("%q on one node: %v", lines, err)
		}
	}
}

func TestADemoWhoseNodesDifferFailsAndSaysSo(t *testing.T) {
	lines := []string{"x", "y"}
	logs := agreeing(lines)
	logs[1].entries = logs[1].entries[:1]
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		d := &demoRun{out: newOutput(&out, asJSON), elections: map[gaggle.Term]bool{2: true}}
		err := d.conclude(logs, lines, time.Second)
		if want := "the nodes do not agree: b has 1 entries, a has 2"; err == nil || err.Error() != want {
			t.Errorf("the error is %v, want %q", err, want)
		}
		want := "3 nodes that DIFFER: 2 entries, 1 election, 1.00 s\n"
		if asJSON {
			want = `{"event":"summary","nodes":3,"entries":2,"identical":false,"elections":1,"seconds":1}` + "\n"
		}
		if out.String() != want {
			t.Errorf("it says %q, want %q", out.String(), want)
		}
	}
}
