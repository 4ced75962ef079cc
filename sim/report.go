package sim

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// A Violation is a finding: a property that did not hold.
type Violation struct {
	Property Property      `json:"property"`
	Detail   string        `json:"detail"`
	At       time.Duration `json:"at"`
	// Step is the number of the event after which it was seen.
	Step int `json:"step"`
	// Specification is what did not fit the specification by then, whichever property was the
	// first that did not hold; empty if everything did.
	Specification string `json:"specification,omitempty"`
}

func (v *Violation) String() string { return fmt.Sprintf("%s: %s", v.Property, v.Detail) }

// stack adds where a panic came from.
func (v *Violation) stack() {
	var at []string
	for line := range strings.Lines(string(debug.Stack())) {
		if strings.HasPrefix(line, "\t") && !strings.Contains(line, "/sim/") && strings.Contains(line, ".go:") {
			at = append(at, strings.TrimSpace(line))
		}
	}
	if len(at) > 8 {
		at = at[:8]
	}
	v.Detail += " at " + strings.Join(at, ", ")
}

// A Report says what happened in a run, or in many.
type Report struct {
	Runs      int           `json:"runs"`
	Simulated time.Duration `json:"simulated"`
	Events    int           `json:"events"`
	Elections int           `json:"elections"`
	Commits   int           `json:"commits"`
	Reads     int           `json:"reads"`
	// Faults counts what was done to the world, by name: what is a trouble, what ends one,
	// and what an operator asks for. It has what came of that too, where it is rare: logs
	// that were cut, snapshots, configurations.
	Faults map[string]int `json:"faults"`
	// Hash is that of everything that happened, in its order.
	Hash uint64 `json:"hash"`
}

// notFaults are what Faults counts beside troubles.
var notFaults = []string{
	"mend", "heal disk", "resume", "restart", "change", "transfer", "compact", "log truncated",
	"unload", "repair", "entries loaded", "commit from the disk", "start with a log on disk", "disk of a leader hung for good",
	"snapshot taken", "snapshot sent", "snapshot installed", "state restored", "log compacted", "compacted before it was read", "configuration changed", "joint configuration",
}

// FaultCount is how many troubles there were.
func (r *Report) FaultCount() int {
	sum := 0
	for name, count := range r.Faults {
		if !slices.Contains(notFaults, name) {
			sum += count
		}
	}
	return sum
}

// Add takes another run into account.
func (r *Report) Add(other Report) {
	r.Runs += other.Runs
	r.Simulated += other.Simulated
	r.Events += other.Events
	r.Elections += other.Elections
	r.Commits += other.Commits
	r.Reads += other.Reads
	if r.Faults == nil {
		r.Faults = map[string]int{}
	}
	for name, count := range other.Faults {
		r.Faults[name] += count
	}
	r.Hash = (r.Hash ^ other.Hash) * hashFactor
}

func (w *world) finished() Report {
	r := w.report
	r.Runs, r.Simulated, r.Events, r.Hash = 1, w.now, w.step, w.trace.hash
	r.Commits = int(w.oracle.commit())
	return r
}
