package founding

import (
	"testing"
)

// A mess is a way in which a network treats hellos.
type mess func(l *lab) func(to *node, w Heard)

// messes are those that founding has to bear. Hellos that are lost differ from node to
// node, so that some hear of a decision and others do not.
var messes = map[string]mess{
	"four of five are lost": func(*lab) func(*node, Heard) {
		r := random(1)
		return func(to *node, w Heard) {
			if r.below(5) == 0 {
				to.Step(w)
			}
		}
	},
	"each comes three times": func(*lab) func(*node, Heard) {
		return func(to *node, w Heard) {
			for range 3 {
				to.Step(w)
			}
		}
	},
	"the latest come first": func(*lab) func(*node, Heard) {
		return batches(20, func(i int) int { return 19 - i })
	},
	"old ones come again and again": func(*lab) func(*node, Heard) {
		var old []letter
		r := random(1)
		return func(to *node, w Heard) {
			old = append(old, letter{to.config.ID, w, 0})
			to.Step(w)
			if again := old[r.below(len(old))]; again.to == to.config.ID {
				to.Step(again.word)
			}
		}
	},
	"all come late": func(*lab) func(*node, Heard) {
		return batches(30, func(i int) int { return i })
	},
}

// batches delivers so many hellos at once, in another order.
func batches(n int, order func(int) int) func(*node, Heard) {
	type parcel struct {
		to *node
		w  Heard
	}
	var waiting []parcel
	return func(to *node, w Heard) {
		waiting = append(waiting, parcel{to, w})
		if len(waiting) < n {
			return
		}
		batch := waiting
		waiting = nil
		for i := range batch {
			p := batch[order(i)]
			p.to.Step(p.w)
		}
	}
}

func TestLossRepetitionAndDisorderOnlyDelayFounding(t *testing.T) {
	for name, m := range messes {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, 3, "abcde")
			l.via = m(l)
			l.run(1000)
			l.wantOneCluster()
		})
	}
}

// A node that is heard twice is one node, and one pledge.
func TestRepeatedHellosCountOnce(t *testing.T) {
	l := newLab(t, 3, "abc")
	l.crash("c")
	l.via = messes["each comes three times"](l)
	l.run(500)
	l.want(Fresh, "ab")
	l.wantWaiting("a", "waiting for 1 more node (have a, b)")

	l = newLab(t, 3, "abc")
	l.propose("a", "bc")
	w := l.word("a")
	l.hear("b", w, w, w)
	w = l.word("b")
	l.hear("a", w, w, w)
	l.want(Fresh, "ab")
}

func TestPledgesOfDifferentRoundsDoNotAddUp(t *testing.T) {
	l := newLab(t, 3, "abcde")
	l.propose("a", "de")
	l.propose("b", "cd")
	l.tell("a", "c")
	l.tell("b", "c")
	l.wantPledge("ade", "a")
	l.wantPledge("bcd", "bc")
	l.want(Fresh, "abcde")
	l.tell("b", "d")
	l.tell("c", "d")
	l.want(Member, "d")
	l.wantCharter("bcd", "d")
}
