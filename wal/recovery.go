package wal

import (
	"errors"
	"fmt"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A recovery reads a log from its beginning to its end.
type recovery struct {
	options *Options
	window  window
	table   table
	cursor  cursor
	loader  loader
	// begun: a block has been read.
	begun bool
	// beheaded: the first blocks could not be read.
	beheaded bool
	// synced is the latest block known to have been durable; scanned, that everything
	// that follows was looked through for it.
	synced  uint64
	scanned bool
	// recent are the blocks after synced.
	recent []fixed
	cut    *Cut
	dirty  []region
	// discard is the snapshot that replaces what the log has; nil if it goes on.
	discard *raft.SnapshotMeta
	blocks  int

	room  []byte
	block block
	head  wire.EntryHead
	bad   []raft.Position
}

func newRecovery(l *Log) *recovery {
	r := &recovery{options: &l.options, table: l.table}
	r.window.ahead = readAhead / sectorSize
	r.loader = loader{above: l.options.snapshot().Last.Index, limit: l.options.LoadBytes}
	r.cursor.at = place{l.table.segments[0].number, headerSectors}
	return r
}

// errEnd says that the end of the log is reached.
var errEnd = errors.New("the end of the log")

// run reads all blocks. An error that is ErrLost leaves what was read before it.
func (r *recovery) run() error {
	for _, s := range r.table.segments {
		whole, err := r.checkHeader(s)
		if err != nil {
			return fmt.Errorf("%w: segment %d", err, s.number)
		}
		if whole > s.sectors {
			return lost("segment %d has %d sectors, it had %d", s.number, s.sectors, whole)
		}
	}
	for {
		switch err := r.step(); {
		case errors.Is(err, errEnd):
			r.cursor.sectors = r.table.segment(r.cursor.at.segment).sectors
			return nil
		case err != nil:
			return err
		}
	}
}

// checkHeader returns the size that a segment's header speaks of; 0 if it cannot be read.
func (r *recovery) checkHeader(s *segment) (sectors uint32, err error) {
	if s.sectors < headerSectors+endSectors {
		return 0, lost("segment %d has %d sectors", s.number, s.sectors)
	}
	return checkSegmentHeader(r.window.sectors(s, 0, headerSectors), r.options.Identity, s.number)
}

// step reads one block, or decides what it means that it cannot.
func (r *recovery) step() error {
	at := r.cursor.at
	s := r.table.segment(at.segment)
	if s == nil {
		return lost("segment %d is missing", at.segment)
	}
	if at.sector+endSectors > s.sectors {
		return lost("segment %d ends without a mark", at.segment)
	}
	var f fixed
	first, err := r.window.header(s, at, r.options.Identity, &f)
	switch {
	case errors.Is(err, errNoBlock):
		return r.noBlock(s)
	case err != nil:
		return fmt.Errorf("%w %d: segment %d", err, f.foreignOf, s.number)
	case r.begun && (f.sequence != r.cursor.sequence+1 || f.chain != r.cursor.chain):
		return lost("block %d at %v is not the one after block %d", f.sequence, at, r.cursor.sequence)
	}
	vote := raft.NodeID(first[fixedSize : fixedSize+f.voteSize])
	region, _, ok := r.window.block(s, &f, &r.room, &r.block)
	if !ok {
		err = r.noHeader(&f)
	} else {
		err = r.read(region)
	}
	if err != nil {
		return err
	}
	r.advance(&f, raft.HardState{Term: f.term, VotedFor: vote})
	return nil
}

// advance goes on behind a block.
func (r *recovery) advance(f *fixed, hard raft.HardState) {
	r.begun = true
	r.blocks++
	r.cursor.sequence, r.cursor.chain, r.cursor.hard = f.sequence, f.sum, hard
	r.cursor.tail = f.at.segment
	r.learn(f.synced)
	if f.sequence > r.synced {
		r.recent = append(r.recent, *f)
	}
	r.cursor.at = f.at.after(f.sectors())
	if f.flags&flagEnd != 0 {
		r.cursor.at = place{f.at.segment + 1, headerSectors}
	}
}

// learn takes note that blocks up to one are durable.
func (r *recovery) learn(synced uint64) {
	if synced <= r.synced {
		return
	}
	r.synced = synced
	n := 0
	for n < len(r.recent) && r.recent[n].sequence <= synced {
		n++
	}
	r.recent = append(r.recent[:0], r.recent[n:]...)
}

// read takes in a block whose header is whole.
func (r *recovery) read(region []byte) error {
	b := &r.block
	if err := r.follows(b); err != nil {
		return err
	}
	r.verify(region)
	if len(r.bad) > 0 {
		r.scan(b.at.after(b.sectors()))
		again := b.fixed // the window has moved
		var raw []byte
		region, raw, _ = r.window.block(r.table.segment(b.at.segment), &again, &r.room, b)
		size := b.header * sectorSize
		if b.sequence > r.synced && (b.missing(region) || missingHeader(raw[:size], raw[len(raw)-size:])) {
			return r.cutHere()
		}
	}
	r.table.apply(b)
	r.beheaded = r.beheaded && b.flags&flagReset == 0 // a snapshot took the place of all that was
	r.loader.take(b, region, r.bad)
	for _, p := range r.bad {
		r.table.damaged(p)
	}
	return nil
}

// follows reports whether a block can come after what was read.
func (r *recovery) follows(b *block) error {
	if !r.begun {
		r.table.reset(b.before, b.config)
		return nil
	}
	last := r.table.last
	var ok bool
	switch {
	case b.flags&flagReset != 0:
		ok = true
	case b.flags&flagRepair != 0:
		ok = b.end == last && b.lastEntry().Index <= last.Index && r.table.has(b)
	case b.flags&flagTruncate != 0:
		ok = b.truncate == b.before.Index+1 && (r.table.holds(b.before) || b.before.Index < r.table.base.Index)
	default:
		ok = b.before == last
	}
	if !ok {
		return lost("block %d speaks of entries after %v, the log ends at %v", b.sequence, b.before, last)
	}
	return nil
}

// has reports whether the entries of a repair are those that the log has.
func (t *table) has(b *block) bool {
	i := b.before.Index + 1
	for _, run := range b.terms {
		for range run.count {
			// What is compacted by now may have been repaired before.
			if i > t.base.Index && !t.holds(raft.Position{Index: i, Term: run.term}) {
				return false
			}
			i++
		}
	}
	return true
}

// verify lists the entries of the block whose data are not what was written.
func (r *recovery) verify(region []byte) {
	r.bad = r.bad[:0]
	w := walker{block: &r.block, region: region}
	var e raft.Entry
	for sum, ok := w.entry(&e); ok; sum, ok = w.entry(&e) {
		if wire.EntryChecksum(&r.head, &e) != sum {
			r.bad = append(r.bad, raft.Position{Index: e.Index, Term: e.Term})
		}
	}
}
