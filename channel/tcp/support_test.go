package tcp

import (
	"bytes"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

const testCluster = "test"

// longest is how long to wait for what must happen, which is far more than a slow machine needs.
const longest = 2 * time.Minute

// wait returns when something is so, or fails the test.
func wait(t testing.TB, what string, isSo func() bool) {
	t.Helper()
	timeout := time.After(longest)
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for !isSo() {
		select {
		case <-timeout:
			t.Fatalf("never so: %s", what)
		case <-ticker.C:
		}
	}
}

// A node is a port with its receiver and its log.
type node struct {
	*port
	t   testing.TB
	log logBook

	mu     sync.Mutex
	frames []string
	lost   []raft.NodeID
	refuse error // what Receive returns
}

// patient are settings under which nothing happens for want of time, and attempts to
// dial follow each other quickly.
func patient() settings {
	s := defaults()
	s.patience = 10 * time.Minute
	s.minBackoff, s.maxBackoff = time.Millisecond, 10*time.Millisecond
	return s
}

func attach(t testing.TB, id raft.NodeID, s settings, peers ...string) *node {
	t.Helper()
	return attachTo(t, id, s, New("127.0.0.1:0", peers...))
}

func attachTo(t testing.TB, id raft.NodeID, s settings, ch *Channel) *node {
	t.Helper()
	ch.settings = s
	n := &node{t: t}
	self := channel.Self{ID: id, Cluster: testCluster, Log: n.log.logger()}
	p, err := ch.Open(self, n)
	if err != nil {
		t.Fatal(err)
	}
	n.port = p.(*port)
	t.Cleanup(func() { _ = p.Close() })
	return n
}

func (n *node) Receive(frame []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.frames = append(n.frames, string(frame))
	return n.refuse
}

func (n *node) Unreachable(peer raft.NodeID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lost = append(n.lost, peer)
}

func (n *node) addr() string { return n.channel.Addr() }

func (n *node) count(frame string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for _, f := range n.frames {
		if f == frame {
			count++
		}
	}
	return count
}

// waitLost waits until the receiver has been told that a node is unreachable.
func (n *node) waitLost(peer raft.NodeID) {
	n.t.Helper()
	wait(n.t, string(n.self.ID+" is told that it lost "+peer), func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return slices.Contains(n.lost, peer)
	})
}

func (n *node) waitConnected(peers ...raft.NodeID) {
	n.t.Helper()
	for _, peer := range peers {
		wait(n.t, string(n.self.ID+" is connected to "+peer), func() bool {
			return n.directory.find(peer) != nil
		})
	}
}

// waitReaches waits until a frame gets from one node to the other.
func (n *node) waitReaches(to *node) {
	n.t.Helper()
	frame := "from " + string(n.self.ID)
	before := to.count(frame)
	wait(n.t, string(n.self.ID+" reaches "+to.self.ID), func() bool {
		_ = n.Send(to.self.ID, channel.Urgent, []byte(frame))
		return to.count(frame) > before
	})
}

// known returns how many addresses are in the directory.
func (n *node) known() int {
	n.directory.mu.Lock()
	defer n.directory.mu.Unlock()
	return len(n.directory.addresses)
}

// A logBook is a log that tests can read.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (b *logBook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func (b *logBook) read() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// waitLine waits for a line with all these parts.
func (b *logBook) waitLine(t testing.TB, parts ...string) {
	t.Helper()
	wait(t, "the log says "+strings.Join(parts, " and "), func() bool {
		for line := range strings.Lines(b.read()) {
			if containsAll(line, parts) {
				return true
			}
		}
		return false
	})
}

// quote returns how many lines of a log have all the parts.
func (b *logBook) quote(parts ...string) (lines int) {
	for line := range strings.Lines(b.read()) {
		if containsAll(line, parts) {
			lines++
		}
	}
	return lines
}

func containsAll(line string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(line, part) {
			return false
		}
	}
	return true
}

// A proxy stands between nodes and can disturb what passes.
type proxy struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	conns  []net.Conn
	dialed int // connections accepted so far
	bytes  int // forwarded towards the target
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	p := &proxy{listener: listen(t), target: target}
	go p.run()
	t.Cleanup(p.close)
	return p
}

// attachBehindProxy attaches a node that can be reached through the proxy only.
func attachBehindProxy(t testing.TB, id raft.NodeID, s settings) (*node, *proxy) {
	t.Helper()
	p := newProxy(t, "")
	ch := NewConfig(Config{Listen: "127.0.0.1:0", Advertise: p.addr()})
	n := attachTo(t, id, s, ch)
	p.forwardTo(n.addr())
	return n, p
}

// forwardTo sets what is behind the proxy.
func (p *proxy) forwardTo(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// listen returns a listener at an address that nobody else has.
func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) run() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.dialed++
		far, err := net.Dial("tcp", p.target) // an empty target fails
		if err != nil {
			_ = near.Close()
		} else {
			p.conns = append(p.conns, near, far)
			go p.forward(far, near, &p.bytes)
			go p.forward(near, far, new(int))
		}
		p.mu.Unlock()
	}
}

func (p *proxy) forward(to, from net.Conn, count *int) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		*count += n
		p.mu.Unlock()
		if _, writeErr := to.Write(buffer[:n]); err != nil || writeErr != nil {
			_ = to.Close()
			_ = from.Close()
			return
		}
	}
}

// cut breaks all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.cut()
}

func (p *proxy) counts() (dialed, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dialed, p.bytes
}

// lostNodes returns what the receiver has been told so far.
func (n *node) lostNodes() []raft.NodeID {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.lost)
}
