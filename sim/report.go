package sim

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// A Property is something that has to hold.
type Property string

// The properties. Those of figure 3.2 of Ongaro's thesis have its names.
const (
	ElectionSafety     Property = "Election Safety"
	LeaderAppendOnly   Property = "Leader Append-Only"
	LogMatching        Property = "Log Matching"
	LeaderCompleteness Property = "Leader Completeness"
	StateMachineSafety Property = "State Machine Safety"

	// CoreInvariant is one of raft's own, of a state or a step.
	CoreInvariant Property = "core invariant"
	// A node comes back from a crash with all that was durable, and nothing that it never had.
	Durability Property = "what was durable comes back"
	// Refused: a node does not run in a directory that is not whole, or not its own.
	Refused Property = "a directory that is not the node's is refused"
	// Promise: what a message says is on its sender's disk when it leaves (§3.8).
	Promise Property = "durable before said"
	// OneVote: a node votes once in a term, also across restarts.
	OneVote Property = "one vote a term"
	// Elected: who leads a term has the votes of a quorum.
	Elected Property = "a leader has a quorum's votes"
	// MessageFromLog: what a leader sends is in its log.
	MessageFromLog Property = "messages are the leader's log"
	// Acknowledged: what a node acknowledges is in its log as in the leader's.
	Acknowledged Property = "an acknowledgement matches"
	// CommitWitness: what a leader commits is of its term, and a quorum has
	// acknowledged it.
	CommitWitness Property = "a commit is its leader's, and has a quorum"
	// CommitKnown: what others believe to be committed is.
	CommitKnown Property = "known commits are commits"
	// Choosable: what a quorum may have acknowledged for all that can be known is not
	// lost, nor is anybody elected, or voted for, who lacks it.
	Choosable Property = "what may be chosen is kept"
	// ReadFresh: a read sees all that was committed anywhere when it began.
	ReadFresh Property = "reads are fresh"

	// ExactlyOnce, NodeOrder and Honest are what the engine promises: a value is in
	// the log once, values of one node are in their order, and what was said of an
	// append turns out to be so.
	ExactlyOnce Property = "exactly once"
	NodeOrder   Property = "order of one node"
	Honest      Property = "answers are true"
	// SameFeed: every node yields the same.
	SameFeed Property = "all nodes yield the same"
	// SameState: the state machines of all nodes have one state at an index, and a node is
	// only stopped for another one if it has that.
	SameState Property = "all nodes have one state"
	// Linearizable: there is an order of all operations that explains what clients saw.
	Linearizable Property = "linearizable"
	// OneCluster: fresh nodes found one cluster, not two.
	OneCluster Property = "one cluster"
	// Bounded: nothing grows beyond its limit.
	Bounded Property = "bounded"
	// Liveness: once all is well, all that was begun ends, and all nodes agree.
	Liveness Property = "liveness"
	// Conforms: each step of a core is one of the specification's, spec/raft.epr.
	Conforms Property = "the specification"
	// NoPanic: the code does not panic.
	NoPanic Property = "no panic"
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
