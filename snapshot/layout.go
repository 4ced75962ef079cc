package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/crc64"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// The format, see the package's documentation. All sizes are in bytes.
const (
	magic   = "gagglesn"
	version = 1

	headerStart  = 16 // what says how long the header is
	headerFixed  = 56
	checksumSize = 4
	frameSize    = 8 // what a chunk has before its data
	footerSize   = 24

	// chunkSize is small enough for a buffer in memory, and large enough that a
	// disk takes it at full speed.
	chunkSize = 256 << 10
	// maxConfiguration is the longest encoding of a configuration: four lists, each
	// with a count of one byte and ids with a length of at most two.
	maxConfiguration = 4 * (1 + raft.MaxMembers*(2+raft.MaxNodeIDLen))
	maxHeader        = headerFixed + maxConfiguration + checksumSize
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	ecma       = crc64.MakeTable(crc64.ECMA)
)

var errChecksum = errors.New("wrong checksum")

// A header is what comes first in a file, checked.
type header struct {
	cluster  wire.ClusterID
	meta     raft.SnapshotMeta
	encoded  []byte
	checksum uint32
}

func newHeader(cluster wire.ClusterID, meta raft.SnapshotMeta) header {
	b := make([]byte, headerFixed)
	copy(b, magic)
	copy(b[16:], cluster[:])
	binary.LittleEndian.PutUint32(b[8:], version)
	binary.LittleEndian.PutUint64(b[32:], uint64(meta.Last.Index))
	binary.LittleEndian.PutUint64(b[40:], uint64(meta.Last.Term))
	binary.LittleEndian.PutUint64(b[48:], uint64(meta.ConfigurationIndex))
	b, _ = meta.Configuration.AppendBinary(b) // which documents that it never fails
	binary.LittleEndian.PutUint32(b[12:], uint32(len(b)-headerFixed))
	sum := crc32.Checksum(b, castagnoli)
	meta.Configuration = meta.Configuration.Clone()
	return header{cluster, meta, binary.LittleEndian.AppendUint32(b, sum), sum}
}

// headerSize says how long a header is, by its first headerStart bytes.
func headerSize(b []byte) (int, error) {
	if string(b[:len(magic)]) != magic {
		return 0, errors.New("not a snapshot")
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != version {
		return 0, fmt.Errorf("%w: %d, known is %d", ErrVersion, v, version)
	}
	n := binary.LittleEndian.Uint32(b[12:])
	if n > maxConfiguration {
		return 0, fmt.Errorf("a configuration of %d bytes", n)
	}
	return headerFixed + int(n) + checksumSize, nil
}

// decodeHeader reads a header of the length that headerSize found. It keeps no part of b.
func decodeHeader(b []byte) (header, error) {
	end := len(b) - checksumSize
	h := header{encoded: append([]byte(nil), b...), checksum: binary.LittleEndian.Uint32(b[end:])}
	if crc32.Checksum(b[:end], castagnoli) != h.checksum {
		return header{}, errChecksum
	}
	copy(h.cluster[:], b[16:])
	h.meta.Last.Index = raft.Index(binary.LittleEndian.Uint64(b[32:]))
	h.meta.Last.Term = raft.Term(binary.LittleEndian.Uint64(b[40:]))
	h.meta.ConfigurationIndex = raft.Index(binary.LittleEndian.Uint64(b[48:]))
	if err := h.meta.Configuration.UnmarshalBinary(b[headerFixed:end]); err != nil {
		return header{}, err
	}
	return h, checkMeta(h.meta)
}

// checkMeta reports why there can be no such snapshot.
func checkMeta(m raft.SnapshotMeta) error {
	switch {
	case m.Last.Index == 0 || m.Last.Term == 0:
		return fmt.Errorf("%w: of nothing", ErrMeta)
	case m.ConfigurationIndex > m.Last.Index:
		return fmt.Errorf("%w: its configuration is of index %d, and its last entry %d", ErrMeta, m.ConfigurationIndex, m.Last.Index)
	}
	return m.Configuration.Validate()
}

// chainStart is the sum of a file that has only this header yet.
func (h header) chainStart() uint64 { return crc64.Checksum(h.encoded, ecma) }

// chained is the sum of a file after one more chunk.
func chained(sum uint64, chunk []byte) uint64 { return crc64.Update(sum, ecma, chunk[:frameSize]) }

// seal fills in what a chunk has before its data.
func (h header) seal(chunk []byte, number int64) {
	binary.LittleEndian.PutUint32(chunk, uint32(len(chunk)-frameSize))
	binary.LittleEndian.PutUint32(chunk[4:], h.chunkChecksum(chunk, number))
}

// sealed reports whether a chunk is as it was written, and in its place.
func (h header) sealed(chunk []byte, number int64) bool {
	return binary.LittleEndian.Uint32(chunk) == uint32(len(chunk)-frameSize) &&
		binary.LittleEndian.Uint32(chunk[4:]) == h.chunkChecksum(chunk, number)
}

func (h header) chunkChecksum(chunk []byte, number int64) uint32 {
	var place [16]byte
	binary.LittleEndian.PutUint32(place[:], h.checksum)
	binary.LittleEndian.PutUint64(place[4:], uint64(number))
	copy(place[12:], chunk[:4])
	return crc32.Update(crc32.Checksum(place[:], castagnoli), castagnoli, chunk[frameSize:])
}

// A footer is what comes last in a file.
type footer struct {
	content int64
	sum     uint64
}

func (h header) encodeFooter(f footer) []byte {
	b := make([]byte, footerSize)
	binary.LittleEndian.PutUint64(b[8:], uint64(f.content))
	binary.LittleEndian.PutUint64(b[16:], f.sum)
	binary.LittleEndian.PutUint32(b[4:], h.footerChecksum(b))
	return b
}

func (h header) decodeFooter(b []byte) (footer, error) {
	if binary.LittleEndian.Uint32(b) != 0 || binary.LittleEndian.Uint32(b[4:]) != h.footerChecksum(b) {
		return footer{}, errChecksum
	}
	return footer{int64(binary.LittleEndian.Uint64(b[8:])), binary.LittleEndian.Uint64(b[16:])}, nil
}

func (h header) footerChecksum(b []byte) uint32 {
	var of [checksumSize]byte
	binary.LittleEndian.PutUint32(of[:], h.checksum)
	return crc32.Update(crc32.Checksum(of[:], castagnoli), castagnoli, b[8:footerSize])
}

// chunksOf is how many chunks that much content has.
func chunksOf(content int64) int64 {
	chunks := content / chunkSize
	if content%chunkSize != 0 {
		chunks++
	}
	return chunks
}

// info is what header and footer say, or why they do not belong together in a file of
// this size.
func (h header) info(f footer, size int64, name string) (Info, error) {
	around := int64(len(h.encoded)) + footerSize
	// The first comparison keeps the second from overflowing.
	if f.content < 0 || f.content > size || around+f.content+chunksOf(f.content)*frameSize != size {
		return Info{}, fmt.Errorf("%d bytes of content in a file of %d", f.content, size)
	}
	return Info{Cluster: h.cluster, Meta: h.meta, Size: size, Content: f.content, Sum: f.sum, Name: name}, nil
}
