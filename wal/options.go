package wal

import (
	"fmt"

	"github.com/ben-ng/gaggle/raft"
)

// Limits and defaults of Options.
const (
	// DefaultSegmentBytes is the size of a segment.
	DefaultSegmentBytes = 16 << 20
	// MinSegmentBytes and MaxSegmentBytes bound it.
	MinSegmentBytes = 16 << 10
	MaxSegmentBytes = 1 << 40
	// DefaultLoadBytes is how much of the entries Open brings into memory.
	DefaultLoadBytes = 256 << 20
)

// Options say which log is meant, and how it is to be kept.
type Options struct {
	// Identity is that of the directory. Files of another one are refused.
	Identity [16]byte
	// SegmentBytes is the size of new segments, a multiple of vfs.SectorSize between
	// MinSegmentBytes and MaxSegmentBytes; 0 is DefaultSegmentBytes. A single entry has
	// to fit into a segment.
	SegmentBytes int64
	// LoadBytes is how much of the newest entries Open loads, by raft.Entry.Size; 0 is
	// DefaultLoadBytes.
	LoadBytes int64
	// Whole says that the entries before the snapshot are wanted, too. Damaged ones among
	// them are to be repaired then; otherwise the log begins after them.
	Whole bool
	// Snapshots are the usable ones that lie beside the log, in any order: Open goes by
	// the newest.
	Snapshots []raft.SnapshotMeta
}

func (o *Options) complete() error {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = DefaultSegmentBytes
	}
	if o.LoadBytes == 0 {
		o.LoadBytes = DefaultLoadBytes
	}
	if o.SegmentBytes < MinSegmentBytes || o.SegmentBytes > MaxSegmentBytes || o.SegmentBytes%sectorSize != 0 || o.LoadBytes < 0 {
		return fmt.Errorf("wal: segments of %d bytes, %d bytes to load", o.SegmentBytes, o.LoadBytes)
	}
	return nil
}

// snapshot is the newest one; zero if there is none.
func (o *Options) snapshot() raft.SnapshotMeta {
	var newest raft.SnapshotMeta
	for _, s := range o.Snapshots {
		if s.Last.Index > newest.Last.Index {
			newest = s
		}
	}
	return newest
}
