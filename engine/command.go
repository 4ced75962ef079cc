package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/ben-ng/gaggle/raft"
)

// A command is the data of a normal entry. Numbers are little-endian.
//
//	append:        1 | session u64 | serial u64 | value …
//	append once:   2 | value …
//	open session:  3 | nonce u64 | node id …
//	checkpoint:    4
type commandKind byte

const (
	// commandAppend adds a value to the log if its serial number is the next of its
	// session.
	commandAppend commandKind = 1
	// commandOnce adds a value. Only a leader proposes it, to its own log, once; so
	// it needs no serial number. It is how handlers that run on the leader append:
	// in the term they were called in, or not at all.
	commandOnce commandKind = 2
	// commandOpenSession opens a session for a member. The nonce tells a repetition
	// from another process of the same node, whose session replaces the last.
	commandOpenSession commandKind = 3
	// commandCheckpoint has every node take a snapshot of its state at this index. Only a
	// leader proposes it, to its own log.
	commandCheckpoint commandKind = 4
)

// appendHeader is the size of what precedes the value in an append, in bytes.
const appendHeader = 1 + 8 + 8

// newAppend is an append whose session and serial are still to be set.
func newAppend(value []byte) []byte {
	b := make([]byte, appendHeader+len(value))
	b[0] = byte(commandAppend)
	copy(b[appendHeader:], value)
	return b
}

// setSerial completes an append.
func setSerial(command []byte, session, serial uint64) {
	binary.LittleEndian.PutUint64(command[1:], session)
	binary.LittleEndian.PutUint64(command[9:], serial)
}

func newOnce(value []byte) []byte {
	return append([]byte{byte(commandOnce)}, value...)
}

func newOpenSession(node raft.NodeID, nonce uint64) []byte {
	b := binary.LittleEndian.AppendUint64([]byte{byte(commandOpenSession)}, nonce)
	return append(b, node...)
}

// A command, decoded. Its slices are part of the entry.
type command struct {
	kind            commandKind
	session, serial uint64
	value           []byte
	nonce           uint64
	node            raft.NodeID
}

func decodeCommand(data []byte) (command, error) {
	if len(data) == 0 {
		return command{}, fmt.Errorf("an empty command")
	}
	c := command{kind: commandKind(data[0])}
	switch {
	case c.kind == commandAppend && len(data) >= appendHeader:
		c.session = binary.LittleEndian.Uint64(data[1:])
		c.serial = binary.LittleEndian.Uint64(data[9:])
		c.value = data[appendHeader:]
	case c.kind == commandOnce:
		c.value = data[1:]
	case c.kind == commandOpenSession && len(data) > 9 && len(data) <= 9+raft.MaxNodeIDLen:
		c.nonce = binary.LittleEndian.Uint64(data[1:])
		c.node = raft.NodeID(data[9:])
	case c.kind == commandCheckpoint && len(data) == 1:
	default:
		return command{}, fmt.Errorf("a command of kind %d and %d bytes", data[0], len(data))
	}
	return c, nil
}
