package wal

import (
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// An entry that is appended alone takes far more of the disk than it has bytes.
func TestAScrubReadsOfTheDiskNoMoreThanItMay(t *testing.T) {
	d := vfs.NewDisk()
	l, err := Create(d, Options{SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	const last = 3000
	for i := raft.Index(1); i <= last; i++ {
		mustAppend(t, l, appending(entry(i, []byte("x"))))
	}
	read := 0
	d.SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
		if o.Kind == vfs.OpRead {
			read += o.Length
		}
		return nil
	}})
	const most = 100 << 10
	steps, all := 0, 0
	for next := raft.Index(1); next != 0; steps++ {
		read = 0
		from := next
		var damaged []raft.Position
		if next, damaged, err = l.Scrub(from, most); err != nil || len(damaged) > 0 || next != 0 && next <= from {
			t.Fatalf("from %d it comes to %d: %v, damaged %v", from, next, err, damaged)
		}
		if read > most+readSome {
			t.Errorf("from %d, %d bytes are read, %d may be", from, read, most)
		}
		all += read
	}
	if size := last * 2 * sectorSize; all < size || all > 2*size || steps > 2*size/most {
		t.Errorf("of %d bytes of the disk, %d are read in %d steps", size, all, steps)
	}
}
