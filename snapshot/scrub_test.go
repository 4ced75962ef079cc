package snapshot

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"

	"github.com/ben-ng/gaggle/vfs"
)

func TestAScrubFindsRotInEachChunkAndReadsNoMoreThanItMay(t *testing.T) {
	const chunks, most = 7, 2 * chunkSize
	for rotten := range chunks {
		d := vfs.NewDisk()
		s := open(t, d)
		info := mustWrite(t, s, 10, bytes.Repeat([]byte("gaggle"), (chunks*chunkSize-100)/6))
		read := 0
		d.SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
			if o.Kind == vfs.OpRead {
				read += o.Length
			}
			return nil
		}})
		scrub := func() (steps int, err error) {
			for next := int64(0); err == nil && (steps == 0 || next > 0); steps++ {
				read = 0
				next, err = s.Scrub(info, next, most)
				if read > most+4<<10 {
					t.Errorf("%d bytes are read, %d may be", read, most)
				}
			}
			return steps, err
		}
		if steps, err := scrub(); err != nil || steps != 4 {
			t.Fatalf("as it was written: %d steps, %v", steps, err)
		}
		if !d.Garble(info.Name, int64(rotten)*(chunkSize+frameSize)+1000, func(b []byte) { b[0] ^= 1 }, 1) {
			t.Fatal("the file is shorter")
		}
		if steps, err := scrub(); !errors.Is(err, ErrDamaged) || steps != rotten/2+1 {
			t.Errorf("rot in chunk %d is found in step %d: %v", rotten, steps, err)
		}
		if len(s.List()) != 0 || len(s.Damaged()) != 1 {
			t.Errorf("what was found is still usable")
		}
	}
}

func TestAScrubOfASnapshotThatIsGoneSaysSo(t *testing.T) {
	s := open(t, vfs.NewDisk())
	info := mustWrite(t, s, 10, []byte("gone"))
	if next, err := s.Scrub(info, 0, 1); next != 0 || err != nil {
		t.Fatalf("of one small chunk, it goes on at %d: %v", next, err)
	}
	if err := s.Remove(info.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Scrub(info, 0, 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it says %v", err)
	}
}
