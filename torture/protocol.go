//go:build unix

package main

import "github.com/ben-ng/gaggle"

// A nodeConfig is the first line that a node's process reads.
type nodeConfig struct {
	Name      string
	Dir       string
	Advertise string
	Peers     []string
	Size      int
}

// A value is what is appended: an element of a list.
type value struct {
	List int
	// Op is the number of the operation that appends it, and unlike all others.
	Op int
	// Node and Run say which process proposes it, Turn the how manieth of its values it is.
	Node, Run, Turn int
	// Pad makes it larger.
	Pad []byte `json:",omitempty"`
}

// What a request asks for.
const (
	doAppend = "append"
	doRead   = "read"
	doStatus = "status"
	doReady  = "ready"
	doLog    = "log"
)

// A request is a line that a process reads.
type request struct {
	ID int64
	Do string
	// WithinMS is how long it may take, in milliseconds.
	WithinMS int64
	// Value, without its padding, is what to append, and Pad how many bytes that has.
	Value value `json:",omitzero"`
	Pad   int   `json:",omitempty"`
	// List is what to read.
	List int `json:",omitempty"`
	// From is the first index of the log to tell.
	From gaggle.Index `json:",omitempty"`
}

// An outcome says what became of an operation.
type outcome string

const (
	// done: it took effect.
	done outcome = "done"
	// refused: it did not, and will not.
	refused outcome = "refused"
	// unknown: it may have, and may yet.
	unknown outcome = "unknown"
)

// A reply is a line that a process writes: the answer to the request of that ID. The first
// has the ID 0 and is no answer.
type reply struct {
	ID      int64
	Outcome outcome
	Error   string `json:",omitempty"`
	// Index and Term say where the value is, of an append.
	Index gaggle.Index `json:",omitempty"`
	Term  gaggle.Term  `json:",omitempty"`
	// List is the list behind what was appended, or as it was read.
	List listState `json:",omitzero"`
	// Address is where the node listens, in the first line.
	Address string `json:",omitempty"`
	// Status answers a status.
	Status *nodeStatus `json:",omitempty"`
	// Entries answers a log: some of it, at least one unless that was all.
	Entries []logEntry `json:",omitempty"`
}

// A nodeStatus is how a node stands.
type nodeStatus struct {
	State, Leader, Problem string
	Term                   gaggle.Term
	DiskFull               bool
}

// A logEntry is an entry as a node tells of it.
type logEntry struct {
	Index gaggle.Index
	Term  gaggle.Term
	Value value
}
