package engine

import "github.com/ben-ng/gaggle/raft"

const (
	// defaultTailBytes is how much of a log that is on a disk stays in memory too: what
	// followers and readers that keep up are served from.
	defaultTailBytes = 64 << 20
	// tailSteps is how finely the tail is measured.
	tailSteps = 64
)

// tail measures how much of what was applied is in memory.
type tail struct {
	// steps are the indexes at which another step of bytes had been applied.
	steps []raft.Index
	bytes int
}

// grow takes note of an applied entry of so many bytes.
func (n *Node) grow(bytes int) {
	n.checkpoints.bytes += bytes
	t := &n.tail
	if t.bytes += bytes; t.bytes >= n.config.TailBytes/tailSteps {
		t.bytes = 0
		t.steps = append(t.steps, n.applied)
	}
}

// trimTail lets go of what is too much, and on the disk.
func (n *Node) trimTail() {
	t := &n.tail
	excess := len(t.steps) - tailSteps
	if excess <= 0 {
		return
	}
	if n.home == nil {
		t.steps = t.steps[excess:]
		return
	}
	upTo := min(t.steps[excess-1], n.core.Status().Durable)
	gone := raft.Index(0)
	for len(t.steps) > 0 && t.steps[0] <= upTo {
		gone, t.steps = t.steps[0], t.steps[1:]
	}
	if gone > 0 {
		n.step(raft.Unload{UpTo: gone})
		n.feed.trim(gone)
	}
}
