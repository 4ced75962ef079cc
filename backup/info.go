package backup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// Info says what a backup is of.
type Info struct {
	// Name is that of the cluster, at most 255 bytes, and Cluster its identity.
	Name    string
	Cluster wire.ClusterID
	// Base is the position before the first entry in it, 0 where the log begins, and Last
	// that of the last.
	Base, Last raft.Position
	// Snapshot is the position of the snapshot in it, 0 if there is none; SnapshotSize is the
	// length of its file in bytes, and SnapshotSum its checksum.
	Snapshot     raft.Position
	SnapshotSize int64
	SnapshotSum  uint64
	// Configuration is that in effect at Last.
	Configuration raft.Configuration
	// Size is the length of the whole in bytes, and Sum the SHA-256 of all before it in the
	// file; they are known at the end.
	Size int64
	Sum  [32]byte
}

const (
	magic   = "gagglebk"
	version = 1
	// fixedSize is what comes before the cluster's name in the header, and prefixSize what
	// comes before the length that it gives.
	prefixSize = 16
	fixedSize  = 97
	// maxHeader bounds that length in bytes: the largest configuration has 64 members in each
	// of four lists, with ids of 128 bytes, of which a cluster has one or two at a time.
	maxHeader = 64 << 10
	// maxCount bounds the index and term of the last entry: no cluster has counted so far, and
	// one that is restored counts on from there.
	maxCount = math.MaxInt64
	// MaxName is the longest name of a cluster, in bytes.
	MaxName = 255
)

var le = binary.LittleEndian

// newInfo is what an outline says.
func newInfo(name string, cluster wire.ClusterID, o *wire.BackupOutline) Info {
	return Info{
		Name: name, Cluster: cluster, Base: o.Base, Last: o.Last,
		Snapshot: o.Snapshot, SnapshotSize: int64(o.Size), SnapshotSum: o.Sum, Configuration: o.Configuration,
	}
}

// header is the encoding of what is known at the beginning.
func (i *Info) header() []byte {
	b := append([]byte(magic), make([]byte, 8)...)
	le.PutUint32(b[8:], version)
	b = append(b, i.Cluster[:]...)
	for _, p := range []raft.Position{i.Base, i.Last, i.Snapshot} {
		b = le.AppendUint64(le.AppendUint64(b, uint64(p.Index)), uint64(p.Term))
	}
	b = le.AppendUint64(b, uint64(i.SnapshotSize))
	b = le.AppendUint64(b, i.SnapshotSum)
	b = append(append(b, byte(len(i.Name))), i.Name...)
	b, _ = i.Configuration.AppendBinary(b) // which documents that it never fails
	le.PutUint32(b[12:], uint32(len(b)-prefixSize))
	return b
}

// headerLength is how much follows the beginning of a header.
func headerLength(prefix []byte) (int, error) {
	if string(prefix[:8]) != magic {
		return 0, ErrNotBackup
	}
	if v := le.Uint32(prefix[8:]); v != version {
		return 0, fmt.Errorf("%w %d", ErrVersion, v)
	}
	length := le.Uint32(prefix[12:])
	if length < fixedSize-prefixSize || length > maxHeader {
		return 0, damaged(12, "a header of %d bytes", length)
	}
	return int(length), nil
}

// decodeHeader reads a whole header.
func decodeHeader(b []byte) (Info, error) {
	position := func(at int) raft.Position {
		return raft.Position{Index: raft.Index(le.Uint64(b[at:])), Term: raft.Term(le.Uint64(b[at+8:]))}
	}
	i := Info{
		Cluster: wire.ClusterID(b[16:]), Base: position(32), Last: position(48), Snapshot: position(64),
		SnapshotSize: int64(le.Uint64(b[80:])), SnapshotSum: le.Uint64(b[88:]),
	}
	end := fixedSize + int(b[fixedSize-1])
	if end > len(b) {
		return Info{}, damaged(fixedSize-1, "a name that is longer than the header")
	}
	i.Name = string(b[fixedSize:end])
	if err := i.Configuration.UnmarshalBinary(b[end:]); err != nil {
		return Info{}, damaged(int64(end), "%w", err)
	}
	if err := i.check(); err != nil {
		return Info{}, damaged(prefixSize, "%w", err)
	}
	return i, nil
}

// check reports what no backup is of.
func (i *Info) check() error {
	switch {
	case i.Last.Index == 0 || i.Last.Term == 0 || i.Last.Index < i.Base.Index || i.Last.Term < i.Base.Term:
		return fmt.Errorf("entries after %v up to %v", i.Base, i.Last)
	case i.Last.Index > maxCount || i.Last.Term > maxCount:
		return fmt.Errorf("a last entry at %v, behind which no cluster could go on", i.Last)
	case i.SnapshotSize < 0 || (i.SnapshotSize == 0) != (i.Snapshot == raft.Position{}):
		return fmt.Errorf("a snapshot at %v of %d bytes", i.Snapshot, i.SnapshotSize)
	case i.Snapshot.Index < i.Base.Index || i.Snapshot.Index > i.Last.Index:
		return fmt.Errorf("a snapshot at %v among entries after %v up to %v", i.Snapshot, i.Base, i.Last)
	case len(i.Name) > MaxName:
		return errors.New("a name that is too long")
	}
	return nil
}
