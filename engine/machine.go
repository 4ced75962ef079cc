package engine

import (
	"io"

	"github.com/ben-ng/gaggle/raft"
)

// A Machine is a replicated state machine: what becomes of a state when the values of the
// log are applied to it, in their order. It has to come to the same on all nodes, so
// nothing but the state and the value may decide what Apply does.
//
// All methods are called by one goroutine at a time. One that panics stops its node, with
// ErrMachine, and not the process.
type Machine interface {
	// Apply applies a value, which is part of the log and must not be changed, and returns
	// what the node that proposed it is to know. An error says that the value cannot be
	// applied at all; it stops the node, with ErrMachine.
	Apply(index raft.Index, term raft.Term, value []byte) (result any, err error)
	// Snapshot captures the state as it is, and returns what writes it. Nothing is applied until
	// it returns, and no longer. What it returns is called once
	// at most, later and while values are applied, so it must not look at what they change.
	// Equal states have to be written as equal bytes. After an error, of either, the node goes
	// on without this snapshot and keeps its log; Status.Problem has it, with ErrMachine.
	Snapshot() (write func(io.Writer) error, err error)
	// Restore replaces the state by one that was written. After an error the state is of
	// no use, and the node stops.
	Restore(r io.Reader) error
}

// machineHint says what to do about ErrMachine.
const machineHint = "the other nodes apply the same and may stop as well: mend what applies the commands, and start them anew"
