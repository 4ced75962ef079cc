package wal

import "github.com/ben-ng/gaggle/raft"

// noBlock decides what it means that no block begins where the next one should.
func (r *recovery) noBlock(s *segment) error {
	at := r.cursor.at
	hit := r.scan(at)
	blankHere := blank(r.window.sectors(s, at.sector, 1))
	unsynced := r.begun && r.cursor.sequence+1 > r.synced
	rest := r.written(at)
	switch {
	case unsynced && !rest:
		return errEnd
	case unsynced && (blankHere || !r.written(at.after(1))):
		// Its first sector, or, as there are at least two, its last was not written.
		return r.cutHere()
	case hit == nil:
		return lost("block %d at %v cannot be read, and none after it", r.cursor.sequence+1, at)
	}
	room := r.gapSectors(at, hit.at)
	if err := r.bridge(hit, room); err != nil {
		return err
	}
	// The blocks of a segment follow its header, so there was one before the first that is found.
	r.beheaded = r.beheaded || !r.begun && r.table.base.Index > 0
	r.begun = true
	r.cursor.at, r.cursor.sequence, r.cursor.chain = hit.at, hit.sequence-1, hit.chain
	return nil
}

// gapSectors is how many sectors lie between two places.
func (r *recovery) gapSectors(from, to place) int64 {
	n := int64(to.sector) - int64(from.sector)
	for k := from.segment; k < to.segment; k++ {
		n += int64(r.table.segment(k).sectors)
	}
	return n
}

// noHeader decides what it means that a block's header can be read in neither copy, though
// its first sector can.
func (r *recovery) noHeader(f *fixed) error {
	r.scan(f.at.after(f.sectors()))
	raw := r.window.sectors(r.table.segment(f.at.segment), f.at.sector, f.sectors())
	size := f.header * sectorSize
	if f.sequence > r.synced && missingHeader(raw[:size], raw[len(raw)-size:]) {
		return r.cutHere()
	}
	if f.flags&flagReset != 0 || f.inline > 0 {
		return lost("block %d cannot be read: it has a snapshot's or an entry's configuration", f.sequence)
	}
	if err := r.bridge(f, 0); err != nil {
		return err
	}
	if f.flags&flagRepair != 0 || f.entries == 0 {
		return nil
	}
	if f.end.Term != f.before.Term && f.entries > 1 {
		return lost("block %d cannot be read: its entries are of terms %d to %d", f.sequence, f.before.Term, f.end.Term)
	}
	r.lose(f.end)
	return nil
}

// bridge goes on at a block though blocks before it cannot be read: as far as it is certain
// which entries they had. Room is how many sectors they can have taken.
//
// The block says what the log's end was before it. If the log that was read has that
// position, it has the same entries up to it (Log Matching, thesis §3.5), whatever else was
// in the blocks between. If it ends in the same term, the leader of that term appended what
// is missing to what is there. In all other cases the terms of what is missing are unknown.
func (r *recovery) bridge(f *fixed, room int64) error {
	end := f.before
	if f.flags&flagRepair != 0 {
		end = f.end
	}
	t := &r.table
	switch {
	case !r.begun:
		t.reset(end, f.config)
	case f.flags&flagReset != 0:
	case t.holds(end):
		t.truncate(end)
		t.turned = true
		r.loader.truncate(end.Index)
	case end.Term == t.last.Term && end.Index > t.last.Index && int64(end.Index-t.last.Index) <= room*sectorSize/descriptorSize:
		r.lose(end)
	default:
		return lost("blocks after %d cannot be read: the log was at %v, and is at %v", r.cursor.sequence, t.last, end)
	}
	if f.flags&flagReset == 0 && t.config() != f.config {
		return lost("blocks after %d cannot be read: the configuration at %d was among them", r.cursor.sequence, f.config)
	}
	return nil
}

// lose adds entries that cannot be read.
func (r *recovery) lose(to raft.Position) {
	r.table.lose(to)
	r.loader.drop()
}

// cutHere ends the log before a block that was not written whole.
func (r *recovery) cutHere() error {
	at := r.cursor.at
	s := r.table.segment(at.segment)
	r.cut = &Cut{Segment: at.segment, Offset: int64(at.sector) * sectorSize, Last: r.table.last}
	end := at.sector
	for k := at.sector; k < s.sectors; k++ {
		if !blank(r.window.sectors(s, k, 1)) {
			end = k + 1
		}
	}
	r.dirty = append(r.dirty, region{s, at.sector, end})
	return errEnd
}

// written reports whether anything but zeros comes after a place, in its segment or in one
// after it.
func (r *recovery) written(at place) bool {
	for s := r.table.segment(at.segment); s != nil; s = r.table.segment(s.number + 1) {
		for k := at.sector; k < s.sectors; k++ {
			if !blank(r.window.sectors(s, k, 1)) {
				return true
			}
		}
		at.sector = headerSectors
	}
	return false
}

// empty reports whether a segment is as it was made.
func (r *recovery) empty(s *segment) bool {
	if whole, err := r.checkHeader(s); whole != s.sectors || err != nil {
		return false
	}
	for k := uint32(headerSectors); k < s.sectors; k++ {
		if !blank(r.window.sectors(s, k, 1)) {
			return false
		}
	}
	return true
}

// scan looks for headers in all that follows a place, wherever they begin. It returns the
// first of a block that begins after it, and learns from all of them what is durable.
func (r *recovery) scan(from place) *fixed {
	var hit *fixed
	at := from
	for s := r.table.segment(at.segment); s != nil; s = r.table.segment(s.number + 1) {
		for k := at.sector; k < s.sectors; k++ {
			f, ok := r.headerAt(s, k)
			if !ok || f.sequence <= r.cursor.sequence {
				continue
			}
			if hit == nil && f.at.beyond(from) {
				hit = f
			}
			if r.scanned && hit != nil {
				return hit
			}
			r.learn(f.synced)
		}
		at.sector = headerSectors
	}
	r.scanned = true
	return hit
}

// headerAt reads the first sector of a header, of either copy, if one is at a sector.
func (r *recovery) headerAt(s *segment, k uint32) (*fixed, bool) {
	sector := r.window.sectors(s, k, 1)
	if !sealed(sector, blockMagic, 0) {
		return nil, false
	}
	f := new(fixed)
	ok := f.parse(sector[prefixSize:]) && f.found(place{s.number, k}, s, r.options.Identity)
	return f, ok
}
