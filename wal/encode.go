package wal

import (
	"encoding/binary"
	"slices"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// encode appends the bytes of the draft to the buffer, and moves the cursor behind it.
func (b *batch) encode(meta []byte, terms []termCount, entries [][]raft.Entry, data, inline int) {
	f := &b.draft
	f.sequence, f.chain, f.synced = b.cursor.sequence+1, b.cursor.chain, b.cursor.synced
	f.at, f.term = b.cursor.at, b.cursor.hard.Term
	f.voteSize, f.metaSize, f.runs = len(b.cursor.hard.VotedFor), len(meta), len(terms)
	everything := b.layOut(data, inline)

	start := len(b.buffer)
	size := f.sectors() * sectorSize
	b.buffer = slices.Grow(b.buffer, size)[:start+size]
	region := b.buffer[start+f.header*sectorSize:][:f.data*sectorSize]
	b.putHeader(meta, terms)
	b.putEntries(region, entries, everything)
	b.sealHeader(b.buffer[start : start+size])

	b.cursor.sequence, b.cursor.chain = f.sequence, f.sum
	b.cursor.tail = f.at.segment
	b.cursor.at = f.at.after(f.sectors())
	b.parts[len(b.parts)-1].to = len(b.buffer)
	b.blocks++
	b.parsed.fixed = *f
	b.parsed.meta = raft.SnapshotMeta{}
	if b.meta != nil {
		b.parsed.meta = *b.meta
	}
	b.parsed.configs = b.inlineBytes > 0
	b.parsed.terms = append(b.parsed.terms[:0], terms...)
}

// layOut decides how large the header and the data region are. If all data fit into what
// is left of the header's sectors, they go there, so that both copies have them.
func (b *batch) layOut(data, inline int) (everything bool) {
	f := &b.draft
	f.data, f.inline = 0, inline+data
	f.header = headerSectorsOf(f.payload())
	f.inline = inline
	if f.header == headerSectorsOf(f.payload()) {
		f.inline += data
		return true
	}
	f.data = sectorsOf(data)
	f.header = headerSectorsOf(f.payload())
	return false
}

// putHeader makes the header's payload, up to what the entries add.
func (b *batch) putHeader(meta []byte, terms []termCount) {
	f := &b.draft
	size := f.header * payloadSize
	if cap(b.header) < size {
		b.header = make([]byte, size)
	}
	b.header = b.header[:size]
	clear(b.header)
	f.put(b.header)
	at := fixedSize
	copy(b.header[at:], b.cursor.hard.VotedFor)
	at += padded(f.voteSize)
	copy(b.header[at:], meta)
	at += padded(f.metaSize)
	for _, t := range terms {
		binary.LittleEndian.PutUint64(b.header[at:], uint64(t.count))
		binary.LittleEndian.PutUint64(b.header[at+8:], uint64(t.term))
		at += runSize
	}
	b.parsed.bitmap = b.header[at : at+bitmapSize(f.data)]
	at += bitmapSize(f.data)
	b.parsed.descriptors = b.header[at : at+f.entries*descriptorSize]
	b.parsed.inlined = b.header[at+f.entries*descriptorSize:][:f.inline]
}

// putEntries writes the data of entries, what the header says of each, and which sectors of
// the data are not all zero.
func (b *batch) putEntries(region []byte, entries [][]raft.Entry, everything bool) {
	descriptors, inlined, rest := b.parsed.descriptors, b.parsed.inlined, region
	for _, run := range entries {
		for i := range run {
			e := &run[i]
			kind := byte(e.Type)
			if everything || e.Type == raft.EntryConfiguration {
				kind |= inlineBit
				inlined = inlined[copy(inlined, e.Data):]
			} else {
				rest = rest[copy(rest, e.Data):]
			}
			word := uint64(len(e.Data)) | uint64(kind)<<24 | uint64(wire.EntryChecksum(&b.head, e))<<32
			binary.LittleEndian.PutUint64(descriptors, word)
			descriptors = descriptors[descriptorSize:]
		}
	}
	clear(rest)
	for i := range b.draft.data {
		if !blank(region[i*sectorSize : (i+1)*sectorSize]) {
			b.parsed.bitmap[i/8] |= 1 << (i % 8)
		}
	}
}

// sealHeader puts the header's payload into both copies.
func (b *batch) sealHeader(block []byte) {
	f := &b.draft
	f.sum = checksum(b.header[4:])
	binary.LittleEndian.PutUint32(b.header, f.sum)
	first := block[:f.header*sectorSize]
	for i := range f.header {
		sector := first[i*sectorSize : (i+1)*sectorSize]
		copy(sector[prefixSize:], b.header[i*payloadSize:])
		seal(sector, blockMagic, uint16(i))
	}
	copy(block[len(block)-len(first):], first)
}
