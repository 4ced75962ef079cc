package tcp

import (
	"errors"
	"net"
	"testing"

	"github.com/ben-ng/gaggle/channel"
)

func TestAForgedIDDoesNotDivertFrames(t *testing.T) {
	b := attach(t, "b", patient())
	n := attach(t, "n", patient(), b.addr())
	n.waitReaches(b)
	forger := newActor(t, "b") // says so, and where it can be dialed
	forger.dial(n)
	n.learn(contact{"b", forger.addr()}, false)
	if got := n.directory.find("b").address; got != b.addr() {
		t.Errorf("frames for b go to %s, want %s", got, b.addr())
	}
	n.waitReaches(b)
}

func TestTwoNodesWithOneIDAreToldOf(t *testing.T) {
	first, second := newActor(t, "twin"), newActor(t, "twin")
	n := attach(t, "n", patient(), first.addr())
	conn := first.accept()
	n.waitConnected("twin")
	n.try(newAddress(n.port, second.addr(), ""), false)
	refused := second.acceptAs(hello{nonce: nonce{2}, cluster: testCluster, node: "twin"})
	waitClosed(t, refused)
	n.log.waitLine(t, "two nodes have one ID", "peer=twin", first.addr(), second.addr())
	if err := n.Send("twin", channel.Bulk, []byte("for the first")); err != nil {
		t.Fatal(err)
	}
	if got := firstFrame(t, conn); string(got) != "for the first" {
		t.Errorf("the first gets %q", got)
	}
}

func TestOneNodeAtTwoAddressesIsNoTrouble(t *testing.T) {
	a := attach(t, "a", patient())
	alias := newProxy(t, a.addr())
	b := attach(t, "b", patient(), a.addr(), alias.addr())
	b.waitReaches(a)
	wait(t, "b has tried both addresses", func() bool {
		_, bytes := alias.counts()
		return bytes > 0
	})
	alias.close()
	b.waitReaches(a)
	if n := b.log.quote("two nodes have one ID"); n > 0 {
		t.Errorf("the log has it %d times that a is two nodes", n)
	}
}

func TestASecondIDAtAnAddressIsRefused(t *testing.T) {
	a := attach(t, "a", patient())
	if _, err := a.channel.Open(channel.Self{ID: "b", Cluster: testCluster}, a); !errors.Is(err, channel.ErrInUse) {
		t.Errorf("open the same channel again: %v, want ErrInUse", err)
	}
	port, err := New(a.addr()).Open(channel.Self{ID: "b", Cluster: testCluster}, a)
	var trouble *net.OpError
	if !errors.As(err, &trouble) {
		t.Errorf("listen on the same address: %v, want an error of the network", err)
	}
	if err == nil {
		_ = port.Close()
	}
}

func TestAPeerMayHaveManyConnectionsButGetsOne(t *testing.T) {
	n := attach(t, "n", patient())
	peer := newActor(t, "peer")
	const conns = 5
	for range conns {
		write(peer.dial(n), appendFrame(nil, []byte("hello")))
	}
	wait(t, "all are read", func() bool { return n.count("hello") == conns })
	conn := peer.accept()
	n.waitConnected("peer")
	for range conns {
		write(peer.dial(n), appendFrame(nil, []byte("hello")))
	}
	wait(t, "all are read", func() bool { return n.count("hello") == 2*conns })
	if err := n.Broadcast([]byte("once")); err != nil {
		t.Fatal(err)
	}
	if got := firstFrame(t, conn); string(got) != "once" {
		t.Errorf("the peer gets %q", got)
	}
	if known := n.known(); known != 1 {
		t.Errorf("n dials %d addresses of one node", known)
	}
}

func TestANodeThatMovesIsFoundAgain(t *testing.T) {
	a := attach(t, "a", patient())
	c := attach(t, "c", patient(), a.addr())
	old := attach(t, "mover", patient(), a.addr())
	for _, n := range []*node{a, c} {
		n.waitReaches(old)
		old.waitReaches(n)
	}
	_ = old.Close()
	a.waitLost("mover")
	c.waitLost("mover")
	squatter, err := net.Listen("tcp", old.addr()) // says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = squatter.Close() }()
	moved := attach(t, "mover", patient(), a.addr())
	for _, n := range []*node{a, c} { // c hears of it from a, or is dialed
		n.waitReaches(moved)
		moved.waitReaches(n)
		if got := n.directory.find("mover").address; got != moved.addr() {
			t.Errorf("%s dials %s, want %s", n.self.ID, got, moved.addr())
		}
	}
}

func TestRepeatedTroubleIsLoggedOnce(t *testing.T) {
	n := attach(t, "n", patient())
	const times = 30
	for range times {
		conn := rawDial(t, n)
		write(conn, []byte("GET / HTTP/1.1\r\n\r\n"))
		waitClosed(t, conn)
		mad := newActor(t, "mad").dial(n)
		write(mad, malformedRecords()["kind 0"])
		waitClosed(t, mad)
	}
	n.log.waitLine(t, "refused a connection")
	n.log.waitLine(t, "cut off a peer")
	for _, text := range []string{"refused a connection", "cut off a peer"} {
		if lines := n.log.quote(text); lines != 1 {
			t.Errorf("%d lines say %q after %d times", lines, text, times)
		}
	}
}
