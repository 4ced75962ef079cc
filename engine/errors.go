package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ben-ng/gaggle/raft"
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
	// ErrInvariant: the node found a state that must not be, and stopped.
	ErrInvariant = raft.ErrInvariant
)

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
