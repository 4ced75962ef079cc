package gaggletest

import (
	"sync"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel"
)

// maxHeld is how many frames wait for a node that stands still, about what the buffers of
// its connections would hold. Further ones are lost.
const maxHeld = 4096

// A line is one node's way into the channel. It can be cut for good, so that the node can
// be closed without a word to the others, or held.
type line struct {
	channel.Channel

	mu       sync.Mutex
	receiver channel.Receiver
	isCut    bool
	// held is closed when the node may go on; nil if it is not held.
	held    chan struct{}
	waiting [][]byte
}

// Open is part of channel.Channel.
func (l *line) Open(self channel.Self, r channel.Receiver) (channel.Port, error) {
	l.receiver = r
	port, err := l.Channel.Open(self, lineReceiver{r, l})
	if err != nil {
		return nil, err
	}
	return linePort{port, l}, nil
}

// cut loses everything from now on.
func (l *line) cut() {
	l.mu.Lock()
	l.isCut = true
	l.mu.Unlock()
	l.release()
}

// hold keeps what comes, and holds up whoever sends, which is the node's only loop.
func (l *line) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = make(chan struct{})
	}
}

// release lets the node go on, with what has come in the meantime.
func (l *line) release() {
	l.mu.Lock()
	held, frames := l.held, l.waiting
	l.held, l.waiting = nil, nil
	if l.isCut {
		frames = nil
	}
	l.mu.Unlock()
	if held != nil {
		close(held)
	}
	for _, frame := range frames {
		_ = l.receiver.Receive(frame) // there is no connection to cut
	}
}

func (l *line) isHeld() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held != nil
}

// pass waits while the line is held, and reports whether anything gets through.
func (l *line) pass() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.held != nil {
		held := l.held
		l.mu.Unlock()
		<-held
		l.mu.Lock()
	}
	return !l.isCut
}

type linePort struct {
	channel.Port
	line *line
}

// Send is part of channel.Port. That it may block is what makes a node stand still.
func (p linePort) Send(to gaggle.NodeID, class channel.Class, frame []byte) error {
	if !p.line.pass() {
		return nil // lost on the way, as far as the node can see
	}
	return p.Port.Send(to, class, frame)
}

// Broadcast is part of channel.Port.
func (p linePort) Broadcast(frame []byte) error {
	if !p.line.pass() {
		return nil
	}
	return p.Port.Broadcast(frame)
}

type lineReceiver struct {
	channel.Receiver
	line *line
}

// Receive is part of channel.Receiver.
func (r lineReceiver) Receive(frame []byte) error {
	if !r.line.arrives(frame) {
		return nil
	}
	return r.Receiver.Receive(frame)
}

// arrives reports whether a frame goes on to the node now.
func (l *line) arrives(frame []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held != nil && len(l.waiting) < maxHeld {
		l.waiting = append(l.waiting, frame)
	}
	return l.held == nil && !l.isCut
}
