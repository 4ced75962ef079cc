package tcp

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/channel"
)

func TestSendingAllocatesNothing(t *testing.T) {
	q := newQueue()
	w := &writer{queue: q}
	frame := make([]byte, 1<<10)
	turn := func() {
		for range 100 {
			push(t, q, channel.Urgent, frame)
			push(t, q, channel.Bulk, frame)
		}
		for !q.nothing() {
			w.next()
		}
	}
	if n := testing.AllocsPerRun(100, turn); n > 0 { // it runs once before
		t.Errorf("%v allocations for 200 frames", n)
	}
}

// A tap is a connection whose writes are counted and can be held up.
type tap struct {
	net.Conn
	once   sync.Once
	mu     sync.Mutex
	writes [][]byte
	open   chan struct{} // writes wait until it is closed
}

func (c *tap) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.writes = append(c.writes, bytes.Clone(b))
	c.mu.Unlock()
	<-c.open
	return c.Conn.Write(b)
}

func (c *tap) written() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes[:len(c.writes):len(c.writes)]
}

// release lets all writes go on.
func (c *tap) release() { c.once.Do(func() { close(c.open) }) }

// runTapped runs a link from a node over a tap, and returns when the link is held up
// in its first write. What is written is read and dropped.
func runTapped(t *testing.T, n *node) *tap {
	t.Helper()
	near, far := net.Pipe()
	conn := &tap{Conn: near, open: make(chan struct{})}
	go func() { _, _ = io.Copy(io.Discard, far) }()
	l := newLink(n.port, hello{node: "peer"}, "nowhere", conn)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		l.run()
	}()
	t.Cleanup(func() {
		l.hangUp(errDetached)
		conn.release()
		<-ended
	})
	n.waitConnected("peer")
	if err := n.Send("peer", channel.Urgent, []byte("first")); err != nil {
		t.Fatal(err)
	}
	wait(t, "the link writes", func() bool { return len(conn.written()) > 0 })
	return conn
}

func quiet() settings {
	s := patient()
	s.pingEvery = time.Hour
	return s
}

func TestFramesThatWaitGoOutInFewWrites(t *testing.T) {
	n := attach(t, "n", quiet())
	conn := runTapped(t, n)
	const frames, size = 4000, 100
	for range frames { // while the first write is held up
		if err := n.Send("peer", channel.Bulk, make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	conn.release()
	const bytesInAll = frames * (headerBytes + size)
	written := func() (total int) {
		for _, b := range conn.written()[1:] {
			total += len(b)
		}
		return total
	}
	wait(t, "all is written", func() bool { return written() >= bytesInAll })
	if got := len(conn.written()) - 1; got > bytesInAll/batchBytes+1 {
		t.Errorf("%d frames went out in %d writes, want %d", frames, got, bytesInAll/batchBytes+1)
	}
}

func TestAHeartbeatOvertakesBulkThatFillsTheQueue(t *testing.T) {
	n := attach(t, "n", quiet())
	conn := runTapped(t, n)
	for n.Send("peer", channel.Bulk, make([]byte, 10<<10)) == nil { // until ErrBusy
	}
	if err := n.Send("peer", channel.Urgent, []byte("heartbeat")); err != nil {
		t.Fatal(err)
	}
	conn.release()
	wait(t, "the link writes again", func() bool { return len(conn.written()) > 1 })
	if next := conn.written()[1]; !bytes.Contains(next, []byte("heartbeat")) {
		t.Error("the heartbeat is not in the next write")
	}
}
