package wire

import (
	"fmt"

	"github.com/ben-ng/gaggle/raft"
)

// A ClusterID is the identity of a cluster, made when it is founded: nodes of two
// clusters that share a name never take each other's messages. The zero value
// stands for "no cluster yet".
type ClusterID [16]byte

// String is the id in hexadecimal.
func (id ClusterID) String() string { return fmt.Sprintf("%x", id[:]) }

// A GroupID numbers the Raft groups that share a process and its connections.
// There is one today, 0.
type GroupID uint32

// A Frame is what travels as one unit from one node to another: an envelope and
// the messages for one group, in order.
type Frame struct {
	// Cluster is the sender's; zero while it knows none, as in the hello of a fresh node.
	Cluster ClusterID
	// Group is 0 today, and a receiver refuses others.
	Group GroupID
	// From is the sender, never None; To is the receiver, None in a broadcast. Each is
	// at most MaxNodeID bytes.
	From, To raft.NodeID
	// Messages are each one of: *raft.Message (whose From and To are the frame's, which
	// is then not a broadcast), *Hello, *Proposals, *ProposalsRefused, *ReadIndex,
	// *ReadIndexReply, *Call, *CallReply, *Retired, *SnapshotChunk, *SnapshotReply,
	// *FetchEntries, *FetchedEntries, *StateHash, *FetchBackup, *BackupOutline,
	// *FetchBackupPart, *BackupPart. There are at most MaxMessages.
	Messages []any
}

// A HelloState says how far a node is in founding or joining a cluster.
type HelloState uint8

const (
	// Fresh: belongs to no cluster.
	Fresh HelloState = iota
	// Member: belongs to the cluster in the frame's envelope.
	Member
	// Standby: has heard of the cluster in the frame's envelope and waits for a
	// place in it.
	Standby

	helloStates // how many there are
)

func (s HelloState) String() string {
	switch s {
	case Fresh:
		return "fresh"
	case Member:
		return "member"
	case Standby:
		return "standby"
	default:
		return fmt.Sprintf("HelloState(%d)", uint8(s))
	}
}

// Hello introduces a node to all others of its cluster name, again and again.
// Package founding gives the fields their meaning.
type Hello struct {
	// Size is how many voters the node thinks the cluster has.
	Size uint32
	// Name is what its user calls the node, at most MaxName bytes; for people only.
	Name  string
	State HelloState
	// Pledge is the charter the node has pledged to, at most MaxMembers ids; nil if
	// none.
	Pledge []raft.NodeID
	// Charter is, for a member, the nodes that founded its cluster, at most MaxMembers.
	Charter []raft.NodeID
	// Abandoned are the ids of charters that the node will never activate, at most
	// MaxAbandoned.
	Abandoned []ClusterID
	// Starts is how often the node's directory was started, this time included, and 0
	// for a node without one. Nonce is a random number of this process. So a node can be
	// told from a copy of it.
	Starts, Nonce uint64
	// Contested are claims of which the node has heard that another process goes by the
	// same id, at most MaxContested.
	Contested []Claim
}

// A Claim is what a process said of itself: that it is a node, started for the so
// many-th time.
type Claim struct {
	ID raft.NodeID
	// Starts is not 0: a node without a disk has an id of its own. Nonce is the process's.
	Starts, Nonce uint64
}

// Proposals asks the leader to append commands of one node's session. They have
// consecutive serial numbers, so that those that were lost, repeated or overtaken
// can be told.
type Proposals struct {
	// Entries are whole commands, as they will stand in the log: at most MaxEntries,
	// each of at most MaxEntryData bytes.
	Entries [][]byte
}

// ProposalsRefused says that some of a node's Proposals were not appended.
type ProposalsRefused struct {
	// Reason applies to all of them.
	Reason RefusalReason
}

// A RefusalReason says why a node did not do what only a leader can do.
type RefusalReason uint8

const (
	// NotLeader: ask the leader; the next heartbeat will name it.
	NotLeader RefusalReason = iota
	// Busy: a limit is reached or leadership is on its way; ask again later.
	Busy

	refusalReasons // how many there are
)

func (r RefusalReason) String() string {
	switch r {
	case NotLeader:
		return "not leader"
	case Busy:
		return "busy"
	default:
		return fmt.Sprintf("RefusalReason(%d)", uint8(r))
	}
}

// ReadIndex asks the leader for a read index (thesis §6.4).
type ReadIndex struct {
	// Token is the asker's number for it.
	Token uint64
}

// ReadIndexReply answers ReadIndex.
type ReadIndexReply struct {
	// Token is that of the ReadIndex.
	Token uint64
	// OK is false if the receiver does not lead or ceased to; ask again.
	OK bool
	// Index must have been applied before the read is served, if OK.
	Index raft.Index
}

// Call asks the leader to run a named handler.
type Call struct {
	// ID is the caller's number for it, echoed in the reply.
	ID uint64
	// Name is that of the handler, at most MaxName bytes.
	Name string
	// Timeout is how long the caller will wait, in milliseconds; 0 is for ever.
	Timeout uint64
	// Payload is at most MaxCallPayload bytes.
	Payload []byte
}

// A CallStatus says how a Call ended.
type CallStatus uint8

const (
	// CallDone: the handler returned; Payload is its result.
	CallDone CallStatus = iota
	// CallFailed: the handler returned an error; Payload is its text.
	CallFailed
	// CallNotLeader: the handler was not run; ask the leader.
	CallNotLeader
	// CallUnknown: there is no handler of that name on the leader.
	CallUnknown
	// CallBusy: the handler was not run; too many are running.
	CallBusy
	// CallUncertain: the node ceased to lead while the handler ran.
	CallUncertain

	callStatuses // how many there are
)

func (s CallStatus) String() string {
	switch s {
	case CallDone:
		return "done"
	case CallFailed:
		return "failed"
	case CallNotLeader:
		return "not leader"
	case CallUnknown:
		return "unknown"
	case CallBusy:
		return "busy"
	case CallUncertain:
		return "uncertain"
	default:
		return fmt.Sprintf("CallStatus(%d)", uint8(s))
	}
}

// CallReply answers Call.
type CallReply struct {
	ID     uint64
	Status CallStatus
	// Payload is at most MaxCallPayload bytes.
	Payload []byte
}

// Retired tells a node that says it is a member that it is none any more: it was cut off
// when it was replaced, and nobody sends it the log that says so.
type Retired struct {
	// Index is that of a configuration, not 0, which is committed and leaves the receiver
	// out. One that has applied the entry there knows better already.
	Index raft.Index
}
