package wire

import "github.com/ben-ng/gaggle/raft"

// StateHash says what a node's state was at an index at which all nodes look at theirs.
// Nodes that have applied the same entries have the same state: one whose hash is
// another than that of most has gone wrong.
type StateHash struct {
	// Index is that of the last entry in the state, not 0.
	Index raft.Index
	Hash  uint64
}

func (*StateHash) size() int { return 8 + 8 }

func (x *StateHash) check(raft.Term) error { return checkIndex(x.Index) }

func (x *StateHash) encode(b []byte) []byte {
	return appendU64(appendU64(b, uint64(x.Index)), x.Hash)
}

func (x *StateHash) decode(r *reader) {
	x.Index = r.index()
	x.Hash = r.u64()
}
