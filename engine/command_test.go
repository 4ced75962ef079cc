package engine

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// sampleCommands has each kind of command as it is made and as it must stand in a log.
func sampleCommands() map[string]struct{ made, want []byte } {
	completed := newAppend([]byte("egg"))
	setSerial(completed, 0x0102030405060708, 0x1112131415161718)
	return map[string]struct{ made, want []byte }{
		"an append":            {completed, []byte("\x01\x08\x07\x06\x05\x04\x03\x02\x01\x18\x17\x16\x15\x14\x13\x12\x11egg")},
		"an append of nothing": {newAppend(nil), []byte("\x01" + strings.Repeat("\x00", 16))},
		"an append once":       {newOnce([]byte("egg")), []byte("\x02egg")},
		"once, nothing":        {newOnce(nil), []byte("\x02")},
		"a session":            {newOpenSession("goose", 0x0a0b), []byte("\x03\x0b\x0a\x00\x00\x00\x00\x00\x00goose")},
	}
}

func TestACommandHasItsDocumentedBytes(t *testing.T) {
	for name, s := range sampleCommands() {
		if !bytes.Equal(s.made, s.want) {
			t.Errorf("%s is %x, want %x", name, s.made, s.want)
		}
	}
}

func TestACommandIsDecodedToWhatWasEncoded(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		value := make([]byte, r.IntN(40))
		for i := range value {
			value[i] = byte(r.Uint32())
		}
		session, serial := r.Uint64(), r.Uint64()
		data := newAppend(value)
		setSerial(data, session, serial)
		c, err := decodeCommand(data)
		if err != nil || c.kind != commandAppend || c.session != session || c.serial != serial || !bytes.Equal(c.value, value) {
			t.Fatalf("append of %x in %d at %d came back as %+v, %v", value, session, serial, c, err)
		}
		if c, err = decodeCommand(newOnce(value)); err != nil || c.kind != commandOnce || !bytes.Equal(c.value, value) {
			t.Fatalf("once %x came back as %+v, %v", value, c, err)
		}
		if node := raft.NodeID(value); node != raft.None {
			if c, err = decodeCommand(newOpenSession(node, serial)); err != nil || c.kind != commandOpenSession || c.node != node || c.nonce != serial {
				t.Fatalf("a session of %q came back as %+v, %v", node, c, err)
			}
		}
	}
}

func TestBytesThatAreNoCommandAreRefused(t *testing.T) {
	longest := string(newOpenSession(raft.NodeID(strings.Repeat("x", raft.MaxNodeIDLen)), 1))
	if _, err := decodeCommand([]byte(longest)); err != nil {
		t.Errorf("a session of the longest id: %v", err)
	}
	for name, data := range map[string]string{
		"nothing":                     "",
		"kind 0":                      "\x00abcdefghijklmnopqrstuvw",
		"an unknown kind":             "\x04abcdefghijklmnopqrstuvw",
		"the last kind":               "\xff",
		"an append without a serial":  "\x01\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07",
		"a kind and nothing else":     "\x01",
		"a session of nobody":         "\x03\x01\x02\x03\x04\x05\x06\x07\x08",
		"a session cut short":         "\x03\x01",
		"a session of too long an id": longest + "x",
	} {
		if c, err := decodeCommand([]byte(data)); err == nil {
			t.Errorf("%s was decoded to %+v", name, c)
		}
	}
}

func TestALargestValueFitsIntoAnEntry(t *testing.T) {
	if size := len(newAppend(make([]byte, MaxValue))); size > wire.MaxEntryData {
		t.Errorf("the command of a largest value has %d bytes, and an entry holds %d", size, wire.MaxEntryData)
	}
}

func TestACommandHasItsOwnCopyOfTheValue(t *testing.T) {
	value := []byte("egg")
	once, appended := newOnce(value), newAppend(value)
	copy(value, "bad")
	if string(once[1:]) != "egg" || string(appended[appendHeader:]) != "egg" {
		t.Error("a command changed with the caller's bytes")
	}
}

// encode is the inverse of decodeCommand.
func (c *command) encode() []byte {
	switch c.kind {
	case commandAppend:
		data := newAppend(c.value)
		setSerial(data, c.session, c.serial)
		return data
	case commandOnce:
		return newOnce(c.value)
	case commandOpenSession:
		return newOpenSession(c.node, c.nonce)
	case commandCheckpoint:
		return []byte{byte(commandCheckpoint)}
	}
	return nil
}

func FuzzDecodeCommand(f *testing.F) {
	for _, s := range sampleCommands() {
		f.Add(s.made)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeCommand(data)
		if err == nil && !bytes.Equal(c.encode(), data) {
			t.Fatalf("%x was taken for %+v, which is %x", data, c, c.encode())
		}
	})
}
