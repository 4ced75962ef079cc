package snapshot

import (
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// An Identity says which bytes a snapshot's file has: two files with the same one are the
// same, on whatever node they are.
type Identity struct {
	// Last is the last entry that the snapshot stands for.
	Last raft.Position
	// Size is that of the file, in bytes.
	Size int64
	// Sum is the checksum over the checksums of all parts, from the file's footer.
	Sum uint64
}

// Info is what is known of a snapshot from its header and footer.
type Info struct {
	// Cluster is the one whose state it is.
	Cluster wire.ClusterID
	// Meta is what it stands for.
	Meta raft.SnapshotMeta
	// Size is that of the file, and Content that of the data in it, in bytes.
	Size, Content int64
	// Sum is that of the file's Identity.
	Sum uint64
	// Name is that of the file in its directory; empty for a stream.
	Name string
}

// Identity says which bytes the file has.
func (i Info) Identity() Identity {
	return Identity{Last: i.Meta.Last, Size: i.Size, Sum: i.Sum}
}
