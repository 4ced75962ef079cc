package tcp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/channel"
)

// closeLeaving closes a node and waits until there are as many goroutines as before.
func closeLeaving(t *testing.T, before int, nodes ...*node) {
	t.Helper()
	var closers sync.WaitGroup
	for _, n := range nodes {
		closers.Go(func() { _ = n.Close() })
	}
	closers.Wait()
	wait(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

func TestCloseEndsWhateverIsUnderWay(t *testing.T) {
	s := patient()
	s.minBackoff, s.maxBackoff = time.Hour, time.Hour
	s.pingEvery = time.Hour
	for name, prepare := range map[string]func(*testing.T, *node) []net.Conn{
		"nothing": func(*testing.T, *node) []net.Conn { return nil },
		"an accepted handshake": func(t *testing.T, n *node) []net.Conn {
			conn := rawDial(t, n)
			wait(t, "it has begun", func() bool { return len(n.inbound.handshakes) == 1 })
			return []net.Conn{conn}
		},
		"a dialed handshake": func(t *testing.T, n *node) []net.Conn {
			mute := listen(t)
			n.try(newAddress(n.port, mute.Addr().String(), ""), false)
			conn, err := mute.Accept()
			if err != nil {
				t.Fatal(err)
			}
			return []net.Conn{conn}
		},
		"a rest after a failure": func(t *testing.T, n *node) []net.Conn {
			n.try(newAddress(n.port, "127.0.0.1:1", ""), false)
			n.log.waitLine(t, "cannot connect", "127.0.0.1:1")
			return nil
		},
		"a rest beside a rival": func(t *testing.T, n *node) []net.Conn {
			peer := newActor(t, "peer")
			n.try(newAddress(n.port, peer.addr(), ""), false)
			conn := peer.accept()
			n.waitConnected("peer")
			n.try(newAddress(n.port, "127.0.0.1:1", "peer"), false)
			return []net.Conn{conn}
		},
		"idle connections": func(t *testing.T, n *node) []net.Conn {
			peer := newActor(t, "peer")
			conn := peer.dial(n)
			back := peer.accept()
			n.waitConnected("peer")
			return []net.Conn{conn, back}
		},
		"a write that is stuck": func(t *testing.T, n *node) []net.Conn {
			peer := newActor(t, "peer")
			n.try(newAddress(n.port, peer.addr(), ""), false)
			conn := peer.accept()
			n.waitConnected("peer")
			wait(t, "the queue is full", func() bool {
				return errors.Is(n.Send("peer", channel.Bulk, make([]byte, 1<<20)), channel.ErrBusy)
			})
			return []net.Conn{conn}
		},
		"half a frame": func(t *testing.T, n *node) []net.Conn {
			conn := newActor(t, "peer").dial(n)
			first, _ := appendFirst(nil, make([]byte, 1<<20))
			write(conn, append(appendFrame(nil, []byte("whole")), first[:100]...))
			wait(t, "what comes before is there", func() bool { return n.count("whole") == 1 })
			return []net.Conn{conn}
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			n := attach(t, "n", s)
			conns := prepare(t, n)
			closeLeaving(t, before, n)
			for _, conn := range conns {
				waitClosed(t, conn)
				_ = conn.Close()
			}
			if lost := n.lostNodes(); len(lost) > 0 {
				t.Errorf("the receiver is told of %v, when it is its node that left", lost)
			}
		})
	}
}

func TestCloseAtAnyMomentLeavesNothing(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			before := runtime.NumGoroutine()
			a := attach(t, "a", patient())
			b := attach(t, "b", patient(), a.addr())
			c := attach(t, "c", patient(), a.addr(), b.addr())
			for range random.IntN(3000) {
				_ = b.Send("a", channel.Bulk, make([]byte, random.IntN(1000)))
				_ = a.Broadcast([]byte("to all"))
				runtime.Gosched()
			}
			closeLeaving(t, before, a, b, c)
		})
	}
}

func TestConnectionsThatEndedAreNotRemembered(t *testing.T) {
	n := attach(t, "n", patient())
	for range 10 {
		conn := rawDial(t, n)
		if _, err := introduce(conn, hello{cluster: testCluster, node: "peer"}, time.Minute); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		_ = rawDial(t, n).Close()
	}
	wait(t, "they are forgotten", func() bool {
		n.life.mu.Lock()
		defer n.life.mu.Unlock()
		return len(n.life.conns) == 0
	})
}

func TestNobodyIsDialedOnceTheEndHasBegun(t *testing.T) {
	n := attach(t, "n", patient())
	n.patience = time.Second
	n.life.stop()
	if _, _, err := n.dial(listen(t).Addr().String()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that it is canceled", err)
	}
}

// A leaver is a receiver whose node is detached at the first frame.
type leaver struct{ *node }

func (l leaver) Receive(frame []byte) error {
	l.life.stop()
	return l.node.Receive(frame)
}

func TestWhatWasReadBeforeCloseIsNotDeliveredAfter(t *testing.T) {
	n := attachUnheard(t)
	n.receiver = leaver{n}
	records := bytes.Repeat(appendFrame(nil, []byte("frame")), 100)
	err := n.inbound.read(&script{says: bytes.NewReader(records)})
	if got := n.count("frame"); got != 1 || !errors.Is(err, errDetached) {
		t.Errorf("%d frames are delivered, and then %v", got, err)
	}
}

func TestAListenerThatFailsIsAskedAgain(t *testing.T) {
	n := attachUnheard(t)
	n.minBackoff = time.Millisecond
	broken := &brokenListener{asked: make(chan struct{}), closed: make(chan struct{})}
	n.inbound.listener = broken
	n.life.start(n.inbound.run)
	for range 3 {
		<-broken.asked
	}
	n.log.waitLine(t, "ERROR", "cannot accept connections", "out of files")
	if lines := n.log.quote("cannot accept connections"); lines != 1 {
		t.Errorf("it says so %d times", lines)
	}
	_ = n.Close()
}

// A brokenListener accepts nobody.
type brokenListener struct {
	nowhere
	asked, closed chan struct{}
}

func (l *brokenListener) Accept() (net.Conn, error) {
	select {
	case l.asked <- struct{}{}:
		return nil, errors.New("out of files")
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *brokenListener) Close() error {
	close(l.closed)
	return nil
}
