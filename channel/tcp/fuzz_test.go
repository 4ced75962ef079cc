package tcp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ben-ng/gaggle/channel"
)

// traffic returns what a peer sends that does everything a peer does, though its large
// frame is small, as large seeds make slow fuzzing.
func traffic() []byte {
	q := newQueue()
	w := &writer{queue: q, contacts: func() []contact {
		return []contact{{"a", "192.0.2.1:7001"}, {"b", "[2001:db8::1]:7001"}, {"c", ""}}
	}}
	q.askPing()
	q.askGossip()
	for _, size := range []int{0, 1, 40, 300} {
		_ = q.push(channel.Bulk, make([]byte, size)) // there is room
		_ = q.push(channel.Urgent, bytes.Repeat([]byte("u"), size))
	}
	data, _ := w.next()
	data = append(data, "\x00\x00\x00\x06\x02\x00\x00\x00\x05in"...) // in pieces
	data = appendFrame(appendPing(data), []byte("heartbeat"))
	return append(data, "\x00\x00\x00\x03\x03two"...)
}

// FuzzHello checks that what is read as a hello is one, that nothing beyond it is
// read, and that all else is refused for a reason.
func FuzzHello(f *testing.F) {
	f.Add(hello{cluster: "c", node: "n", address: "host:1"}.encode())
	f.Add(hello{nonce: nonce{1, 2, 3}, node: "n"}.encode())
	f.Add([]byte("GAGL\x01\x00\x14"))
	f.Add([]byte("GAGL\x02\x00\x05abcdef"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		h, err := readHello(r)
		read := len(data) - r.Len()
		if err != nil {
			wantReason(t, err, errNotGaggle, errVersion, errHello)
			return
		}
		if again := h.encode(); !bytes.Equal(again, data[:read]) {
			t.Fatalf("%x was read as %+v", data[:read], h)
		}
	})
}

// wantReason checks that an error is that the peer hung up, or one of the reasons.
func wantReason(t *testing.T, err error, reasons ...error) {
	t.Helper()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return
	}
	if !slices.ContainsFunc(reasons, func(r error) bool { return errors.Is(err, r) }) {
		t.Fatalf("%v is no reason", err)
	}
}

// FuzzStream checks that no bytes from the network make a stream panic, yield what it
// must not, or take more memory than the limits allow.
func FuzzStream(f *testing.F) {
	for _, data := range malformedRecords() {
		f.Add(data)
	}
	f.Add(traffic())
	f.Add(appendPeers(nil, []contact{{"a", "host:1"}, {"b", ""}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := allocated()
		readAll(t, newStream(bytes.NewReader(data)), len(data))
		// What was announced, and what came. A contact is two strings for 3 bytes.
		const others = 1 << 20 // of the test, and while it is fuzzed
		limit := channel.MaxFrame + 2*readBuffer + 64*len(data) + others
		if took := allocated() - before; took > uint64(limit) {
			t.Fatalf("%d bytes were allocated for %d", took, len(data))
		}
		if len(data) < 1000 { // takes long
			readAll(t, newStream(iotest.OneByteReader(bytes.NewReader(data))), len(data))
		}
	})
}

// readAll checks all that a stream yields out of so many bytes.
func readAll(t *testing.T, s *stream, size int) {
	t.Helper()
	total := 0
	for {
		a, err := s.next()
		if err != nil {
			wantReason(t, err, errRecord)
			return
		}
		total += len(a.frame)
		if len(a.frame) > channel.MaxFrame || cap(a.frame) > len(a.frame) || total > size {
			t.Fatalf("a frame of %d bytes, %d in all, out of %d", len(a.frame), total, size)
		}
		if len(a.peers) > peersPerRecord {
			t.Fatalf("%d peers", len(a.peers))
		}
		for _, c := range a.peers {
			if c.node == "" || len(c.node) > channel.MaxNodeID || len(c.address) > maxAddress {
				t.Fatalf("peer %q", c)
			}
		}
	}
}

// allocated returns how many bytes have been allocated so far, freed or not.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
}

// FuzzPeers checks that contacts are read as they were written, and that the bytes of
// contacts are theirs alone.
func FuzzPeers(f *testing.F) {
	f.Add([]byte("\x01a\x06host:1\x01b\x00"))
	f.Add(malformedRecords()["too many peers"][headerBytes:])
	f.Fuzz(func(t *testing.T, payload []byte) {
		contacts, ok := parsePeers(payload)
		if !ok || len(contacts) == 0 {
			return
		}
		if again := appendPeers(nil, contacts); !bytes.Equal(again[headerBytes:], payload) {
			t.Fatalf("%x was read as %q", payload, contacts)
		}
	})
}

// FuzzInbound checks what a stranger can do to a node that it dials: the connection
// ends, for a reason that the log has.
func FuzzInbound(f *testing.F) {
	greeting := hello{cluster: testCluster, node: "stranger", address: "127.0.0.1:1"}.encode()
	f.Add(append(slices.Clone(greeting), traffic()...))
	for _, data := range malformedRecords() {
		f.Add(append(slices.Clone(greeting), data...))
	}
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add(hello{cluster: "other", node: "stranger"}.encode())
	f.Add(append(hello{cluster: testCluster, node: "n"}.encode(), 0, 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := attachUnheard(t)
		n.inbound.handshakes.take()
		n.inbound.serve(&script{says: bytes.NewReader(data)})
		if n.known() > 0 {
			t.Error("an address was learned beyond the limit")
		}
		log := n.log.read()
		if strings.Count(log, "refused a connection")+strings.Count(log, "cut off a peer") > 1 {
			t.Errorf("more than one reason:\n%s", log)
		}
		if _, wrong := judge(data); wrong != nil && !strings.Contains(log, wrong.Error()) {
			t.Errorf("no word of %v:\n%s", wrong, log)
		}
		if frames, _ := judge(data); !slices.Equal(n.frames, frames) {
			t.Errorf("%d frames arrived of %d", len(n.frames), len(frames))
		}
	})
}

// attachUnheard attaches a node that nobody can dial and that learns no address, so
// that whatever it is told, it dials nobody.
func attachUnheard(t testing.TB) *node {
	t.Helper()
	s := patient()
	s.maxAddresses = 0
	n := &node{t: t}
	self := channel.Self{ID: "n", Cluster: testCluster, Log: n.log.logger()}
	ch := New("127.0.0.1:1")
	ch.settings = s
	n.port = newPort(ch, self, n, nowhere{})
	t.Cleanup(n.life.end)
	return n
}

// A script is a connection to a peer that says what it has to say, and hangs up.
type script struct {
	says *bytes.Reader
}

func (s *script) Read(b []byte) (int, error)       { return s.says.Read(b) }
func (s *script) Write(b []byte) (int, error)      { return len(b), nil }
func (s *script) Close() error                     { return nil }
func (s *script) LocalAddr() net.Addr              { return nowhere{}.Addr() }
func (s *script) RemoteAddr() net.Addr             { return nowhere{}.Addr() }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// nowhere is a listener that hears nobody.
type nowhere struct{}

func (nowhere) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (nowhere) Close() error              { return nil }
func (nowhere) Addr() net.Addr            { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// judge returns the frames that a node with the ID n takes from a peer, and what the
// peer does wrong, if it does not merely end.
func judge(data []byte) (frames []string, wrong error) {
	r := bytes.NewReader(data)
	peer, err := readHello(r)
	if err == nil {
		own := hello{nonce: peer.nonce, cluster: testCluster, node: "n"}
		own.nonce[0]++ // it is random, and so another one
		err = own.refuse(peer)
	}
	for s := newStream(r); err == nil; {
		var a arrival
		if a, err = s.next(); err == nil && a.frame != nil {
			frames = append(frames, string(a.frame))
		}
	}
	for _, reason := range []error{errNotGaggle, errVersion, errHello, errCluster,
		errSameIdentity, errRecord} {
		if errors.Is(err, reason) {
			return frames, reason
		}
	}
	return frames, nil
}

// FuzzAnswers checks what a stranger can do to a node that dialed it: send a hello, and
// then answers to pings that were not asked.
func FuzzAnswers(f *testing.F) {
	greeting := hello{cluster: testCluster, node: "stranger"}.encode()
	f.Add(greeting)
	f.Add(append(slices.Clone(greeting), pong))
	f.Add([]byte("SSH-2.0-OpenSSH_9.6\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := attachUnheard(t)
		conn := &script{says: bytes.NewReader(data)}
		peer, err := introduce(conn, n.hello(), time.Minute)
		if err != nil {
			wantReason(t, err, errNotGaggle, errVersion, errHello, errCluster, errSameIdentity)
			return
		}
		rest := data[len(peer.encode()):]
		err = newLink(n.port, peer, "there", conn).readPongs()
		if len(rest) > 0 && !errors.Is(err, errPong) {
			t.Fatalf("%v after %d bytes that were not asked for", err, len(rest))
		}
		if len(rest) == 0 && !errors.Is(err, io.EOF) {
			t.Fatalf("%v, want the end", err)
		}
	})
}

// FuzzFramesPass checks that frames of all sizes and classes arrive as they were sent,
// those of a class in order, when writes and reads go on between them. Each byte of the
// plan queues a frame, and some have what is queued written.
func FuzzFramesPass(f *testing.F) {
	f.Add([]byte("some frames of both classes"))
	f.Add([]byte{0xff, 0x1f, 0x3e, 0x80, 0xff, 0x00, 0x01})
	f.Fuzz(func(t *testing.T, plan []byte) {
		q := newQueue()
		w := &writer{queue: q, contacts: func() []contact { return []contact{{"a", "b:1"}} }}
		var data bytes.Buffer
		var sent, got [2][]string // by lane
		for i, step := range plan[:min(len(plan), 40)] {
			class := channel.Class(step & 1)
			frame := bytes.Repeat([]byte{byte(i)}, 1<<(step>>1%18)+int(step>>6))
			lane := class
			if len(frame) > pieceBytes {
				lane = channel.Bulk
			}
			frame[0] = byte(lane)
			if q.push(class, frame) == nil {
				sent[lane] = append(sent[lane], string(frame))
			}
			if step&0x20 > 0 && !q.nothing() {
				batch, _ := w.next()
				data.Write(batch)
				q.askPing()
				q.askGossip()
			}
		}
		for !q.nothing() || w.large != nil {
			batch, _ := w.next()
			data.Write(batch)
		}
		for s := newStream(&data); ; {
			a, err := s.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if a.frame != nil {
				got[a.frame[0]] = append(got[a.frame[0]], string(a.frame))
			}
		}
		for class := range sent {
			if !slices.Equal(got[class], sent[class]) {
				t.Errorf("class %d: %d frames were sent, %d others were read",
					class, len(sent[class]), len(got[class]))
			}
		}
	})
}
