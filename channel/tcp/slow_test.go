package tcp

import (
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle/channel"
)

func TestHalfOpenHandshakesAreCutOff(t *testing.T) {
	s := patient()
	s.patience = 50 * time.Millisecond
	for name, said := range map[string]string{"silence": "", "half a hello": "GAGL\x01\x00\x20...."} {
		t.Run("accepted, "+name, func(t *testing.T) {
			n := attach(t, "n", s)
			conn := rawDial(t, n)
			write(conn, []byte(said))
			waitClosed(t, conn)
			n.log.waitLine(t, "refused a connection", "timeout")
		})
		t.Run("dialed, "+name, func(t *testing.T) {
			mute := listen(t)
			n := attach(t, "n", s, mute.Addr().String())
			conn, err := mute.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			write(conn, []byte(said))
			waitClosed(t, conn)
			n.log.waitLine(t, "cannot connect", mute.Addr().String(), "timeout")
		})
	}
}

// readScripted has an unheard node read from a peer, and returns after how long it
// stopped and why.
func readScripted(t *testing.T, peer func(net.Conn)) (took time.Duration, err error) {
	t.Helper()
	n := attachUnheard(t)
	n.settings = defaults()
	near, far := net.Pipe()
	var speaker sync.WaitGroup
	speaker.Go(func() {
		peer(far)
		_ = far.Close()
	})
	start := time.Now()
	err = n.inbound.read(near)
	took = time.Since(start)
	_ = near.Close()
	speaker.Wait()
	return took, err
}

// drip writes a byte every 1.5 s until nobody reads any more.
func drip(conn net.Conn, b []byte) {
	for i := range b {
		if _, err := conn.Write(b[i : i+1]); err != nil {
			return
		}
		<-time.After(3 * time.Second / 2)
	}
}

func TestAPeerThatDripsARecordIsCutOff(t *testing.T) {
	for name, record := range map[string][]byte{
		"frame":  appendFrame(nil, make([]byte, 1000)),
		"header": appendHeader(nil, kindFrame, 0),
		"piece":  append([]byte("\x00\x01\x00\x00\x02\x00\x10\x00\x00"), make([]byte, 1000)...),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				took, err := readScripted(t, func(conn net.Conn) {
					<-time.After(time.Second)
					drip(conn, record)
				})
				var timeout net.Error
				if !errors.As(err, &timeout) || !timeout.Timeout() || took != defaults().patience {
					t.Errorf("%v after %v, want a timeout after %v", err, took, defaults().patience)
				}
			})
		})
	}
}

func TestAPeerThatIsSlowIsNotCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, err := readScripted(t, func(conn net.Conn) {
			large := make([]byte, 5*pieceBytes)
			record, rest := appendFirst(nil, large)
			for range 5 { // each takes 4 s
				for piece := range 4 {
					<-time.After(time.Second)
					write(conn, record[piece*len(record)/4:(piece+1)*len(record)/4])
				}
				record, rest = appendNext(nil, rest)
			}
		})
		if took < 20*time.Second {
			t.Errorf("cut off after %v: %v", took, err)
		}
	})
}

// runLink runs a link from a node over a connection, and returns when it has ended.
func runLink(n *node, conn net.Conn) { newLink(n.port, hello{node: "peer"}, "nowhere", conn).run() }

func TestAPeerThatReadsNothingIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := attachUnheard(t)
		n.settings = defaults()
		n.pingEvery = time.Hour // so that it is not the pings
		near, far := net.Pipe()
		defer func() { _ = far.Close() }()
		go runLink(n, near)
		n.waitConnected("peer")
		for n.Send("peer", channel.Bulk, make([]byte, 1<<20)) == nil { // until ErrBusy
		}
		start := time.Now()
		n.waitLost("peer")
		if took := time.Since(start).Round(time.Second); took != n.patience {
			t.Errorf("cut off after %v, want %v", took, n.patience)
		}
		n.log.waitLine(t, "connection lost", "peer=peer", "write", "timeout")
	})
}

func TestSilentPeersAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := attachUnheard(t)
		n.settings = defaults()
		near, far := net.Pipe()
		n.inbound.handshakes.take()
		start := time.Now()
		var server sync.WaitGroup
		server.Go(func() { n.inbound.serve(near) })
		own := hello{cluster: testCluster, node: "silent", address: "127.0.0.1:1"}
		if _, err := introduce(far, own, time.Minute); err != nil {
			t.Fatal(err)
		}
		server.Wait()
		if took := time.Since(start); took != n.patience {
			t.Errorf("cut off after %v, want %v", took, n.patience)
		}
		n.log.waitLine(t, "cut off a peer", "peer=silent", "timeout")
	})
}

func TestPeersThatReadNoPongsAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pause = 3 * time.Second
		took, err := readScripted(t, func(conn net.Conn) { // has no buffer to hold a pong
			<-time.After(pause)
			write(conn, appendPing(nil))
			<-time.After(time.Minute)
		})
		var timeout net.Error
		want := pause + defaults().patience
		if !errors.As(err, &timeout) || !timeout.Timeout() || took != want {
			t.Errorf("%v after %v, want a timeout after %v", err, took, want)
		}
	})
}

func TestPeersAreToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := attachUnheard(t)
		n.settings = defaults()
		n.directory.connect(newLink(n.port, hello{node: "b"}, "192.0.2.1:1", nil))
		near, far := net.Pipe()
		start := time.Now()
		go runLink(n, near)
		var told []time.Duration
		for in := newStream(far); len(told) < 3; {
			arrived, err := in.next()
			if err != nil {
				t.Fatal(err)
			}
			if arrived.ping {
				write(far, []byte{pong})
			}
			for _, c := range arrived.peers {
				if c != (contact{"b", "192.0.2.1:1"}) {
					t.Fatalf("told of %v", c)
				}
				told = append(told, time.Since(start).Round(2*time.Second))
			}
		}
		const every = gossipEvery * time.Second // a ping a second
		if want := []time.Duration{0, every, 2 * every}; !slices.Equal(told, want) {
			t.Errorf("told after %v, want %v", told, want)
		}
		_ = far.Close()
		n.waitLost("peer")
	})
}

func TestAQuietConnectionStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := attachUnheard(t), attachUnheard(t)
		a.settings, b.settings = defaults(), defaults()
		near, far := net.Pipe()
		var sides sync.WaitGroup
		sides.Go(func() { runLink(a, near) })
		sides.Go(func() { _ = b.inbound.read(far) })
		<-time.After(time.Hour)
		if err := a.Send("peer", channel.Urgent, []byte("still here")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if b.count("still here") != 1 || len(a.lostNodes()) > 0 {
			t.Errorf("it is cut for want of traffic: %s%s", a.log.read(), b.log.read())
		}
		_, _ = near.Close(), far.Close()
		sides.Wait()
	})
}

func TestALinkWritesNothingWhenThereIsNothingToSay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := attachUnheard(t)
		near, far := net.Pipe()
		conn := &tap{Conn: near, open: make(chan struct{})}
		conn.release()
		go runLink(n, conn)
		synctest.Wait()
		if writes := conn.written(); len(writes) > 0 {
			t.Errorf("it writes %q", writes)
		}
		_ = far.Close()
		n.waitLost("peer")
	})
}

func TestAddressesRest(t *testing.T) {
	const most = 2 * time.Second // maxBackoff
	for name, test := range map[string]struct {
		lasted      time.Duration
		least, most time.Duration
	}{
		"little after a connection that lasted": {most, 0, 50 * time.Millisecond},
		"long after one that did not":           {most - 1, most / 2, most},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := attachUnheard(t)
				n.settings = defaults()
				a := newAddress(n.port, "192.0.2.1:1", "")
				for range 20 {
					a.backoff.next()
				}
				start := time.Now()
				a.wake() // is no reason to hurry
				a.restAfter(test.lasted, nil)
				if took := time.Since(start); took < test.least || took > test.most {
					t.Errorf("rests for %v, want %v to %v", took, test.least, test.most)
				}
			})
		})
	}
}

func TestRestsDiffer(t *testing.T) {
	seen := make(map[time.Duration]bool)
	short := 0
	const draws = 200
	for range draws {
		b := backoff{least: time.Second, most: time.Hour}
		d := b.next()
		seen[d] = true
		if d < 3*time.Second/4 {
			short++
		}
	}
	if len(seen) < draws/2 || short < draws/5 || short > draws*4/5 {
		t.Errorf("%d rests of %d differ, and %d are in the lower half", len(seen), draws, short)
	}
}
