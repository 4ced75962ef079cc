package wal

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// version is the version of the format that this package writes and reads.
const version = 1

const (
	sectorSize = vfs.SectorSize
	// prefixSize is what each sector of a header spends on itself, payloadSize the rest.
	prefixSize  = 8
	payloadSize = sectorSize - prefixSize
	// blockMagic and segmentMagic are in the prefix of every sector of a header, of a
	// block and of a segment. They are not 0, so that no such sector is all zero.
	blockMagic   = 0x4c47
	segmentMagic = 0x5347
	// fixedSize is the part of a header that is always there.
	fixedSize = 144
	// descriptorSize is what a header says of each entry.
	descriptorSize = 8
	// runSize is what a header says of each term.
	runSize = 16
	// inlineBit, in the type of a descriptor: the data are in the header.
	inlineBit = 0x80
	// maxVote is the longest node id in a header: with the fixed part it stays in one sector.
	maxVote = raft.MaxNodeIDLen
)

// Limits of a block. They bound what a reader needs in memory, and what is lost to it if a
// header rots; larger blocks would not be written any faster.
const (
	// maxData is the most that a block's data region may hold, in bytes; it is more than
	// the largest entry.
	maxData        = 4 << 20
	maxDataSectors = maxData / sectorSize
	// maxHeader is the most that a header's payload may hold, in bytes.
	maxHeader        = 512 << 10
	maxHeaderSectors = (maxHeader + payloadSize - 1) / payloadSize
	maxBlockSectors  = 2*maxHeaderSectors + maxDataSectors
	// endSectors is the size of a block that marks the end of a segment.
	endSectors = 2
	// headerSectors is how much of a segment its own header takes, both copies.
	headerSectors = 2
)

// The flags of a block.
const (
	// flagReset: the log is replaced by a snapshot.
	flagReset = 1 << iota
	// flagTruncate: entries are removed first.
	flagTruncate
	// flagRepair: the entries were in the log before, and their data were damaged.
	flagRepair
	// flagEnd: the stream goes on in the next segment.
	flagEnd

	knownFlags = flagReset | flagTruncate | flagRepair | flagEnd
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func padded(n int) int { return (n + 7) &^ 7 }

func sectorsOf(bytes int) int { return (bytes + sectorSize - 1) / sectorSize }

func headerSectorsOf(payload int) int { return (payload + payloadSize - 1) / payloadSize }

// bitmapSize is how many bytes say which of a number of sectors are not all zero.
func bitmapSize(sectors int) int { return (sectors + 63) / 64 * 8 }

// seal makes a sector of its payload, which is in place.
func seal(sector []byte, magic, number uint16) {
	binary.LittleEndian.PutUint16(sector[4:], number)
	binary.LittleEndian.PutUint16(sector[6:], magic)
	binary.LittleEndian.PutUint32(sector, checksum(sector[4:sectorSize]))
}

// sealed reports whether a sector is the one with this number of a header, whole.
func sealed(sector []byte, magic, number uint16) bool {
	return binary.LittleEndian.Uint16(sector[6:]) == magic &&
		binary.LittleEndian.Uint16(sector[4:]) == number &&
		binary.LittleEndian.Uint32(sector) == checksum(sector[4:sectorSize])
}

// blank reports whether all bytes are 0. There are at least 8, and a multiple of that.
func blank(b []byte) bool {
	for ; len(b) > 0; b = b[8:] {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
	}
	return true
}

// A place is where a block begins: a sector of a segment.
type place struct {
	segment uint64
	sector  uint32
}

func (p place) after(sectors int) place {
	return place{p.segment, p.sector + uint32(sectors)}
}

// beyond reports whether a place comes after another.
func (p place) beyond(q place) bool {
	return p.segment > q.segment || p.segment == q.segment && p.sector > q.sector
}

// fixed is the part of a header that is always there, and in its first sector.
type fixed struct {
	sum       uint32 // of the header's payload after it
	flags     uint16
	header    int // sectors of one copy of the header
	data      int // sectors of the data region
	entries   int
	sequence  uint64
	at        place
	chain     uint32
	synced    uint64
	identity  [16]byte
	before    raft.Position
	end       raft.Position
	truncate  raft.Index
	config    raft.Index
	term      raft.Term
	voteSize  int
	runs      int
	inline    int
	metaSize  int
	foreignOf uint16 // the version, if it is not known
}

// sectors is the size of the whole block.
func (f *fixed) sectors() int { return 2*f.header + f.data }

// put writes the fixed part; the checksum comes last, by sealHeader.
func (f *fixed) put(b []byte) {
	le := binary.LittleEndian
	le.PutUint16(b[4:], version)
	le.PutUint16(b[6:], f.flags)
	le.PutUint32(b[8:], 0) // the group
	le.PutUint32(b[12:], uint32(f.header))
	le.PutUint32(b[16:], uint32(f.data))
	le.PutUint32(b[20:], uint32(f.entries))
	le.PutUint64(b[24:], f.sequence)
	le.PutUint64(b[32:], f.at.segment)
	le.PutUint32(b[40:], f.at.sector)
	le.PutUint32(b[44:], f.chain)
	le.PutUint64(b[48:], f.synced)
	copy(b[56:72], f.identity[:])
	putPosition(b[72:], f.before)
	putPosition(b[88:], f.end)
	le.PutUint64(b[104:], uint64(f.truncate))
	le.PutUint64(b[112:], uint64(f.config))
	le.PutUint64(b[120:], uint64(f.term))
	le.PutUint32(b[128:], uint32(f.voteSize))
	le.PutUint32(b[132:], uint32(f.runs))
	le.PutUint32(b[136:], uint32(f.inline))
	le.PutUint32(b[140:], uint32(f.metaSize))
}

// parse reads the fixed part, and reports whether it is one: sizes are within their
// limits, so that they can be relied on before the whole header has been checked.
func (f *fixed) parse(b []byte) bool {
	le := binary.LittleEndian
	*f = fixed{
		sum:      le.Uint32(b),
		flags:    le.Uint16(b[6:]),
		header:   int(le.Uint32(b[12:])),
		data:     int(le.Uint32(b[16:])),
		entries:  int(le.Uint32(b[20:])),
		sequence: le.Uint64(b[24:]),
		at:       place{le.Uint64(b[32:]), le.Uint32(b[40:])},
		chain:    le.Uint32(b[44:]),
		synced:   le.Uint64(b[48:]),
		identity: [16]byte(b[56:72]),
		before:   position(b[72:]),
		end:      position(b[88:]),
		truncate: raft.Index(le.Uint64(b[104:])),
		config:   raft.Index(le.Uint64(b[112:])),
		term:     raft.Term(le.Uint64(b[120:])),
		voteSize: int(le.Uint32(b[128:])),
		runs:     int(le.Uint32(b[132:])),
		inline:   int(le.Uint32(b[136:])),
		metaSize: int(le.Uint32(b[140:])),
	}
	if v := le.Uint16(b[4:]); v != version {
		f.foreignOf = v
		return false
	}
	return f.flags&^knownFlags == 0 && le.Uint32(b[8:]) == 0 &&
		f.header >= 1 && f.header <= maxHeaderSectors && f.data <= maxDataSectors &&
		f.entries <= maxHeader/descriptorSize && f.runs <= maxHeader/runSize &&
		f.voteSize <= maxVote && f.inline <= maxHeader && f.metaSize <= maxHeader &&
		headerSectorsOf(f.payload()) == f.header &&
		f.sequence > 0 && f.synced < f.sequence && f.truncate <= f.before.Index+1 &&
		f.end.Index >= f.before.Index && (f.flags&flagRepair != 0 || f.end.Index-f.before.Index == raft.Index(f.entries))
}

// payload is the length of what is in the header.
func (f *fixed) payload() int {
	return fixedSize + padded(f.voteSize) + padded(f.metaSize) + f.runs*runSize +
		bitmapSize(f.data) + f.entries*descriptorSize + f.inline
}

func putPosition(b []byte, p raft.Position) {
	binary.LittleEndian.PutUint64(b, uint64(p.Index))
	binary.LittleEndian.PutUint64(b[8:], uint64(p.Term))
}

func position(b []byte) raft.Position {
	return raft.Position{
		Index: raft.Index(binary.LittleEndian.Uint64(b)),
		Term:  raft.Term(binary.LittleEndian.Uint64(b[8:])),
	}
}
