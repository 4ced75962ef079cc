package wal

import (
	"fmt"

	"github.com/ben-ng/gaggle/raft"
)

// Recovered is what Open found.
type Recovered struct {
	// Saved is what the core starts from. Its entries are the newest ones, after the
	// snapshot and after the last faulty one.
	Saved raft.Saved
	// Faulty are entries whose index and term are known and whose data cannot be read,
	// ascending. Repair puts them right.
	Faulty []raft.Position
	// Beheaded says that the first blocks that the log has cannot be read. Which entries were
	// in them nobody knows: it begins after Saved.Compacted as if these had been compacted.
	Beheaded bool
	// Lost, if not nil, is ErrLost and says that the term, the vote or the extent of what
	// was acknowledged cannot be trusted: the node must not take part under its id again.
	// Saved is what can be read, and the log takes no writes.
	Lost error
	// Cut is what was removed from the end of the log, as it had not been written whole;
	// nil if nothing was.
	Cut *Cut
	// Bytes were read, of Segments and Blocks; of these, Unreadable sectors could not be.
	Bytes            uint64
	Segments, Blocks int
	Unreadable       int
}

// A Cut says where the end of a log was removed: what had begun to be written there when
// the power went, and had never been acknowledged.
type Cut struct {
	// Segment and Offset are where in which file, in bytes.
	Segment uint64
	Offset  int64
	// Last is the end of the log as it is now.
	Last raft.Position
}

func (c *Cut) String() string {
	return fmt.Sprintf("a write that was torn, at byte %d of segment %d; the log ends at %v", c.Offset, c.Segment, c.Last)
}
