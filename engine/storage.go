package engine

import "github.com/ben-ng/gaggle/raft"

// A Storage makes writes durable, and does everything else with the disk that may take its
// time, while the node's turns go on. It belongs to one node. A simulator has its own; what
// New makes of a Home has a goroutine for each lane.
type Storage interface {
	// Write begins a write and does not wait for it. It returns true if it and all before it
	// are durable already; else done is called with its number when they are, from any
	// goroutine, perhaps for several at once with the highest number. If there is no room,
	// done is called with 0 and an ErrDiskFull, and the write goes on when there is. Any
	// other error is final: nothing is written any more.
	Write(w *raft.Write, done func(number uint64, err error)) bool
	// Do runs a job off the turn, after those given to its lane before. Jobs that have not
	// begun when the storage is closed never run.
	Do(lane Lane, job func())
	// Close ends all that Do has begun, and waits for it.
	Close() error
}

// A Lane is a sequence of jobs. Lanes do not wait for each other.
type Lane uint8

const (
	// LogLane has the jobs that change the log, between its writes.
	LogLane Lane = iota
	// ReadLane has the jobs that read, for other nodes and for what is to be applied.
	ReadLane
	// SnapshotLane has the jobs that write snapshots, which may take long.
	SnapshotLane
	// IdleLane has the jobs that can wait: to make room ahead, to look for rot.
	IdleLane

	lanes // how many there are
)

// inMemory is the storage of a node that keeps nothing: the core has the log, and when the
// process ends, the node ends with it.
type inMemory struct{ *lanesRun }

func (inMemory) Write(*raft.Write, func(uint64, error)) bool { return true }
