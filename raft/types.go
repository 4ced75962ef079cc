package raft

import "fmt"

// A Term numbers a period of the cluster's life that has at most one leader
// (thesis §3.3). Terms start at 1; 0 means "before any term".
type Term uint64

// An Index is a position in the log. The first entry has index 1; 0 means
// "before the first entry".
type Index uint64

// A NodeID is the identity of one node. It is never used again once the node
// has lost what it promised: a node without a disk has a new one at each start.
// The core treats it as opaque.
type NodeID string

// None is the NodeID that stands for "nobody".
const None NodeID = ""

// An EntryType says who reads an entry's data.
type EntryType uint8

const (
	// EntryNormal carries a command of the layer above. The core never looks inside.
	EntryNormal EntryType = iota
	// EntryNoOp is the empty entry with which a leader starts its term (§6.4).
	EntryNoOp
	// EntryConfiguration carries a Configuration in the encoding of
	// Configuration.AppendBinary. It takes effect when it is appended (§4.1).
	EntryConfiguration

	entryTypes // how many there are
)

// Valid reports whether the type is one that this version knows.
func (t EntryType) Valid() bool { return t < entryTypes }

func (t EntryType) String() string {
	switch t {
	case EntryNormal:
		return "normal"
	case EntryNoOp:
		return "noop"
	case EntryConfiguration:
		return "configuration"
	default:
		return fmt.Sprintf("EntryType(%d)", uint8(t))
	}
}

// An Entry is one element of the log. Once it has been given to the core, or
// received from it, neither side changes it or the bytes of Data.
type Entry struct {
	// Index is the entry's place, one above that of the entry before it.
	Index Index
	// Term is that of the leader who appended it, and never falls along a log.
	Term Term
	Type EntryType
	// Data is what Type says; empty in a no-op. The core sets no limit to one entry.
	Data []byte
}

// entryOverhead is what an entry counts for beyond its data, in bytes, wherever
// sizes are limited. It keeps a flood of empty entries from counting as nothing.
const entryOverhead = 32

// Size is what the entry counts for, in bytes, wherever the core limits sizes.
func (e *Entry) Size() int { return len(e.Data) + entryOverhead }

// A Position names an entry, or the end of a log, by its index and term.
// Two logs that hold the same position hold the same entries up to it
// (Log Matching, §3.5).
type Position struct {
	// Index is 0, and Term with it, before the first entry; neither is 0 without the other.
	Index Index
	Term  Term
}

func (p Position) String() string { return fmt.Sprintf("%d@%d", p.Index, p.Term) }

// AtLeastAsUpToDate reports whether a log that ends at p may be voted for by one
// that ends at q (§3.6.1): the later term wins, and in one term the longer log.
func (p Position) AtLeastAsUpToDate(q Position) bool {
	return p.Term > q.Term || p.Term == q.Term && p.Index >= q.Index
}

// HardState is the pair that a node must not forget: its term and the candidate
// it voted for in it. They are one record, written in one write, so no crash can
// come between them.
type HardState struct {
	// Term never falls.
	Term Term
	// VotedFor is None until there is a vote in Term, and then does not change in it.
	VotedFor NodeID
}

// A Role is what a node is at the moment.
type Role uint8

const (
	// Follower: hears a leader, or waits for one.
	Follower Role = iota
	// PreCandidate: asks whether an election could be won, before it disturbs
	// anyone by starting one (§9.6).
	PreCandidate
	// Candidate: asks for votes in its own new term.
	Candidate
	// Leader: orders the log.
	Leader
)

func (r Role) String() string {
	switch r {
	case Follower:
		return "follower"
	case PreCandidate:
		return "pre-candidate"
	case Candidate:
		return "candidate"
	case Leader:
		return "leader"
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// A SnapshotMeta says what a snapshot stands for: every entry up to Last, and the
// configuration that was in effect, and committed, at Last (§5.1).
type SnapshotMeta struct {
	// Last is the last entry that the snapshot stands for; 0@0 is no snapshot.
	Last Position
	// Configuration is empty only if there is no snapshot.
	Configuration Configuration
	// ConfigurationIndex is the index of the entry that set Configuration,
	// at most Last.Index; 0 if it was never set.
	ConfigurationIndex Index
}
