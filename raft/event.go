package raft

// An Event is something that happened to a node: one of the types below.
// Core.Step takes it; what follows from it is in the next Core.Update.
type Event interface{ event() }

// Tick says that one unit of time has passed. How long that is, is the caller's
// choice; all of Config's timeouts count ticks.
type Tick struct{}

// Receive delivers a message. The core may keep its body.
type Receive struct{ Message *Message }

// Propose asks the leader to append entries, all of them or none. Only their Data is
// read and kept; the core sets the rest, and does not keep the slice.
// Errors: ErrNotLeader, ErrTransferring, ErrBusy.
type Propose struct{ Entries []Entry }

// Persisted says that the write handed out with this number, and all before it,
// are durable.
type Persisted struct{ Write uint64 }

// Applied says that entries up to Index have been applied.
type Applied struct{ Index Index }

// Read asks the leader for an index such that a state that has applied it
// reflects everything committed before the request (ReadIndex, §6.4). The answer
// comes as a ReadResult with this Token, which the core does not interpret and
// the caller does not reuse while it is open.
// Errors: ErrNotLeader, ErrBusy.
type Read struct{ Token uint64 }

// ChangeConfiguration asks the leader to make Voters and Learners the members
// of the cluster. New voters first catch up as learners (§4.2.1); then a joint
// configuration leads over (§4.3). One change is made at a time. The outcome comes
// as a ChangeResult.
// Errors: ErrNotLeader, ErrTransferring, ErrChangeInProgress, ErrInvalidConfiguration.
type ChangeConfiguration struct {
	// Voters, 1 to MaxMembers, in any order; who votes now and is not in it is removed.
	Voters []NodeID
	// Learners, at most MaxMembers, none of them in Voters.
	Learners []NodeID
}

// TransferLeadership asks the leader to hand over to a voter, or, with None, to
// the voter that is furthest ahead (§3.10). While it tries, for at most one
// election timeout, proposals are refused.
// Errors: ErrNotLeader, ErrTransferring, ErrNotVoter.
type TransferLeadership struct{ To NodeID }

// Retire says that a committed configuration at Index leaves this node out, though its log
// may not show it: nobody sends it the log any more. Until it commits that index, it stands
// for no election. It could win none; it only would not know.
type Retire struct{ Index Index }

// Unreachable says that messages to a node were dropped before they were sent,
// so that the core does not count on what it sent.
type Unreachable struct{ Node NodeID }

// SnapshotTaken says that a durable snapshot covers the log up to Index, which
// has been applied; entries up to CompactTo, at most Index, may go (§5.1). Core.TermDurable has to
// have been so before the snapshot became durable: no crash may leave a snapshot, and take the
// term in which its end was committed.
// Errors: ErrOutOfRange.
type SnapshotTaken struct{ Index, CompactTo Index }

// SnapshotSent reports how sending a snapshot to a node ended, before the node's
// own answer: if it failed, the core will ask for it again later.
type SnapshotSent struct {
	// Node is who SendSnapshot.To named.
	Node NodeID
	// Failed says that the node certainly does not have all of it.
	Failed bool
}

// SnapshotFetched says that a snapshot that any other node has is durable here, and wanted in the
// place of entries that are to be applied next, cannot be read from the disk, and are compacted
// wherever they were. The core has it restored, with Update.Restore. By the Log Matching property
// (§3.5) its state is that of every log that has its last entry, whether its sender leads or not,
// and that is committed, as somebody has applied it. See Core.Takes for when it is taken.
// Errors: ErrOutOfRange.
type SnapshotFetched struct {
	// Term is that of the node that sent it, when it began to: a term that began before its
	// end was committed is not later.
	Term Term
	Meta SnapshotMeta
}

// Loaded answers a Load, once. What it was asked for may not be wanted any more; then
// it has no effect.
type Loaded struct {
	// Load is the one that is answered, as it was given.
	Load Load
	// Entries are those from Load.First on: at least one, at most to Load.Last, and not
	// more than Load.MaxBytes but for one. They are read, or found in a cache; neither
	// side changes them after this.
	Entries []Entry
	// Err, if not nil, says that they could not be read. They are asked for again after
	// the next heartbeat, as long as the node leads and they are not compacted.
	Err error
}

// Unload says that the entries up to an index, which are applied and durable, need not be
// kept in memory any more. The disk has to keep them until they are compacted.
// Errors: ErrOutOfRange.
type Unload struct{ UpTo Index }

// Repaired says that no entry of the log is damaged on disk any more: what was damaged has
// been written again, cut off by Write.Truncate, or compacted; or a snapshot that covers it was
// restored. It ends what Saved.Impaired began.
type Repaired struct{}

func (Tick) event()                {}
func (Receive) event()             {}
func (Propose) event()             {}
func (Persisted) event()           {}
func (Applied) event()             {}
func (Read) event()                {}
func (ChangeConfiguration) event() {}
func (TransferLeadership) event()  {}
func (Retire) event()              {}
func (Unreachable) event()         {}
func (SnapshotTaken) event()       {}
func (SnapshotSent) event()        {}
func (SnapshotFetched) event()     {}
func (Loaded) event()              {}
func (Unload) event()              {}
func (Repaired) event()            {}

// An Update is what follows from the events since the last one: what to write,
// send, apply and answer. Its parts may be carried out in any order and at the same
// time: what may not leave before a write is durable is not in it yet, and
// comes with a later Update, after the Persisted event. The list of
// messages is valid until Update is called again; all else is the receiver's, who must
// not change the entries.
type Update struct {
	// Write is what to make durable; nil if nothing.
	Write *Write
	// Messages are to be sent, in this order where the channel keeps order.
	Messages []Message
	// CommittedStored, if not empty, are the next entries to apply, before Committed: they
	// are on disk only, and it is for the owner to read them. It happens after a start
	// from what Saved.Stored names. If some are damaged, they have to come from another
	// node first; or a snapshot that covers them is restored in their place, as the
	// receiver finds fit.
	CommittedStored Range
	// Committed are the next entries to apply, in order, each exactly once: runs of
	// one sequence, as the log happens to hold them.
	Committed [][]Entry
	// Restore, if not nil, is a snapshot to install in the state machine before
	// CommittedStored and Committed are applied: it replaces all that was applied before,
	// and what was handed out before it and is not applied yet must not be. The log begins
	// behind it: all of it anew, if there is a Write with the same snapshot, and what follows
	// stays, if there is none. Then the disk need not be told; what it has up to the end of
	// the snapshot may go.
	Restore *SnapshotMeta
	// Reads are the outcomes of Read events.
	Reads []ReadResult
	// Changes are the outcomes of ChangeConfiguration events, in their order.
	Changes []ChangeResult
	// SendSnapshots asks for the latest snapshot to be sent to each of these nodes.
	SendSnapshots []SendSnapshot
	// Loads ask for entries that are on disk only, to be sent to other nodes. Each is
	// answered by a Loaded event, which may be later and in any order.
	Loads []Load
}

// A Range is the entries from one index to another, both included. It is empty if First
// is 0.
type Range struct{ First, Last Index }

// A Load asks for entries that are on disk only.
type Load struct {
	// To is the node that they are for, and Session its membership. At most one Load of
	// a membership is open.
	To      NodeID
	Session uint64
	// First is the index of the first entry, Last that of the last that may be loaded.
	// As many are wanted as MaxBytes allows by Entry.Size, and at least one.
	First, Last Index
	MaxBytes    int
}

// A Write is one record for the log writer, made durable as one atom, in the
// order of its parts: snapshot, hard state, truncation, entries.
type Write struct {
	// Number counts the writes: 1, 2, 3, …; Persisted refers to it.
	Number uint64
	// Snapshot, if not nil, replaces the whole log: what follows starts after it.
	Snapshot *SnapshotMeta
	// HardState, if not nil, replaces the term and vote.
	HardState *HardState
	// Truncate, if not 0, removes the entries from this index on.
	Truncate Index
	// Entries follow what is there: runs of one sequence, as with Committed.
	Entries [][]Entry
}

// A ReadResult answers a Read.
type ReadResult struct {
	// Token is that of the Read.
	Token uint64
	// Index must have been applied before the read is served.
	Index Index
	// Err is ErrNotLeader if leadership ended before the read was confirmed.
	Err error
}

// A ChangeResult says how a ChangeConfiguration ended: nil, ErrNotLeader if this
// node ceased to lead before the end was known, or ErrCatchUp.
type ChangeResult struct{ Err error }

// SendSnapshot asks for a snapshot to be sent: the latest one, in a message with
// this header.
type SendSnapshot struct {
	// To, Term and Session go into the message: the receiver, the leader's term, and
	// InstallSnapshot.Session.
	To      NodeID
	Term    Term
	Session uint64
}
