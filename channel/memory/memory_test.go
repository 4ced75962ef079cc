package memory

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

// An inbox is a receiver that keeps what it gets.
type inbox struct {
	mu     sync.Mutex
	frames []string
}

func (in *inbox) Receive(frame []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.frames = append(in.frames, string(frame))
	return nil
}

func (in *inbox) Unreachable(raft.NodeID) {}

func (in *inbox) got() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.frames)
}

// A member is a node of a test.
type member struct {
	channel.Port
	inbox
	id raft.NodeID
}

func join(t testing.TB, c *Channel, id raft.NodeID) *member {
	t.Helper()
	m := &member{id: id}
	m.Port = open(t, c, id, m)
	return m
}

func open(t testing.TB, c *Channel, id raft.NodeID, r channel.Receiver) channel.Port {
	t.Helper()
	port, err := c.Open(channel.Self{ID: id, Cluster: "test"}, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = port.Close() })
	return port
}

// send sends "1", "2" and so on, n frames in all.
func (m *member) send(t testing.TB, to raft.NodeID, n int) {
	t.Helper()
	for i := range n {
		m.sendFrame(t, to, fmt.Sprint(i+1))
	}
}

func (m *member) sendFrame(t testing.TB, to raft.NodeID, frame string) {
	t.Helper()
	if err := m.Send(to, channel.Bulk, []byte(frame)); err != nil {
		t.Fatalf("%s to %s: %v", m.id, to, err)
	}
}

// hears reports whether a frame from one to the other arrives at once.
func hears(t testing.TB, from, to *member) bool {
	t.Helper()
	before := len(to.got())
	from.sendFrame(t, to.id, "?")
	return len(to.got()) > before
}

func wantFrames(t testing.TB, m *member, want ...string) {
	t.Helper()
	if got := m.got(); !slices.Equal(got, want) {
		t.Fatalf("%s got %q, want %q", m.id, got, want)
	}
}

func TestAFrameHasArrivedWhenSendReturns(t *testing.T) {
	c := New()
	a, b := join(t, c, "a"), join(t, c, "b")
	a.send(t, "b", 3)
	wantFrames(t, b, "1", "2", "3")
	wantFrames(t, a)
}

// A roll is a receiver that notes the names of nodes in the order they are called.
type roll struct {
	sink
	name  raft.NodeID
	calls *[]raft.NodeID
}

func (r roll) Receive([]byte) error {
	*r.calls = append(*r.calls, r.name)
	return nil
}

func TestABroadcastGoesByTheOrderOfIDs(t *testing.T) {
	c := New()
	var calls []raft.NodeID
	from := open(t, c, "m", sink{})
	for _, id := range []raft.NodeID{"z", "b", "x", "a", "y", "c", "k", "p"} {
		open(t, c, id, roll{name: id, calls: &calls})
	}
	if err := from.Broadcast([]byte("all")); err != nil {
		t.Fatal(err)
	}
	if want := []raft.NodeID{"a", "b", "c", "k", "p", "x", "y", "z"}; !slices.Equal(calls, want) {
		t.Errorf("it goes to %v, want %v", calls, want)
	}
}

func TestItStaysInOneProcess(t *testing.T) {
	if New().CrossesProcesses() {
		t.Fatal("a memory channel claims to cross processes")
	}
}

// An echo sends every frame back from within Receive.
type echo struct {
	port   channel.Port
	peer   raft.NodeID
	calls  int
	before func(calls int) // is called before the answer
}

func (e *echo) Receive(frame []byte) error {
	e.calls++
	e.before(e.calls)
	_ = e.port.Send(e.peer, channel.Urgent, frame)
	return nil
}

func (e *echo) Unreachable(raft.NodeID) {}

func TestReceiversMaySendBackWhileTheirNodeCloses(t *testing.T) {
	c := New()
	a, b := &echo{peer: "b"}, &echo{peer: "a"}
	a.port, b.port = open(t, c, "a", a), open(t, c, "b", b)
	closed := make(chan struct{})
	b.before = func(int) {}
	a.before = func(calls int) {
		if calls != 5 {
			return
		}
		go func() {
			_ = b.port.Close() // waits for the calls of b that this one is inside of
			close(closed)
		}()
		for !b.port.(*port).gate.isShut() {
			runtime.Gosched()
		}
	}
	if err := a.port.Send("b", channel.Urgent, []byte("ball")); err != nil {
		t.Fatal(err)
	}
	<-closed
	if a.calls != 5 || b.calls != 5 {
		t.Fatalf("%d and %d calls, want 5 each", a.calls, b.calls)
	}
}

func TestAClosedNodeLeavesNothingBehind(t *testing.T) {
	c := New()
	c.SetFaults(Faults{Drop: 0.5})
	a, b := join(t, c, "a"), join(t, c, "b")
	a.send(t, "b", 10)
	b.send(t, "a", 10)
	_ = a.Close()
	_ = b.Close()
	if n := len(c.clusters) + len(c.faults.streams); n != 0 {
		t.Fatalf("%d clusters and links are remembered, want none", n)
	}
}

func TestFaultsMayChangeWhileFramesPass(t *testing.T) {
	c := New()
	nodes := []*member{join(t, c, "a"), join(t, c, "b"), join(t, c, "c")}
	var senders sync.WaitGroup
	for i, from := range nodes {
		senders.Go(func() {
			to := nodes[(i+1)%len(nodes)].id
			for range 1000 {
				_ = from.Send(to, channel.Bulk, []byte("x"))
				_ = from.Broadcast([]byte("y"))
			}
		})
	}
	senders.Go(func() {
		for range 200 {
			c.SetFaults(Faults{Drop: 0.1, Duplicate: 0.1, Reorder: 0.1, MaxDelay: 1})
			c.SetLink("a", "b", Faults{Drop: 1})
			c.Partition([]raft.NodeID{"a"}, []raft.NodeID{"b", "c"})
			c.Cut("a", "c")
			c.Isolate("b")
			c.Heal()
			c.SetFaults(Faults{})
		}
	})
	senders.Wait()
}
