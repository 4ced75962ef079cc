package wal

import (
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// Whatever the bytes are, Open does not panic, and what it opens can be read and goes on.
func FuzzOpen(f *testing.F) {
	d := newDisk()
	l, err := Create(d, testOptions())
	if err != nil {
		f.Fatal(err)
	}
	name := fileName(segmentPrefix, 1)
	f.Add(0, []byte{})
	for i := range 3 {
		if err := l.Append(appending(entry(1+2*raft.Index(i), []byte("goose")), entry(2+2*raft.Index(i), make([]byte, 600)))); err != nil {
			f.Fatal(err)
		}
		f.Add(i*sectorSize, d.files[name].live[:8*sectorSize])
	}
	f.Fuzz(func(_ *testing.T, at int, content []byte) {
		after := d.copy()
		file := after.files[name]
		at = min(max(at, 0), len(file.live))
		copy(file.live[at:], content)
		// Checksums would keep the fuzzer out: it may have the right ones.
		for s := 0; s+sectorSize <= len(file.live); s += sectorSize {
			if sector := file.live[s : s+sectorSize]; sector[6] == 0x47 && sector[7] == 0x4c {
				seal(sector, blockMagic, uint16(sector[4]))
			}
		}
		l, r, err := Open(after, testOptions())
		if err != nil || r.Lost != nil {
			return
		}
		for i := l.table.base.Index + 1; i <= l.table.last.Index && i < l.table.base.Index+50; i++ {
			_, _ = l.Read(i, i, 1)
		}
		_ = l.Append(nil)
	})
}
