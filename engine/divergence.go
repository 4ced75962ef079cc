package engine

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// keptSums is how many checkpoints the sums of others are kept for: a node that is slow to
// write its snapshot hears of those of the others before.
const keptSums = 4

// divergence compares the states of nodes, which are to be equal at equal indexes. They
// are not if applying depends on anything but the state and the entry: a clock, the order
// of a map, the version of the program.
type divergence struct {
	// own is this node's state at its latest checkpoint, 0 if there is none.
	own stateSum
	// heard are the latest sums of other members, by who sent them.
	heard map[raft.NodeID][]stateSum
	told  uint64
}

// A stateSum is the sum of the state at an index.
type stateSum struct {
	index raft.Index
	sum   uint64
}

// compareState takes note of this node's own state at a checkpoint.
func (n *Node) compareState(index raft.Index, sum uint64) {
	n.divergence.own = stateSum{index, sum}
	n.divergence.told = 0
	n.tellState()
	n.judgeState()
}

// tellState tells the other members of the state. It is said again from time to time, as
// messages may be lost.
func (n *Node) tellState() {
	d := &n.divergence
	if d.own.index == 0 || d.told > 0 && n.now-d.told < uint64(n.config.Raft.ElectionTicksMax) {
		return
	}
	d.told = max(n.now, 1)
	for _, id := range n.core.Status().Configuration.Members() {
		if id != n.config.ID {
			n.post(id, &wire.StateHash{Index: d.own.index, Hash: d.own.sum})
		}
	}
}

// stateHeard takes note of another member's state.
func (n *Node) stateHeard(from raft.NodeID, m *wire.StateHash) {
	d := &n.divergence
	if !n.core.Status().Configuration.Member(from) {
		return
	}
	sums := slices.DeleteFunc(d.heard[from], func(s stateSum) bool { return s.index == m.Index })
	sums = append(sums, stateSum{m.Index, m.Hash})
	if len(sums) > keptSums {
		sums = slices.Delete(sums, 0, 1)
	}
	d.heard[from] = sums
	n.judgeState()
}

// judgeState stops the node if a majority of the voters have one state, and this node has
// another. If there is no majority for any, nobody can say which is right.
func (n *Node) judgeState() {
	d := &n.divergence
	if d.own.index == 0 {
		return
	}
	votes := map[uint64]int{}
	voters := n.core.Status().Configuration.Voters
	for _, id := range voters {
		for _, s := range d.heard[id] {
			if s.index == d.own.index {
				votes[s.sum]++
			}
		}
		if id == n.config.ID {
			votes[d.own.sum]++
		}
	}
	if len(votes) < 2 {
		if votes[d.own.sum] > len(voters)/2 {
			n.solved(statesDiffer, "")
		}
		return
	}
	err := fmt.Errorf("%w: at index %d, where %d voters of %d have its state", ErrDiverged, d.own.index, votes[d.own.sum], len(voters))
	for sum, count := range votes { // at most one has a majority
		if sum != d.own.sum && count > len(voters)/2 {
			n.fail(err)
			return
		}
	}
	n.complain(slog.LevelError, "the nodes' states differ", raft.None, err)
	n.found(statesDiffer, "", n.failure("compare", err, divergedHint))
}

const divergedHint = "applying an entry must depend on nothing but the state and the entry, and equal states must be written as equal bytes; " +
	"a node that has stopped can begin anew with an empty directory"
