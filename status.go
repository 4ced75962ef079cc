package gaggle

import (
	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/raft"
)

// Status says how a node stands. It is a copy; changing it changes nothing. Its fields:
//
//	ID, Cluster, Size      the node's identity, and its options Name and Size
//	State                  Founding, Member, Standby or Stopped
//	Waiting                if not a member: what the node waits for, in words
//	ClusterID              tells clusters of one name apart; zero until one is known
//	Role, Term, Leader     this node's Role, the latest term it knows, and that term's
//	                       leader, "" if none is known
//	Commit, Applied        the last index known to be committed, and the last applied,
//	                       up to which Entries shows everything
//	MachineApplied         of a Replica: the last index that Apply has been called up to
//	Configuration          the voters and learners
//	Members                a MemberStatus for each of them, sorted by id
//	LeaderSilent           how long ago a leader was last known, or, if none was, the node
//	                       became a member, as of the last heartbeat
//	Problem                what needs a person now, the gravest of several, nil if nothing
//	                       does: an *Error with ErrTwoClusters, ErrCopied, ErrDiverged,
//	                       ErrDamaged, ErrDiskFull, ErrDiskHangs, ErrDisk, ErrMachine or
//	                       ErrSizeMismatch, or with what the node stopped for
//	DiskFull               the disk has no room now; the node goes on when it has
//	Dropped, Refused       frames lost to full queues or without a way; frames that were
//	                       malformed or not for this node, and messages in others that
//	                       no correct member sends: counts since the start
//
// In full: go doc github.com/ben-ng/gaggle/engine.Status
type Status = engine.Status

// MemberStatus is what a node knows of a member of its cluster:
//
//	ID       its identity
//	Voter    whether it votes; learners do not
//	Match    on the leader: the index up to which its log equals the leader's
//	Silent   on the leader: how long ago it answered
//
// In full: go doc github.com/ben-ng/gaggle/engine.MemberStatus
type MemberStatus = engine.MemberStatus

// Configuration says who the members of the cluster are: sorted lists of NodeIDs. Voters
// decide, Learners receive the log and do not. Outgoing and LearnersNext are empty but
// during a change of members.
//
// In full: go doc github.com/ben-ng/gaggle/raft.Configuration
type Configuration = raft.Configuration

// A State is what a node is to its cluster: Status.State. Its String is the name in lower
// case.
type State = engine.State

// The states of a node.
const (
	// Founding: it looks for a cluster, or for enough others to found one.
	Founding = engine.Founding
	// Member: it takes part in its cluster.
	Member = engine.Member
	// Standby: the cluster has all its members, and the node is not one of them. It takes
	// the place of one that is silent for as long as ReplaceAfter says.
	Standby = engine.Standby
	// Stopped: it was closed, or stopped itself with ErrDisk, ErrCopied, ErrMachine,
	// ErrDiverged or ErrInvariant.
	Stopped = engine.Stopped
)

// A Role is what a member does in its term: Status.Role. Its String is like "follower".
type Role = raft.Role

// The roles of a member.
const (
	// RoleFollower: it hears a leader, or waits for one.
	RoleFollower = raft.Follower
	// RolePreCandidate: it asks whether an election could be won, before it begins one.
	RolePreCandidate = raft.PreCandidate
	// RoleCandidate: it asks for votes in a new term.
	RoleCandidate = raft.Candidate
	// RoleLeader: it orders the log.
	RoleLeader = raft.Leader
)

// An Event is what Watch yields: a LeaderElected, RoleChanged, Committed, MembersChanged,
// MemberReplaced, StateChanged, ProblemFound, ProblemSolved or Missed. Use a type switch.
type Event = engine.Event

// LeaderElected is the event that the node has learned who leads a term. It has Leader, a
// NodeID, and Term.
type LeaderElected = engine.LeaderElected

// RoleChanged is the event that the node's own role changed. It has Role and Term.
type RoleChanged = engine.RoleChanged

// Committed is the event that the node has applied the committed log up to Index. Of
// several in a row that a watcher has not taken, it gets the last.
type Committed = engine.Committed

// MembersChanged is the event that another Configuration took effect on the node.
type MembersChanged = engine.MembersChanged

// MemberReplaced is the event, on the leader that began it, that a standby has taken the place
// of a silent member, or has not. It has Member, who was silent, By, and Err, nil if it was
// done.
type MemberReplaced = engine.MemberReplaced

// StateChanged is the event that the node became a member or a standby, or stopped. It has
// State.
type StateChanged = engine.StateChanged

// ProblemFound is the event that something needs a person. It has Problem, an error, which
// [Status].Problem says too, unless there is a graver one.
type ProblemFound = engine.ProblemFound

// ProblemSolved is the event that what a ProblemFound said is over. It has that Problem.
type ProblemSolved = engine.ProblemSolved

// Missed is the event that the watcher was too slow: Count events, the oldest of 1,024
// that waited, were dropped before those that follow.
type Missed = engine.Missed
