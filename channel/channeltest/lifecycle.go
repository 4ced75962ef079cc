package channeltest

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

func lateNodesAreFound(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b")
	for _, id := range []raft.NodeID{"c", "d"} {
		nodes = append(nodes, attach(t, net, id))
		connect(t, nodes...)
	}
}

// waitUnknown sends to a node that is gone until the sender knows.
func waitUnknown(t testing.TB, from *node, to raft.NodeID, frame []byte) {
	t.Helper()
	wait(t, string("it is known that "+to+" is gone"), func() bool {
		return errors.Is(from.Send(to, channel.Bulk, frame), channel.ErrUnknownPeer)
	})
}

func nodeThatLeavesIsUnknown(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b", "c")
	a, b, c := nodes[0], nodes[1], nodes[2]
	b.close(t)
	waitUnknown(t, a, "b", []byte("are you there"))
	a.broadcast(t, []byte("who is there"))
	c.waitFor(t, []byte("who is there"))
}

func newNodeInOldPlace(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "old")
	a, old := nodes[0], nodes[1]
	for _, id := range []raft.NodeID{"new", "newer", "old"} {
		old.close(t)
		next := open(t, old.channel, channel.Self{ID: id, Cluster: cluster})
		if id != old.id {
			waitUnknown(t, a, old.id, []byte("for "+old.id))
		}
		connect(t, a, next)
		a.send(t, next, channel.Bulk, []byte("for "+id))
		next.waitFor(t, []byte("for "+id))
		for _, frame := range next.got() {
			if string(frame) != "for "+string(id) {
				t.Errorf("%s got %s", id, short(frame))
			}
		}
		old = next
	}
}

func idIsAttachedOnce(t *testing.T, net Net) {
	a := attach(t, net, "a")
	self := channel.Self{ID: "a", Cluster: cluster}
	if _, err := a.channel.Open(self, a); !errors.Is(err, channel.ErrInUse) {
		t.Fatalf("second open: %v, want ErrInUse", err)
	}
	b := attach(t, net, "b")
	connect(t, a, b)
	a.close(t)
	again := open(t, a.channel, self)
	connect(t, again, b)
}

func impossibleNodesAreRefused(t *testing.T, net Net) {
	ch := net.Channel(t)
	for name, self := range map[string]channel.Self{
		"no ID":             {Cluster: cluster},
		"long ID":           {ID: raft.NodeID(strings.Repeat("i", channel.MaxNodeID+1))},
		"long cluster name": {ID: "a", Cluster: strings.Repeat("c", channel.MaxCluster+1)},
	} {
		if _, err := ch.Open(self, &node{}); !errors.Is(err, channel.ErrInvalidSelf) {
			t.Errorf("%s: %v, want ErrInvalidSelf", name, err)
		}
	}
	long := channel.Self{
		ID:      raft.NodeID(strings.Repeat("i", channel.MaxNodeID)),
		Cluster: strings.Repeat("c", channel.MaxCluster),
	}
	a := open(t, ch, long)
	long.ID = raft.NodeID(strings.Repeat("j", channel.MaxNodeID))
	b := open(t, net.Channel(t), long)
	connect(t, a, b)
}

func closedPortRefusesFrames(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b")
	a := nodes[0]
	a.close(t)
	wantSend(t, a, "b", []byte("hello"), channel.ErrClosed)
	wantSend(t, a, "nobody", []byte("hello"), channel.ErrClosed)
	if err := a.Broadcast([]byte("hello")); !errors.Is(err, channel.ErrClosed) {
		t.Errorf("broadcast: %v, want ErrClosed", err)
	}
}

func closeMayBeRepeated(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b")
	var closers sync.WaitGroup
	for range 4 {
		closers.Go(func() { nodes[0].close(t) })
	}
	closers.Wait()
	nodes[0].close(t)
	self := channel.Self{ID: "a", Cluster: cluster}
	again := open(t, nodes[0].channel, self)
	nodes[0].close(t) // has nothing to do with the node that came after
	if _, err := again.channel.Open(self, again); !errors.Is(err, channel.ErrInUse) {
		t.Errorf("open while the node that came after is there: %v, want ErrInUse", err)
	}
	connect(t, again, nodes[1])
}

func closeEndsDelivery(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b", "c")
	b := nodes[1]
	stop := make(chan struct{})
	var senders sync.WaitGroup
	defer senders.Wait()
	defer close(stop)
	for _, from := range []*node{nodes[0], nodes[2]} {
		senders.Go(func() { flood(from, "b", stop) })
	}
	wait(t, "frames arrive", func() bool { return len(b.got()) > 100 })
	b.close(t)
	entered, left := b.counts()
	waitUnknown(t, nodes[0], "b", []byte("are you there"))
	waitUnknown(t, nodes[2], "b", []byte("are you there"))
	if entered != left {
		t.Errorf("the receiver is in %d calls when Close returns", entered-left)
	}
	if now, _ := b.counts(); now != entered {
		t.Errorf("the receiver was called %d times after Close", now-entered)
	}
}

// flood sends as much as it can.
func flood(from *node, to raft.NodeID, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
			_ = from.Send(to, channel.Bulk, []byte("flood"))
			_ = from.Broadcast([]byte("flood"))
			runtime.Gosched() // others have work too
		}
	}
}

func closeWaitsForReceiver(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b")
	a, b := nodes[0], nodes[1]
	b.stick()
	before, _ := b.counts()
	var sender sync.WaitGroup
	sender.Go(func() { _ = a.Send("b", channel.Urgent, []byte("stay")) })
	wait(t, "the receiver is stuck", func() bool {
		now, _ := b.counts()
		return now > before
	})
	closed := make(chan struct{})
	go func() {
		b.close(t)
		close(closed)
	}()
	// Close has this long to go wrong; when it does right, nothing is to be seen.
	const chance = 20 * time.Millisecond
	select {
	case <-closed:
		t.Error("Close returned while the receiver was in a call")
	case <-time.After(chance):
	}
	b.unstick()
	<-closed
	sender.Wait()
}

func closeLeavesNoGoroutine(t *testing.T, net Net) {
	before := runtime.NumGoroutine()
	nodes := attachAll(t, net, "a", "b", "c")
	for _, n := range nodes {
		n.broadcast(t, []byte("hello"))
	}
	for _, n := range nodes {
		n.close(t)
	}
	wait(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}
