package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// smallLog writes a log of a few blocks of every kind, over two segments.
func smallLog(t *testing.T, seed uint64, clean bool) (*disk, *player) {
	t.Helper()
	d := newDisk()
	l, err := Create(d, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	p := &player{Rand: rand.New(rand.NewPCG(seed, 2)), most: 900}
	for range 9 {
		if err := l.Append([]*raft.Write{p.write(), p.write()}); err != nil {
			t.Fatal(err)
		}
	}
	if clean {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return d.copy(), p
}

// judge opens a log with one fault, and says whether anything was lost that it does not
// report. What it calls faulty it must not have.
func judge(d *disk, p *player) error {
	l, r, err := Open(d, testOptions(p.snapshot))
	if said := err != nil || r.Lost != nil; said {
		return nil
	}
	for _, f := range r.Faulty {
		if e := p.twin.at(f.Index); e.Term != f.Term {
			return fmt.Errorf("%v is faulty, but its term was %d", f, e.Term)
		}
		var damaged *DamagedError
		if _, err := l.Read(f.Index, f.Index, 1); !errors.As(err, &damaged) {
			return fmt.Errorf("%v is faulty, but reading it gives %w", f, err)
		}
	}
	if len(r.Faulty) == 0 {
		return p.twin.equals(l, r)
	}
	if n := len(r.Saved.Entries); n > 0 && r.Saved.Entries[0].Index <= r.Faulty[len(r.Faulty)-1].Index {
		return fmt.Errorf("entries from %d are loaded, %v are faulty", r.Saved.Entries[0].Index, r.Faulty)
	}
	var again []raft.Entry
	for _, f := range r.Faulty {
		again = append(again, *p.twin.at(f.Index))
	}
	if err := l.Repair(again); err != nil {
		return err
	}
	if err := p.twin.equals(l, r); err != nil {
		return fmt.Errorf("after a repair: %w", err)
	}
	l, r, err = Open(d, testOptions(p.snapshot))
	if err != nil || r.Lost != nil || len(r.Faulty) > 0 {
		return fmt.Errorf("after a repair: %w, lost %w, faulty %v", err, r.Lost, r.Faulty)
	}
	return p.twin.equals(l, r)
}

func TestOneRottenSectorNeverLosesTermVoteOrPosition(t *testing.T) {
	for seed := range uint64(4) {
		d, p := smallLog(t, seed, false)
		for name, f := range d.files {
			for at := 0; at < len(f.live); at += sectorSize {
				if blank(f.live[at : at+sectorSize]) {
					continue
				}
				spoiled := d.copy()
				for i := range spoiled.files[name].live[at : at+sectorSize] {
					spoiled.files[name].live[at+i] ^= 0x5a
				}
				l, r, err := Open(spoiled.copy(), testOptions(p.snapshot))
				if err != nil || r.Lost != nil {
					t.Fatalf("seed %d, %s, sector %d: %v, lost %v", seed, name, at/sectorSize, err, r.Lost)
				}
				if r.Cut != nil || l.table.last != p.twin.last() || r.Saved.HardState != p.twin.hard {
					t.Errorf("seed %d, %s, sector %d: cut %v, the log ends at %v of %v", seed, name, at/sectorSize, r.Cut, l.table.last, p.twin.last())
				}
				if err := judge(spoiled, p); err != nil {
					t.Errorf("seed %d, %s, sector %d: %v", seed, name, at/sectorSize, err)
				}
			}
		}
	}
}

func TestNoFlippedByteIsLostSilently(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes one goroutine, and long under the race detector")
	}
	d, p := smallLog(t, 1, false)
	for name, f := range d.files {
		for at := 0; at < len(f.live); at += 7 {
			if blank(f.live[at&^(sectorSize-1):][:sectorSize]) && at%sectorSize > 7 {
				continue
			}
			spoiled := d.copy()
			spoiled.files[name].live[at] ^= 0xff
			if err := judge(spoiled, p); err != nil {
				t.Errorf("%s, byte %d: %v", name, at, err)
			}
		}
	}
}

// A clean shutdown says what is durable, so that not even a sector that turned to zero is
// taken for one that was never written.
func TestAfterACloseNoZeroSectorIsATornWrite(t *testing.T) {
	d, p := smallLog(t, 3, true)
	for name, f := range d.files {
		used := len(f.live)
		for used > 0 && blank(f.live[used-sectorSize:used]) {
			used -= sectorSize
		}
		// The last block says nothing but that.
		for at := 0; at < used-endSectors*sectorSize; at += sectorSize {
			spoiled := d.copy()
			clear(spoiled.files[name].live[at : at+sectorSize])
			if err := judge(spoiled, p); err != nil {
				t.Errorf("%s, sector %d: %v", name, at/sectorSize, err)
			}
		}
	}
}

func TestTwoRottenSectorsAreNotLostSilently(t *testing.T) {
	d, p := smallLog(t, 5, true)
	for name, f := range d.files {
		var sectors []int
		for at := 0; at < len(f.live); at += sectorSize {
			if !blank(f.live[at : at+sectorSize]) {
				sectors = append(sectors, at)
			}
		}
		for i, a := range sectors {
			for _, b := range sectors[i+1 : min(i+8, len(sectors))] {
				spoiled := d.copy()
				for _, at := range []int{a, b} {
					spoiled.files[name].live[at+100] ^= 1
				}
				if err := judge(spoiled, p); err != nil {
					t.Errorf("%s, sectors %d and %d: %v", name, a/sectorSize, b/sectorSize, err)
				}
			}
		}
	}
}

func TestAMissingSegmentIsNoticed(t *testing.T) {
	for seed := range uint64(4) {
		d, p := smallLog(t, seed, true)
		names := slices.Collect(func(yield func(string) bool) {
			for n := range d.files {
				if !yield(n) {
					return
				}
			}
		})
		if len(names) < 2 {
			t.Fatalf("only %v", names)
		}
		for _, name := range names {
			spoiled := d.copy()
			delete(spoiled.files, name)
			if _, r, err := Open(spoiled, testOptions(p.snapshot)); err == nil && r.Lost == nil {
				t.Errorf("seed %d: without %s nothing is amiss", seed, name)
			}
		}
	}
}

// A header of which the first sector can be read says how far its entries go. It is believed as
// far as it agrees with itself: that nobody has written says how many entries to give up.
func TestABlockThatSaysMoreThanItsEntriesIsNotBelieved(t *testing.T) {
	d := newDisk()
	l, err := Create(d, testOptions())
	if err == nil {
		err = l.Append(appending(entry(1, []byte("goose")), entry(2, []byte("gander"))))
	}
	if err == nil {
		err = l.Append(appending(entry(3, bytes.Repeat([]byte("gosling"), 1000)))) // too long for the header
	}
	if err == nil {
		err = l.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	file := d.files[fileName(segmentPrefix, 1)]
	changed := 0
	for at := headerSectors * sectorSize; at+sectorSize <= len(file.live); at += sectorSize {
		sector := file.live[at : at+sectorSize]
		if !sealed(sector, blockMagic, 0) {
			continue
		}
		end := sector[8+88:]
		if index := binary.LittleEndian.Uint64(end); index == 3 {
			binary.LittleEndian.PutUint64(end, 100_000)
			seal(sector, blockMagic, 0)
			changed++
		}
	}
	if changed == 0 {
		t.Fatal("the block is not where it is thought to be")
	}
	l, r, err := Open(d, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Faulty) > 0 || r.Lost == nil {
		t.Errorf("%d entries are taken for damaged, and lost is %v", len(r.Faulty), r.Lost)
	}
	_ = l.Close()
}
