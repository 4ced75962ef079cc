package founding

import (
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// An Event is something that happened to a node: one of the types below. Founder.Step
// takes it; what follows from it is in the next Founder.Update.
type Event interface{ event() }

// Tick says that one unit of time has passed. How long that is, is the caller's choice.
type Tick struct{}

// Heard says that a hello of another node has come. Hellos may be lost, late, repeated
// and out of order. The Founder keeps nothing of Hello, but may keep its strings.
type Heard struct {
	// From is the sender. A hello from nobody is ignored, and so is this node's own.
	From raft.NodeID
	// Cluster is what the frame's envelope says.
	Cluster wire.ClusterID
	// Hello may be of any size and make no sense: what cannot be is ignored.
	Hello *wire.Hello
}

// Placed says that the log of the cluster that this node knows has given it a place as a
// member, or has taken its place away. A fresh node ignores it.
type Placed struct{ Member bool }

func (Tick) event()   {}
func (Heard) event()  {}
func (Placed) event() {}

// An Update is what follows from the events since the last one. The receiver owns it,
// but must not change the slices in it.
type Update struct {
	// Persist, if not nil, is what the node must not forget. A node with a disk makes
	// it durable before it does anything else that this update or a later one says; one
	// without a disk takes a new id when it starts again.
	Persist *Saved
	// Broadcast, if not nil, is to be sent to all, with Cluster in the envelope.
	Broadcast *wire.Hello
	Cluster   wire.ClusterID
	// Activated, if not nil, says that this node is now a member of the cluster that
	// this charter founds. Every member starts from the same charter.
	Activated *Charter
	// Standby, if not nil, says that the cluster of this charter was founded without
	// this node, which now waits for a place in it.
	Standby *Charter
	// Problems are for a person to solve: *SizeMismatchError, *TwoClustersError or
	// *CopiedError. Solved are those of earlier updates that are over: what showed them has
	// not been heard for SilentTicks. If it is heard again, they are reported again.
	Problems, Solved []error
	// Copied, if not nil, says that this process must not go on: another one goes by
	// its id. It stops when it has carried out this update. There is no later one.
	Copied *CopiedError
}
