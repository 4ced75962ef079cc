package wal

import (
	"encoding/binary"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A block is a header that was read, whole.
type block struct {
	fixed
	hard        raft.HardState
	meta        raft.SnapshotMeta // if flagReset
	terms       []termCount
	bitmap      []byte
	descriptors []byte
	inlined     []byte
	configs     bool // there are configurations among the entries
}

// A termCount says how many of a block's entries, one after the other, are of a term.
type termCount struct {
	count int
	term  raft.Term
}

// assemble makes a header's payload of its two copies, into room, sector by sector of
// whichever copy is whole. It fails if a sector is whole in neither.
func assemble(room, first, second []byte, f *fixed) ([]byte, bool) {
	room = room[:0]
	for i := range f.header {
		from, to := i*sectorSize, (i+1)*sectorSize
		switch {
		case sealed(first[from:to], blockMagic, uint16(i)):
			room = append(room, first[from+prefixSize:to]...)
		case sealed(second[from:to], blockMagic, uint16(i)):
			room = append(room, second[from+prefixSize:to]...)
		default:
			return room, false
		}
	}
	return room, checksum(room[4:]) == f.sum
}

// parse reads a header's payload, whose fixed part has been read. The block refers to the
// payload. It fails if no correct writer wrote this.
func (b *block) parse(payload []byte) bool {
	rest := payload[fixedSize:]
	next := func(n int) []byte {
		part := rest[:n]
		rest = rest[n:]
		return part
	}
	vote := next(padded(b.voteSize))[:b.voteSize]
	b.hard = raft.HardState{Term: b.term, VotedFor: raft.NodeID(vote)}
	meta := next(padded(b.metaSize))[:b.metaSize]
	b.meta = raft.SnapshotMeta{}
	if b.flags&flagReset != 0 && !b.parseMeta(meta) {
		return false
	}
	runs := next(b.runs * runSize)
	b.bitmap = next(bitmapSize(b.data))
	b.descriptors = next(b.entries * descriptorSize)
	b.inlined = next(b.inline)
	return b.parseRuns(runs) && b.checkSizes()
}

func (b *block) parseMeta(meta []byte) bool {
	b.meta = raft.SnapshotMeta{Last: b.before, ConfigurationIndex: b.config}
	if len(meta) < 8 || b.before.Index == 0 {
		return false
	}
	b.meta.ConfigurationIndex = raft.Index(binary.LittleEndian.Uint64(meta))
	return b.meta.Configuration.UnmarshalBinary(meta[8:]) == nil
}

// parseRuns reads the terms, and checks that they lead from before to the last entry.
func (b *block) parseRuns(runs []byte) bool {
	b.terms = b.terms[:0]
	last, total := b.before.Term, 0
	for ; len(runs) > 0; runs = runs[runSize:] {
		t := termCount{int(binary.LittleEndian.Uint64(runs)), raft.Term(binary.LittleEndian.Uint64(runs[8:]))}
		if t.count < 1 || t.count > b.entries || t.term < last || t.term == 0 {
			return false
		}
		last, total = t.term, total+t.count
		b.terms = append(b.terms, t)
	}
	if total != b.entries || b.before.Index+raft.Index(total) < b.before.Index {
		return false
	}
	return b.flags&flagRepair != 0 || b.end == b.lastEntry()
}

// lastEntry is the position of the block's last entry, or the one before the block.
func (b *block) lastEntry() raft.Position {
	if b.entries == 0 {
		return b.before
	}
	return raft.Position{Index: b.before.Index + raft.Index(b.entries), Term: b.terms[len(b.terms)-1].term}
}

// checkSizes reports whether the data that the descriptors speak of are there.
func (b *block) checkSizes() bool {
	inline, data := 0, 0
	b.configs = false
	for d := b.descriptors; len(d) > 0; d = d[descriptorSize:] {
		size, kind := descriptor(d)
		if kind&inlineBit != 0 {
			inline += size
		} else {
			data += size
		}
		b.configs = b.configs || raft.EntryType(kind&^inlineBit) == raft.EntryConfiguration
		if size > wire.MaxEntryData || !raft.EntryType(kind&^inlineBit).Valid() {
			return false
		}
	}
	return inline == b.inline && sectorsOf(data) == b.data
}

func descriptor(d []byte) (size int, kind byte) {
	word := binary.LittleEndian.Uint32(d)
	return int(word & 0xffffff), byte(word >> 24)
}

// A walker walks over the entries of a block whose data region is given.
type walker struct {
	block  *block
	region []byte
	// inline, data and next are how far it has come; run and inRun where in the terms.
	inline, data, next, run, inRun int
}

// entry returns the next entry, whose data are bytes of the block, and its checksum.
func (w *walker) entry(e *raft.Entry) (sum uint32, ok bool) {
	b := w.block
	if w.next == b.entries {
		return 0, false
	}
	d := b.descriptors[w.next*descriptorSize:]
	size, kind := descriptor(d)
	e.Index = b.before.Index + 1 + raft.Index(w.next)
	e.Term = b.terms[w.run].term
	e.Type = raft.EntryType(kind &^ inlineBit)
	if kind&inlineBit != 0 {
		e.Data = b.inlined[w.inline : w.inline+size : w.inline+size]
		w.inline += size
	} else {
		e.Data = w.region[w.data : w.data+size : w.data+size]
		w.data += size
	}
	w.next++
	if w.inRun++; w.inRun == b.terms[w.run].count {
		w.run, w.inRun = w.run+1, 0
	}
	return binary.LittleEndian.Uint32(d[4:]), true
}

// missing reports whether a sector of the data that must not be all zero is. Without a
// header nothing is known of them.
func (b *block) missing(region []byte) bool {
	for i := range b.data {
		if b.bitmap[i/8]&(1<<(i%8)) != 0 && blank(region[i*sectorSize:(i+1)*sectorSize]) {
			return true
		}
	}
	return false
}

// missingHeader reports whether a sector of either copy of a header is all zero.
func missingHeader(first, second []byte) bool {
	for i := 0; i < len(first); i += sectorSize {
		if blank(first[i:i+sectorSize]) || blank(second[i:i+sectorSize]) {
			return true
		}
	}
	return false
}
