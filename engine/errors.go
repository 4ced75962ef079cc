package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wal"
)

// Sentinels, to be tested for with errors.Is. What is returned is an *Error around
// one of them, or around the error of a context.
var (
	// ErrUncertain: it is not known whether the operation took effect, or yet will. An
	// append is in the log at most once; a call ran at most once. That a value is not in
	// the log says nothing while it may be on its way.
	ErrUncertain = errors.New("the outcome is not known")
	// ErrClosed: this node was closed.
	ErrClosed = errors.New("the node is closed")
	// ErrBusy: too much of this node's is in flight. Wait for some of it.
	ErrBusy = errors.New("too much in flight")
	// ErrTooLarge: the encoded value is larger than MaxValue.
	ErrTooLarge = errors.New("the value is too large")
	// ErrStandby: the cluster has all its members, and this node is not one.
	ErrStandby = errors.New("the node is a standby")
	// ErrQuorumLost: no leader has been heard for a while, which is what a node sees
	// when a majority of the members, or the way to them, is gone.
	ErrQuorumLost = errors.New("no leader is heard")
	// ErrTwoClusters: two clusters use the same name on the same channel.
	ErrTwoClusters = errors.New("two clusters under one name")
	// ErrSizeMismatch: another node of the same cluster name was given another size.
	ErrSizeMismatch = errors.New("nodes disagree about the size of the cluster")
	// ErrNotLeader: the node does not lead, or ceased to lead the term in question.
	// The operation did not take effect.
	ErrNotLeader = errors.New("the node does not lead")
	// ErrNoHandler: the leader has no handler of that name.
	ErrNoHandler = errors.New("the leader has no handler of that name")
	// ErrCompacted: the entries that were asked for are not in the log any more. A
	// *CompactedError says where it begins.
	ErrCompacted = errors.New("the log is compacted")
	// ErrDisk: the node's disk failed, and the node stopped: what it holds can only be
	// trusted when it is read again.
	ErrDisk = errors.New("the disk failed")
	// ErrDiskFull: there is no room for what the node has to write. It goes on when there is.
	ErrDiskFull = errors.New("the disk is full")
	// ErrDiskHangs: a write has not come to its end for longer than a leader may be silent.
	ErrDiskHangs = errors.New("the disk hangs")
	// ErrDamaged: an entry on this node's disk is damaged, and not mended yet.
	ErrDamaged = errors.New("an entry is damaged")
	// ErrForeign: the directory is that of another node, or of a node of another cluster.
	ErrForeign = errors.New("the directory is not this node's")
	// ErrIncomplete: files are missing in the directory.
	ErrIncomplete = errors.New("the directory is incomplete")
	// ErrCopied: another process goes by this node's id, as its directory was copied, or an
	// older one brought back. This one has stopped.
	ErrCopied = wal.ErrCopied
	// ErrDiverged: the node's state is not that of the others at the same index.
	ErrDiverged = errors.New("the state is not that of the other nodes")
	// ErrMachine: the state machine panicked, or said that it cannot go on, and the node
	// stopped; or it returned an error instead of a snapshot, and the node goes on without.
	ErrMachine = errors.New("the state machine cannot go on")
	// ErrInvariant: the node found a state that must not be, and stopped.
	ErrInvariant = raft.ErrInvariant
)

// A CompactedError says that entries were asked for that are not in the log any more. It
// is an ErrCompacted.
type CompactedError struct {
	// From is what was asked for, First the first index that is available.
	From, First raft.Index
}

func (e *CompactedError) Error() string {
	return fmt.Sprintf("the log is compacted: entry %d was asked for, the first that is available is %d", e.From, e.First)
}

// Is makes it an ErrCompacted.
func (e *CompactedError) Is(target error) bool { return target == ErrCompacted }

// An Error says what failed, where, and what can be done about it.
type Error struct {
	// Op is what was attempted: "append", "read", "call", …
	Op string
	// Node and Term are where and when.
	Node raft.NodeID
	Term raft.Term
	// Err is the reason: one of the sentinels, the error of a context, or both.
	Err error
	// Hint says what to do next, or what is known; only what says it itself has none.
	Hint string
}

func (e *Error) Error() string {
	var b strings.Builder
	reason := strings.ReplaceAll(e.Err.Error(), "\n", ": ") // joined errors, in one line
	fmt.Fprintf(&b, "gaggle: %s: %s (node %s", e.Op, reason, e.Node)
	if e.Term > 0 {
		fmt.Fprintf(&b, ", term %d", e.Term)
	}
	b.WriteByte(')')
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }
