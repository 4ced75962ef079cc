package founding

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/ben-ng/gaggle/raft"
)

// The encoding of Saved. All numbers are unsigned and little-endian.
//
//	offset  size
//	     0     1  version, 1
//	     1     1  state: 0 fresh, 1 member, 2 standby
//	     2    16  the round: number and proposer, 8 bytes each
//	    18    16  the round of the pledge, in the same form; 0 if there is no pledge
//	    34     P  the charter of the pledge
//	  34+P     C  the charter of the cluster
//	34+P+C     4  CRC-32C of all that comes before
//
// A charter is the 16 bytes of the cluster's identity, a byte with the number of voters,
// and for each of them, in ascending order, a byte with the length of the id and the id.
// The charter of no pledge, and the cluster of a fresh node, are 17 bytes 0.
const savedVersion = 1

// sumSize is the length of the checksum, in bytes.
const sumSize = 4

// AppendBinary appends an encoding from which UnmarshalBinary makes the same again. It fails
// if no node can have saved this.
func (s *Saved) AppendBinary(b []byte) ([]byte, error) {
	if err := s.check(); err != nil {
		return b, err
	}
	start := len(b)
	b = append(b, savedVersion, byte(s.State))
	b = appendRound(b, s.Round)
	b = appendRound(b, s.Pledge.Round)
	b = appendCharter(b, &s.Pledge.Charter)
	b = appendCharter(b, &s.Charter)
	return binary.LittleEndian.AppendUint32(b, savedSum(b[start:])), nil
}

// UnmarshalBinary reads what AppendBinary has written, all of b, and keeps nothing of b.
// It fails, and leaves s as it was, if a single bit is another than was written, if the
// version is another, and if no node can have saved this.
func (s *Saved) UnmarshalBinary(b []byte) error {
	if len(b) == 0 {
		return errors.New("founding: nothing is saved")
	}
	if b[0] != savedVersion {
		return fmt.Errorf("founding: what is saved has version %d, this node reads version %d", b[0], savedVersion)
	}
	end := len(b) - sumSize
	if end < 0 || savedSum(b[:end]) != binary.LittleEndian.Uint32(b[end:]) {
		return errors.New("founding: what is saved is damaged: its checksum is wrong")
	}
	r := savedReader{rest: b[1:end]}
	var read Saved
	read.State = State(r.u8())
	read.Round = r.round()
	read.Pledge.Round = r.round()
	read.Pledge.Charter = r.charter()
	read.Charter = r.charter()
	if r.short || len(r.rest) > 0 {
		return errors.New("founding: what is saved has another length than its parts")
	}
	if err := read.check(); err != nil {
		return err
	}
	*s = read
	return nil
}

// check reports what no node saves, whatever its configuration.
func (s *Saved) check() error {
	switch {
	case s.State > Standby:
		return fmt.Errorf("founding: the saved state is unknown: %d", uint8(s.State))
	case s.Pledge.Round.after(s.Round):
		return errors.New("founding: the saved pledge is of a later round than the saved round")
	case !s.Pledge.Charter.saved(s.Pledge.made()):
		return errors.New("founding: the saved pledge has no charter, or there is a charter and no pledge")
	case !s.Charter.saved(s.State != Fresh):
		return errors.New("founding: the saved cluster has no charter, or there is a charter and no cluster")
	}
	return nil
}

// saved reports whether a charter is as it is saved: that of some cluster, or none.
func (c *Charter) saved(wanted bool) bool {
	if !wanted {
		return c.Cluster == Charter{}.Cluster && len(c.Voters) == 0
	}
	for _, id := range c.Voters {
		if len(id) > raft.MaxNodeIDLen {
			return false
		}
	}
	n := len(c.Voters)
	return n > 0 && n <= raft.MaxMembers && isCharter(c.Voters, n)
}

func savedSum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func appendRound(b []byte, r Round) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, r.Number), r.Proposer)
}

func appendCharter(b []byte, c *Charter) []byte {
	b = append(b, c.Cluster[:]...)
	b = append(b, byte(len(c.Voters)))
	for _, id := range c.Voters {
		b = append(append(b, byte(len(id))), id...)
	}
	return b
}

// A savedReader takes values from the front of some bytes; zeros, once they are too few.
type savedReader struct {
	rest  []byte
	short bool
}

func (r *savedReader) take(n int) []byte {
	if n > len(r.rest) {
		r.rest, r.short = nil, true
		return make([]byte, n)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *savedReader) u8() uint8   { return r.take(1)[0] }
func (r *savedReader) u64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

func (r *savedReader) round() Round { return Round{Number: r.u64(), Proposer: r.u64()} }

func (r *savedReader) charter() Charter {
	var c Charter
	copy(c.Cluster[:], r.take(len(c.Cluster)))
	for range r.u8() {
		c.Voters = append(c.Voters, raft.NodeID(r.take(int(r.u8()))))
	}
	return c
}
