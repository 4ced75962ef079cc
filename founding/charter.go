package founding

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A Charter names the nodes that found a cluster. It is immutable once made.
type Charter struct {
	// Cluster is the identity of the cluster that the charter founds.
	Cluster wire.ClusterID
	// Voters are its first voters, sorted and without repetition: as many as the
	// cluster's size.
	Voters []raft.NodeID
}

// NewCharter makes the charter of these voters, in any order, for a cluster name.
// The voters must be distinct.
func NewCharter(name string, voters []raft.NodeID) Charter {
	sorted := slices.Sorted(slices.Values(voters))
	return Charter{Cluster: clusterID(name, sorted), Voters: sorted}
}

// clusterID is the start of the SHA-256 of the name, the size and the sorted voters.
// Every text comes after its length, so that no two lists of texts look the same.
func clusterID(name string, voters []raft.NodeID) wire.ClusterID {
	b := appendText([]byte("gaggle charter "), name)
	b = binary.BigEndian.AppendUint64(b, uint64(len(voters)))
	for _, id := range voters {
		b = appendText(b, string(id))
	}
	sum := sha256.Sum256(b)
	return wire.ClusterID(sum[:len(wire.ClusterID{})])
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
}

// has reports whether a node is one of the voters.
func (c Charter) has(id raft.NodeID) bool {
	_, found := slices.BinarySearch(c.Voters, id)
	return found
}

// majority is how many of the voters make a quorum of the cluster.
func (c Charter) majority() int { return len(c.Voters)/2 + 1 }

// isCharter reports whether these ids, as another node sent them, are the voters of a
// charter for a cluster of this size.
func isCharter(ids []raft.NodeID, size int) bool {
	if len(ids) != size {
		return false
	}
	last := raft.None
	for _, id := range ids {
		if id <= last {
			return false
		}
		last = id
	}
	return true
}
