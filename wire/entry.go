package wire

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/ben-ng/gaggle/raft"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// EntrySize is the size of an entry's encoding, in bytes.
func EntrySize(e *raft.Entry) int { return EntryOverhead + len(e.Data) }

// CheckEntry reports why DecodeEntry would refuse an entry: ErrTooLarge if its data
// exceed MaxEntryData; ErrMalformed if its index or term is 0, its type unknown, or
// its data not of its type.
func CheckEntry(e *raft.Entry) error {
	if len(e.Data) > MaxEntryData {
		return tooLarge("data of an entry", uint64(len(e.Data)), MaxEntryData)
	}
	if e.Index == 0 || e.Term == 0 {
		return malformed("an entry at %d@%d", e.Index, e.Term)
	}
	switch e.Type {
	case raft.EntryNormal:
		return nil
	case raft.EntryNoOp:
		if len(e.Data) > 0 {
			return malformed("a no-op with data")
		}
		return nil
	case raft.EntryConfiguration:
		_, err := decodeConfiguration(e.Data)
		return err
	default:
		return malformed("an entry of type %d", e.Type)
	}
}

// AppendEntry appends the encoding of an entry, which is as CheckEntry wants it.
// It allocates only if dst has no room for it.
func AppendEntry(dst []byte, e *raft.Entry) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, EntryOverhead)...)
	dst = append(dst, e.Data...)
	b := dst[start:]
	binary.LittleEndian.PutUint32(b, uint32(len(e.Data)))
	putEntryHead(b[8:EntryOverhead], e)
	binary.LittleEndian.PutUint32(b[4:], checksum(b[8:]))
	return dst
}

// entryHeadSize is the size of what is between an entry's checksum and its data.
const entryHeadSize = EntryOverhead - 8

// putEntryHead writes what is between an entry's checksum and its data; the reserved
// bytes in it are 0 already.
func putEntryHead(b []byte, e *raft.Entry) {
	binary.LittleEndian.PutUint64(b, uint64(e.Index))
	binary.LittleEndian.PutUint64(b[8:], uint64(e.Term))
	b[16] = byte(e.Type)
}

// An EntryHead is room for EntryChecksum.
type EntryHead [entryHeadSize]byte

// EntryChecksum is the checksum in the encoding of an entry, for those who keep the
// entry in another layout: it is over the index, the term, the type, seven bytes 0 and
// the data, in the form and order that AppendEntry gives them. It does not copy the
// data, which may be anything, and works in head, so that it allocates nothing.
func EntryChecksum(head *EntryHead, e *raft.Entry) uint32 {
	*head = EntryHead{}
	putEntryHead(head[:], e)
	return crc32.Update(checksum(head[:]), castagnoli, e.Data)
}

// entriesSize is the size of the encoding of some entries.
func entriesSize(entries []raft.Entry) int {
	size := 0
	for i := range entries {
		size += EntrySize(&entries[i])
	}
	return size
}

// appendAll appends the encoding of some entries.
func appendAll(b []byte, entries []raft.Entry) []byte {
	for i := range entries {
		b = AppendEntry(b, &entries[i])
	}
	return b
}

// DecodeEntry reads the entry at the beginning of b, and returns what follows it.
// The entry's Data are bytes of b: b must not change as long as they are used. Empty
// Data are nil. The errors are ErrMalformed, ErrChecksum and ErrTooLarge; what is
// left after one cannot be told.
func DecodeEntry(b []byte) (e raft.Entry, rest []byte, err error) {
	rest, err = decodeEntry(b, &e)
	if err == nil {
		err = CheckEntry(&e)
	}
	if err != nil {
		return raft.Entry{}, nil, err
	}
	return e, rest, nil
}

// decodeEntry is DecodeEntry without CheckEntry.
func decodeEntry(b []byte, e *raft.Entry) (rest []byte, err error) {
	if len(b) < EntryOverhead {
		return nil, malformed("an entry of %d bytes", len(b))
	}
	length := binary.LittleEndian.Uint32(b)
	if length > MaxEntryData {
		return nil, tooLarge("data of an entry", uint64(length), MaxEntryData)
	}
	end := EntryOverhead + int(length)
	if end > len(b) {
		return nil, malformed("an entry of %d bytes, but %d are there", end, len(b))
	}
	if checksum(b[8:end]) != binary.LittleEndian.Uint32(b[4:]) {
		return nil, &refusal{ErrChecksum, "of an entry"}
	}
	// The type is the lowest of eight bytes, the others of which are reserved.
	word := binary.LittleEndian.Uint64(b[24:])
	if word > 0xff {
		return nil, malformed("an entry with reserved bytes in use")
	}
	e.Index = raft.Index(binary.LittleEndian.Uint64(b[8:]))
	e.Term = raft.Term(binary.LittleEndian.Uint64(b[16:]))
	e.Type = raft.EntryType(word)
	e.Data = part(b, EntryOverhead, end)
	return b[end:], nil
}

// part is b[from:to], without room to append to it; nil if empty.
func part(b []byte, from, to int) []byte {
	if from == to {
		return nil
	}
	return b[from:to:to]
}
