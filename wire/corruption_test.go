package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

func decode(b []byte) error {
	var f Frame
	return new(Decoder).Decode(b, &f)
}

// isTyped reports whether an error is one that Decode documents.
func isTyped(err error) bool {
	return errors.Is(err, ErrMalformed) || errors.Is(err, ErrChecksum) ||
		errors.Is(err, ErrVersion) || errors.Is(err, ErrTooLarge)
}

// wrap makes a frame of all that follows its checksum.
func wrap(content []byte) []byte {
	frame := append(make([]byte, 8), content...)
	seal(frame)
	return frame
}

// messagesAt returns where the messages of a sealed frame begin, and its end. It
// trusts the frame as far as it must.
func messagesAt(frame []byte) []int {
	if len(frame) < frameHeader {
		return nil
	}
	at := frameHeader + int(frame[9]) + int(frame[10])
	var all []int
	for ; len(frame) >= at+messageHeader; at += messageHeader + int(binary.LittleEndian.Uint32(frame[at+4:])) {
		all = append(all, at)
	}
	return append(all, at)
}

func TestEveryFlippedBitIsRefused(t *testing.T) {
	for name, b := range goldens(t) {
		for i := range 8 * len(b) {
			flipped := bytes.Clone(b)
			flipped[i/8] ^= 1 << (i % 8)
			if err := decode(flipped); !isTyped(err) {
				t.Errorf("%s: bit %d of byte %d: %v", name, i%8, i/8, err)
			}
		}
	}
}

func TestEveryFlippedBitOfAnEntryIsRefused(t *testing.T) {
	b := AppendEntry(nil, &raft.Entry{Index: 5, Term: 3, Data: []byte("some command")})
	// So that a longer entry would be there.
	b = append(b, make([]byte, 200)...)
	for i := range 8 * (EntryOverhead + 12) {
		flipped := bytes.Clone(b)
		flipped[i/8] ^= 1 << (i % 8)
		if _, _, err := DecodeEntry(flipped); !isTyped(err) {
			t.Errorf("bit %d of byte %d: %v", i%8, i/8, err)
		}
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	for name, b := range goldens(t) {
		for n := range b {
			if err := decode(b[:n]); !isTyped(err) {
				t.Errorf("%s: %d bytes of %d: %v", name, n, len(b), err)
			}
		}
	}
}

func TestEveryTruncationOfAnEntryIsRefused(t *testing.T) {
	b := AppendEntry(nil, &raft.Entry{Index: 5, Term: 3, Data: []byte("some command")})
	for n := range b {
		if _, _, err := DecodeEntry(b[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes of %d: %v", n, len(b), err)
		}
	}
}

// Here the frame's length and checksum are those of what is left, so that the parser
// has to notice.
func TestEveryTruncationWithinAMessageIsRefused(t *testing.T) {
	for name, b := range goldens(t) {
		between := make(map[int]bool)
		for _, at := range messagesAt(b) {
			between[at] = true
		}
		for n := 9; n < len(b); n++ {
			err := decode(wrap(b[8:n]))
			if between[n] != (err == nil) {
				t.Errorf("%s: %d bytes of %d: %v", name, n, len(b), err)
			}
		}
	}
}

// Here the message's length is that of what is left, too.
func TestEveryTruncationOfABodyIsRefused(t *testing.T) {
	for _, s := range samples() {
		if len(s.frame.Messages) != 1 {
			continue
		}
		b := mustAppend(t, &s.frame)
		at := messagesAt(b)[0]
		var shortest int
		switch m := s.frame.Messages[0].(type) {
		case *Call:
			shortest = len(b) - len(m.Payload)
		case *CallReply:
			shortest = len(b) - len(m.Payload)
		case *SnapshotChunk:
			shortest = len(b) - len(m.Data)
		case *BackupPart:
			shortest = len(b) - len(m.Data)
		default:
			shortest = len(b)
		}
		for n := at + messageHeader; n < len(b); n++ {
			cut := bytes.Clone(b[:n])
			binary.LittleEndian.PutUint32(cut[at+4:], uint32(n-at-messageHeader))
			err := decode(wrap(cut[8:]))
			if (n >= shortest) != (err == nil) {
				t.Errorf("%s: %d bytes of %d: %v", s.name, n, len(b), err)
			}
		}
	}
}

func TestBytesAfterTheEndAreRefused(t *testing.T) {
	for name, b := range goldens(t) {
		if err := decode(append(bytes.Clone(b), 0)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: after the frame: %v", name, err)
		}
		if err := decode(wrap(append(bytes.Clone(b[8:]), 0))); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: after the messages: %v", name, err)
		}
	}
	for _, s := range samples() {
		switch s.name {
		case "Call", "CallReply", "SnapshotChunk", "BackupPart": // whatever comes is theirs
			continue
		}
		if len(s.frame.Messages) != 1 {
			continue
		}
		b := append(mustAppend(t, &s.frame), 0)
		at := messagesAt(b)[0]
		binary.LittleEndian.PutUint32(b[at+4:], uint32(len(b)-at-messageHeader))
		if err := decode(wrap(b[8:])); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: after the body: %v", s.name, err)
		}
	}
}

// checkCanonical makes sure that a frame that is accepted is what it would be written
// as, and that reading it did not change it.
func checkCanonical(t testing.TB, b []byte) error {
	t.Helper()
	before := bytes.Clone(b)
	var f Frame
	err := new(Decoder).Decode(b, &f)
	if !bytes.Equal(before, b) {
		t.Fatalf("Decode has changed\n%x to\n%x", before, b)
	}
	if err != nil {
		if !isTyped(err) || len(f.Messages) > 0 {
			t.Fatalf("%d messages and %v", len(f.Messages), err)
		}
		return err
	}
	again, err := AppendFrame(nil, &f)
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("accepted\n%x, written as\n%x, %v", b, again, err)
	}
	return nil
}

func TestWhatIsAcceptedHasOneEncoding(t *testing.T) {
	for _, b := range goldens(t) {
		for i := 8 * 8; i < 8*len(b); i++ {
			changed := bytes.Clone(b)
			changed[i/8] ^= 1 << (i % 8)
			sealEntries(changed)
			seal(changed)
			_ = checkCanonical(t, changed)
		}
	}
}

// sealEntries sets the checksums of all entries in a frame, as far as they can be
// found.
func sealEntries(frame []byte) {
	for _, at := range messagesAt(frame) {
		entries := at + messageHeader + termSize + appendEntriesSize
		if entries > len(frame) || kind(frame[at]) != kindAppendEntries {
			continue
		}
		for b := frame[entries:]; len(b) >= EntryOverhead; {
			b = b[sealEntry(b):]
		}
	}
}

// sealEntry sets the checksum of the entry at the beginning of b, and returns its
// length, or that of b if that is less.
func sealEntry(b []byte) int {
	end := EntryOverhead + uint64(binary.LittleEndian.Uint32(b))
	if end > uint64(len(b)) {
		return len(b)
	}
	binary.LittleEndian.PutUint32(b[4:], checksum(b[8:end]))
	return int(end)
}

func TestTheChecksumIsCRC32C(t *testing.T) {
	// The check value of the catalogue of CRC algorithms.
	if got := checksum([]byte("123456789")); got != 0xe3069283 {
		t.Fatalf("%#x", got)
	}
}
