package tcp

import (
	"io"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/channel"
)

func TestABrokenConnectionIsReplaced(t *testing.T) {
	a, between := attachBehindProxy(t, "a", patient())
	b := attach(t, "b", patient(), between.addr())
	for range 3 {
		b.waitReaches(a)
		before := len(b.lostNodes())
		between.cut()
		wait(t, "b is told that it lost a", func() bool { return len(b.lostNodes()) > before })
	}
	b.waitReaches(a)
}

func TestNothingQueuedSurvivesTheConnection(t *testing.T) {
	n := attach(t, "n", patient())
	peer := newActor(t, "peer")
	peer.dial(n)
	conn := peer.accept()
	n.waitConnected("peer")
	for n.Send("peer", channel.Bulk, make([]byte, 1<<20)) == nil { // until ErrBusy
	}
	_ = conn.Close()
	n.waitLost("peer")
	again := peer.accept()
	wait(t, "n sends something new", func() bool {
		return n.Send("peer", channel.Bulk, []byte("new")) == nil
	})
	arrived := firstFrame(t, again)
	if string(arrived) != "new" {
		t.Errorf("%d bytes arrive that were queued before the break", len(arrived))
	}
}

func TestAPeerThatDoesNotAnswerPingsIsCutOff(t *testing.T) {
	s := patient()
	s.pingEvery = 5 * time.Millisecond
	n := attach(t, "n", s)
	peer := newActor(t, "peer")
	peer.dial(n)
	conn := peer.accept()
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	n.waitLost("peer")
	n.log.waitLine(t, "connection lost", "peer=peer", errUnanswered.Error())
}

func TestConnectionsThatEndAtOnceAreTriedLessAndLessOften(t *testing.T) {
	peer := newActor(t, "peer")
	s := patient()
	s.maxBackoff = time.Hour
	attach(t, "n", s, peer.addr())
	start := time.Now()
	const attempts = 8
	for range attempts {
		_ = peer.accept().Close()
	}
	// 1 + 2 + 4 + ... ms, less a half at most, between the attempts.
	least := s.minBackoff * (1<<(attempts-1) - 1) / 2
	if took := time.Since(start); took < least {
		t.Errorf("%d attempts within %v, want at least %v", attempts, took, least)
	}
}

func TestAConnectionThatLastedIsReplacedSoon(t *testing.T) {
	b := backoff{least: time.Second, most: time.Hour}
	for range 20 {
		b.next()
	}
	b.reset()
	if d := b.next(); d > time.Second {
		t.Errorf("rests for %v after a success, want a second at most", d)
	}
}

func TestRestsDoubleUpToTheMostLessAHalf(t *testing.T) {
	for range 100 {
		b := backoff{least: time.Second, most: 10 * time.Second}
		for _, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
			want *= time.Second
			if d := b.next(); d < want/2 || d > want {
				t.Fatalf("rests for %v, want %v to %v", d, want/2, want)
			}
		}
	}
}

// firstFrame reads until a frame has arrived, and answers pings.
func firstFrame(t *testing.T, conn io.ReadWriter) []byte {
	t.Helper()
	in := newStream(conn)
	for {
		arrived, err := in.next()
		if err != nil {
			t.Fatal(err)
		}
		if arrived.ping {
			_, _ = conn.Write([]byte{pong})
		}
		if arrived.frame != nil {
			return arrived.frame
		}
	}
}
