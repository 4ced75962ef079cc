package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// outcome is what a run of the command came to.
type outcome struct {
	code      int
	out, errs string
}

// patience is how long anything may take before a test gives up on it.
const patience = 3 * time.Minute

// A stream keeps what several write to it, as a log and an output do to standard error.
type stream struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *stream) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// runCommand runs the command in this process.
func runCommand(ctx context.Context, in io.Reader, args ...string) outcome {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var out, errs stream
	code := run(ctx, args, in, &out, &errs)
	return outcome{code, out.String(), errs.String()}
}

// runDemo runs the demo on some input: on the memory channel with a fake clock.
func runDemo(t *testing.T, in string, args ...string) (o outcome) {
	t.Helper()
	args = append([]string{"demo"}, args...)
	if slices.Contains(args, "tcp") {
		return runCommand(t.Context(), strings.NewReader(in), args...)
	}
	synctest.Test(t, func(t *testing.T) {
		o = runCommand(t.Context(), strings.NewReader(in), args...)
	})
	return o
}

// event is any object that --json writes.
type event struct {
	Event, Node         string
	Index, Term         uint64
	Value               string
	State, Role, Leader string
	Waiting, Problem    string
	Commit, Applied     uint64
	Members             []string
	Nodes, Entries      int
	Lines               int
	Elections           int
	Identical           bool
	Seconds             float64
}

// eventFields are the fields of each event, and must all be there.
var eventFields = map[string][]string{
	"committed":   {"event", "index", "node", "term", "value"},
	"leader":      {"event", "node", "term"},
	"stopped":     {"event", "node"},
	"listening":   {"address", "event", "node"},
	"status":      {"applied", "commit", "event", "leader", "members", "node", "role", "state", "term"},
	"uncommitted": {"event", "lines", "node"},
	"summary":     {"elections", "entries", "event", "identical", "nodes", "seconds"},
}

// parseEvent reads a line that --json wrote.
func parseEvent(line string) (event, error) {
	var fields map[string]json.RawMessage
	var e event
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		return e, fmt.Errorf("%q is not an object: %w", line, err)
	}
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		return e, fmt.Errorf("%q: %w", line, err)
	}
	if e.Event == "status" { // which has these only if there is something to say
		delete(fields, "waiting")
		delete(fields, "problem")
	}
	if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, eventFields[e.Event]) {
		return e, fmt.Errorf("%q has the fields %v, want those of an event that is known: %v", line, got, eventFields[e.Event])
	}
	return e, nil
}

// events reads all that --json wrote.
func (o outcome) events(t *testing.T) []event {
	t.Helper()
	if o.code != 0 {
		t.Fatalf("exit code %d: %s", o.code, o.errs)
	}
	if !strings.HasSuffix(o.out, "\n") {
		t.Fatalf("the output %q does not end with a line", o.out)
	}
	var events []event
	for line := range strings.Lines(o.out) {
		e, err := parseEvent(line)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// place is an entry and where it is.
type place struct {
	index, term uint64
	value       string
}

// committed lists, for each node, what it committed.
func committed(events []event) map[string][]place {
	nodes := map[string][]place{}
	for _, e := range events {
		if e.Event == "committed" {
			nodes[e.Node] = append(nodes[e.Node], place{e.Index, e.Term, e.Value})
		}
	}
	return nodes
}

// checkLog checks that a log has certain values, each as often as they say, and that
// indexes rise and terms do not fall.
func checkLog(t *testing.T, node string, log []place, values []string) {
	t.Helper()
	got := make([]string, len(log))
	for i, p := range log {
		got[i] = p.value
		if i > 0 && (p.index <= log[i-1].index || p.term < log[i-1].term) {
			t.Errorf("%s: %+v comes after %+v", node, p, log[i-1])
		}
	}
	if want := slices.Sorted(slices.Values(values)); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("%s committed %.300q, want in some order %.300q", node, got, want)
	}
}
