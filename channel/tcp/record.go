package tcp

import (
	"encoding/binary"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

// A kind says what a record is. The numbers are part of the format.
type kind uint8

const (
	kindFrame kind = 1
	kindFirst kind = 2
	kindNext  kind = 3
	kindPeers kind = 4
	kindPing  kind = 5
)

// pong is the byte that answers a ping: ACK in ASCII.
const pong = 6

const (
	// headerBytes is the length and the kind.
	headerBytes = 4 + 1
	// sizeBytes is the length of a frame, in kindFirst.
	sizeBytes = 4
	// pieceBytes is the most of a frame that one record carries. An urgent frame
	// waits for a piece, which takes 5 ms at 100 Mbit/s; the header is nothing
	// beside it.
	pieceBytes = 64 << 10
	// peersPerRecord keeps a record of peers within pieceBytes.
	peersPerRecord = 128
	// maxContact is the longest contact in a record.
	maxContact = 1 + channel.MaxNodeID + 1 + maxAddress
)

// maxPayload is the longest payload of a kind, and whether there is such a kind.
func (k kind) maxPayload() (n int, known bool) {
	switch k {
	case kindFrame, kindNext:
		return pieceBytes, true
	case kindFirst:
		return sizeBytes + pieceBytes, true
	case kindPeers:
		return peersPerRecord * maxContact, true
	case kindPing:
		return 0, true
	}
	return 0, false
}

// A contact is a node and an address where it has been found.
type contact struct {
	node    raft.NodeID
	address string
}

func appendHeader(b []byte, k kind, payload int) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(payload))
	return append(b, byte(k))
}

func appendPing(b []byte) []byte { return appendHeader(b, kindPing, 0) }

// appendFrame appends a frame of at most pieceBytes.
func appendFrame(b, frame []byte) []byte {
	b = appendHeader(b, kindFrame, len(frame))
	return append(b, frame...)
}

// appendFirst appends the beginning of a frame of more than pieceBytes and returns
// what is left of it.
func appendFirst(b, frame []byte) (out, rest []byte) {
	b = appendHeader(b, kindFirst, sizeBytes+pieceBytes)
	b = binary.BigEndian.AppendUint32(b, uint32(len(frame)))
	return append(b, frame[:pieceBytes]...), frame[pieceBytes:]
}

// appendNext appends more of such a frame and returns what is left, which is empty
// at the end.
func appendNext(b, frame []byte) (out, rest []byte) {
	n := min(len(frame), pieceBytes)
	b = appendHeader(b, kindNext, n)
	return append(b, frame[:n]...), frame[n:]
}

// appendPeers appends as many records as the contacts need.
func appendPeers(b []byte, contacts []contact) []byte {
	for len(contacts) > 0 {
		n := min(len(contacts), peersPerRecord)
		start := len(b)
		b = appendHeader(b, kindPeers, 0)
		for _, c := range contacts[:n] {
			b = appendShort(b, string(c.node))
			b = appendShort(b, c.address)
		}
		binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-headerBytes))
		contacts = contacts[n:]
	}
	return b
}

// parsePeers reports false if the payload is malformed.
func parsePeers(payload []byte) (contacts []contact, ok bool) {
	for len(payload) > 0 {
		node, rest, ok := cutShort(payload, channel.MaxNodeID)
		if !ok || node == "" {
			return nil, false
		}
		address, rest, ok := cutShort(rest, maxAddress)
		if !ok || len(contacts) == peersPerRecord {
			return nil, false
		}
		contacts = append(contacts, contact{raft.NodeID(node), address})
		payload = rest
	}
	return contacts, true
}
