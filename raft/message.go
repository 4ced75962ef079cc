package raft

// A Message goes from one node's core to another's. It may be lost, repeated,
// delayed or overtaken by a later one. A message is immutable once sent.
type Message struct {
	// From and To are two different nodes, never None.
	From, To NodeID
	// Term is the sender's term, except in a pre-vote's request and its grant,
	// where it is the term that the candidate would start.
	Term Term
	// Body is never nil, and not changed once it is sent, as copies may share it.
	Body Body
}

// A Body is what a Message says: one of the types below, held by pointer.
type Body interface{ body() }

// RequestVote asks for a vote (§3.4), or, as a pre-vote, whether one would be
// given (§9.6).
type RequestVote struct {
	// PreVote asks only: neither side changes its term or vote for it.
	PreVote bool
	// Transfer is set when the leader itself asked the candidate to stand
	// (TimeoutNow): voters then do not protect that leader (§4.2.3).
	Transfer bool
	// Last is the end of the candidate's log.
	Last Position
}

// VoteReply answers RequestVote.
type VoteReply struct {
	// PreVote is that of the request.
	PreVote bool
	// Granted, if not set, may only say that the voter's term is newer.
	Granted bool
}

// AppendEntries replicates entries that follow Prev (§3.5). Without entries it
// only carries the commit index and a check that the log is as the leader
// thinks: then it is answered only to be refused.
type AppendEntries struct {
	// Session is the leader's number for this follower's present membership; the
	// reply carries it back, so that an answer from a former membership, in the
	// same term, is not taken for one of this.
	Session uint64
	// Prev is the position right before Entries, 0@0 at the beginning of the log.
	Prev Position
	// Entries follow Prev without a gap; Config.MaxMessageBytes limits their sizes.
	Entries []Entry
	// Commit is the leader's commit index, which may be beyond the last of Entries.
	Commit Index
}

// AppendReply answers AppendEntries, InstallSnapshot, and, with no more than its term, any
// message of an old term, whose sender learns the newer one from it.
type AppendReply struct {
	// Session is that of the message answered.
	Session uint64
	// Index is, when accepted, the last index up to which the follower's durable
	// log is known to equal the leader's; when rejected, the Prev.Index refused.
	Index Index
	// Rejected says that the log has no Prev, or that the message was of an old term.
	Rejected bool
	// Hint, when rejected, is the last position of the follower's log that might
	// match: the leader may skip everything between it and Index, whole terms at
	// a time (§3.5).
	Hint Position
}

// Heartbeat keeps the leader's authority and carries no entries.
type Heartbeat struct {
	// Session is as in AppendEntries.
	Session uint64
	// Commit never passes what the leader knows this follower to hold.
	Commit Index
	// ReadSequence is the latest read round (§6.4); the reply confirms it.
	ReadSequence uint64
}

// HeartbeatReply answers Heartbeat.
type HeartbeatReply struct {
	// Session and ReadSequence are those of the heartbeat.
	Session      uint64
	ReadSequence uint64
}

// InstallSnapshot replaces a follower's log up to Meta.Last (§5.3). The core
// sends and receives it without the state machine's data: the layer above moves
// that, and delivers this message to the follower's core when all of it is there.
type InstallSnapshot struct {
	// Session is as in AppendEntries.
	Session uint64
	// Meta is of the snapshot whose data has arrived in full.
	Meta SnapshotMeta
}

// TimeoutNow tells the receiver to stand for election at once (§3.10).
type TimeoutNow struct{}

func (*RequestVote) body()     {}
func (*VoteReply) body()       {}
func (*AppendEntries) body()   {}
func (*AppendReply) body()     {}
func (*Heartbeat) body()       {}
func (*HeartbeatReply) body()  {}
func (*InstallSnapshot) body() {}
func (*TimeoutNow) body()      {}
