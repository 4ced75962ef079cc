package channeltest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

// noise returns a frame of a size with bytes that depend on the seed.
func noise(size int, seed uint64) []byte {
	random := rand.New(rand.NewPCG(seed, uint64(size)))
	frame := make([]byte, 0, size+8)
	for len(frame) < size {
		frame = binary.BigEndian.AppendUint64(frame, random.Uint64())
	}
	return frame[:size]
}

func framesArriveUnchanged(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b")
	a, b := nodes[0], nodes[1]
	sizes := []int{0, 1, 2, 100, 4096, 64<<10 - 1, 64 << 10, 64<<10 + 1, 128 << 10, 1 << 20,
		channel.MaxFrame - 1, channel.MaxFrame}
	for _, class := range []channel.Class{channel.Urgent, channel.Bulk} {
		for _, size := range sizes {
			frame := noise(size, uint64(class))
			a.send(t, b, class, frame)
			b.waitFor(t, frame)
		}
	}
	if n := len(b.got()); n != 2*len(sizes) {
		t.Errorf("%d frames arrived, want %d: each once", n, 2*len(sizes))
	}
}

func framesStayUnchanged(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b", "c")
	a, b, c := nodes[0], nodes[1], nodes[2]
	const count, size = 300, 2000
	sent := make([][]byte, count)
	for i := range sent {
		sent[i] = noise(size, uint64(i))
		a.send(t, b, channel.Bulk, sent[i])
		a.send(t, c, channel.Urgent, sent[i])
		a.broadcast(t, sent[i])
	}
	wait(t, "all frames have arrived", func() bool {
		return len(b.got()) == 2*count && len(c.got()) == 2*count
	})
	for i, frame := range sent {
		if !bytes.Equal(frame, noise(size, uint64(i))) {
			t.Fatalf("frame %d has changed in the hands of its sender", i)
		}
		if b.position(frame) < 0 || c.position(frame) < 0 {
			t.Fatalf("frame %d has changed in the hands of a receiver", i)
		}
	}
}

func bulkFramesStayInOrder(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b")
	a, b := nodes[0], nodes[1]
	sizes := []int{8, 100, 5000, 70 << 10, 300 << 10} // in turns
	const count = 500
	for i := range count {
		frame := make([]byte, sizes[i%len(sizes)])
		binary.BigEndian.PutUint64(frame, uint64(i))
		a.send(t, b, channel.Bulk, frame)
	}
	wait(t, "all frames have arrived", func() bool { return len(b.got()) == count })
	for i, frame := range b.got() {
		if at := binary.BigEndian.Uint64(frame); at != uint64(i) {
			t.Fatalf("frame %d arrived in place %d", at, i)
		}
	}
}

func tooLargeIsRefused(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b")
	a, b := nodes[0], nodes[1]
	tooLarge := make([]byte, channel.MaxFrame+1)
	wantSend(t, a, "b", tooLarge, channel.ErrTooLarge)
	if err := a.Broadcast(tooLarge); !errors.Is(err, channel.ErrTooLarge) {
		t.Errorf("broadcast: %v, want ErrTooLarge", err)
	}
	after := []byte("after")
	a.send(t, b, channel.Bulk, after)
	b.waitFor(t, after)
	if n := len(b.got()); n != 1 {
		t.Errorf("%d frames arrived, want only the one after", n)
	}
}

func unknownNodesAreRefused(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b")
	for _, id := range []raft.NodeID{"nobody", "", "A", "a "} {
		wantSend(t, nodes[0], id, []byte("hello"), channel.ErrUnknownPeer)
	}
}

func nodesDoNotSendToThemselves(t *testing.T, net Net) {
	a := attach(t, net, "a")
	wantSend(t, a, "a", []byte("alone"), channel.ErrUnknownPeer)
	a.broadcast(t, []byte("alone"))
	b := attach(t, net, "b")
	connect(t, a, b)
	wantSend(t, a, "a", []byte("in company"), channel.ErrUnknownPeer)
	a.broadcast(t, []byte("in company"))
	b.waitFor(t, []byte("in company"))
	if got := a.got(); len(got) > 0 {
		t.Errorf("a node got its own frame %s", short(got[0]))
	}
}

func broadcastReachesAllOthers(t *testing.T, net Net) {
	nodes := attachAll(t, net, "a", "b", "c", "d")
	for _, from := range nodes {
		from.broadcast(t, []byte("to all from "+from.id))
	}
	for _, to := range nodes {
		for _, from := range nodes {
			if from != to {
				to.waitFor(t, []byte("to all from "+from.id))
			}
		}
		if n := len(to.got()); n != len(nodes)-1 {
			t.Errorf("%s got %d frames, want one from each other node", to.id, n)
		}
	}
}

func clustersDoNotHearEachOther(t *testing.T, net Net) {
	a := attach(t, net, "a")
	stranger := open(t, net.Channel(t), channel.Self{ID: "stranger", Cluster: "another"})
	b := attach(t, net, "b")
	other := open(t, net.Channel(t), channel.Self{ID: "other", Cluster: "another"})
	connect(t, a, b)
	connect(t, stranger, other)
	for range 100 {
		wantSend(t, a, "stranger", []byte("hello"), channel.ErrUnknownPeer)
		wantSend(t, stranger, "a", []byte("hello"), channel.ErrUnknownPeer)
		a.broadcast(t, []byte("to ours"))
		stranger.broadcast(t, []byte("to theirs"))
	}
	b.waitFor(t, []byte("to ours"))
	other.waitFor(t, []byte("to theirs"))
	if stranger.position([]byte("to ours")) >= 0 || other.position([]byte("to ours")) >= 0 ||
		a.position([]byte("to theirs")) >= 0 || b.position([]byte("to theirs")) >= 0 {
		t.Error("a broadcast was heard in another cluster")
	}
}
