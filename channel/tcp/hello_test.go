package tcp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

func TestAHelloIsReadAsItWasWritten(t *testing.T) {
	longest := hello{
		nonce:   nonce(bytes.Repeat([]byte{0xee}, nonceBytes)),
		cluster: strings.Repeat("c", channel.MaxCluster),
		node:    raft.NodeID(strings.Repeat("n", channel.MaxNodeID)),
		address: strings.Repeat("a", maxAddress),
	}
	for _, want := range []hello{{node: "n"}, longest} {
		data := append(want.encode(), "what follows"...)
		r := bytes.NewReader(data)
		got, err := readHello(r)
		if err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
		if rest, _ := io.ReadAll(r); string(rest) != "what follows" {
			t.Errorf("%q is left after the hello", rest)
		}
	}
	if n := len(longest.encode()); n != helloPrefix+maxHello {
		t.Errorf("the longest hello has %d bytes, want %d", n, helloPrefix+maxHello)
	}
}

func TestAHelloOfAnotherVersionIsReadToItsEnd(t *testing.T) {
	r := bytes.NewReader([]byte("GAGL\x07\x00\x04what follows"))
	if _, err := readHello(r); !errors.Is(err, errVersion) {
		t.Errorf("%v, want errVersion", err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != " follows" {
		t.Errorf("%q is left", rest)
	}
}

func TestHellosCutShortAreErrors(t *testing.T) {
	whole := hello{cluster: "c", node: "n", address: "host:1"}.encode()
	for n := range whole {
		_, err := readHello(bytes.NewReader(whole[:n]))
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut after %d bytes: %v", n, err)
		}
	}
}

func TestAnAdvertisedAddressWithoutAHostIsWhereTheNodeComesFrom(t *testing.T) {
	four := &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 5}
	six := &net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 5}
	for _, test := range []struct {
		advertised string
		from       net.Addr
		want       string
	}{
		{":7001", four, "192.0.2.7:7001"},
		{":7001", six, "[2001:db8::7]:7001"},
		{"0.0.0.0:7001", four, "192.0.2.7:7001"},
		{"[::]:7001", six, "[2001:db8::7]:7001"},
		{"host:7001", four, "host:7001"},
		{"127.0.0.1:7001", four, "127.0.0.1:7001"},
		{"", four, ""},
		{"host", four, ""},
		{"host:port", four, ""},
	} {
		if got := resolve(test.advertised, test.from); got != test.want {
			t.Errorf("%q from %v: %q, want %q", test.advertised, test.from, got, test.want)
		}
	}
}

func TestOnlyAddressesThatCanBeDialedAreLearned(t *testing.T) {
	for name, want := range map[string]bool{
		"host:1":                               true,
		"[::1]:65535":                          true,
		"":                                     false,
		"host":                                 false,
		":1":                                   false,
		"host:0":                               false,
		"host:65536":                           false,
		"host:http":                            false,
		strings.Repeat("h", maxAddress) + ":1": false,
	} {
		if dialable(name) != want {
			t.Errorf("dialable(%q) is not %v", name, want)
		}
	}
}
