package wire

import (
	"fmt"

	"github.com/ben-ng/gaggle/raft"
)

// SnapshotChunk is a part of the file of a snapshot, on its way from a leader to a
// follower that needs what the leader's log does not have any more; or from any node to one
// that has asked for entries (FetchEntries) for which the snapshot stands.
type SnapshotChunk struct {
	// Term is the sender's, not 0. Session is that of a leader's messages to the receiver, so
	// that what a leader of the past has sent can be told; otherwise 0.
	Term    raft.Term
	Session uint64
	// Last is the last entry in the snapshot: its index and term are not 0, and the term
	// is at most Term.
	Last raft.Position
	// Size is the length of the whole file in bytes, not 0, and Sum its checksum. Files
	// of the same Last, Size and Sum are the same file, whoever sends them.
	Size, Sum uint64
	// Offset is where in the file Data begin, in bytes. They end within Size.
	Offset uint64
	// Data are at most MaxChunkData bytes. Without any, the chunk only asks how far
	// the receiver is.
	Data []byte
}

// snapshotChunkSize is the size of one without data.
const snapshotChunkSize = 8 + 8 + 16 + 8 + 8 + 8

func (c *SnapshotChunk) size() int { return snapshotChunkSize + len(c.Data) }

func (c *SnapshotChunk) check(raft.Term) error {
	if err := checkPosition(c.Last); err != nil {
		return err
	}
	if c.Last.Term > c.Term {
		return malformed("a snapshot at %v in term %d", c.Last, c.Term)
	}
	if err := atMost("data of a chunk", len(c.Data), MaxChunkData); err != nil {
		return err
	}
	if c.Size == 0 || c.Offset > c.Size || uint64(len(c.Data)) > c.Size-c.Offset {
		return malformed("%d bytes from byte %d on in a snapshot of %d", len(c.Data), c.Offset, c.Size)
	}
	return nil
}

func (c *SnapshotChunk) encode(b []byte) []byte {
	b = appendU64(b, uint64(c.Term))
	b = appendU64(b, c.Session)
	b = appendPosition(b, c.Last)
	b = appendU64(b, c.Size)
	b = appendU64(b, c.Sum)
	b = appendU64(b, c.Offset)
	return append(b, c.Data...)
}

func (c *SnapshotChunk) decode(r *reader) {
	c.Term = raft.Term(r.u64())
	c.Session = r.u64()
	c.Last = r.position()
	c.Size = r.u64()
	c.Sum = r.u64()
	c.Offset = r.u64()
	c.Data = r.tail()
}

// A SnapshotStatus says what became of the chunks of a snapshot.
type SnapshotStatus uint8

const (
	// SnapshotWanted: go on, from Next.
	SnapshotWanted SnapshotStatus = iota
	// SnapshotInstalled: the receiver has all of it, durably, or needs it no more.
	SnapshotInstalled
	// SnapshotRefused: the receiver cannot use it, or has no room for it. What it had of
	// it is gone.
	SnapshotRefused

	snapshotStatuses // how many there are
)

func (s SnapshotStatus) String() string {
	switch s {
	case SnapshotWanted:
		return "wanted"
	case SnapshotInstalled:
		return "installed"
	case SnapshotRefused:
		return "refused"
	default:
		return fmt.Sprintf("SnapshotStatus(%d)", uint8(s))
	}
}

// SnapshotReply answers SnapshotChunk.
type SnapshotReply struct {
	// Session, Last and Sum are those of the chunk.
	Session uint64
	Last    raft.Position
	Sum     uint64
	// Next is how many bytes of the file, from its beginning, the receiver has.
	Next   uint64
	Status SnapshotStatus
}

func (*SnapshotReply) size() int { return 8 + 16 + 8 + 8 + 1 }

func (x *SnapshotReply) check(raft.Term) error {
	if x.Status >= snapshotStatuses {
		return malformed("status %d", uint8(x.Status))
	}
	return checkPosition(x.Last)
}

func (x *SnapshotReply) encode(b []byte) []byte {
	b = appendU64(b, x.Session)
	b = appendPosition(b, x.Last)
	b = appendU64(b, x.Sum)
	b = appendU64(b, x.Next)
	return append(b, byte(x.Status))
}

func (x *SnapshotReply) decode(r *reader) {
	x.Session = r.u64()
	x.Last = r.position()
	x.Sum = r.u64()
	x.Next = r.u64()
	x.Status = SnapshotStatus(r.u8())
}

// checkPosition makes sure that a position names an entry.
func checkPosition(p raft.Position) error {
	if p.Index == 0 || p.Term == 0 {
		return malformed("position %v", p)
	}
	return nil
}
