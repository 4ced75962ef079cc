package engine

import (
	"log/slog"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// frameTarget is the size at which a frame is closed and another begun, in bytes: large
// enough that its overhead is nothing, little enough that the receiver can begin.
const frameTarget = 512 << 10

// outbox collects what a turn has to say, so that each node gets it in as few frames
// as possible.
type outbox struct {
	peers []*outgoing
	// raft holds this turn's messages of the core, which the queues point into.
	raft []raft.Message
}

// outgoing is what one node is to be sent, by class.
type outgoing struct {
	to       raft.NodeID
	messages [queues][]any
}

// A queue is messages that may share frames. Entries share them with nothing else, as a
// log keeps the frame that its entries came in.
type queue uint8

const (
	urgentQueue queue = iota
	entryQueue
	callQueue
	queues
)

// class is the channel's class of what is in a queue.
func (q queue) class() channel.Class {
	if q == urgentQueue {
		return channel.Urgent
	}
	return channel.Bulk
}

// post puts a message to another node into this turn's frames.
func (n *Node) post(to raft.NodeID, m any) {
	o := n.outbox.peer(to)
	q := queueOf(m)
	o.messages[q] = append(o.messages[q], m)
}

// postRaft does so with a message of the core's.
func (n *Node) postRaft(m *raft.Message) {
	b := &n.outbox
	b.raft = append(b.raft, *m) // what was posted before may stay in an older array
	n.post(m.To, &b.raft[len(b.raft)-1])
}

func (b *outbox) peer(to raft.NodeID) *outgoing {
	for _, o := range b.peers {
		if o.to == to {
			return o
		}
	}
	o := &outgoing{to: to}
	b.peers = append(b.peers, o)
	return o
}

// queueOf says what must not wait behind entries: everything small that others wait
// for. An append without entries follows those before it.
func queueOf(m any) queue {
	switch m := m.(type) {
	case *raft.Message:
		if _, ok := m.Body.(*raft.AppendEntries); ok {
			return entryQueue
		}
	case *wire.Proposals, *wire.BackupPart:
		return entryQueue
	case *wire.Call, *wire.CallReply:
		return callQueue
	}
	return urgentQueue
}

// flush sends what was posted.
func (n *Node) flush() {
	for _, o := range n.outbox.peers {
		for q := range queues {
			if len(o.messages[q]) > 0 {
				n.sendAll(o.to, q.class(), o.messages[q])
				clear(o.messages[q])
				o.messages[q] = o.messages[q][:0]
			}
		}
	}
	clear(n.outbox.raft)
	n.outbox.raft = n.outbox.raft[:0]
	// Peers come and go; those that are gone are not kept for ever.
	if len(n.outbox.peers) > maxPeersKept {
		n.outbox.peers = nil
	}
}

// maxPeersKept is how many nodes' empty queues are kept for the next turn.
const maxPeersKept = 256

// sendAll sends messages in as few frames as fit.
func (n *Node) sendAll(to raft.NodeID, class channel.Class, messages []any) {
	for len(messages) > 0 {
		size, count := 0, 0
		for count < len(messages) && count < wire.MaxMessages {
			more := wire.MessageSize(messages[count])
			if count > 0 && size+more > frameTarget {
				break
			}
			size += more
			count++
		}
		n.sendFrame(to, class, messages[:count])
		messages = messages[count:]
	}
}

func (n *Node) sendFrame(to raft.NodeID, class channel.Class, messages []any) {
	frame := wire.Frame{Cluster: n.cluster, From: n.config.ID, To: to, Messages: messages}
	bytes, err := wire.AppendFrame(nil, &frame)
	if err != nil {
		n.log.Error("a frame could not be encoded", slog.String("to", string(to)), slog.Any("error", err))
		return
	}
	if err = n.port.Send(to, class, bytes); err == nil {
		return
	}
	n.dropped++
	if n.core != nil && n.failed == nil {
		n.undelivered(to, messages)
	}
}

// undelivered takes back what was said to have been sent and was not.
func (n *Node) undelivered(to raft.NodeID, messages []any) {
	later := n.now + uint64(n.config.Raft.HeartbeatTicks)
	for _, m := range messages {
		switch m := m.(type) {
		case *raft.Message:
			if _, ok := m.Body.(*raft.AppendEntries); ok {
				n.step(raft.Unreachable{Node: to})
			}
		case *wire.Proposals:
			n.proposer.sendAgain(n.now)
			n.proposer.opening, n.proposer.notBefore = false, later
		case *wire.ReadIndex:
			n.roundAnswered(m.Token, false, 0)
			n.reader.notBefore = later
		case *wire.Call:
			if c := n.caller.open[m.ID]; c != nil && c.sent == 1 {
				n.caller.putBack(c, later)
			}
		case *wire.CallReply:
			n.takeBackReply(m)
		}
	}
}
