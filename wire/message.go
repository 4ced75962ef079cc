package wire

import "github.com/ben-ng/gaggle/raft"

// A ClusterID is the identity of a cluster, made when it is founded: nodes of two
// clusters that share a name never take each other's messages. The zero value
// stands for "no cluster yet".
type ClusterID [16]byte

// A GroupID numbers the Raft groups that share a process and its connections.
// There is one today, 0.
type GroupID uint32

// A Frame is what travels as one unit from one node to another: an envelope and
// the messages for one group, in order.
type Frame struct {
	Cluster ClusterID
	Group   GroupID
	From    raft.NodeID
	// To is None in a broadcast.
	To raft.NodeID
	// Messages are each one of: raft.Message (whose From and To are the frame's),
	// *Hello, *Proposals, *ProposalsRefused, *ReadIndex, *ReadIndexReply, *Call,
	// *CallReply.
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

	helloStates
)

// Hello introduces a node to all others of its cluster name, again and again.
// Package founding gives the fields their meaning.
type Hello struct {
	// Size is how many voters the node thinks the cluster has.
	Size uint32
	// Name is what its user calls the node; for people only.
	Name  string
	State HelloState
	// Pledge is the charter the node has pledged to, nil if none.
	Pledge []raft.NodeID
	// Charter is, for a member, the nodes that founded its cluster.
	Charter []raft.NodeID
	// Abandoned are the ids of charters that the node will never activate.
	Abandoned []ClusterID
}

// Proposals asks the leader to append commands of one node's session. They have
// consecutive serial numbers, so that those that were lost, repeated or overtaken
// can be told.
type Proposals struct {
	// Entries are whole commands, as they will stand in the log.
	Entries [][]byte
}

// ProposalsRefused says that some of a node's Proposals were not appended.
type ProposalsRefused struct {
	Reason RefusalReason
}

// A RefusalReason says why a node did not do what only a leader can do.
type RefusalReason uint8

const (
	// NotLeader: ask the leader; the next heartbeat will name it.
	NotLeader RefusalReason = iota
	// Busy: a limit is reached or leadership is on its way; ask again later.
	Busy

	refusalReasons
)

// ReadIndex asks the leader for a read index (thesis §6.4).
type ReadIndex struct {
	// Token is the asker's number for it.
	Token uint64
}

// ReadIndexReply answers ReadIndex.
type ReadIndexReply struct {
	Token uint64
	// OK is false if the receiver does not lead or ceased to; ask again.
	OK    bool
	Index raft.Index
}

// Call asks the leader to run a named handler.
type Call struct {
	// ID is the caller's number for it, echoed in the reply.
	ID   uint64
	Name string
	// Timeout is how long the caller will wait, in milliseconds; 0 is for ever.
	Timeout uint64
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

	callStatuses
)

// CallReply answers Call.
type CallReply struct {
	ID      uint64
	Status  CallStatus
	Payload []byte
}
