//go:build unix

package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ben-ng/gaggle"
)

// good is a history of one list, and the log that it led to: two processes append two values
// each, one of which nobody was told of, one was refused, and reads see them come.
func good() *judge {
	j := &judge{names: []string{"n1", "n2"}}
	var list listState
	at := func(ms int) time.Duration { return time.Duration(ms) * time.Millisecond }
	add := func(node, turn, call, ret int, how outcome) *op {
		o := &op{number: len(j.ops) + 1, list: 1, node: node, run: 1, turn: turn, call: at(call), ret: at(ret), outcome: how}
		j.ops = append(j.ops, o)
		if how == refused {
			return o
		}
		list = list.with(o.number)
		e := logEntry{gaggle.Index(10 + o.number), 2, value{List: 1, Op: o.number, Node: node, Run: 1, Turn: turn}}
		j.log = append(j.log, e)
		if how == done {
			o.answer = reply{Outcome: done, Index: e.Index, Term: e.Term, List: list}
		}
		return o
	}
	read := func(call, ret int) {
		o := &op{number: len(j.ops) + 1, read: true, list: 1, node: 1, run: 1, call: at(call), ret: at(ret), outcome: done}
		o.answer = reply{Outcome: done, List: list}
		j.ops = append(j.ops, o)
	}
	read(0, 1)
	add(0, 1, 2, 4, done)
	add(1, 1, 3, 6, done)
	read(7, 8)
	add(0, 2, 9, 0, unknown)
	read(10, 11)
	add(1, 2, 12, 13, refused)
	add(1, 3, 14, 15, done)
	read(16, 17)
	return j
}

func TestNothingIsWrongWithAGoodHistory(t *testing.T) {
	j := good()
	if lists := j.checkAll(); lists != 1 || len(j.wrong) > 0 {
		t.Errorf("%d lists: %q", lists, j.wrong)
	}
}

func TestEveryKindOfWrongIsFound(t *testing.T) {
	for _, c := range []struct {
		name, says string
		spoil      func(*judge)
	}{
		{"the last entry is gone", "lost: n2", func(j *judge) { j.log = j.log[:len(j.log)-1] }},
		{"an entry in the middle is gone", "lost: n1", func(j *judge) { j.log = j.log[1:] }},
		{"a value is there twice", "repeated", func(j *judge) {
			again := j.log[0]
			again.Index = 99
			j.log = append(j.log, again)
		}},
		{"a value that nobody appended", "nobody appended", func(j *judge) {
			j.log = append(j.log, logEntry{99, 2, value{List: 1, Op: 77}})
		}},
		{"a value in another list", "nobody appended", func(j *judge) { j.log[0].Value.List = 2 }},
		{"a value that was refused", "not refused: n2", func(j *judge) {
			j.log = append(j.log, logEntry{99, 2, value{List: 1, Op: 7, Node: 1, Run: 1, Turn: 4}})
			j.ops[6].turn = 4
		}},
		{"another index", "moved", func(j *judge) { j.log[0].Index-- }},
		{"another term", "moved", func(j *judge) { j.log[0].Term-- }},
		{"another list in front of a value", "changed", func(j *judge) { j.ops[1].answer.List.Sum++ }},
		{"two values of a process are the other way round", "reordered", func(j *judge) {
			j.ops[1].turn, j.ops[4].turn = 2, 1
			j.log[0].Value.Turn, j.log[2].Value.Turn = 2, 1
		}},
		{"a value is behind one that began when it had been acknowledged", "reordered: operation 8", func(j *judge) {
			j.log[2].Index, j.log[3].Index = j.log[3].Index, j.log[2].Index
			j.ops[4].outcome, j.ops[4].ret = done, j.ops[7].call-1
		}},
		{"a read of what is no more", "no order of its", func(j *judge) { j.ops[8].answer.List = j.ops[3].answer.List }},
		{"a read of what is not yet", "no order of its", func(j *judge) { j.ops[0].answer.List = j.ops[3].answer.List }},
		{"a read of what never was", "no order of its", func(j *judge) { j.ops[3].answer.List.Sum++ }},
		{"a value that nobody was told of goes again", "no order of its", func(j *judge) {
			j.ops[8].answer.List = listState{}.with(2).with(3).with(8)
		}},
	} {
		j := good()
		c.spoil(j)
		j.checkAll()
		if !slices.ContainsFunc(j.wrong, func(s string) bool { return strings.Contains(s, c.says) }) {
			t.Errorf("%s: nothing says %q: %q", c.name, c.says, j.wrong)
		}
	}
}

func TestLogsThatDifferAreToldApart(t *testing.T) {
	log := good().log
	shorter, other := log[:2], slices.Clone(log)
	other[1].Value.Op = 99
	for _, c := range []struct {
		a, b   []logEntry
		longer bool
		same   bool
	}{
		{log, log, false, true},
		{shorter, log, true, true},
		{shorter, log, false, false},
		{log, shorter, true, false},
		{log, other, true, false},
	} {
		if wrong := compareLogs(c.a, c.b, c.longer); (wrong == "") != c.same {
			t.Errorf("%v and %v, longer %t: %q", c.a, c.b, c.longer, wrong)
		}
	}
}
