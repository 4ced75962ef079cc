package founding

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"

	"github.com/ben-ng/gaggle/raft"
)

// A Round is one attempt to found the cluster. Rounds are ordered, by Number and then
// by Proposer. The zero Round is before all others and stands for "none yet".
type Round struct {
	Number uint64
	// Proposer stands for the one node that may begin the round and choose its
	// charter. It is drawn from the node's id by proposerTag.
	Proposer uint64
}

func (r Round) compare(s Round) int {
	return cmp.Or(cmp.Compare(r.Number, s.Number), cmp.Compare(r.Proposer, s.Proposer))
}

// after reports whether r is a later round than s.
func (r Round) after(s Round) bool { return r.compare(s) > 0 }

// proposerTag makes ids, which may be long, into numbers of one size. That two of the
// few nodes of one name have the same tag has a probability of about 2⁻⁵⁰.
func proposerTag(id raft.NodeID) uint64 {
	sum := sha256.Sum256([]byte("gaggle proposer " + id))
	return binary.BigEndian.Uint64(sum[:])
}
