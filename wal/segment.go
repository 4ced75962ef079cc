package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ben-ng/gaggle/vfs"
)

// A segment is one file of the stream.
type segment struct {
	number  uint64
	sectors uint32
	file    vfs.File
}

const (
	segmentPrefix = "log-"
	sparePrefix   = "spare-"
	numberDigits  = 16
	// zeroChunk is how many zeros are written at a time, in bytes.
	zeroChunk = 1 << 20
	// keptSpares is how many files that are not needed any more are kept to be used again.
	keptSpares = 1
)

func fileName(prefix string, number uint64) string {
	return fmt.Sprintf("%s%0*x", prefix, numberDigits, number)
}

// numberOf reads the number in a file's name, if it is one that fileName made.
func numberOf(prefix, name string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	return n, err == nil && name == fileName(prefix, n)
}

// segmentHeader makes both copies of a segment's header.
func segmentHeader(identity [16]byte, number uint64, sectors uint32) []byte {
	b := make([]byte, headerSectors*sectorSize)
	p := b[prefixSize:]
	binary.LittleEndian.PutUint16(p, version)
	binary.LittleEndian.PutUint64(p[8:], number)
	binary.LittleEndian.PutUint32(p[16:], sectors)
	copy(p[24:40], identity[:])
	copy(b[sectorSize:], b[:sectorSize])
	seal(b, segmentMagic, 0)
	seal(b[sectorSize:], segmentMagic, 1)
	return b
}

// checkSegmentHeader looks at both copies, and returns the size that they speak of. That neither can be read is no error: each block
// says to which segment it belongs. That one says that the file is another's, is.
func checkSegmentHeader(b []byte, identity [16]byte, number uint64) (sectors uint32, err error) {
	for i := range headerSectors {
		sector := b[i*sectorSize : (i+1)*sectorSize]
		if !sealed(sector, segmentMagic, uint16(i)) {
			continue
		}
		p := sector[prefixSize:]
		if v := binary.LittleEndian.Uint16(p); v != version {
			return 0, fmt.Errorf("%w %d", ErrVersion, v)
		}
		if [16]byte(p[24:40]) != identity || binary.LittleEndian.Uint64(p[8:]) != number {
			return 0, ErrForeign
		}
		sectors = binary.LittleEndian.Uint32(p[16:])
	}
	return sectors, nil
}

// makeSegment makes a segment, or takes a spare file, so that it has its name only when all
// of it is durable, and its name is durable when it returns. First is a block that the
// segment is to begin with, if it is not empty.
func makeSegment(dir vfs.Dir, o *Options, number uint64, first []byte, allocate bool) (*segment, error) {
	spare, file, err := openSpare(dir, number)
	if err != nil {
		return nil, err
	}
	s := &segment{number: number, sectors: uint32(o.SegmentBytes / sectorSize), file: file}
	if err := s.fill(o, first, allocate); err == nil {
		err = dir.Rename(spare, fileName(segmentPrefix, number))
		if err == nil {
			err = dir.Sync()
		}
		if err == nil {
			return s, nil
		}
		return nil, errors.Join(err, file.Close())
	} else if errors.Is(err, vfs.ErrFull) {
		// What has been written takes room that others may need more.
		return nil, errors.Join(err, file.Close(), dir.Remove(spare))
	} else {
		return nil, errors.Join(err, file.Close())
	}
}

// openSpare finds or makes a file that is nothing yet.
func openSpare(dir vfs.Dir, number uint64) (string, vfs.File, error) {
	names, err := dir.List()
	if err != nil {
		return "", nil, err
	}
	for _, name := range names {
		if _, ok := numberOf(sparePrefix, name); ok {
			file, err := dir.Open(name)
			return name, file, err
		}
	}
	name := fileName(sparePrefix, number)
	file, err := dir.Create(name)
	return name, file, err
}

func (s *segment) fill(o *Options, first []byte, allocate bool) error {
	begin := append(segmentHeader(o.Identity, s.number, s.sectors), first...)
	if !allocate {
		// It may be a file that was used before.
		if err := s.file.Truncate(0); err != nil {
			return err
		}
	}
	if err := s.file.Truncate(o.SegmentBytes); err != nil {
		return err
	}
	if allocate {
		if err := s.zero(uint32(len(begin)/sectorSize), s.sectors); err != nil {
			return err
		}
	}
	if _, err := s.file.WriteAt(begin, 0); err != nil {
		return err
	}
	return s.file.Sync()
}

// zero makes the sectors from one up to another zero.
func (s *segment) zero(from, to uint32) error {
	at, end := int64(from)*sectorSize, int64(to)*sectorSize
	zeros := make([]byte, min(zeroChunk, max(end-at, 0)))
	for at < end {
		n := min(int64(len(zeros)), end-at)
		if _, err := s.file.WriteAt(zeros[:n], at); err != nil {
			return err
		}
		at += n
	}
	return nil
}
