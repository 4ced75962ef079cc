package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// testTick is the length of a tick, where one is needed. Nothing waits for it: tests
// say themselves when a tick has passed.
const testTick = 10 * time.Millisecond

func testConfig(id string, size int) Config {
	return Config{
		ID:           raft.NodeID(id),
		Cluster:      "test",
		Size:         size,
		TickInterval: testTick,
		Raft:         raft.DefaultConfig(raft.NodeID(id), uint64(id[0])),
		Nonce:        uint64(id[0]),
	}
}

// A flock is nodes that a test drives by hand, in one goroutine, over a channel in
// memory. Nothing happens in it but what the test makes happen.
type flock struct {
	t     testing.TB
	ch    *memory.Channel
	nodes []*Node
	// replaceAfter is Config.ReplaceAfterTicks of those that join.
	replaceAfter int
}

// newFlock returns nodes a, b, c, … that look for each other.
func newFlock(t testing.TB, size int) *flock {
	t.Helper()
	f := &flock{t: t, ch: memory.New()}
	for i := range size {
		f.join(string(rune('a'+i)), size)
	}
	return f
}

func (f *flock) join(id string, size int) *Node {
	f.t.Helper()
	config := testConfig(id, size)
	config.ReplaceAfterTicks = f.replaceAfter
	return f.add(config)
}

func (f *flock) add(config Config) *Node {
	f.t.Helper()
	n, err := New(config)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := n.Open(f.ch); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = n.Close() })
	f.nodes = append(f.nodes, n)
	return n
}

// leads returns a flock of which one node leads and the others know it and have a
// session, and the leader and a follower.
func leads(t testing.TB, size int) (f *flock, leader, follower *Node) {
	t.Helper()
	f = newFlock(t, size)
	leader, follower = f.lead()
	return f, leader, follower
}

// lead lets one node lead, and the others have a session.
func (f *flock) lead() (leader, follower *Node) {
	t := f.t
	t.Helper()
	f.until("one node leads", func() bool { return f.leader() != nil })
	for _, n := range f.nodes {
		p := propose(t, n, "hello")
		f.until("a session is open", func() bool {
			n.Work()
			return len(p.ready) > 0
		})
	}
	leader = f.leader()
	follower = leader
	for _, n := range f.nodes {
		if n != leader {
			follower = n
		}
	}
	return leader, follower
}

// settle lets every node do what it has to do now, without time passing.
func (f *flock) settle() {
	for again := true; again; {
		again = false
		for _, n := range f.nodes {
			if hasWork(n) {
				n.Turn()
				again = true
			}
		}
	}
}

// hasWork reports whether something was put into a node's inbox since its last turn.
func hasWork(n *Node) bool {
	n.inbox.mu.Lock()
	defer n.inbox.mu.Unlock()
	return n.inbox.awake
}

// tick lets one tick pass for all.
func (f *flock) tick() {
	for _, n := range f.nodes {
		n.Tick()
	}
	f.settle()
}

// until lets time pass until something is so.
func (f *flock) until(what string, isSo func() bool) {
	f.t.Helper()
	f.settle()
	for range 5000 {
		if isSo() {
			return
		}
		f.tick()
	}
	f.t.Fatalf("it never came to it that %s", what)
}

// leader returns the node that leads and has committed in its term, if all follow it.
func (f *flock) leader() *Node {
	var leader *Node
	for _, n := range f.nodes {
		if n.core != nil && n.core.LeadsSettled() {
			leader = n
		}
	}
	for _, n := range f.nodes {
		if leader == nil || n.core == nil || n.Status().Leader != leader.ID() {
			return nil
		}
	}
	return leader
}

// other returns a node that is none of these.
func (f *flock) other(not ...*Node) *Node {
	i := slices.IndexFunc(f.nodes, func(n *Node) bool { return !slices.Contains(not, n) })
	return f.nodes[i]
}

// values returns what a node has applied.
func values(n *Node) []string { return valuesFrom(n, 1) }

func valuesFrom(n *Node, first raft.Index) []string {
	items, err := n.Feed().Next(context.Background(), first, n.applied)
	all := []string{}
	for err == nil && len(items) > 0 {
		for _, i := range items {
			all = append(all, string(i.Value))
		}
		items, err = n.Feed().Next(context.Background(), items[len(items)-1].Index+1, n.applied)
	}
	return all
}

func propose(t testing.TB, n *Node, value string) *Proposal {
	t.Helper()
	p, err := n.Propose([]byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A spy stands where a node's port was, and keeps what the node sends instead of
// sending it.
type spy struct {
	t    testing.TB
	sent []any
	// frames counts what came in which class.
	frames [2]int
	// refuse, if not nil, is what Send returns.
	refuse error
}

var _ channel.Port = (*spy)(nil)

// spyOn cuts a node off and returns what shows its messages.
func spyOn(t testing.TB, n *Node) *spy {
	t.Helper()
	if err := n.port.Close(); err != nil {
		t.Fatal(err)
	}
	s := &spy{t: t}
	n.port = s
	return s
}

func (s *spy) Send(_ raft.NodeID, class channel.Class, bytes []byte) error {
	if s.refuse != nil {
		return s.refuse
	}
	var frame wire.Frame
	if err := new(wire.Decoder).Decode(bytes, &frame); err != nil {
		s.t.Errorf("a frame that cannot be decoded was sent: %v", err)
	}
	s.frames[class]++
	s.sent = append(s.sent, frame.Messages...)
	return nil
}

func (s *spy) Broadcast([]byte) error { return nil }
func (s *spy) Close() error           { return nil }

// taken returns the messages of one type that were sent since the last call, and
// forgets the others.
func taken[M any](s *spy) []M {
	var of []M
	for _, m := range s.sent {
		if m, ok := m.(M); ok {
			of = append(of, m)
		}
	}
	s.sent = nil
	return of
}

// hear lets a node take a message.
func hear(n *Node, from raft.NodeID, messages ...any) {
	_ = n.do(func() {
		for _, m := range messages {
			n.take(from, m)
		}
	})
	n.Turn()
}

// confirm lets a leader that is spied on hear from a follower that it still leads.
func confirm(t testing.TB, leader *Node, s *spy, follower raft.NodeID) {
	t.Helper()
	confirmed := false
	for _, m := range taken[*raft.Message](s) {
		if b, ok := m.Body.(*raft.Heartbeat); ok && m.To == follower {
			hear(leader, follower, &raft.Message{From: follower, To: leader.ID(), Term: m.Term, Body: &raft.HeartbeatReply{
				Session: b.Session, ReadSequence: b.ReadSequence,
			}})
			confirmed = true
		}
	}
	if !confirmed {
		t.Fatalf("%s was not asked", follower)
	}
}

// pass lets ticks pass for one node.
func pass(n *Node, ticks int) {
	for range ticks {
		n.Tick()
		n.Turn()
	}
}

func number(i int) string { return fmt.Sprintf("%06d", i) }
