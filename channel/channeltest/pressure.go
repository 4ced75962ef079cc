package channeltest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

const (
	// pressureFrame is the size of the frames that fill queues.
	pressureFrame = 64 << 10
	// maxBacklog is how many of them a channel may take for one node: 1 GiB.
	maxBacklog = 1 << 30 / pressureFrame
	// atOnce is a time that no call takes which does not wait, unless the machine stands still.
	atOnce = 2 * time.Second
	// maxStalls is how often it may have stood still while a queue is filled. A channel that
	// waits does so more often, or longer.
	maxStalls = 3
)

// fill sends numbered bulk frames to a stuck node until the channel takes no more,
// and returns how many it took.
func fill(t testing.TB, from *node, to raft.NodeID) int {
	t.Helper()
	stalls := 0
	for i := range maxBacklog {
		frame := make([]byte, pressureFrame)
		binary.BigEndian.PutUint64(frame, uint64(i))
		start := time.Now()
		err := from.Send(to, channel.Bulk, frame)
		if took := time.Since(start); took > atOnce {
			if stalls++; stalls > maxStalls || took > deadline {
				t.Fatalf("Send took %v, and more than %v %d times", took, atOnce, stalls)
			}
		}
		if errors.Is(err, channel.ErrBusy) {
			return i
		}
		if err != nil {
			t.Fatalf("%d frames to a node that takes none: %v, want ErrBusy", i+1, err)
		}
	}
	t.Fatalf("the queue has no end: it took %d frames of %d bytes", maxBacklog, pressureFrame)
	return 0
}

func sendDoesNotWait(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b")
	a, b := nodes[0], nodes[1]
	b.stick()
	n := fill(t, a, "b")
	start := time.Now()
	for range 10 * maxBacklog {
		a.broadcast(t, []byte("a full queue is not an error"))
	}
	if took := time.Since(start); took > deadline {
		t.Errorf("broadcasts took %v", took)
	}
	b.unstick()
	wait(t, "what was queued arrives", func() bool { return len(b.got()) >= n })
}

func stuckReceiverAlone(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b", "c")
	a, b, c := nodes[0], nodes[1], nodes[2]
	b.stick()
	fill(t, a, "b")
	for i := range 100 {
		frame := fmt.Appendf(nil, "frame %d", i)
		a.send(t, c, channel.Bulk, frame)
		c.waitFor(t, frame)
	}
}

func urgentOvertakesBulk(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b")
	a, b := nodes[0], nodes[1]
	b.stick()
	n := fill(t, a, "b")
	urgent := []byte("urgent")
	a.send(t, b, channel.Urgent, urgent)
	b.unstick()
	wait(t, "all frames have arrived", func() bool { return len(b.got()) == n+1 })
	// What has left the queue cannot be overtaken, but the queue can.
	const overtaken = 1 << 20 / pressureFrame
	if at := b.position(urgent); at > n-overtaken {
		t.Errorf("the urgent frame came after %d of %d bulk frames", at, n)
	}
}

// everythingAtOnce is for the race detector.
func everythingAtOnce(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b", "c", "d")
	comesAndGoes := nodes[3]
	stop := make(chan struct{})
	var senders sync.WaitGroup
	defer senders.Wait()
	defer close(stop)
	for i, from := range nodes[:3] {
		senders.Go(func() { flood(from, nodes[(i+1)%3].id, stop) })
		senders.Go(func() { flood(from, "d", stop) })
	}
	for range 5 {
		comesAndGoes.close(t)
		comesAndGoes = open(t, comesAndGoes.channel, channel.Self{ID: "d", Cluster: cluster})
		connect(t, nodes[0], comesAndGoes)
	}
	connect(t, append(nodes[:3:3], comesAndGoes)...)
}
