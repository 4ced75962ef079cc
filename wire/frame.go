package wire

import (
	"encoding/binary"
	"slices"

	"github.com/ben-ng/gaggle/raft"
)

// version is the version of the format that this package writes and reads.
const version = 2

// MessageSize is exactly what a message, one of those that Frame.Messages may hold,
// adds to the size of a frame, in bytes; 0 if it is none of them. Messages whose
// sizes add up to no more than FrameCapacity fit into one frame.
func MessageSize(m any) int {
	k, _, body := open(m)
	if body == nil {
		return 0
	}
	size := messageHeader + body.size()
	if k.raft() {
		size += termSize
	}
	return size
}

// AppendFrame appends the encoding of a frame. It allocates only if dst has no room
// for it. An error is ErrTooLarge or ErrMalformed, says that Decode would refuse the
// frame, and comes with dst as it was.
func AppendFrame(dst []byte, f *Frame) ([]byte, error) {
	size, err := checkFrame(f)
	if err != nil {
		return dst, err
	}
	return appendFrame(slices.Grow(dst, size), f), nil
}

// checkFrame returns the size of a frame, or why it may not be sent.
func checkFrame(f *Frame) (size int, err error) {
	if err := checkEnvelope(f); err != nil {
		return 0, err
	}
	if err := atMost("messages", len(f.Messages), MaxMessages); err != nil {
		return 0, err
	}
	size = frameHeader + len(f.From) + len(f.To)
	for i, m := range f.Messages {
		if err := checkMessage(f, m); err != nil {
			return 0, withinMessage(err, i, m)
		}
		size += MessageSize(m)
	}
	return size, atMost("the frame", size, MaxFrame)
}

func checkEnvelope(f *Frame) error {
	if err := checkID("the sender", f.From); err != nil || f.To == raft.None {
		return err
	}
	return checkID("the receiver", f.To)
}

// checkMessage reports why no correct node would send a message in a frame.
func checkMessage(f *Frame, m any) error {
	_, term, body := open(m)
	if body == nil {
		return malformed("not a message: %T", m)
	}
	if m, ok := m.(*raft.Message); ok {
		if m.From != f.From || m.To != f.To {
			return malformed("it goes from %q to %q, its frame from %q to %q", m.From, m.To, f.From, f.To)
		}
		if m.To == raft.None {
			return malformed("it is broadcast")
		}
		if term == 0 {
			return malformed("its term is 0")
		}
	}
	return body.check(term)
}

func withinMessage(err error, i int, m any) error {
	k, _, _ := open(m)
	return within(err, "message %d (%v)", i, k)
}

// appendFrame is AppendFrame without its checks.
func appendFrame(dst []byte, f *Frame) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0, version, byte(len(f.From)), byte(len(f.To)), 0)
	dst = appendU32(dst, uint32(f.Group))
	dst = append(dst, f.Cluster[:]...)
	dst = append(dst, f.From...)
	dst = append(dst, f.To...)
	for _, m := range f.Messages {
		dst = appendMessage(dst, m)
	}
	seal(dst[start:])
	return dst
}

// seal sets the length and the checksum of a frame.
func seal(frame []byte) {
	binary.LittleEndian.PutUint32(frame, uint32(len(frame)-4))
	binary.LittleEndian.PutUint32(frame[4:], checksum(frame[8:]))
}

func appendMessage(dst []byte, m any) []byte {
	k, term, body := open(m)
	start := len(dst)
	dst = append(dst, byte(k), 0, 0, 0, 0, 0, 0, 0)
	if k.raft() {
		dst = appendU64(dst, uint64(term))
	}
	dst = body.encode(dst)
	binary.LittleEndian.PutUint32(dst[start+4:], uint32(len(dst)-start-messageHeader))
	return dst
}
