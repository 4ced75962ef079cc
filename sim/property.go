package sim

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
	// Snapshots: what a snapshot stands for is committed, and it only takes the place of what
	// it does not go on from.
	Snapshots Property = "snapshots are of what is committed"
	// Choosable: what a quorum may have acknowledged for all that can be known is not
	// lost, nor is anybody elected, or voted for, who lacks it.
	Choosable Property = "what may be chosen is kept"
	// ReadFresh: a read sees all that was committed anywhere when it began.
	ReadFresh Property = "reads are fresh"
	// ReadConfirmed: before it is answered, a quorum has confirmed who leads.
	ReadConfirmed Property = "reads are confirmed by a quorum"

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
	// Pledges: what nodes pledge in founding is such that two clusters cannot come of it.
	Pledges Property = "pledges lead to one cluster"
	// Bounded: nothing grows beyond its limit.
	Bounded Property = "bounded"
	// Liveness: once all is well, all that was begun ends, and all nodes agree.
	Liveness Property = "liveness"
	// Conforms: each step of a core is one of the specification's, spec/raft.epr.
	Conforms Property = "the specification"
	// NoPanic: the code does not panic.
	NoPanic Property = "no panic"
)

// A Class says from where it can be seen that a property does not hold.
type Class string

// The classes.
const (
	// Visible is what a user can see: what nodes yield and apply, answers, that there are none,
	// a node that does not come back as it was, or that breaks off.
	Visible Class = "safety"
	// Inside is what has to hold of the nodes, their disks and messages so that users see none
	// of that, and what package raft asserts of itself.
	Inside Class = "invariants"
	// Specified is that each step is one of the specification's.
	Specified Class = "checker"
)

// Classes are all of them.
func Classes() []Class { return []Class{Visible, Inside, Specified} }

// Class is that of a property; "" if it is none of the above.
func (p Property) Class() Class {
	switch p {
	case StateMachineSafety, Durability, Refused, ReadFresh, ExactlyOnce, NodeOrder, Honest,
		SameFeed, SameState, Linearizable, OneCluster, Liveness, NoPanic:
		return Visible
	case ElectionSafety, LeaderAppendOnly, LogMatching, LeaderCompleteness, CoreInvariant, Promise,
		OneVote, Elected, MessageFromLog, Acknowledged, CommitWitness, CommitKnown, Snapshots,
		Choosable, ReadConfirmed, Pledges, Bounded:
		return Inside
	case Conforms:
		return Specified
	}
	return ""
}
