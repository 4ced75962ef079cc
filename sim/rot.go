package sim

import (
	"slices"

	"github.com/ben-ng/gaggle/vfs"
)

// What rots, by the remainder by eight of the Amount of a Damage; else, it is a byte anywhere in
// the log or a snapshot.
const (
	endOfLog  = 2 // the end of the log, with all copies of what was written last
	lastBytes = 3 // one of the bytes that were written last
)

// How much the end of a log is: sectors that rot at once, and bytes of which one does.
const (
	endSectors = 8
	endBytes   = 400
)

// rot changes bytes that have been written.
func (p *place) rot(amount uint32) bool {
	at := int(amount / 8)
	switch amount % 8 {
	case endOfLog:
		return p.rotEnd(p.newest())
	case lastBytes:
		name := p.newest()
		written := p.written(name)
		return p.rotByte(name, written[max(0, len(written)-endBytes):], at)
	}
	files := p.files("log-", "snapshot-", "incoming-")
	if len(files) == 0 {
		return false
	}
	name := files[at%len(files)]
	return p.rotByte(name, p.written(name), at*7919)
}

// newest is the segment in which something was written last.
func (p *place) newest() string {
	for _, name := range slices.Backward(p.files("log-")) {
		if len(p.written(name)) > 0 {
			return name
		}
	}
	return ""
}

// written are the offsets of the bytes of a file that are not zero.
func (p *place) written(name string) []int {
	b, err := vfs.ReadFile(p.disk, name)
	if err != nil {
		return nil
	}
	var written []int
	for i, x := range b {
		if x != 0 {
			written = append(written, i)
		}
	}
	return written
}

// rotByte changes a bit of one of some bytes.
func (p *place) rotByte(name string, offsets []int, at int) bool {
	if len(offsets) == 0 {
		return false
	}
	offset := offsets[at%len(offsets)]
	p.node.world.report.Faults["rot"]++
	p.node.world.trace.line(p.node.world.now, "byte %d of %s of %s rots", offset, name, p.node.id)
	return p.disk.Garble(name, int64(offset), func(b []byte) { b[0] ^= 1 << (at % 8) }, 1)
}

// rotEnd changes a bit in each of the last sectors of a segment, so that what was written last is
// lost in all its copies.
func (p *place) rotEnd(name string) bool {
	written := p.written(name)
	if len(written) == 0 {
		return false
	}
	last := int64(written[len(written)-1]) / vfs.SectorSize * vfs.SectorSize
	if last < 3*endSectors*vfs.SectorSize {
		return false // of a log whose very first block is gone it cannot be told that it was there
	}
	p.node.world.report.Faults["rot"]++
	for offset := last - (endSectors-1)*vfs.SectorSize; offset <= last; offset += vfs.SectorSize {
		p.disk.Garble(name, offset, func(b []byte) { b[0] ^= 1 }, 1)
	}
	return true
}
