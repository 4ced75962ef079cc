package tcp

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/raft"
)

// An actor is a peer that a test plays itself.
type actor struct {
	t        testing.TB
	id       raft.NodeID
	listener net.Listener
}

func newActor(t testing.TB, id raft.NodeID) *actor {
	return &actor{t: t, id: id, listener: listen(t)}
}

func (a *actor) addr() string { return a.listener.Addr().String() }

func (a *actor) hello() hello {
	return hello{nonce: nonce{'a', 'c', 't'}, cluster: testCluster, node: a.id, address: a.addr()}
}

// dial connects to a node and completes the handshake.
func (a *actor) dial(n *node) net.Conn {
	a.t.Helper()
	conn := rawDial(a.t, n)
	if _, err := introduce(conn, a.hello(), time.Minute); err != nil {
		a.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Time{})
	return conn
}

// accept takes a connection from a node and completes the handshake.
func (a *actor) accept() net.Conn {
	a.t.Helper()
	return a.acceptAs(a.hello())
}

// acceptAs does so with a hello of the test's choice.
func (a *actor) acceptAs(own hello) net.Conn {
	a.t.Helper()
	conn, err := a.listener.Accept()
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = conn.Close() })
	if _, err := greet(conn, own, time.Minute); err != nil {
		a.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Time{})
	return conn
}

func rawDial(t testing.TB, n *node) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", n.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// write writes without a care for the other side.
func write(conn net.Conn, b []byte) { _, _ = conn.Write(b) }

// waitClosed reads until the other side closes the connection.
func waitClosed(t testing.TB, conn net.Conn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(longest))
	_, err := io.Copy(io.Discard, conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatal("the connection stays open")
	}
}
