package wal

import "errors"

// readAhead is how much is read at a time by whoever reads all of a log, in bytes, and
// readSome by whoever reads a few entries.
const (
	readAhead = 1 << 20
	readSome  = 32 << 10
	// unreadable stands for the bytes of a sector that cannot be read. It is not 0: the
	// sector is not one that was never written.
	unreadable = 0xa5
)

// A window shows pieces of segments, of which it keeps some in memory.
type window struct {
	segment *segment
	// from is the first sector that is kept in buffer.
	from   uint32
	buffer []byte
	// ahead is how much is read at a time, in sectors; read how many bytes were, in all,
	// and failed how many sectors could not be.
	ahead  int
	read   uint64
	failed int
}

// sectors returns sectors of a segment, all of which are in it, until it is called again.
func (w *window) sectors(s *segment, from uint32, count int) []byte {
	have := uint32(len(w.buffer) / sectorSize)
	if w.segment != s || from < w.from || from+uint32(count) > w.from+have {
		w.fill(s, from, min(max(count, w.ahead), int(s.sectors-from)))
	}
	start := int(from-w.from) * sectorSize
	return w.buffer[start : start+count*sectorSize]
}

// forget makes the window read everything anew, and lets a large buffer go.
func (w *window) forget() {
	w.segment, w.buffer = nil, w.buffer[:0]
	if cap(w.buffer) > readAhead {
		w.buffer = nil
	}
}

func (w *window) fill(s *segment, from uint32, count int) {
	size := count * sectorSize
	if cap(w.buffer) < size {
		w.buffer = make([]byte, size)
	}
	w.segment, w.from, w.buffer = s, from, w.buffer[:size]
	w.read += uint64(size)
	if n, _ := s.file.ReadAt(w.buffer, int64(from)*sectorSize); n == size {
		return
	}
	for i := range count {
		w.readSector(w.buffer[i*sectorSize:(i+1)*sectorSize], from+uint32(i))
	}
}

func (w *window) readSector(sector []byte, at uint32) {
	n, _ := w.segment.file.ReadAt(sector, int64(at)*sectorSize)
	if n == sectorSize {
		return
	}
	w.failed++
	for i := range sector {
		sector[i] = unreadable
	}
}

var errNoBlock = errors.New("wal: no block can be read here")

// header finds the block that begins at a place: by its first sector, or, if that is
// damaged, by the one that repeats it. It returns the payload of the sector, too.
func (w *window) header(s *segment, at place, identity [16]byte, f *fixed) (payload []byte, err error) {
	end := min(s.sectors, at.sector+maxBlockSectors)
	for k := at.sector; k < end; k++ {
		sector := w.sectors(s, k, 1)
		if !sealed(sector, blockMagic, 0) || !f.parse(sector[prefixSize:]) {
			if f.foreignOf != 0 {
				return nil, ErrVersion
			}
			continue
		}
		if !f.found(place{s.number, k}, s, identity) {
			continue
		}
		if f.at == at {
			return sector[prefixSize:], nil
		}
		break
	}
	return nil, errNoBlock
}

// found reports whether a header's first sector that lies somewhere says that it belongs there.
func (f *fixed) found(there place, s *segment, identity [16]byte) bool {
	if f.identity != identity || f.at.segment != there.segment || f.at.sector < headerSectors ||
		int64(f.at.sector)+int64(f.sectors()) > int64(s.sectors) {
		return false
	}
	second := f.at.after(f.header + f.data)
	return f.at == there || second == there
}

// block reads a block whose fixed part is known, into b, and returns its data region.
// Room is for the header's payload. Both are good until the window moves. It says whether
// the header can be read; raw is the block as it is.
func (w *window) block(s *segment, f *fixed, room *[]byte, b *block) (region, raw []byte, ok bool) {
	raw = w.sectors(s, f.at.sector, f.sectors())
	size := f.header * sectorSize
	first, second := raw[:size], raw[len(raw)-size:]
	*room, ok = assemble(*room, first, second, f)
	if !ok {
		return nil, raw, false
	}
	b.fixed = *f
	return raw[size : len(raw)-size], raw, b.parse(*room)
}
