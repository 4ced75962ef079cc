package wire

import (
	"encoding/binary"

	"github.com/ben-ng/gaggle/raft"
)

// LengthSize is how many bytes of a frame FrameLength wants.
const LengthSize = 4

// FrameLength is the length of a whole frame, these bytes included, by its first
// LengthSize bytes or more. It is what a reader of a stream asks before it makes room
// for the frame. Fewer bytes, or a length that no frame of any version has, are
// ErrMalformed; one above MaxFrame is ErrTooLarge.
func FrameLength(header []byte) (int, error) {
	if len(header) < LengthSize {
		return 0, malformed("a frame of %d bytes", len(header))
	}
	length := LengthSize + uint64(binary.LittleEndian.Uint32(header))
	if length > MaxFrame {
		return 0, tooLarge("the frame", length, MaxFrame)
	}
	if length < framePrefix {
		return 0, malformed("a frame of %d bytes", length)
	}
	return int(length), nil
}

// A Decoder makes frames of bytes. It remembers the few ids and names that it saw
// last, so that those that come again cost nothing: one for each connection, or each
// goroutine, is best. The zero value is ready to use. It is not safe for concurrent
// use.
type Decoder struct {
	reader reader
}

// Decode reads a frame, which is all of the bytes.
//
// The payloads, commands and entries' data in f are bytes of frame, cut so that
// appending to them copies: frame must not change as long as they are used, and
// stays in memory as long. Everything else, ids and names among it, is f's own. Empty
// slices are nil.
//
// The slice f.Messages is used again: what it held is gone, but no message is
// used twice, so messages taken from it stay.
//
// Errors: ErrTooLarge, ErrChecksum, ErrVersion (see VersionError), ErrMalformed. After
// an error, f has no messages.
func (d *Decoder) Decode(frame []byte, f *Frame) error {
	clear(f.Messages)
	*f = Frame{Messages: f.Messages[:0]}
	err := d.decode(frame, f)
	if err != nil {
		clear(f.Messages)
		*f = Frame{Messages: f.Messages[:0]}
	}
	return err
}

func (d *Decoder) decode(frame []byte, f *Frame) error {
	if err := checkSeal(frame); err != nil {
		return err
	}
	rest, err := d.envelope(frame, f)
	if err != nil {
		return err
	}
	for len(rest) > 0 {
		if len(f.Messages) == MaxMessages {
			return tooLarge("messages", MaxMessages+1, MaxMessages)
		}
		k, body, after, err := splitMessage(rest)
		if err == nil {
			err = d.message(k, body, f)
		}
		if err != nil {
			return within(err, "message %d (%v)", len(f.Messages), k)
		}
		rest = after
	}
	return nil
}

// checkSeal makes sure that a frame is whole, and of this version. The checksum goes
// first, so that what is said about the version is true.
func checkSeal(frame []byte) error {
	length, err := FrameLength(frame)
	if err != nil {
		return err
	}
	if length != len(frame) {
		return malformed("a frame of %d bytes, but %d are there", length, len(frame))
	}
	if checksum(frame[8:]) != binary.LittleEndian.Uint32(frame[4:]) {
		return &refusal{ErrChecksum, "of the frame"}
	}
	if v := frame[8]; v != version {
		return &VersionError{Got: v, Known: version}
	}
	return nil
}

// envelope reads what comes before the messages, and returns those.
func (d *Decoder) envelope(frame []byte, f *Frame) ([]byte, error) {
	if len(frame) < frameHeader {
		return nil, malformed("a frame of %d bytes", len(frame))
	}
	from := frameHeader + int(frame[9])
	to := from + int(frame[10])
	if to > len(frame) {
		return nil, malformed("ids up to byte %d in a frame of %d", to, len(frame))
	}
	if frame[11] != 0 {
		return nil, malformed("a frame with reserved bytes in use")
	}
	f.Group = GroupID(binary.LittleEndian.Uint32(frame[12:]))
	copy(f.Cluster[:], frame[16:])
	f.From = raft.NodeID(d.reader.names.get(frame[frameHeader:from]))
	f.To = raft.NodeID(d.reader.names.get(frame[from:to]))
	return frame[to:], checkEnvelope(f)
}

// splitMessage takes one message off the front of b.
func splitMessage(b []byte) (k kind, body, rest []byte, err error) {
	if len(b) < messageHeader {
		return 0, nil, nil, malformed("a message of %d bytes", len(b))
	}
	// The kind is the lowest of four bytes, the others of which are reserved.
	word := binary.LittleEndian.Uint32(b)
	length := binary.LittleEndian.Uint32(b[4:])
	k = kind(word)
	if word > 0xff {
		return k, nil, nil, malformed("reserved bytes are in use")
	}
	if uint64(length) > uint64(len(b)-messageHeader) {
		return k, nil, nil, malformed("its body has %d bytes, but %d are there", length, len(b)-messageHeader)
	}
	end := messageHeader + int(length)
	return k, b[messageHeader:end], b[end:], nil
}

// message reads the body of a message, and adds it to f.
func (d *Decoder) message(k kind, b []byte, f *Frame) error {
	r := &d.reader
	r.reset(b)
	m := r.message(k, f)
	if err := r.end(); err != nil {
		return err
	}
	if err := checkMessage(f, m); err != nil {
		return err
	}
	f.Messages = append(f.Messages, m)
	return nil
}
