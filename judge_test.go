package gaggle_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ben-ng/gaggle"
)

type labEntry = gaggle.Entry[string]

// A judge keeps what was asked of a cluster and how it ended, and holds the logs of its
// nodes against that. It is safe for concurrent use.
type judge struct {
	mu     sync.Mutex
	values map[string]*testimony
	// latest is the acknowledged entry with the highest index.
	latest  labEntry
	leaders map[gaggle.Term]gaggle.NodeID
	faults  []string
}

// A testimony is what is known of one value.
type testimony struct {
	writer, serial int
	// after is the highest index that was acknowledged when the value was begun: its
	// own index must be higher.
	after gaggle.Index
	// ended: an outcome is known, though it may be that nothing is certain. err is the
	// last one; if it is nil, the value was acknowledged as entry.
	ended bool
	entry labEntry
	err   error
}

func newJudge() *judge {
	return &judge{values: map[string]*testimony{}, leaders: map[gaggle.Term]gaggle.NodeID{}}
}

// begin is called before a value is proposed. The values of one writer are proposed in
// the order of their serial numbers.
func (j *judge) begin(writer, serial int) (value string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	value = fmt.Sprintf("%d-%d", writer, serial)
	j.values[value] = &testimony{writer: writer, serial: serial, after: j.latest.Index}
	return value
}

// end takes an outcome. There may be several of one value, as one may wait again.
func (j *judge) end(value string, e labEntry, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	v := j.values[value]
	if v.ended && v.err == nil && (err == nil && e != v.entry || err != nil && !errors.Is(err, gaggle.ErrUncertain)) {
		j.fault("%s ended as %v, and then as %v, %v", value, v.entry, e, err)
	}
	if v.ended && v.err == nil {
		return
	}
	v.ended, v.entry, v.err = true, e, err
	if err == nil && e.Index > j.latest.Index {
		j.latest = e
	}
}

// led takes note of who leads a term.
func (j *judge) led(term gaggle.Term, leader gaggle.NodeID) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if other, known := j.leaders[term]; known && other != leader {
		j.fault("%s and %s lead term %d", other, leader, term)
	}
	j.leaders[term] = leader
}

// fault takes note of what must not be. The lock is held.
func (j *judge) fault(format string, args ...any) {
	j.faults = append(j.faults, fmt.Sprintf(format, args...))
}

// acknowledged is the acknowledged entry with the highest index.
func (j *judge) acknowledged() labEntry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.latest
}

// A nodeLog is what one node says the log is; complete, if it ought to be all of it.
type nodeLog struct {
	node     string
	complete bool
	entries  []labEntry
}

// verdict lists all that is wrong with the logs, or was noticed before.
func (j *judge) verdict(logs []nodeLog) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	longest := slices.MaxFunc(logs, func(a, b nodeLog) int { return len(a.entries) - len(b.entries) })
	for _, log := range logs {
		for i, e := range log.entries {
			if e != longest.entries[i] {
				j.fault("%s has %v where %s has %v", log.node, e, longest.node, longest.entries[i])
				break
			}
		}
		if log.complete && len(log.entries) < len(longest.entries) {
			j.fault("%s has %d entries and %s has %d", log.node, len(log.entries), longest.node, len(longest.entries))
		}
	}
	j.examine(longest.entries)
	return j.faults
}

// examine holds one log, which is that of all, against the testimonies.
func (j *judge) examine(log []labEntry) {
	var last labEntry
	count := map[string]int{}
	written := map[int]int{} // the highest serial number, by writer
	for _, e := range log {
		if e.Index <= last.Index || e.Term < last.Term {
			j.fault("%v is after %v", e, last)
		}
		last = e
		count[e.Value]++
		v := j.values[e.Value]
		switch {
		case v == nil:
			j.fault("%v was never appended", e)
			continue
		case count[e.Value] > 1:
			j.fault("%v is there %d times", e, count[e.Value])
			continue
		case v.ended && v.err == nil && v.entry != e:
			j.fault("%v was acknowledged as %v", e, v.entry)
		case v.ended && v.err != nil && !errors.Is(v.err, gaggle.ErrUncertain):
			j.fault("%v is there, though its append ended with: %v", e, v.err)
		}
		if v.serial <= written[v.writer] {
			j.fault("%v is after number %d of the same writer", e, written[v.writer])
		}
		written[v.writer] = max(written[v.writer], v.serial)
		if e.Index <= v.after {
			j.fault("%v was begun when index %d was acknowledged", e, v.after)
		}
	}
	for value, v := range j.values {
		if v.ended && v.err == nil && count[value] == 0 {
			j.fault("%v was acknowledged and is lost", v.entry)
		}
	}
}

func TestTheJudgeSeesWhatIsWrong(t *testing.T) {
	one, two := labEntry{Index: 2, Term: 2, Value: "1-1"}, labEntry{Index: 3, Term: 2, Value: "1-2"}
	mine := []labEntry{one, two}
	all := func(entries ...labEntry) []nodeLog {
		return []nodeLog{{node: "a", complete: true, entries: entries}, {node: "b", complete: true, entries: entries}}
	}
	with := func(e labEntry, edit func(*labEntry)) labEntry {
		edit(&e)
		return e
	}
	nothing := func(*judge) {}
	for name, c := range map[string]struct {
		before func(*judge)
		logs   []nodeLog
		want   string // "" if nothing is wrong
	}{
		"all is well":       {nothing, all(mine...), ""},
		"a node is behind":  {nothing, []nodeLog{{node: "a", entries: mine[:1]}, {node: "b", entries: mine}}, ""},
		"one lacks some":    {nothing, []nodeLog{{node: "a", complete: true, entries: mine[:1]}, {node: "b", entries: mine}}, "a has 1 entries and b has 2"},
		"one skips some":    {nothing, []nodeLog{{node: "a", entries: mine[1:]}, {node: "b", entries: mine}}, "a has {3 2 1-2} where b has {2 2 1-1}"},
		"another term":      {nothing, []nodeLog{{node: "a", entries: []labEntry{with(one, func(e *labEntry) { e.Term = 1 }), two}}, {node: "b", entries: mine}}, "where"},
		"lost":              {nothing, all(one), "{3 2 1-2} was acknowledged and is lost"},
		"twice":             {nothing, all(one, two, with(one, func(e *labEntry) { e.Index = 4 })), "is there 2 times"},
		"elsewhere":         {nothing, all(one, with(two, func(e *labEntry) { e.Index = 4 })), "was acknowledged as"},
		"never appended":    {nothing, all(one, two, labEntry{4, 2, "?"}), "was never appended"},
		"indexes fall":      {nothing, all(two, one), "{2 2 1-1} is after {3 2 1-2}"},
		"out of order":      {nothing, all(two, one), "is after number 2 of the same writer"},
		"terms fall":        {nothing, all(one, two, labEntry{4, 1, "?"}), "{4 1 ?} is after"},
		"two lead":          {func(j *judge) { j.led(3, "a"); j.led(3, "b") }, all(mine...), "a and b lead term 3"},
		"refused and there": {func(j *judge) { j.end(j.begin(2, 1), labEntry{}, gaggle.ErrClosed) }, all(one, two, labEntry{4, 2, "2-1"}), "though its append ended with"},
		"uncertain, there": {func(j *judge) { j.end(j.begin(2, 1), labEntry{}, gaggle.ErrUncertain) },
			all(one, two, labEntry{4, 2, "2-1"}), ""},
		"uncertain, not there": {func(j *judge) { j.end(j.begin(2, 1), labEntry{}, gaggle.ErrUncertain) }, all(mine...), ""},
		"never ended, there":   {func(j *judge) { j.begin(2, 1) }, all(one, two, labEntry{4, 2, "2-1"}), ""},
		"before its time": {func(j *judge) { j.begin(2, 1) },
			all(one, labEntry{3, 2, "2-1"}, with(two, func(e *labEntry) { e.Index = 4 })), "was begun when index 3 was acknowledged"},
		"two outcomes": {func(j *judge) { j.end("1-1", two, nil) }, all(mine...), "ended as"},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJudge()
			first, second := j.begin(1, 1), j.begin(1, 2)
			j.end(first, one, nil)
			j.end(second, two, nil)
			c.before(j)
			faults := strings.Join(j.verdict(c.logs), "\n")
			if c.want == "" && faults != "" || !strings.Contains(faults, c.want) {
				t.Errorf("the verdict is %q, want %q", faults, c.want)
			}
		})
	}
}
