package gaggle

import (
	"errors"

	"github.com/ben-ng/gaggle/engine"
)

// Sentinels, for errors.Is. See where they are returned for what they mean there.
var (
	// ErrUncertain: it is not known whether the operation took effect, once, or not.
	ErrUncertain = engine.ErrUncertain
	// ErrClosed: the node is closed.
	ErrClosed = engine.ErrClosed
	// ErrBusy: too much of this node's is in flight.
	ErrBusy = engine.ErrBusy
	// ErrTooLarge: the encoded value exceeds MaxValue.
	ErrTooLarge = engine.ErrTooLarge
	// ErrStandby: the cluster has all its members, and this node is not one.
	ErrStandby = engine.ErrStandby
	// ErrQuorumLost: no leader has been heard for a while. It comes with the error of
	// the context that ended the waiting.
	ErrQuorumLost = engine.ErrQuorumLost
	// ErrTwoClusters: two clusters use one name on one channel. See Status.Problem.
	ErrTwoClusters = engine.ErrTwoClusters
	// ErrSizeMismatch: nodes of one name were given different sizes. See Status.Problem.
	ErrSizeMismatch = engine.ErrSizeMismatch
	// ErrNotLeader: leadership has ended; the operation did not take effect.
	ErrNotLeader = engine.ErrNotLeader
	// ErrNoHandler: the leader has no handler of that name.
	ErrNoHandler = engine.ErrNoHandler
	// ErrInvariant: the node found a state that must not be, and stopped.
	ErrInvariant = engine.ErrInvariant
)

// MaxValue is the largest encoded value, in bytes.
const MaxValue = engine.MaxValue

// An Error says what failed, on which node, in which term, why, and what to do next.
type Error = engine.Error

// A RemoteError is an error that a leader handler returned, as text.
type RemoteError = engine.RemoteError

// Status says how a node stands.
type Status = engine.Status

// MemberStatus is a part of Status.
type MemberStatus = engine.MemberStatus

// What a node is to its cluster: Status.State.
const (
	Founding = engine.Founding
	Member   = engine.Member
	Standby  = engine.Standby
	Stopped  = engine.Stopped
)

// An Event is what Watch yields: one of the types below.
type Event = engine.Event

// LeaderElected is the event that the node has learned who leads a term.
type LeaderElected = engine.LeaderElected

// RoleChanged is the event that the node's own role changed.
type RoleChanged = engine.RoleChanged

// Committed is the event that the node has applied the committed log up to an index.
type Committed = engine.Committed

// MembersChanged is the event that another configuration took effect on the node.
type MembersChanged = engine.MembersChanged

// StateChanged is the event that the node became a member or a standby, or stopped.
type StateChanged = engine.StateChanged

// ProblemFound is the event that something needs a person; [Status].Problem says it too.
type ProblemFound = engine.ProblemFound

// Missed is the event that the watcher was too slow, so that events were dropped.
type Missed = engine.Missed

func (n *Node[T]) failure(op string, err error) error {
	return &Error{Op: op, Node: n.ID(), Term: n.Status().Term, Err: err}
}

// wrapped makes err an *Error unless it is one.
func (n *Node[T]) wrapped(op string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	return n.failure(op, err)
}
