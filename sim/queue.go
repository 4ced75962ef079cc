package sim

import "time"

// An event is something that will happen in the world at a time.
type event struct {
	at time.Duration
	// order tells apart what happens at the same time: first come, first served.
	order uint64
	kind  eventKind
	node  *node
	// life is the life of the node that it is meant for; in a later one it is void.
	life   int
	frame  *frame
	number uint64
}

type eventKind uint8

const (
	ticked  eventKind = iota // a tick of the node's clock has passed
	arrived                  // a frame is there
	written                  // a write is durable
	loaded                   // what was to be read from the disk is
	turnDue                  // the node takes a turn
	opDue                    // the next Op is due
	ended                    // time is over
)

// queue is the events to come, the next one first: a binary heap.
type queue struct {
	heap  []event
	order uint64
}

func (q *queue) before(i, j int) bool {
	a, b := &q.heap[i], &q.heap[j]
	return a.at < b.at || a.at == b.at && a.order < b.order
}

func (q *queue) push(e event) {
	q.order++
	e.order = q.order
	q.heap = append(q.heap, e)
	for i := len(q.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if !q.before(i, up) {
			break
		}
		q.heap[i], q.heap[up] = q.heap[up], q.heap[i]
		i = up
	}
}

func (q *queue) pop() event {
	e := q.heap[0]
	last := len(q.heap) - 1
	q.heap[0] = q.heap[last]
	q.heap[last] = event{}
	q.heap = q.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if q.before(child, least) {
				least = child
			}
		}
		if least == i {
			return e
		}
		q.heap[i], q.heap[least] = q.heap[least], q.heap[i]
		i = least
	}
}
