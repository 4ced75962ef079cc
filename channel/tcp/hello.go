package tcp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

const (
	magic      = "GAGL"
	version    = 1
	nonceBytes = 16 // two nodes that draw the same one do not happen
	maxAddress = 255

	// helloPrefix is the magic, the version and the length.
	helloPrefix = len(magic) + 1 + 2
	// maxHello is how many bytes can follow the prefix.
	maxHello = nonceBytes + 1 + channel.MaxCluster + 1 + channel.MaxNodeID + 1 + maxAddress
)

// What may be wrong with a hello.
var (
	errNotGaggle    = errors.New("does not speak this protocol")
	errVersion      = errors.New("speaks another version of the protocol")
	errCluster      = errors.New("belongs to another cluster")
	errHello        = errors.New("malformed hello")
	errSameIdentity = errors.New("another node uses the ID of this one")
)

type nonce [nonceBytes]byte

// A hello is what each side of a connection says first.
type hello struct {
	nonce   nonce
	cluster string
	node    raft.NodeID
	address string // as advertised
}

func (h hello) encode() []byte {
	b := make([]byte, 0, helloPrefix+maxHello)
	b = append(b, magic...)
	b = append(b, version)
	length := len(h.nonce) + 1 + len(h.cluster) + 1 + len(h.node) + 1 + len(h.address)
	b = binary.BigEndian.AppendUint16(b, uint16(length))
	b = append(b, h.nonce[:]...)
	b = appendShort(b, h.cluster)
	b = appendShort(b, string(h.node))
	return appendShort(b, h.address)
}

// readHello reads a hello and nothing beyond it.
func readHello(r io.Reader) (hello, error) {
	var prefix [helloPrefix]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return hello{}, err
	}
	if string(prefix[:len(magic)]) != magic {
		return hello{}, errNotGaggle
	}
	length := binary.BigEndian.Uint16(prefix[len(magic)+1:])
	if v := prefix[len(magic)]; v != version {
		// Closing a connection with something unread could destroy our answer.
		_, _ = io.CopyN(io.Discard, r, int64(length))
		return hello{}, fmt.Errorf("%w: %d, not %d", errVersion, v, version)
	}
	if length < nonceBytes || int(length) > maxHello {
		return hello{}, errHello
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return hello{}, err
	}
	return parseHello(body)
}

func parseHello(body []byte) (hello, error) {
	var h hello
	rest := body[copy(h.nonce[:], body):]
	cluster, rest, ok1 := cutShort(rest, channel.MaxCluster)
	node, rest, ok2 := cutShort(rest, channel.MaxNodeID)
	address, rest, ok3 := cutShort(rest, maxAddress)
	if !ok1 || !ok2 || !ok3 || node == "" || len(rest) > 0 {
		return hello{}, errHello
	}
	h.cluster, h.node, h.address = cluster, raft.NodeID(node), address
	return h, nil
}

// introduce is the handshake of the side that dialed.
func introduce(conn net.Conn, own hello, patience time.Duration) (hello, error) {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return hello{}, err
	}
	if _, err := conn.Write(own.encode()); err != nil {
		return hello{}, err
	}
	peer, err := readHello(conn)
	if err != nil {
		return hello{}, err
	}
	return peer, own.refuse(peer)
}

// greet is the handshake of the side that accepted. It answers also whom it refuses,
// if only they speak the protocol, so that both know why.
func greet(conn net.Conn, own hello, patience time.Duration) (hello, error) {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return hello{}, err
	}
	peer, err := readHello(conn)
	if err != nil && !errors.Is(err, errVersion) {
		return hello{}, err
	}
	if _, err := conn.Write(own.encode()); err != nil {
		return hello{}, err
	}
	if err != nil {
		return hello{}, err
	}
	return peer, own.refuse(peer)
}

// refuse says why not to talk to a peer, if there is a reason.
func (h hello) refuse(peer hello) error {
	if h.cluster != peer.cluster {
		return fmt.Errorf("%w: %q, not %q", errCluster, peer.cluster, h.cluster)
	}
	if h.node == peer.node && h.nonce != peer.nonce {
		return errSameIdentity
	}
	return nil
}

// appendShort appends a string of at most 255 bytes behind its length.
func appendShort(b []byte, s string) []byte {
	return append(append(b, byte(len(s))), s...)
}

// cutShort takes such a string from the front of b, if it is there and not longer
// than the limit.
func cutShort(b []byte, limit int) (s string, rest []byte, ok bool) {
	if len(b) == 0 {
		return "", nil, false
	}
	n := int(b[0])
	if n > limit || n > len(b)-1 {
		return "", nil, false
	}
	return string(b[1 : 1+n]), b[1+n:], true
}
