package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
)

// each runs a test on the operating system's directory and on one in memory.
func each(t *testing.T, test func(t *testing.T, dir Dir)) {
	t.Run("os", func(t *testing.T) {
		dir, err := OS(filepath.Join(t.TempDir(), "node"))
		if err != nil {
			t.Fatal(err)
		}
		test(t, dir)
	})
	t.Run("disk", func(t *testing.T) { test(t, NewDisk()) })
}

// must fails a test that cannot go on.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func create(t testing.TB, dir Dir, name string) File {
	t.Helper()
	f, err := dir.Create(name)
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func write(t testing.TB, f File, offset int64, b []byte) {
	t.Helper()
	_, err := f.WriteAt(b, offset)
	must(t, err)
}

func TestAFileIsReadAsItWasWritten(t *testing.T) {
	each(t, func(t *testing.T, dir Dir) {
		f := create(t, dir, "a")
		write(t, f, 10_000, []byte("there"))
		write(t, f, 4094, []byte("over"))
		size, err := f.Size()
		if err != nil || size != 10_005 {
			t.Fatalf("it has %d bytes: %v", size, err)
		}
		b := make([]byte, 6)
		if n, err := f.ReadAt(b, 4093); n != 6 || err != nil || string(b) != "\x00over\x00" {
			t.Fatalf("read %d: %q, %v", n, b, err)
		}
		if n, err := f.ReadAt(b, 10_001); n != 4 || !errors.Is(err, io.EOF) || string(b[:n]) != "here" {
			t.Fatalf("read %d at the end: %q, %v", n, b[:n], err)
		}
		must(t, f.Truncate(4096))
		must(t, f.Truncate(5000))
		b = make([]byte, 6)
		if _, err := f.ReadAt(b, 4093); err != nil || string(b) != "\x00ov\x00\x00\x00" {
			t.Fatalf("what was cut off is there: %q, %v", b, err)
		}
	})
}

func TestNamesAreThoseOfOneDirectory(t *testing.T) {
	each(t, func(t *testing.T, dir Dir) {
		a := create(t, dir, "a")
		create(t, dir, "c")
		if _, err := dir.Create("a"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a file that is there is made: %v", err)
		}
		if _, err := dir.Open("b"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file that is not there is opened: %v", err)
		}
		for _, err := range []error{dir.Rename("b", "d"), dir.Remove("b")} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a file that is not there: %v", err)
			}
		}
		_, err := dir.Inode("b")
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a file that is not there has an inode: %v", err)
		}
		was, err := dir.Inode("a")
		must(t, err)
		must(t, dir.Rename("a", "c"))
		is, err := dir.Inode("c")
		must(t, err)
		if was == 0 || was != is {
			t.Errorf("the inode was %d and is %d", was, is)
		}
		lock, err := dir.Lock()
		must(t, err)
		if names, err := dir.List(); err != nil || !slices.Equal(names, []string{"c"}) {
			t.Errorf("there are %q: %v", names, err)
		}
		must(t, dir.Remove("c"))
		write(t, a, 0, []byte("still"))
		must(t, dir.Sync())
		must(t, lock.Close())
		if free, err := dir.Free(); err != nil || free < 1<<20 {
			t.Errorf("%d bytes are free: %v", free, err)
		}
	})
}

func TestADirectoryHasOneUser(t *testing.T) {
	each(t, func(t *testing.T, dir Dir) {
		lock, err := dir.Lock()
		must(t, err)
		if _, err := dir.Lock(); !errors.Is(err, ErrLocked) {
			t.Fatalf("there are two: %v", err)
		}
		must(t, lock.Close())
		lock, err = dir.Lock()
		must(t, err)
		must(t, lock.Close())
	})
}

func TestAWholeFileIsReplacedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, dir Dir) {
		for _, text := range []string{"first", "the second"} {
			must(t, WriteFile(dir, "f", []byte(text)))
			if b, err := ReadFile(dir, "f"); err != nil || string(b) != text {
				t.Fatalf("it holds %q: %v", b, err)
			}
		}
	})
	// Whatever crashes on the way, and whatever of it survives, it is the one or the other.
	for dies := range 8 {
		for choice := range uint(1 << 10) {
			d := NewDisk()
			must(t, WriteFile(d, "f", bytes.Repeat([]byte("a"), 600)))
			ops := 0
			d.SetFaults(Faults{Fail: func(Op) error {
				if ops++; ops > dies {
					return ErrCrashed
				}
				return nil
			}})
			err := WriteFile(d, "f", bytes.Repeat([]byte("b"), 700))
			d.SetFaults(Faults{})
			d.Crash(bits(choice))
			b, readErr := ReadFile(d, "f")
			if readErr != nil || len(bytes.Trim(b, "a")) != 0 && len(bytes.Trim(b, "b")) != 0 || err == nil && b[0] != 'b' {
				t.Fatalf("power went after %d operations (%v), then it holds %d bytes, %q…: %v", dies, err, len(b), b[:min(len(b), 1)], readErr)
			}
		}
	}
}

// bits chooses by the bits of a number.
func bits(choice uint) func(int) int {
	return func(n int) int {
		c := int(choice) % n
		choice /= uint(n)
		return c
	}
}

// Three writes, the last over the first: everything that can be left of them is left by some
// choice, and nothing else.
func TestACrashKeepsAnySectorsThatWereNotSynced(t *testing.T) {
	found := map[string]bool{}
	for choice := range uint(1 << 12) {
		d := NewDisk()
		f := create(t, d, "f")
		write(t, f, 0, bytes.Repeat([]byte("0"), 3*SectorSize))
		must(t, f.Sync())
		must(t, d.Sync())
		write(t, f, 0, bytes.Repeat([]byte("1"), 2*SectorSize))
		write(t, f, SectorSize, bytes.Repeat([]byte("2"), 2*SectorSize))
		d.Crash(bits(choice))
		if _, err := f.ReadAt(make([]byte, 1), 0); !errors.Is(err, ErrCrashed) {
			t.Fatalf("a file from before the crash is read: %v", err)
		}
		b, err := ReadFile(d, "f")
		must(t, err)
		what := ""
		for at := 0; at < len(b); at += SectorSize {
			sector := b[at : at+SectorSize]
			if !bytes.Equal(sector, bytes.Repeat(sector[:1], SectorSize)) {
				t.Fatal("a sector is torn")
			}
			what += string(sector[0])
		}
		found[what] = true
	}
	want := 0
	for _, first := range "01" {
		for _, second := range "012" {
			for _, third := range "02" {
				want++
				if what := string([]rune{first, second, third}); !found[what] {
					t.Errorf("no choice leaves %s", what)
				}
			}
		}
	}
	if len(found) != want {
		t.Errorf("there are %d outcomes, want %d: %v", len(found), want, found)
	}
}

func TestACrashUndoesAnyChangesOfADirectoryThatWereNotSynced(t *testing.T) {
	found := map[string]bool{}
	for choice := range uint(1 << 4) {
		d := NewDisk()
		must(t, WriteFile(d, "a", []byte("a")))
		must(t, WriteFile(d, "b", []byte("b")))
		must(t, d.Rename("a", "c"))
		must(t, d.Remove("b"))
		d.Crash(bits(choice))
		names, err := d.List()
		must(t, err)
		found[fmt.Sprint(names)] = true
	}
	if len(found) != 4 || !found["[c]"] || !found["[a]"] || !found["[b c]"] || !found["[a b]"] {
		t.Errorf("the outcomes are %v", found)
	}
}

func TestAFailedSyncLosesWhatItWasToSync(t *testing.T) {
	d := NewDisk()
	f := create(t, d, "f")
	must(t, d.Sync())
	write(t, f, 0, []byte("lost"))
	broken := errors.New("broken")
	d.SetFaults(Faults{Fail: func(o Op) error {
		if o.Kind == OpSync {
			return broken
		}
		return nil
	}})
	if err := f.Sync(); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	d.SetFaults(Faults{})
	write(t, f, SectorSize, []byte("kept"))
	must(t, f.Sync()) // as if nothing had been
	b, err := ReadFile(d, "f")
	if err != nil || string(b[:4]) != "lost" {
		t.Fatalf("it is not seen any more: %q, %v", b[:4], err)
	}
	d.Crash(func(int) int { return 0 })
	b, err = ReadFile(d, "f")
	if err != nil || string(b[:4]) == "lost" || string(b[SectorSize:]) != "kept" {
		t.Fatalf("after the crash it holds %q and %q: %v", b[:4], b[SectorSize:], err)
	}
}

func TestAFullDiskTakesWhatFits(t *testing.T) {
	d := NewDisk()
	d.SetFaults(Faults{Quota: 1000})
	f := create(t, d, "f")
	write(t, f, 0, make([]byte, 900))
	if n, err := f.WriteAt(make([]byte, 200), 900); n != 100 || !errors.Is(err, ErrFull) {
		t.Fatalf("%d bytes are written: %v", n, err)
	}
	write(t, f, 0, make([]byte, 1000)) // what is there may be written again
	if err := f.Truncate(1001); !errors.Is(err, ErrFull) {
		t.Fatalf("it becomes longer: %v", err)
	}
	must(t, d.Remove("f"))
	write(t, create(t, d, "g"), 0, make([]byte, 1000))
	d.SetFaults(Faults{})
	write(t, create(t, d, "h"), 0, make([]byte, 1000))
}

func TestADiskThatLiesKeepsNothing(t *testing.T) {
	d := NewDisk()
	d.SetFaults(Faults{Lying: true})
	must(t, WriteFile(d, "f", []byte("x")))
	d.Crash(func(int) int { return 0 })
	if names, _ := d.List(); len(names) > 0 {
		t.Errorf("%q are there", names)
	}
}

func TestRotIsSeenAtOnceAndStays(t *testing.T) {
	d := NewDisk()
	must(t, WriteFile(d, "f", []byte("good")))
	if !d.Garble("f", 1, func(b []byte) { b[0] ^= 1 }, 1) || d.Garble("f", 4, func([]byte) {}, 1) {
		t.Fatal("it reaches as far as it does not")
	}
	for range 2 {
		if b, err := ReadFile(d, "f"); err != nil || string(b) != "gnod" {
			t.Fatalf("it holds %q: %v", b, err)
		}
		d.Crash(func(int) int { return 0 })
	}
}

func TestACopyHasOtherInodes(t *testing.T) {
	d := NewDisk()
	must(t, WriteFile(d, "f", []byte("x")))
	c := d.Copy()
	was, _ := d.Inode("f")
	is, _ := c.Inode("f")
	if b, err := ReadFile(c, "f"); err != nil || string(b) != "x" || was == is {
		t.Errorf("it holds %q and has inode %d of %d: %v", b, is, was, err)
	}
	must(t, WriteFile(c, "f", []byte("y")))
	if b, _ := ReadFile(d, "f"); string(b) != "x" {
		t.Errorf("a write to a copy is in the original: %q", b)
	}
}

func TestNothingHappensWithoutPower(t *testing.T) {
	d := NewDisk()
	f := create(t, d, "f")
	d.PowerOff()
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, ErrCrashed) {
		t.Errorf("it is written: %v", err)
	}
	if _, err := d.List(); !errors.Is(err, ErrCrashed) {
		t.Errorf("it is listed: %v", err)
	}
	d.Crash(func(int) int { return 0 })
	if _, err := d.List(); err != nil {
		t.Error(err)
	}
}

// What a failed sync lost is older than what a later one made durable, and stays below it.
func TestWhatWasLostDoesNotComeBackOverWhatIsSafe(t *testing.T) {
	d := NewDisk()
	f := create(t, d, "f")
	must(t, d.Sync())
	write(t, f, 0, bytes.Repeat([]byte("lost"), 256))
	d.SetFaults(Faults{Fail: func(Op) error { return errors.New("broken") }})
	_ = f.Sync()
	d.SetFaults(Faults{})
	safe := bytes.Repeat([]byte("safe"), 512)
	write(t, f, 0, safe)
	must(t, f.Sync())
	d.Crash(func(int) int { return 1 })
	if b, err := ReadFile(d, "f"); err != nil || !bytes.Equal(b, safe) {
		t.Fatalf("it holds %d bytes, %q…: %v", len(b), b[:8], err)
	}
}

func TestAFileThatWasCutIsCutOrNotAfterACrash(t *testing.T) {
	found := map[string]bool{}
	for choice := range uint(1 << 6) {
		d := NewDisk()
		must(t, WriteFile(d, "f", bytes.Repeat([]byte("a"), 2*SectorSize)))
		f, err := d.Open("f")
		must(t, err)
		must(t, f.Truncate(SectorSize))
		must(t, f.Truncate(2*SectorSize))
		d.Crash(bits(choice))
		b, err := ReadFile(d, "f")
		must(t, err)
		found[fmt.Sprintf("%d %q", len(b)/SectorSize, b[len(b)-1])] = true
	}
	if len(found) != 3 || !found[`1 'a'`] || !found[`2 'a'`] || !found[`2 '\x00'`] {
		t.Errorf("the outcomes are %v", found)
	}
}
