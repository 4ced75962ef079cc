package raft

import "errors"

// Errors of Core.Step. Unless one is an ErrInvariant, the event had no effect.
var (
	// ErrNotLeader: only the leader can do this; Core.Status names it if it is known.
	ErrNotLeader = errors.New("raft: not the leader")
	// ErrTransferring: the leader is handing over; ask again after one election timeout.
	ErrTransferring = errors.New("raft: leadership is being transferred")
	// ErrBusy: a limit of Config is reached; ask again when something has committed.
	ErrBusy = errors.New("raft: too much in flight")
	// ErrChangeInProgress: the last configuration change is not finished.
	ErrChangeInProgress = errors.New("raft: a configuration change is in progress")
	// ErrInvalidConfiguration: no voters, a node twice, or too many.
	ErrInvalidConfiguration = errors.New("raft: invalid configuration")
	// ErrNotVoter: leadership can only go to another voter.
	ErrNotVoter = errors.New("raft: not another voter")
	// ErrCatchUp: new voters did not catch up in time; they remain learners.
	ErrCatchUp = errors.New("raft: new voters did not catch up")
	// ErrOutOfRange: the index is not one that this can be asked for.
	ErrOutOfRange = errors.New("raft: index out of range")
	// ErrInvalidMessage: no correct node of this cluster sends such a message.
	ErrInvalidMessage = errors.New("raft: invalid message")
	// ErrInvariant: the core found itself in a state that must not be. It refuses
	// everything from then on; the node must stop.
	ErrInvariant = errors.New("raft: broken invariant")
)
