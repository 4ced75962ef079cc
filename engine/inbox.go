package engine

import (
	"sync"

	"github.com/ben-ng/gaggle/raft"
)

// Limits of the inbox. At each, what does not fit is refused: a frame is dropped and
// counted, which Raft takes for a lost message; a request gets ErrBusy.
const (
	// maxInboxFrameBytes bounds the memory of frames that no turn has taken yet, each
	// of which takes frameOverhead to hold beside its bytes. It holds what three peers
	// may have in flight with the default limits.
	maxInboxFrameBytes = 64 << 20
	frameOverhead      = 512
	// maxOpenProposals and maxOpenProposalBytes bound this node's appends that are
	// not committed yet.
	maxOpenProposals     = 1 << 16
	maxOpenProposalBytes = 64 << 20
	// maxOpenRequests and maxOpenRequestBytes bound this node's reads and calls that
	// are not answered yet.
	maxOpenRequests     = 1 << 16
	maxOpenRequestBytes = 64 << 20
)

// inbox is where everything waits for the next turn: the only part of a node that
// several goroutines touch.
type inbox struct {
	mu sync.Mutex
	in input
	// awake: a wake-up was given for what is in there.
	awake      bool
	wake       chan struct{}
	frameBytes int
	// dropped counts frames that did not fit.
	dropped uint64
	closed  error

	// proposals and requests are what is open, and was not settled yet.
	proposals, requests load
	// behind: too much waits for the state machine, so that no proposal has room.
	behind bool
	// room is closed when there is room for proposals again; nil if nobody waits.
	room chan struct{}
}

// A load is a number of requests and their size in bytes.
type load struct{ count, bytes int }

func (l *load) add(bytes int) { l.count, l.bytes = l.count+1, l.bytes+bytes }

func (l *load) sub(other load) { l.count, l.bytes = l.count-other.count, l.bytes-other.bytes }

// input is what has come in since the last turn.
type input struct {
	ticks       int
	frames      []*decoding
	unreachable []raft.NodeID
	persisted   uint64
	// diskFull says that there was no room for a write, and that none was made since.
	diskFull  error
	proposals []*Proposal
	reads     []*readWaiter
	calls     []*call
	// tasks are everything rare: functions to run within the turn.
	tasks []func()
}

func (i *input) reset() {
	clear(i.frames)
	clear(i.proposals)
	clear(i.reads)
	clear(i.calls)
	clear(i.tasks)
	*i = input{
		frames: i.frames[:0], unreachable: i.unreachable[:0], proposals: i.proposals[:0],
		reads: i.reads[:0], calls: i.calls[:0], tasks: i.tasks[:0],
	}
}

// runTasks runs each task once, also if one panics and this is called again.
func (i *input) runTasks() {
	for at, task := range i.tasks {
		if task != nil {
			i.tasks[at] = nil
			task()
		}
	}
}

// forgetRequests lets go of what is in other hands now, so that nothing is answered twice.
func (i *input) forgetRequests() {
	clear(i.proposals)
	clear(i.reads)
	clear(i.calls)
	i.proposals, i.reads, i.calls = i.proposals[:0], i.reads[:0], i.calls[:0]
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// take exchanges what has come in for an empty input to collect the next in.
func (b *inbox) take(empty input) input {
	b.mu.Lock()
	defer b.mu.Unlock()
	in := b.in
	b.in = empty
	b.awake = false
	b.frameBytes = 0
	return in
}

// rouse makes sure that a turn follows. The lock is held.
func (b *inbox) rouse() {
	if !b.awake {
		b.awake = true
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
}

// rouseAlways makes sure that the loop looks, also if nothing has come in.
func (b *inbox) rouseAlways() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.awake = false
	b.rouse()
}

// put adds to the input under the lock, unless the node is closed.
func (b *inbox) put(add func(*input) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed != nil {
		return b.closed
	}
	if err := add(&b.in); err != nil {
		return err
	}
	b.rouse()
	return nil
}

func (b *inbox) putFrame(d *decoding, bytes int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	bytes += frameOverhead
	if b.closed != nil || b.frameBytes+bytes > maxInboxFrameBytes {
		b.dropped++
		return false
	}
	b.frameBytes += bytes
	b.in.frames = append(b.in.frames, d)
	b.rouse()
	return true
}

func (b *inbox) putProposal(p *Proposal) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed != nil:
		return b.closed
	case !b.hasRoom(len(p.command)):
		return ErrBusy
	}
	b.proposals.add(len(p.command))
	b.in.proposals = append(b.in.proposals, p)
	b.rouse()
	return nil
}

// hasRoom reports whether a proposal of so many bytes fits. The lock is held.
func (b *inbox) hasRoom(bytes int) bool {
	return !b.behind && b.proposals.count < maxOpenProposals && b.proposals.bytes+bytes <= maxOpenProposalBytes
}

// putRequest adds a read or a call of so many bytes.
func (b *inbox) putRequest(bytes int, add func(*input)) error {
	return b.put(func(in *input) error {
		if b.requests.count >= maxOpenRequests || b.requests.bytes+bytes > maxOpenRequestBytes {
			return ErrBusy
		}
		b.requests.add(bytes)
		add(in)
		return nil
	})
}

// settled makes room for as much as has got its result.
func (b *inbox) settled(proposals, requests load) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests.sub(requests)
	b.proposals.sub(proposals)
	if proposals.count > 0 {
		b.makeRoom()
	}
}

// setBehind lets proposals wait for the state machine, or go on.
func (b *inbox) setBehind(behind bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.behind = behind
	if !behind {
		b.makeRoom()
	}
}

// makeRoom lets those look again who wait for room. The lock is held.
func (b *inbox) makeRoom() {
	if b.room != nil {
		close(b.room)
		b.room = nil
	}
}

// whenRoom is closed when it is worth trying again to put a proposal of so many bytes.
func (b *inbox) whenRoom(bytes int) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed != nil || b.hasRoom(bytes) {
		now := make(chan struct{})
		close(now)
		return now
	}
	if b.room == nil {
		b.room = make(chan struct{})
	}
	return b.room
}

// close refuses everything from now on, and returns what was never taken.
func (b *inbox) close(err error) input {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed == nil {
		b.closed = err
	}
	b.makeRoom()
	in := b.in
	b.in = input{}
	return in
}
