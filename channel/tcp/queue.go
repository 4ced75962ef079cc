package tcp

import (
	"sync"

	"github.com/ben-ng/gaggle/channel"
)

// Limits of what waits for one peer. Urgent frames are small: that many are more
// than a peer that works would ever leave waiting. Bulk has room for what a leader
// has in flight to one follower, twice.
const (
	maxUrgentFrames = 4096
	maxUrgentBytes  = 4 << 20
	maxBulkFrames   = 4096
	maxBulkBytes    = 16 << 20
)

// A queue is what waits to be written to one peer. It is safe for concurrent use.
type queue struct {
	mu           sync.Mutex
	changed      sync.Cond // there may be something for take
	urgent, bulk lane
	ping, gossip bool
	closed       bool
}

func newQueue() *queue {
	q := &queue{
		urgent: lane{maxFrames: maxUrgentFrames, maxBytes: maxUrgentBytes},
		bulk:   lane{maxFrames: maxBulkFrames, maxBytes: maxBulkBytes},
	}
	q.changed.L = &q.mu
	return q
}

// push takes a frame, or returns channel.ErrBusy, or channel.ErrUnknownPeer if the
// queue is closed, which means that the connection has ended.
func (q *queue) push(class channel.Class, frame []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return channel.ErrUnknownPeer
	}
	l := &q.bulk
	if class == channel.Urgent && len(frame) <= pieceBytes {
		l = &q.urgent
	}
	if !l.push(frame) {
		return channel.ErrBusy
	}
	q.changed.Signal()
	return nil
}

// askPing has a ping sent.
func (q *queue) askPing() { q.ask(&q.ping) }

// askGossip has the peers told.
func (q *queue) askGossip() { q.ask(&q.gossip) }

func (q *queue) ask(flag *bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	*flag = true
	q.changed.Signal()
}

// close drops everything and ends take.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.urgent, q.bulk = lane{}, lane{}
	q.changed.Signal()
}

// A load is what is taken from a queue at once.
type load struct {
	ping, gossip bool
	// frames are urgent ones and then bulk ones. If one is larger than pieceBytes,
	// it is the last.
	frames [][]byte
}

// take moves about budget bytes from the queue to the load, urgent frames first.
// With bulk false, it leaves the bulk frames, and does not wait if there is nothing.
// Otherwise it waits. It reports false if the queue is closed.
func (q *queue) take(l *load, budget int, bulk bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for bulk && !q.closed && q.nothing() {
		q.changed.Wait()
	}
	l.ping, l.gossip = q.ping, q.gossip
	q.ping, q.gossip = false, false
	l.frames, budget = q.urgent.take(l.frames[:0], budget)
	if bulk {
		l.frames, _ = q.bulk.take(l.frames, budget)
	}
	return !q.closed
}

func (q *queue) nothing() bool {
	return !q.ping && !q.gossip && q.urgent.len() == 0 && q.bulk.len() == 0
}
