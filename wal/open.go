package wal

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// Open reads a log back. What it returns is durable, and what a crash left half written is
// gone, so that Append can go on. An error says that the log could not be opened, and
// nothing about what is in it: ErrNoLog, ErrForeign, ErrVersion, or one of the directory's,
// vfs.ErrFull among them.
func Open(dir vfs.Dir, o Options) (*Log, *Recovered, error) {
	if err := o.complete(); err != nil {
		return nil, nil, err
	}
	l := &Log{dir: dir, options: o}
	found, err := l.open()
	if err != nil {
		for _, s := range l.table.segments {
			err = errors.Join(err, s.file.Close())
		}
		return nil, nil, err
	}
	return l, found, nil
}

func (l *Log) open() (*Recovered, error) {
	r, err := l.readBack()
	if err != nil && !errors.Is(err, ErrLost) {
		return nil, err
	}
	if err != nil {
		l.failure = err
	} else if err := l.settle(r); err != nil {
		return nil, err
	}
	l.stats = Stats{}
	return r.found(err), nil
}

// readBack reads what there is, and changes nothing. After an error that is ErrLost, what was
// read before it is there.
func (l *Log) readBack() (*recovery, error) {
	hole, err := l.openSegments()
	if err != nil {
		return nil, err
	}
	r := newRecovery(l)
	err = r.run()
	if err == nil && hole != 0 {
		err = lost("segment %d is missing", hole)
	}
	if err == nil {
		err = r.checkSnapshot()
	}
	l.table, l.cursor = r.table, r.cursor
	return r, err
}

// openSegments opens all segments up to the first that is missing, whose number it returns.
func (l *Log) openSegments() (hole uint64, err error) {
	numbers, err := segmentNumbers(l.dir)
	if err != nil {
		return 0, err
	}
	if len(numbers) == 0 {
		return 0, fmt.Errorf("%w in %s", ErrNoLog, l.dir.Path())
	}
	for i, n := range numbers {
		if want := numbers[0] + uint64(i); n != want {
			return want, nil
		}
		s, err := openSegment(l.dir, n)
		if err != nil {
			return 0, err
		}
		l.table.segments = append(l.table.segments, s)
	}
	return 0, nil
}

func openSegment(dir vfs.Dir, number uint64) (*segment, error) {
	file, err := dir.Open(fileName(segmentPrefix, number))
	if err != nil {
		return nil, err
	}
	size, err := file.Size()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &segment{number: number, sectors: uint32(min(size, MaxSegmentBytes) / sectorSize), file: file}, nil
}

// settle makes what was read durable, removes what was cut, and says so in the log.
//
// What is in the file need not be on the disk: a process that died, even one whose sync had
// failed, leaves it in the memory of the operating system. So what is not known to be
// durable is written again, the same bytes, and synced; before anybody hears of it.
func (l *Log) settle(r *recovery) error {
	if err := l.dir.Sync(); err != nil {
		return err
	}
	if err := l.dropAfter(r); err != nil {
		return err
	}
	if err := l.rewrite(r); err != nil {
		return err
	}
	l.dirty = r.dirty
	if err := l.clean(); err != nil {
		return err
	}
	l.cursor.synced = l.cursor.sequence
	if r.discard == nil {
		return l.mark()
	}
	return l.replace(r)
}

// replace begins the log anew at the snapshot.
func (l *Log) replace(r *recovery) error {
	b := l.begin()
	w := &raft.Write{Snapshot: r.discard}
	if h := l.cursor.hard; h.Term < r.discard.Last.Term {
		w.HardState = &raft.HardState{Term: r.discard.Last.Term}
	}
	if err := errors.Join(b.add(w), b.flush()); err != nil {
		return err
	}
	return l.write()
}

// dropAfter removes the segments after the last block, the newest first, but for the next
// one if it is as it was made.
func (l *Log) dropAfter(r *recovery) error {
	keep := int(l.cursor.at.segment-l.table.segments[0].number) + 1
	if keep < len(l.table.segments) && r.empty(l.table.segments[keep]) {
		l.next = l.table.segments[keep]
		keep++
	}
	for _, s := range slices.Backward(l.table.segments[keep:]) {
		err := errors.Join(s.file.Close(), l.dir.Remove(fileName(segmentPrefix, s.number)))
		if err == nil {
			err = l.dir.Sync()
		}
		if err != nil {
			return err
		}
	}
	if l.next != nil {
		keep--
	}
	l.table.segments = slices.Clip(l.table.segments[:keep])
	return nil
}

// rewrite writes the blocks again that are not known to be durable, with both copies of
// their headers.
func (l *Log) rewrite(r *recovery) error {
	var written []*segment
	for _, f := range r.recent {
		s := l.table.segment(f.at.segment)
		raw := r.window.sectors(s, f.at.sector, f.sectors())
		mend(raw, f.header)
		if _, err := s.file.WriteAt(raw, int64(f.at.sector)*sectorSize); err != nil {
			return err
		}
		if !slices.Contains(written, s) {
			written = append(written, s)
		}
	}
	for _, s := range written {
		if err := l.sync(s); err != nil {
			return err
		}
	}
	return nil
}

// mend gives each sector of a header that is damaged in one copy the bytes of the other.
func mend(raw []byte, header int) {
	second := raw[len(raw)-header*sectorSize:]
	for i := range header {
		a, b := raw[i*sectorSize:(i+1)*sectorSize], second[i*sectorSize:(i+1)*sectorSize]
		if sealed(a, blockMagic, uint16(i)) {
			copy(b, a)
		} else {
			copy(a, b)
		}
	}
}
