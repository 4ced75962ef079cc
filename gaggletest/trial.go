package gaggletest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/ben-ng/gaggle"
)

// A trial applies one sequence of commands on several replicas.
type trial[S, C, R any] struct {
	machine  Machine[S, C, R]
	random   *rand.Rand
	codec    gaggle.Codec
	commands [][]byte
	shown    []string
	// clean is what a command is before it is applied.
	clean []string
	// trace is what the first replica to get there had, before any command and after each.
	trace []step
	// limit is how many commands are looked at: fewer, once something was found.
	limit int
	found *finding
	// doing is the command that is being applied, for when it panics.
	doing int
	// longest bounds the time between two batches.
	longest time.Duration
}

// A step is what a replica had after a command.
type step struct {
	by, result, state string
}

// A finding is something that must not be, after so many commands.
type finding struct {
	after int
	text  string
}

// An origin is where commands come from. Their seed is told only if somebody gave it.
type origin struct {
	seed  uint64
	given bool
}

func (o origin) String() string {
	if !o.given {
		return ""
	}
	return fmt.Sprintf(" (seed %d)", o.seed)
}

// examine tries commands and describes what is wrong, "" if nothing is.
func examine[S, C, R any](m Machine[S, C, R], commands []C, from origin, shorten bool) string {
	t := newTrial(m, commands, from.seed)
	t.run()
	if t.found == nil {
		return ""
	}
	all := len(commands)
	if shorten {
		t = shortened(t, m, commands[:t.found.after], from.seed)
	}
	return t.report(from, all)
}

// trialTime is how long all replicas may take together: hours between batches, so that
// dates and weekdays differ, and no more, so that all attempts at shortening end before the
// year 2262, which is as far as simulated time goes.
const trialTime = 250 * 24 * time.Hour

func newTrial[S, C, R any](m Machine[S, C, R], commands []C, seed uint64) *trial[S, C, R] {
	t := &trial[S, C, R]{machine: m, random: rand.New(rand.NewPCG(seed, 1)), codec: m.Codec, limit: len(commands)}
	if t.codec == nil {
		t.codec = gaggle.JSON()
	}
	t.longest = trialTime / time.Duration(1+len(commands)*len(habits[S, C, R]()))
	for i, c := range commands {
		if !t.encode(c) {
			t.limit = i
			break
		}
	}
	return t
}

// encode prepares a command as the log would carry it.
func (t *trial[S, C, R]) encode(c C) bool {
	after := len(t.commands) + 1
	data, err := t.bytesOf(c)
	if err != nil {
		t.find(after, "the command cannot be encoded: %v", err)
		t.shown = append(t.shown, fmt.Sprintf("%+v", c))
		return false
	}
	t.commands = append(t.commands, data)
	t.shown = append(t.shown, t.show(c, data))
	decoded, err := t.command(after - 1)
	if err != nil {
		t.find(after, "the command cannot be decoded: %v", err)
		return false
	}
	t.clean = append(t.clean, dump(decoded))
	if got, want := dump(decoded), dump(c); got != want {
		t.findDifference(after, "the command is not what it was when it has been encoded and decoded", got, "where it was", want)
		return false
	}
	return true
}

func (t *trial[S, C, R]) bytesOf(c C) ([]byte, error) {
	if raw, ok := any(c).([]byte); ok {
		return raw, nil
	}
	return t.codec.Marshal(c)
}

// command decodes a command, afresh for each replica, as nodes do.
func (t *trial[S, C, R]) command(i int) (c C, err error) {
	if raw, ok := any(&c).(*[]byte); ok {
		*raw = append([]byte{}, t.commands[i]...)
		return c, nil
	}
	return c, t.codec.Unmarshal(t.commands[i], &c)
}

// maxShown is how much of a command is shown, in bytes.
const maxShown = 200

func (t *trial[S, C, R]) show(c C, data []byte) string {
	text := fmt.Sprintf("%+v", c)
	if _, raw := any(c).([]byte); raw {
		text = fmt.Sprintf("%q", data)
	} else if t.machine.Codec == nil {
		text = string(data)
	}
	if len(text) > maxShown {
		text = text[:maxShown] + "…"
	}
	return text
}

// run lets all replicas apply all commands.
func (t *trial[S, C, R]) run() {
	if t.found == nil {
		t.guard(func() { t.inTurns() })
	}
	if t.found == nil {
		t.atOnce()
	}
}

// guard takes a panic for a finding.
func (t *trial[S, C, R]) guard(run func()) {
	defer func() {
		if p := recover(); p != nil {
			t.find(t.doing, "panic: %v\n%s", p, debug.Stack())
		}
	}()
	run()
}

// inTurns has one replica after the other apply a batch, until all have applied all, or
// have got to where something was found.
func (t *trial[S, C, R]) inTurns() {
	var replicas []*replica[S, C, R]
	for _, h := range habits[S, C, R]() {
		if h.needsSnapshots && t.machine.Snapshot == nil {
			continue
		}
		r := t.replica(h)
		t.compare(r, step{})
		replicas = append(replicas, r)
	}
	for {
		behind := unfinished(replicas, t.limit)
		if len(behind) == 0 {
			break
		}
		time.Sleep(time.Duration(t.random.Int64N(int64(t.longest))))
		r := behind[t.random.IntN(len(behind))]
		t.batch(r, replicas)
	}
	for _, r := range replicas {
		t.examineResults(r)
	}
}

func unfinished[S, C, R any](replicas []*replica[S, C, R], limit int) (behind []*replica[S, C, R]) {
	for _, r := range replicas {
		if !r.stray && r.applied < limit {
			behind = append(behind, r)
		}
	}
	return behind
}

// maxBatch is how many commands a replica applies at most before another has its turn.
const maxBatch = 5

// batch has a replica apply some commands, and then do what it is there for.
func (t *trial[S, C, R]) batch(r *replica[S, C, R], all []*replica[S, C, R]) {
	for range 1 + t.random.IntN(maxBatch) {
		if r.stray || r.applied >= t.limit {
			return
		}
		t.apply(r)
	}
	if r.habit.act != nil && !r.stray && t.random.IntN(2) == 0 {
		r.habit.act(t, r, all)
	}
}

// apply has a replica apply its next command.
func (t *trial[S, C, R]) apply(r *replica[S, C, R]) {
	c, err := t.command(r.applied)
	if err != nil {
		panic(err) // it was decoded before
	}
	t.doing = r.applied + 1
	result := t.machine.Apply(r.state, c)
	r.applied++
	if got, want := dump(c), t.clean[r.applied-1]; got != want {
		r.stray = true
		t.findDifference(r.applied, "Apply has changed its command, which now has", got, "where it had", want)
		return
	}
	text := dump(result)
	r.results = append(r.results, given[R]{r.applied, result, text})
	t.compare(r, step{result: text})
	if r.habit.overwrites && !t.machine.KeepsCommands && !r.stray {
		t.overwrite(r, &c)
	}
}

// overwrite finds out whether the state shares memory with a command.
func (t *trial[S, C, R]) overwrite(r *replica[S, C, R], c *C) {
	before := t.trace[r.applied].state // it was compared with that
	scribble(reflect.ValueOf(c).Elem())
	if after := t.hash(r.state); after != before {
		r.stray = true
		t.findDifference(r.applied, "Apply has kept memory of its command: when that is overwritten, the state has", after, "where it had", before)
	}
}

// compare holds what a replica has against what the first had at this place.
func (t *trial[S, C, R]) compare(r *replica[S, C, R], s step) {
	s.by, s.state = r.habit.name, t.hash(r.state)
	if r.applied == len(t.trace) {
		t.trace = append(t.trace, s)
		return
	}
	first := t.trace[r.applied]
	switch {
	case s.result != first.result:
		r.stray = true
		t.findDifference(r.applied, "the result of "+s.by+" has", s.result, "where that of "+first.by+" has", first.result)
	case s.state != first.state:
		r.stray = true
		t.findDifference(r.applied, "the state of "+s.by+" has", s.state, "where that of "+first.by+" has", first.state)
	}
}

func (t *trial[S, C, R]) hash(s S) string {
	if t.machine.Hash != nil {
		return t.machine.Hash(s)
	}
	return dump(s)
}

// examineResults looks whether results are what they were.
func (t *trial[S, C, R]) examineResults(r *replica[S, C, R]) {
	for _, g := range r.results {
		if now := dump(g.result); now != g.text {
			t.findDifference(g.after, "the result changed when later commands were applied: it has", now, "where it had", g.text)
			return
		}
	}
}

// crowd is how many replicas apply the commands at the same time.
const crowd = 4

// atOnce has fresh replicas apply everything at the same time, so that they get in each
// other's way if they share anything, and goroutines of Apply run in another order.
func (t *trial[S, C, R]) atOnce() {
	parts := make([]trial[S, C, R], crowd)
	var running sync.WaitGroup
	for i := range parts {
		p := &parts[i]
		*p = *t // the trace is complete, and only read from here on
		running.Go(func() {
			p.guard(func() {
				r := p.replica(habit[S, C, R]{name: "one that runs beside others"})
				for !r.stray && r.applied < p.limit {
					p.apply(r)
				}
			})
		})
	}
	running.Wait()
	for _, p := range parts {
		if p.found != nil {
			t.find(p.found.after, "%s", p.found.text)
		}
	}
}

// find takes note of what must not be, unless the same or another was found earlier in the
// sequence. What comes before is still looked at.
func (t *trial[S, C, R]) find(after int, format string, args ...any) {
	if t.found == nil || after < t.found.after {
		t.found = &finding{after, fmt.Sprintf(format, args...)}
		t.limit = min(t.limit, max(after-1, 0))
	}
}

func (t *trial[S, C, R]) findDifference(after int, what, a, but, b string) {
	inA, inB := difference(a, b)
	t.find(after, "%s\n    %s\n%s\n    %s", what, inA, but, inB)
}

// report describes what was found, with the commands that lead there.
func (t *trial[S, C, R]) report(from origin, all int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "gaggletest: after %d of %d commands%s: %s", t.found.after, all, from, t.found.text)
	for i, c := range t.shown[:t.found.after] {
		fmt.Fprintf(&b, "\ncommand %d: %s", i+1, c)
	}
	return b.String()
}
