package gaggle

import (
	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/vfs"
)

// Sentinels, for errors.Is. Each function lists those that it may return.
var (
	// ErrUncertain: it is not known whether the operation took effect. An append is in
	// the log once or not at all, a call ran once or not at all, and either may yet take
	// effect. The value in the log proves that it was appended. That it is absent proves
	// nothing: while the node lives, it goes on sending the value, and when it has been
	// closed, what it had sent may be on its way. See Node.Append for what to do.
	ErrUncertain = engine.ErrUncertain
	// ErrClosed: this node was closed.
	ErrClosed = engine.ErrClosed
	// ErrBusy: too much of this node's is in flight: 65,536 appends or 64 MiB of them, or
	// as many reads and calls. Nothing was done; wait for some of it.
	ErrBusy = engine.ErrBusy
	// ErrTooLarge: the encoded value exceeds MaxValue, 1 MiB. Nothing was done.
	ErrTooLarge = engine.ErrTooLarge
	// ErrStandby: the cluster has all its members, and this node is not one. Nothing was
	// done.
	ErrStandby = engine.ErrStandby
	// ErrQuorumLost: this member has not heard of a leader for two ElectionMax, which is
	// what it sees when a majority, or the way to it, is gone. It comes with the error of
	// the context that ended the waiting of an Append or Wait whose value was not sent, of
	// a Read, or of a call that was not sent. Nothing was done.
	ErrQuorumLost = engine.ErrQuorumLost
	// ErrTwoClusters: two clusters use one name on one channel. It is in Status.Problem
	// and ProblemFound, and returned by nothing.
	ErrTwoClusters = engine.ErrTwoClusters
	// ErrSizeMismatch: nodes of one name were given different sizes. It is in
	// Status.Problem and ProblemFound, and returned by nothing.
	ErrSizeMismatch = engine.ErrSizeMismatch
	// ErrNotLeader: leadership has ended; what Leader.Append was given was not appended.
	ErrNotLeader = engine.ErrNotLeader
	// ErrNoHandler: the leader has no handler of that name. Nothing ran.
	ErrNoHandler = engine.ErrNoHandler
	// ErrCompacted: the entries that Entries was to begin with are not in the log any more;
	// a *CompactedError says where it begins.
	ErrCompacted = engine.ErrCompacted
	// ErrLocked: the directory is in use, by this process or another.
	ErrLocked = vfs.ErrLocked
	// ErrForeign: the directory is that of another node, or of a node of another cluster.
	ErrForeign = engine.ErrForeign
	// ErrIncomplete: a part of the directory is missing.
	ErrIncomplete = engine.ErrIncomplete
	// ErrCopied: the directory is a copy, which Join returns; or the node found out that
	// another process goes by its id, and stopped itself, which takes the place of ErrClosed.
	ErrCopied = engine.ErrCopied
	// ErrDisk: the node's disk failed, and it stopped itself: what is on it can only be
	// trusted when it is read again. It takes the place of ErrClosed, and is in Status.Problem.
	ErrDisk = engine.ErrDisk
	// ErrDiskFull: there is no room for what the node has to write. It goes on by itself when
	// there is. It is in Status.Problem, and returned by nothing.
	ErrDiskFull = engine.ErrDiskFull
	// ErrDiskHangs: a write, or its sync, has not come to its end for ElectionMin, and longer.
	// The node goes on by itself when it does; a leader hands over. It is in Status.Problem,
	// and returned by nothing.
	ErrDiskHangs = engine.ErrDiskHangs
	// ErrDamaged: something on the node's disk is damaged, and is fetched from the others. It
	// is in Status.Problem if nobody has it, and returned by Entries that meet it.
	ErrDamaged = engine.ErrDamaged
	// ErrDiverged: the node's state is not that of the others at the same index, and it
	// stopped itself, which takes the place of ErrClosed; or, as there is no majority for any
	// state, nobody did, and it is in Status.Problem.
	ErrDiverged = engine.ErrDiverged
	// ErrMachine: the Apply of a Replica, or what writes its snapshot, panicked, or a command
	// or the state could not be decoded, and the node stopped itself. It takes the place of
	// ErrClosed then, and is in Status.Problem, with the entry's index. The other nodes apply
	// the same. Where making a snapshot of the state ended with an error, the node goes on: it
	// keeps its log, and has this in Status.Problem.
	ErrMachine = engine.ErrMachine
	// ErrInvariant: the node found a state that must not be, and stopped itself. It takes
	// the place of ErrClosed then, and is in Status.Problem. It is a bug: report it.
	ErrInvariant = engine.ErrInvariant
)

// MaxValue is the largest encoded value, in bytes: 1 MiB. It bounds the arguments and
// results of calls, too.
const MaxValue = engine.MaxValue

// An Error says what failed, and what can be done about it:
//
//	Op           what was attempted: "join", "append", "read", "call", "entries", …
//	Node, Term   where, and the latest term that the node knew; 0 if none
//	Err          why: a sentinel, the error of a context or of a codec, or several
//	Hint         what to do next, or what is known, in words
//
// Use errors.Is for the reason, and errors.As for the rest.
//
// In full: go doc github.com/ben-ng/gaggle/engine.Error
type Error = engine.Error

// A CompactedError says that entries were asked for that are not in the log any more: From
// is what was asked for, First the first index that is available. It is an ErrCompacted.
//
// In full: go doc github.com/ben-ng/gaggle/engine.CompactedError
type CompactedError = engine.CompactedError

// A RemoteError is what a leader handler failed with, as text, since it comes from another
// node: errors.Is finds nothing in it. Call is the handler's name, Text what its error
// said, up to 1 MiB.
//
// In full: go doc github.com/ben-ng/gaggle/engine.RemoteError
type RemoteError = engine.RemoteError

// Hints to errors of codecs, which know nothing of nodes.
const (
	encodeHint = "nothing was done; give a value that the codec takes, or join with another codec"
	decodeHint = "see that all nodes have the same types and the same codec"
)
