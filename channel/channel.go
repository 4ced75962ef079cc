// Package channel defines what Gaggle asks of a transport.
//
// A channel moves frames, which are opaque bytes, between the nodes of a cluster.
// (It is not a Go chan: the word is this library's for "a way for nodes to reach
// each other".) A frame may be lost, repeated, delayed, or overtaken by a later
// one: Raft asks for nothing more, and neither does this contract. What a channel
// may not do is deliver bytes that nobody sent, block its callers, grow without
// bound, or drop without saying so where it can know.
//
// Packages memory and tcp are channels; channeltest is the suite that every
// channel must pass, yours too. These packages are for users; a program that takes one of
// the channels there are makes it and hands it to gaggle.Join, and needs nothing else here
// but ErrInUse.
package channel

import (
	"errors"
	"log/slog"

	"github.com/ben-ng/gaggle/raft"
)

// A Channel is where nodes meet. It is safe for concurrent use. Several nodes of one
// process may open the same one, unless it stands for the address of a single node.
type Channel interface {
	// Open attaches a node and starts delivery to its receiver, possibly before
	// Open returns. The node stays attached until its Port is closed; then the
	// channel may be opened again, under the same ID or another. Errors: ErrInUse if
	// the ID is attached here already, or if the channel has room for one node and
	// has one; what Self.Check returns; what the channel's own medium returns.
	Open(self Self, r Receiver) (Port, error)

	// CrossesProcesses reports whether the nodes that meet here can be in
	// different processes. Where they can, a node may outlive the others, and
	// keeping its log in memory only has to be asked for by name.
	CrossesProcesses() bool
}

// Self is what a node tells the channel about itself.
type Self struct {
	// ID is the node's identity, 1 to MaxNodeID bytes. Frames sent to it reach this
	// node and no other, whatever addresses are reused.
	ID raft.NodeID
	// Cluster is the name that the nodes of one cluster share, at most MaxCluster
	// bytes. Nodes of other names on the same channel do not hear each other.
	Cluster string
	// Log is told what an operator should know, at most a line a minute for each
	// kind of trouble with each peer. Nil is silence.
	Log *slog.Logger
}

// Check returns ErrInvalidSelf if a channel cannot take the identity or the cluster
// name, nil otherwise. Channels call it in Open.
func (s Self) Check() error {
	if len(s.ID) == 0 || len(s.ID) > MaxNodeID || len(s.Cluster) > MaxCluster {
		return ErrInvalidSelf
	}
	return nil
}

// A Class says how a frame is queued.
type Class uint8

const (
	// Urgent frames are small and overtake Bulk ones: votes, heartbeats, replies.
	Urgent Class = iota
	// Bulk frames carry entries. Those of one sender to one receiver should stay in
	// order: nothing breaks if they do not, but it costs repetition.
	Bulk
)

// A Port is one node's attachment to a channel. It is safe for concurrent use.
// Send and Broadcast never block, and do not keep or change a frame's bytes
// unless the frame was given with ownership (see Send).
type Port interface {
	// Send queues a frame for a node. The port owns the frame from then on, also
	// when an error is returned: the caller neither changes nor reuses its bytes.
	// Nil means queued, not delivered. Errors: ErrBusy if the queue for that node
	// is full (the frame is dropped; the limit is the channel's to document),
	// ErrUnknownPeer if the channel knows no way to the node now or the node is
	// the sender itself, ErrTooLarge, ErrClosed.
	Send(to raft.NodeID, class Class, frame []byte) error

	// Broadcast queues a frame, as Urgent, for every other node of the same cluster
	// name that the channel has a way to now. It is how nodes that do not know each
	// other yet meet, so it is heard by nodes that the sender has never heard of.
	// Nodes that come later do not hear it: callers repeat what matters. Ownership
	// and errors are as with Send; a full queue, or nobody to hear, is not an error.
	Broadcast(frame []byte) error

	// Close detaches the node and returns when the receiver will not be called any
	// more. Frames already queued may be lost. Closing twice is harmless.
	// Close must not be called from within the receiver.
	Close() error
}

// A Receiver takes what arrives for a node.
type Receiver interface {
	// Receive takes one frame, which may be empty. It may be called from several
	// goroutines at once, does not block, and owns the frame's bytes from then on.
	// (The bytes may be shared with other receivers and must not be changed.) It may
	// be called by the sender's Send itself, so it must not wait for anything that
	// the sender could hold, and had better not send: the answer would come back
	// before Receive returns. An error means that the frame is not one that a correct
	// peer sends: a channel that has connections drops the one it came on and logs
	// why.
	Receive(frame []byte) error

	// Unreachable says that frames to a node may have been lost since the last
	// successful Send: its connection broke or its queue was thrown away. It is a
	// hint: channels that cannot know never call it. It does not block.
	Unreachable(node raft.NodeID)
}

// Limits that every channel keeps to, so that engines and channels agree.
const (
	// MaxFrame is the largest frame, in bytes, that a channel must carry, and the
	// largest that a receiver accepts. It holds the largest entry and its headers.
	MaxFrame = 4 << 20
	// MaxNodeID is the longest node identity, in bytes.
	MaxNodeID = 128
	// MaxCluster is the longest cluster name, in bytes.
	MaxCluster = 128
)

// Errors that ports and channels return.
var (
	// ErrClosed: the port was closed, and stays so.
	ErrClosed = errors.New("channel: closed")
	// ErrBusy: the frame was dropped, as too much waits for that node. It may go on later.
	ErrBusy = errors.New("channel: queue is full")
	// ErrUnknownPeer: the frame was dropped, as the node is not attached, not connected at
	// present, or the sender itself.
	ErrUnknownPeer = errors.New("channel: no way to that node is known")
	// ErrTooLarge: the frame was dropped, and would be again.
	ErrTooLarge = errors.New("channel: frame is larger than MaxFrame")
	// ErrInUse: the port that is open has to be closed first, or another ID taken where
	// the channel has room for more than one node.
	ErrInUse = errors.New("channel: a node is attached already")
	// ErrInvalidSelf: no channel takes such a Self; see Self.Check.
	ErrInvalidSelf = errors.New("channel: the node ID is empty, or it or the cluster name is too long")
)
