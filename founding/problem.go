package founding

import (
	"fmt"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A SizeMismatchError says that another node of the same cluster name was given another
// size. It does not count as one of those who could found the cluster, and what it says
// is ignored. It is reported once for each such node.
type SizeMismatchError struct {
	// Node is the other node, Name what people call it.
	Node raft.NodeID
	Name string
	// Ours is this node's size, Theirs the other node's.
	Ours, Theirs int
}

func (e *SizeMismatchError) Error() string {
	return fmt.Sprintf("founding: node %s is for a cluster of %d, this node for one of %d: "+
		"one of them was configured wrongly", label(e.Node, e.Name), e.Theirs, e.Ours)
}

// A TwoClustersError says that two clusters were founded under one name. Each is
// consistent, but they know nothing of each other: a person has to choose one, and to
// start the nodes of the other anew. It is reported once for each other cluster.
type TwoClustersError struct {
	// Ours is the cluster of this node.
	Ours wire.ClusterID
	// Theirs is the cluster of Node, which people call Name.
	Theirs wire.ClusterID
	Node   raft.NodeID
	Name   string
}

func (e *TwoClustersError) Error() string {
	return fmt.Sprintf("founding: node %s is of cluster %v, this node of cluster %v of the same name: "+
		"stop the nodes of one of them", label(e.Node, e.Name), e.Theirs, e.Ours)
}

// label is how a node is called where people read it.
func label(id raft.NodeID, name string) string {
	if name == "" || name == string(id) {
		return string(id)
	}
	return fmt.Sprintf("%s (%s)", name, id)
}
