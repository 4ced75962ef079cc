//go:build unix

package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// placed is where in the log the value of an operation is.
type placed struct {
	entry logEntry
	// list is its list behind it.
	list listState
}

// A judge compares what clients were told with the log. What it finds wrong it says.
type judge struct {
	names []string // of the nodes
	ops   []*op
	log   []logEntry
	// places are where the values are, by their operations.
	places map[int]placed
	wrong  []string
}

func (j *judge) say(format string, args ...any) {
	j.wrong = append(j.wrong, fmt.Sprintf(format, args...))
}

// checkAll checks everything, and returns how many lists there were.
func (j *judge) checkAll() int {
	j.place()
	j.checkAnswers()
	j.checkOrder()
	lists, wrong := checkLists(j.ops, j.places)
	j.wrong = append(j.wrong, wrong...)
	return lists
}

// place finds the place of each operation, and what is in the log that should not be: what
// nobody appended, what is there twice, and what one process proposed in another order.
func (j *judge) place() {
	byNumber := map[int]*op{}
	for _, o := range j.ops {
		byNumber[o.number] = o
	}
	j.places = map[int]placed{}
	lists := map[int]listState{}
	type runOf struct{ node, run int }
	turns := map[runOf]int{}
	for _, e := range j.log {
		v := e.Value
		o := byNumber[v.Op]
		if o == nil || o.read || o.list != v.List || o.node != v.Node || o.run != v.Run || o.turn != v.Turn {
			j.say("entry %d: nobody appended this: %+v", e.Index, v)
			continue
		}
		lists[v.List] = lists[v.List].with(v.Op)
		if first, again := j.places[v.Op]; again {
			j.say("repeated: operation %d is at %d and at %d", v.Op, first.entry.Index, e.Index)
			continue
		}
		j.places[v.Op] = placed{e, lists[v.List]}
		r := runOf{v.Node, v.Run}
		if v.Turn <= turns[r] {
			j.say("reordered: operation %d, at %d, was proposed before another of its process that is in front of it", v.Op, e.Index)
		}
		turns[r] = max(turns[r], v.Turn)
	}
}

// checkAnswers holds each answer to an append against the log.
func (j *judge) checkAnswers() {
	for _, o := range j.ops {
		if o.read {
			continue
		}
		p, there := j.places[o.number]
		switch {
		case o.outcome == done && !there:
			j.say("lost: %s acknowledged operation %d at index %d, and it is not in the log", j.names[o.node], o.number, o.answer.Index)
		case o.outcome == done && (p.entry.Index != o.answer.Index || p.entry.Term != o.answer.Term):
			j.say("moved: %s acknowledged operation %d at index %d in term %d; it is at %d in %d",
				j.names[o.node], o.number, o.answer.Index, o.answer.Term, p.entry.Index, p.entry.Term)
		case o.outcome == done && p.list != o.answer.List:
			j.say("changed: %s acknowledged operation %d as element %d of list %d; what is in front of it is not what was (it is element %d)",
				j.names[o.node], o.number, o.answer.List.Length, o.list, p.list.Length)
		case o.outcome == refused && there:
			j.say("not refused: %s said that operation %d had not happened (%s), and it is at %d", j.names[o.node], o.number, o.answer.Error, p.entry.Index)
		}
	}
}

// checkOrder checks that what was asked for when something else had been acknowledged is
// behind it in the log, in whatever list.
func (j *judge) checkOrder() {
	type moment struct {
		at  time.Duration
		end bool
		op  *op
	}
	var moments []moment
	for _, o := range j.ops {
		if _, there := j.places[o.number]; o.read || !there {
			continue
		}
		moments = append(moments, moment{o.call, false, o})
		if o.outcome == done {
			moments = append(moments, moment{o.ret, true, o})
		}
	}
	// What begins at the moment when something else ends is not behind it.
	slices.SortStableFunc(moments, func(a, b moment) int {
		if c := cmp.Compare(a.at, b.at); c != 0 || a.end == b.end {
			return c
		} else if a.end {
			return 1
		}
		return -1
	})
	var last *op // of those that were acknowledged, the one that is farthest
	for _, m := range moments {
		here := j.places[m.op.number].entry.Index
		switch {
		case last == nil || j.places[last.number].entry.Index < here:
			if m.end {
				last = m.op
			}
		case !m.end:
			j.say("reordered: operation %d was begun when operation %d had been acknowledged, and is in front of it, at %d and %d",
				m.op.number, last.number, here, j.places[last.number].entry.Index)
		}
	}
}

// compareLogs says where two logs differ. If one may be longer, it is the second.
func compareLogs(a, b []logEntry, longer bool) string {
	for i, e := range a {
		if i >= len(b) {
			return fmt.Sprintf("one has %d entries, the other %d", len(a), len(b))
		}
		if same := e.Index == b[i].Index && e.Term == b[i].Term && e.Value.Op == b[i].Value.Op; !same {
			return fmt.Sprintf("one has %d/%d, operation %d, where the other has %d/%d, operation %d",
				e.Index, e.Term, e.Value.Op, b[i].Index, b[i].Term, b[i].Value.Op)
		}
	}
	if len(b) > len(a) && !longer {
		return fmt.Sprintf("one has %d entries, the other %d", len(a), len(b))
	}
	return ""
}
