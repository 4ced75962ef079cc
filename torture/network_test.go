//go:build unix

package main

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// patient is how long a test waits for what has to happen.
const patient = time.Minute

// A wire is a connection from node 0 to node 1 through a proxy, played by a test.
type wire struct {
	network      *network
	proxy        *proxy
	listener     net.Listener
	dialer, node net.Conn
}

// helloOf is the hello of a node, as channel/tcp has it.
func helloOf(name string) []byte {
	body := append(make([]byte, helloNonce), byte(len("cluster")))
	body = append(body, "cluster"...)
	body = append(append(body, byte(len(name)+2)), name+"#1"...)
	body = append(body, 0)
	return append([]byte{'G', 'A', 'G', 'L', 1, 0, byte(len(body))}, body...)
}

func newWire(t *testing.T) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{network: newNetwork(), listener: listener}
	if w.proxy, err = newProxy(w.network, 1, []string{"n1", "n2"}); err != nil {
		t.Fatal(err)
	}
	w.proxy.leadTo(listener.Addr().String())
	w.proxy.run()
	t.Cleanup(func() {
		_ = listener.Close()
		w.proxy.close()
	})
	w.dialer = w.dial(t, "n1")
	if w.node, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	w.expect(t, w.node, string(helloOf("n1")))
	return w
}

func (w *wire) dial(t *testing.T, name string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", w.proxy.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	w.say(t, conn, string(helloOf(name)))
	return conn
}

func (w *wire) say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func (w *wire) expect(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patient))
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != text {
		t.Fatalf("%q arrives, %v; want %q", got, err, text)
	}
}

func (w *wire) expectEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patient))
	_, err := io.Copy(io.Discard, conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatal("the connection stays")
	}
}

func TestWhatIsSaidGoesBothWays(t *testing.T) {
	w := newWire(t)
	w.say(t, w.dialer, "there")
	w.expect(t, w.node, "there")
	w.say(t, w.node, "back")
	w.expect(t, w.dialer, "back")
}

func TestACutEndsConnectionsAndRefusesMore(t *testing.T) {
	w := newWire(t)
	there := pair{0, 1}
	w.network.change(there, func(l *link) { l.cut++ })
	w.expectEnd(t, w.dialer)
	w.expectEnd(t, w.node)
	w.expectEnd(t, w.dial(t, "n1"))
	w.network.change(there, func(l *link) { l.cut-- })
	w.say(t, w.dial(t, "n1"), "again")
}

func TestACutOfTheOtherDirectionLeavesThisOneAlone(t *testing.T) {
	w := newWire(t)
	w.network.change(pair{1, 0}, func(l *link) { l.cut++ })
	w.say(t, w.dialer, "there")
	w.expect(t, w.node, "there")
}

func TestWhatIsHeldBackArrivesWhenThatIsOver(t *testing.T) {
	w := newWire(t)
	there := pair{0, 1}
	w.network.change(there, func(l *link) { l.held++ })
	w.say(t, w.dialer, "late")
	w.say(t, w.node, "at once") // the other direction is not held back
	w.expect(t, w.dialer, "at once")
	_ = w.node.SetReadDeadline(time.Now().Add(time.Millisecond))
	if n, err := w.node.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Fatal("something comes through")
	}
	w.network.change(there, func(l *link) { l.held-- })
	w.expect(t, w.node, "late")
}

func TestWhatIsDelayedTakesThatLong(t *testing.T) {
	w := newWire(t)
	const delay = 20 * time.Millisecond
	w.network.change(pair{0, 1}, func(l *link) { l.delay += delay })
	began := time.Now()
	w.say(t, w.dialer, "slow")
	w.expect(t, w.node, "slow")
	if took := time.Since(began); took < delay {
		t.Errorf("it took %v, want %v at least", took, delay)
	}
}

func TestStrangersAreNotLetIn(t *testing.T) {
	w := newWire(t)
	w.expectEnd(t, w.dial(t, "n7"))
}
