package channeltest

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

const (
	// deadline is how long to wait for what must happen. It is far more than a slow
	// machine needs.
	deadline = 2 * time.Minute
	// look is the time between looks at whether it has happened.
	look = time.Millisecond
)

// wait returns when something is so, or fails the test.
func wait(t testing.TB, what string, isSo func() bool) {
	t.Helper()
	timeout := time.After(deadline)
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for !isSo() {
		select {
		case <-timeout:
			t.Fatalf("after %v, still not so: %s", deadline, what)
		case <-ticker.C:
		}
	}
}

const cluster = "channeltest"

// knock is how the frames begin with which connect tries whether a node is reached.
const knock = "knock from "

// A node is attached to a channel of the net and keeps what it gets.
type node struct {
	channel.Port
	id      raft.NodeID
	channel channel.Channel

	mu      sync.Mutex
	frames  [][]byte
	knocks  map[raft.NodeID]bool
	stuck   chan struct{} // Receive waits until it is closed, if it is not nil
	entered int           // calls of Receive
	left    int
}

// attach opens the net's next channel for a node with that ID.
func attach(t testing.TB, net Net, id raft.NodeID) *node {
	t.Helper()
	return open(t, net.Channel(t), channel.Self{ID: id, Cluster: cluster})
}

func open(t testing.TB, ch channel.Channel, self channel.Self) *node {
	t.Helper()
	n := &node{id: self.ID, channel: ch, knocks: make(map[raft.NodeID]bool)}
	port, err := ch.Open(self, n)
	if err != nil {
		t.Fatalf("open %s: %v", self.ID, err)
	}
	n.Port = port
	t.Cleanup(func() {
		n.unstick()
		n.close(t)
	})
	return n
}

// attachAll attaches nodes and waits until each can send to each.
func attachAll(t testing.TB, net Net, ids ...raft.NodeID) []*node {
	t.Helper()
	nodes := make([]*node, 0, len(ids))
	for _, id := range ids {
		nodes = append(nodes, attach(t, net, id))
	}
	connect(t, nodes...)
	return nodes
}

// connect waits until each node can send to each other.
func connect(t testing.TB, nodes ...*node) {
	t.Helper()
	for _, from := range nodes {
		for _, to := range nodes {
			if from != to {
				connectTo(t, from, to)
			}
		}
	}
}

func connectTo(t testing.TB, from, to *node) {
	t.Helper()
	wait(t, fmt.Sprintf("%s reaches %s", from.id, to.id), func() bool {
		_ = from.Send(to.id, channel.Urgent, []byte(knock+string(from.id)))
		to.mu.Lock()
		defer to.mu.Unlock()
		return to.knocks[from.id]
	})
}

func (n *node) Receive(frame []byte) error {
	n.enter()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.left++
	if from, ok := bytes.CutPrefix(frame, []byte(knock)); ok {
		n.knocks[raft.NodeID(from)] = true
	} else {
		n.frames = append(n.frames, frame)
	}
	return nil
}

// enter counts the call and waits if the node is stuck.
func (n *node) enter() {
	n.mu.Lock()
	n.entered++
	stuck := n.stuck
	n.mu.Unlock()
	if stuck != nil {
		<-stuck
	}
	runtime.Gosched() // gives others the chance to interfere
}

func (n *node) Unreachable(raft.NodeID) {}

// stick makes Receive wait until unstick.
func (n *node) stick() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stuck = make(chan struct{})
}

func (n *node) unstick() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stuck != nil {
		close(n.stuck)
		n.stuck = nil
	}
}

// counts returns how many calls of Receive began and how many ended.
func (n *node) counts() (entered, left int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.entered, n.left
}

// got returns the frames so far, other than knocks.
func (n *node) got() [][]byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.frames[:len(n.frames):len(n.frames)]
}

// position returns the place of a frame among those that the node got, -1 if it is
// not among them.
func (n *node) position(frame []byte) int {
	for i, got := range n.got() {
		if bytes.Equal(got, frame) {
			return i
		}
	}
	return -1
}

func (n *node) waitFor(t testing.TB, frame []byte) {
	t.Helper()
	wait(t, fmt.Sprintf("%s gets %s", n.id, short(frame)), func() bool {
		return n.position(frame) >= 0
	})
}

// send sends a frame, again if the queue is full.
func (n *node) send(t testing.TB, to *node, class channel.Class, frame []byte) {
	t.Helper()
	wait(t, fmt.Sprintf("%s can send to %s", n.id, to.id), func() bool {
		err := n.Send(to.id, class, frame)
		if err != nil && !errors.Is(err, channel.ErrBusy) {
			t.Fatalf("%s sends %s to %s: %v", n.id, short(frame), to.id, err)
		}
		return err == nil
	})
}

func (n *node) broadcast(t testing.TB, frame []byte) {
	t.Helper()
	if err := n.Broadcast(frame); err != nil {
		t.Fatalf("%s broadcasts %s: %v", n.id, short(frame), err)
	}
}

func (n *node) close(t testing.TB) {
	t.Helper()
	if err := n.Close(); err != nil {
		t.Errorf("close %s: %v", n.id, err)
	}
}

// wantSend checks what Send returns.
func wantSend(t testing.TB, from *node, to raft.NodeID, frame []byte, want error) {
	t.Helper()
	if err := from.Send(to, channel.Bulk, frame); !errors.Is(err, want) {
		t.Errorf("%s sends %s to %s: %v, want %v", from.id, short(frame), to, err, want)
	}
}

// short is a frame for people.
func short(frame []byte) string {
	const enough = 40
	if len(frame) > enough {
		return fmt.Sprintf("%q... (%d bytes)", frame[:enough], len(frame))
	}
	return fmt.Sprintf("%q", frame)
}
