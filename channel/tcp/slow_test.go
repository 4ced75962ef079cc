package tcp

import (
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
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
