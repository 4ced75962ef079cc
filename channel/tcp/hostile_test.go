package tcp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/ben-ng/gaggle/channel"
)

// helloBytes encodes a hello that edit has changed.
func helloBytes(edit func(*hello)) []byte {
	h := hello{cluster: testCluster, node: "hostile", address: "127.0.0.1:1"}
	edit(&h)
	return h.encode()
}

func TestBadHellosAreCutOff(t *testing.T) {
	good := helloBytes(func(*hello) {})
	for name, test := range map[string]struct {
		bytes  []byte
		reason error
	}{
		"garbage":         {[]byte("GET / HTTP/1.1\r\n\r\n"), errNotGaggle},
		"another version": {append([]byte("GAGL\x02"), good[5:]...), errVersion},
		"another cluster": {helloBytes(func(h *hello) { h.cluster = "x" }), errCluster},
		"no node ID":      {helloBytes(func(h *hello) { h.node = "" }), errHello},
		"the node's ID":   {helloBytes(func(h *hello) { h.node = "n" }), errSameIdentity},
		"too long":        {[]byte("GAGL\x01\xff\xff"), errHello},
		"bytes left over": {[]byte("GAGL\x01\x00\x19sixteen bytes of\x04test\x01m\x00!"), errHello},
		"too short":       {[]byte("GAGL\x01\x00\x0f"), errHello},
	} {
		t.Run(name, func(t *testing.T) {
			n := attach(t, "n", patient())
			conn := rawDial(t, n)
			write(conn, test.bytes)
			waitClosed(t, conn)
			n.log.waitLine(t, "refused a connection", "peer=127.0.0.1", test.reason.Error())
			if n.known() > 0 {
				t.Error("the node has learned from it")
			}
		})
	}
}

func TestTheDialerLearnsWhyItIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		edit   func(*hello)
		reason error
	}{
		"another cluster": {func(h *hello) { h.cluster = "x" }, errCluster},
		"the same ID":     {func(h *hello) { h.node = "n" }, errSameIdentity},
	} {
		t.Run(name, func(t *testing.T) {
			n := attach(t, "n", patient())
			own := hello{node: "m", cluster: testCluster}
			test.edit(&own)
			_, err := introduce(rawDial(t, n), own, time.Minute)
			if !errors.Is(err, test.reason) {
				t.Errorf("%v, want %v", err, test.reason)
			}
		})
	}
}

func TestANewerVersionIsAnswered(t *testing.T) {
	n := attach(t, "n", patient())
	conn := rawDial(t, n)
	write(conn, append([]byte("GAGL\x02\x02\x58"), make([]byte, 600)...))
	answer, err := readHello(conn)
	if err != nil || answer.node != "n" {
		t.Errorf("answer %+v, %v", answer, err)
	}
}

func TestADialedStrangerIsNotConnected(t *testing.T) {
	stranger := newActor(t, "stranger")
	n := attach(t, "n", patient(), stranger.addr())
	conn, err := stranger.listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	other := stranger.hello()
	other.cluster = "x"
	write(conn, other.encode())
	waitClosed(t, conn)
	n.log.waitLine(t, "cannot connect", stranger.addr(), errCluster.Error())
}

func TestSlowHellosAreCutOff(t *testing.T) {
	s := patient()
	s.patience = 50 * time.Millisecond
	n := attach(t, "n", s)
	conn := rawDial(t, n)
	go func() {
		ticker := time.NewTicker(10 * time.Millisecond) // never silent, never done
		defer ticker.Stop()
		for _, b := range helloBytes(func(h *hello) { h.address = string(make([]byte, maxAddress)) }) {
			if _, err := conn.Write([]byte{b}); err != nil {
				return
			}
			<-ticker.C
		}
	}()
	waitClosed(t, conn)
	n.log.waitLine(t, "refused a connection", "timeout")
}

func TestMalformedRecordsAreCutOff(t *testing.T) {
	for name, bytes := range malformedRecords() {
		t.Run(name, func(t *testing.T) {
			n := attach(t, "n", patient())
			conn := newActor(t, "hostile").dial(n)
			write(conn, bytes)
			waitClosed(t, conn)
			n.log.waitLine(t, "cut off a peer", "peer=hostile", errRecord.Error())
		})
	}
}

func TestAPeerWhoseFramesAreRefusedIsCutOff(t *testing.T) {
	n := attach(t, "n", patient())
	n.refuse = errors.New("what a strange frame")
	conn := newActor(t, "strange").dial(n)
	write(conn, appendFrame(nil, []byte("strange")))
	waitClosed(t, conn)
	n.log.waitLine(t, "cut off a peer", "peer=strange", "what a strange frame")
}

func TestAPeerThatAnswersWhatWasNotAskedIsCutOff(t *testing.T) {
	for name, answer := range map[string]byte{"a pong": pong, "another byte": 'x'} {
		t.Run(name, func(t *testing.T) {
			s := patient()
			s.pingEvery = time.Hour
			peer := newActor(t, "peer")
			n := attach(t, "n", s, peer.addr())
			write(peer.accept(), []byte{answer})
			n.log.waitLine(t, "connection lost", "peer=peer", errPong.Error())
		})
	}
}

func TestTooManyHandshakesAreTurnedAway(t *testing.T) {
	s := patient()
	s.maxHandshakes = 2
	n := attach(t, "n", s)
	first, second := rawDial(t, n), rawDial(t, n)
	wait(t, "both are in their handshake", func() bool { return len(n.inbound.handshakes) == 2 })
	waitClosed(t, rawDial(t, n))
	n.log.waitLine(t, "too many connections", "peer=127.0.0.1")
	if open := len(n.inbound.open); open != 2 {
		t.Errorf("%d connections are counted as open", open)
	}
	_, _ = first.Close(), second.Close()
	wait(t, "there is room again", func() bool { return len(n.inbound.handshakes) == 0 })
	newActor(t, "polite").dial(n)
}

func TestTooManyConnectionsAreTurnedAway(t *testing.T) {
	s := patient()
	s.maxInbound = 2
	n := attach(t, "n", s)
	first := newActor(t, "first").dial(n)
	newActor(t, "second").dial(n)
	wait(t, "the handshakes are over", func() bool { return len(n.inbound.handshakes) == 0 })
	waitClosed(t, rawDial(t, n))
	n.log.waitLine(t, "too many connections")
	_ = first.Close()
	wait(t, "there is room again", func() bool { return len(n.inbound.open) == 1 })
	newActor(t, "third").dial(n)
}

func TestAddressesAreCheckedInOpen(t *testing.T) {
	long := string(bytes.Repeat([]byte("h"), maxAddress)) + ":1"
	for _, config := range []Config{
		{},
		{Listen: "7001"},
		{Listen: ":http"},
		{Listen: ":70000"},
		{Listen: ":0", Peers: []string{"host"}},
		{Listen: ":0", Peers: []string{":7001"}},
		{Listen: ":0", Peers: []string{"host:0"}},
		{Listen: ":0", Peers: []string{long}},
		{Listen: ":0", Advertise: "host"},
		{Listen: "192.0.2.1:0"}, // is no address of this machine
	} {
		port, err := NewConfig(config).Open(channel.Self{ID: "n"}, &node{})
		if err == nil {
			_ = port.Close()
			t.Errorf("%+v was opened", config)
		}
	}
}

func TestNoLogIsSilence(*testing.T) {
	newComplaints(nil).say(slog.LevelError, "something", "somebody", errHello)
}

// malformedRecords returns what no stream may contain.
func malformedRecords() map[string][]byte {
	header := func(n uint32, k kind) []byte {
		return append(binary.BigEndian.AppendUint32(nil, n), byte(k))
	}
	first := func(size uint32, piece int) []byte {
		b := binary.BigEndian.AppendUint32(header(uint32(sizeBytes+piece), kindFirst), size)
		return append(b, make([]byte, piece)...)
	}
	next := func(piece int) []byte {
		return append(header(uint32(piece), kindNext), make([]byte, piece)...)
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	record := func(k kind, payload string) []byte {
		return append(header(uint32(len(payload)), k), payload...)
	}
	crowd := ""
	for i := range peersPerRecord + 1 {
		crowd += fmt.Sprintf("\x04%04d\x01x", i)
	}
	return map[string][]byte{
		"kind 0":                  header(0, 0),
		"unknown kind":            header(0, 6),
		"huge frame":              header(1<<32-1, kindFrame),
		"frame over the limit":    header(pieceBytes+1, kindFrame),
		"next over the limit":     header(pieceBytes+1, kindNext),
		"first over the limit":    header(sizeBytes+pieceBytes+1, kindFirst),
		"peers over the limit":    header(peersPerRecord*maxContact+1, kindPeers),
		"ping with a payload":     record(kindPing, "x"),
		"first without a piece":   record(kindFirst, "\x00\x00\x00\x05"),
		"first without a size":    record(kindFirst, "\x00\x00"),
		"first of a huge frame":   first(channel.MaxFrame+1, 10),
		"first that is all":       first(10, 10),
		"first beyond the end":    first(9, 10),
		"first within another":    join(first(20, 10), first(20, 10)),
		"next without first":      next(1),
		"next beyond the end":     join(first(20, 10), next(11)),
		"next that is empty":      join(first(20, 10), next(0)),
		"next after the end":      join(first(20, 10), next(10), next(1)),
		"peer without an address": record(kindPeers, "\x01a"),
		"peer without an ID":      record(kindPeers, "\x00\x01a"),
		"peer cut short":          record(kindPeers, "\x05a"),
		"peer with a long ID": record(kindPeers,
			string([]byte{channel.MaxNodeID + 1})+string(make([]byte, 200))),
		"too many peers": record(kindPeers, crowd),
	}
}
