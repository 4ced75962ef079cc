package wal

import (
	"encoding/binary"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A batch makes blocks of what is to be appended, in memory. Until it is durable it has a
// table and a cursor of its own, so that it can be dropped.
type batch struct {
	options *Options
	cursor  cursor
	table   table
	// nextSectors is the size of the next segment, if it has been made; 0 if not.
	nextSectors uint32
	// buffer is the bytes of the blocks, parts where they go.
	buffer []byte
	parts  []part
	blocks uint64

	// The block that is being filled:
	filling bool
	draft   fixed
	meta    *raft.SnapshotMeta
	metaRaw []byte
	terms   []termCount
	entries [][]raft.Entry
	// dataBytes and inlineBytes are the sizes of data in the data region and the header.
	dataBytes, inlineBytes int

	// header is where a header's payload is made, head where a checksum is.
	header []byte
	head   wire.EntryHead
	parsed block
}

// A part is what goes into one segment in one write.
type part struct {
	segment  uint64
	sector   uint32
	from, to int // of the buffer
}

// begin makes the batch empty, to follow what a cursor and a table say.
func (b *batch) begin(c *cursor, t table, o *Options) {
	b.options, b.cursor, b.table = o, *c, t
	b.buffer, b.parts, b.blocks, b.filling = b.buffer[:0], b.parts[:0], 0, false
	b.parts = append(b.parts, part{segment: c.at.segment, sector: c.at.sector})
}

// open begins a block, if none is being filled.
func (b *batch) open(flags uint16) {
	if b.filling {
		return
	}
	b.filling = true
	b.draft = fixed{flags: flags, before: b.table.last, end: b.table.last, identity: b.options.Identity}
	b.meta, b.metaRaw = nil, b.metaRaw[:0]
	b.terms, b.entries = b.terms[:0], b.entries[:0]
	b.dataBytes, b.inlineBytes = 0, 0
}

// add adds what one raft.Write says.
func (b *batch) add(w *raft.Write) error {
	if w.Snapshot != nil || w.Truncate != 0 {
		if err := b.turn(w); err != nil {
			return err
		}
	}
	if w.HardState != nil {
		if len(w.HardState.VotedFor) > maxVote {
			return invalid("a vote for an id of %d bytes", len(w.HardState.VotedFor))
		}
		b.open(0)
		b.cursor.hard = *w.HardState
	}
	for _, run := range w.Entries {
		if err := b.addEntries(run); err != nil {
			return err
		}
	}
	return nil
}

// turn begins a block that takes something back.
func (b *batch) turn(w *raft.Write) error {
	if err := b.flush(); err != nil {
		return err
	}
	if w.Snapshot != nil {
		if w.Truncate != 0 || w.Snapshot.Last.Index == 0 || w.Snapshot.Last.Term == 0 {
			return invalid("a snapshot at %v, with a truncation from %d", w.Snapshot.Last, w.Truncate)
		}
		return b.reset(w.Snapshot)
	}
	to := w.Truncate - 1
	term, ok := b.table.term(to)
	if !ok {
		return invalid("a truncation from %d of a log from %v to %v", w.Truncate, b.table.base, b.table.last)
	}
	b.open(flagTruncate)
	b.draft.truncate = w.Truncate
	b.draft.before = raft.Position{Index: to, Term: term}
	b.draft.end = b.draft.before
	return nil
}

// reset begins a block that replaces the log by a snapshot.
func (b *batch) reset(meta *raft.SnapshotMeta) error {
	raw, err := meta.Configuration.AppendBinary(binary.LittleEndian.AppendUint64(nil, uint64(meta.ConfigurationIndex)))
	if err == nil {
		err = meta.Configuration.Validate()
	}
	if err != nil {
		return invalid("a snapshot's configuration: %v", err)
	}
	b.open(flagReset)
	b.meta, b.metaRaw = meta, raw
	b.draft.before, b.draft.end = meta.Last, meta.Last
	return nil
}

// addEntries adds entries to the block, and goes on in another block when it is full.
func (b *batch) addEntries(run []raft.Entry) error {
	begun := 0
	for i := range run {
		e := &run[i]
		b.open(0)
		if err := b.checkEntry(e); err != nil {
			return err
		}
		if !b.fits(e) {
			b.keep(run[begun:i])
			begun = i
			if err := b.makeRoom(e); err != nil {
				return err
			}
		}
		b.count(e)
	}
	b.keep(run[begun:])
	return nil
}

func (b *batch) keep(run []raft.Entry) {
	if len(run) > 0 {
		b.entries = append(b.entries, run)
	}
}

func (b *batch) checkEntry(e *raft.Entry) error {
	last := b.draft.last(b.terms)
	if e.Index != last.Index+1 || e.Term < last.Term || e.Term == 0 || !e.Type.Valid() {
		return invalid("entry %d@%d of type %d after %v", e.Index, e.Term, e.Type, last)
	}
	if len(e.Data) > wire.MaxEntryData {
		return fmtTooLarge(e)
	}
	return nil
}

// last is the position of the last entry counted.
func (f *fixed) last(terms []termCount) raft.Position {
	if f.entries == 0 {
		return f.before
	}
	return raft.Position{Index: f.before.Index + raft.Index(f.entries), Term: terms[len(terms)-1].term}
}

// fits reports whether an entry may be added to the block: within the limits of a block
// and the room that the segment has. It is a little cautious.
func (b *batch) fits(e *raft.Entry) bool {
	data, inline := b.dataBytes, b.inlineBytes
	if e.Type == raft.EntryConfiguration {
		inline += len(e.Data)
	} else {
		data += len(e.Data)
	}
	payload := b.payload(b.draft.entries+1, len(b.terms)+1, sectorsOf(data), inline)
	return data <= maxData && payload <= maxHeader &&
		2*headerSectorsOf(payload)+sectorsOf(data) <= b.room()
}

// payload is the size of a header, the vote's as large as any.
func (b *batch) payload(entries, terms, data, inline int) int {
	return fixedSize + maxVote + padded(len(b.metaRaw)) + terms*runSize + bitmapSize(data) +
		entries*descriptorSize + inline
}

// room is how many sectors a block may take in this segment.
func (b *batch) room() int {
	return int(b.cursor.sectors) - int(b.cursor.at.sector) - endSectors
}

// makeRoom ends the block before an entry that does not fit, or the segment.
func (b *batch) makeRoom(e *raft.Entry) error {
	repair := b.draft.flags & flagRepair
	if b.draft.entries > 0 {
		last := b.draft.last(b.terms)
		if err := b.flush(); err != nil {
			return err
		}
		b.open(repair)
		b.draft.before = last
	}
	if b.fits(e) {
		return nil
	}
	b.cross()
	if !b.fits(e) {
		return fmtTooLarge(e)
	}
	return nil
}

// count adds an entry to what the header will say.
func (b *batch) count(e *raft.Entry) {
	if n := len(b.terms); n > 0 && b.terms[n-1].term == e.Term {
		b.terms[n-1].count++
	} else {
		b.terms = append(b.terms, termCount{1, e.Term})
	}
	b.draft.entries++
	if e.Type == raft.EntryConfiguration {
		b.inlineBytes += len(e.Data)
	} else {
		b.dataBytes += len(e.Data)
	}
}

// cross marks the end of the segment, and goes on at the beginning of the next one.
func (b *batch) cross() {
	held := b.draft
	b.draft = fixed{flags: flagEnd, before: b.table.last, end: b.table.last, identity: b.options.Identity, config: b.table.config()}
	b.encode(nil, nil, nil, 0, 0)
	b.draft = held
	b.cursor.at = place{b.cursor.at.segment + 1, headerSectors}
	if b.nextSectors != 0 {
		b.cursor.sectors, b.nextSectors = b.nextSectors, 0
	} else {
		b.cursor.sectors = uint32(b.options.SegmentBytes / sectorSize)
	}
	n := len(b.buffer)
	b.parts = append(b.parts, part{segment: b.cursor.at.segment, sector: headerSectors, from: n, to: n})
}

// flush makes the bytes of the block that is being filled, if there is one.
func (b *batch) flush() error {
	if !b.filling {
		return nil
	}
	b.filling = false
	if sectors := headerSectorsOf(b.payload(0, 0, 0, 0)); b.draft.entries == 0 && 2*sectors > b.room() {
		b.cross()
		if 2*sectors > b.room() {
			return invalid("a snapshot's configuration of %d bytes does not fit into a segment", len(b.metaRaw))
		}
	}
	if b.draft.flags&flagRepair == 0 {
		b.draft.end = b.draft.last(b.terms)
	}
	b.draft.config = b.configBefore()
	b.encode(b.metaRaw, b.terms, b.entries, b.dataBytes, b.inlineBytes)
	b.table.apply(&b.parsed)
	return nil
}

// configBefore is the index of the latest configuration that comes before the block's entries.
func (b *batch) configBefore() raft.Index {
	if b.meta != nil {
		return b.meta.ConfigurationIndex
	}
	t := b.table
	if b.draft.flags&flagTruncate != 0 {
		t.truncate(b.draft.before)
	}
	return t.config()
}
