package founding

import (
	"fmt"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A SizeMismatchError says that another node of the same cluster name was given another
// size. It does not count as one of those who could found the cluster, and what it says
// is ignored. It is reported once for each such node, until that is silent.
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
// start the nodes of the other anew. It is reported once for each other cluster, until
// nobody of that is heard.
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

// A CopiedError says that two processes go by the id of one node: its directory was
// copied, or an older state of it was brought back. Each may have promised what the other
// one does not know, so that the safe way out is to stop both and to start a node from an
// empty directory in their place. Nodes report it of others, and when they hear that
// another process goes by their own id. It is reported again if the other process is heard
// again after it has been silent.
type CopiedError struct {
	// Node is the id that both go by, Name what people call the one that was heard last.
	Node raft.NodeID
	Name string
	// Starts is how often the directory was started, by the process that was started
	// more often, and Other that of the other process. If they are equal, both have to
	// stop, and otherwise the other.
	Starts, Other uint64
}

func (e *CopiedError) Error() string {
	return fmt.Sprintf("founding: two processes go by the id of node %s, in starts %d and %d of its directory: "+
		"it was copied, or an older one brought back", label(e.Node, e.Name), e.Starts, e.Other)
}

// label is how a node is called where people read it.
func label(id raft.NodeID, name string) string {
	if name == "" || name == string(id) {
		return string(id)
	}
	return fmt.Sprintf("%s (%s)", name, id)
}
