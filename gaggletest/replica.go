package gaggletest

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
)

// A replica is a state and how it came about.
type replica[S, C, R any] struct {
	habit   habit[S, C, R]
	state   S
	applied int
	// stray: something is wrong with it already, and what follows is of no interest.
	stray    bool
	restarts int
	results  []given[R]
	// last is the latest snapshot as Snapshot returned it, lastCopy what it was then.
	last, lastCopy []byte
}

// A given is a result and what it was when it was returned.
type given[R any] struct {
	after  int
	result R
	text   string
}

// A habit is what a replica does beside applying commands.
type habit[S, C, R any] struct {
	name           string
	needsSnapshots bool
	overwrites     bool
	// act is called after some batches.
	act func(t *trial[S, C, R], r *replica[S, C, R], all []*replica[S, C, R])
}

func habits[S, C, R any]() []habit[S, C, R] {
	return []habit[S, C, R]{
		{name: "one that does nothing else"},
		{name: "one whose commands are overwritten afterwards", overwrites: true},
		{name: "one that was restarted", act: (*trial[S, C, R]).restart},
		{name: "one of which snapshots are taken", needsSnapshots: true, act: (*trial[S, C, R]).takeSnapshot},
		{name: "one that was restored from its own snapshot", needsSnapshots: true, act: (*trial[S, C, R]).restoreOwn},
		{name: "one that was restored from another's snapshot", needsSnapshots: true, act: (*trial[S, C, R]).restoreAnothers},
	}
}

func (t *trial[S, C, R]) replica(h habit[S, C, R]) *replica[S, C, R] {
	return &replica[S, C, R]{habit: h, state: t.machine.New()}
}

// maxRestarts bounds how often a replica begins again.
const maxRestarts = 3

// restart has a replica begin with the first command again.
func (t *trial[S, C, R]) restart(r *replica[S, C, R], _ []*replica[S, C, R]) {
	if r.restarts == maxRestarts {
		return
	}
	r.restarts++
	r.state, r.applied = t.machine.New(), 0
	t.compare(r, step{})
}

func (t *trial[S, C, R]) takeSnapshot(r *replica[S, C, R], _ []*replica[S, C, R]) {
	t.snapshot(r)
}

func (t *trial[S, C, R]) restoreOwn(r *replica[S, C, R], _ []*replica[S, C, R]) {
	if data, ok := t.snapshot(r); ok {
		r.state, _ = t.restore(r, data)
	}
}

// restoreAnothers brings a replica to where another one is, without the commands between.
func (t *trial[S, C, R]) restoreAnothers(r *replica[S, C, R], all []*replica[S, C, R]) {
	ahead := slices.DeleteFunc(slices.Clone(all), func(o *replica[S, C, R]) bool {
		return o == r || o.stray || o.applied < r.applied || o.applied > t.limit
	})
	if len(ahead) == 0 {
		return
	}
	donor := ahead[t.random.IntN(len(ahead))]
	if data, ok := t.snapshot(donor); ok {
		r.state, _ = t.restore(r, data)
		r.applied = donor.applied
		t.compareState(r)
	}
}

// compareState holds a state against the trace where there is no result to compare.
func (t *trial[S, C, R]) compareState(r *replica[S, C, R]) {
	t.compare(r, step{result: t.trace[r.applied].result})
}

// snapshot takes a snapshot of a replica, and looks at all that can be wrong with it.
func (t *trial[S, C, R]) snapshot(r *replica[S, C, R]) (data []byte, ok bool) {
	t.doing = r.applied
	before := t.trace[r.applied].state // it was compared with that
	data, err := t.machine.Snapshot(r.state)
	if err != nil {
		return nil, t.astray(r, fmt.Sprintf("Snapshot fails: %v", err))
	}
	if after := t.hash(r.state); after != before {
		return nil, t.astrayAs(r, "Snapshot has changed the state, which has", after, "where it had", before)
	}
	if !bytes.Equal(r.last, r.lastCopy) {
		return nil, t.astray(r, "the bytes of a snapshot have changed when later commands were applied")
	}
	r.last, r.lastCopy = data, slices.Clone(data)
	restored, ok := t.restore(r, data)
	if !ok {
		return nil, false
	}
	if got := t.hash(restored); got != before {
		return nil, t.astrayAs(r, "what is restored from a snapshot has", got, "where what it was taken of has", before)
	}
	return data, t.repeats(r, data, before) && t.writesAgain(r, restored, data)
}

// repeats looks whether a second snapshot is as good as the first.
func (t *trial[S, C, R]) repeats(r *replica[S, C, R], data []byte, before string) bool {
	again, err := t.machine.Snapshot(r.state)
	if err != nil {
		return t.astray(r, fmt.Sprintf("Snapshot fails the second time: %v", err))
	}
	if bytes.Equal(again, data) {
		return true
	}
	if t.machine.equalBytes {
		return t.astray(r, "a second snapshot of the same state has other bytes, by which nodes would think that they differ"+bytesHint)
	}
	restored, ok := t.restore(r, again)
	if !ok {
		return false
	}
	if got := t.hash(restored); got != before {
		return t.astrayAs(r, "what is restored from a second snapshot has", got, "where what it was taken of has", before)
	}
	return true
}

const bytesHint = "; write maps in the order of their keys, and nothing that depends on how the state came about"

// writesAgain looks whether what was restored is written as what it was restored from, if
// it has to be.
func (t *trial[S, C, R]) writesAgain(r *replica[S, C, R], restored S, data []byte) bool {
	if !t.machine.equalBytes {
		return true
	}
	again, err := t.machine.Snapshot(restored)
	if err != nil {
		return t.astray(r, fmt.Sprintf("Snapshot of what is restored fails: %v", err))
	}
	return bytes.Equal(again, data) ||
		t.astray(r, "a snapshot of what is restored has other bytes than what it was restored from"+bytesHint)
}

// restore makes a state of a copy of a snapshot, which it then overwrites.
func (t *trial[S, C, R]) restore(r *replica[S, C, R], data []byte) (state S, ok bool) {
	data = slices.Clone(data)
	state, err := t.machine.Restore(data)
	if err != nil {
		return state, t.astray(r, fmt.Sprintf("Restore fails: %v", err))
	}
	before := t.hash(state)
	scribble(reflect.ValueOf(data))
	if after := t.hash(state); after != before {
		return state, t.astrayAs(r, "Restore has kept the bytes: when they are overwritten, the state has", after, "where it had", before)
	}
	return state, true
}

// astray takes note of what is wrong with a replica, and returns false.
func (t *trial[S, C, R]) astray(r *replica[S, C, R], what string) bool {
	r.stray = true
	t.find(r.applied, "%s", what)
	return false
}

func (t *trial[S, C, R]) astrayAs(r *replica[S, C, R], what, a, but, b string) bool {
	r.stray = true
	t.findDifference(r.applied, what, a, but, b)
	return false
}
