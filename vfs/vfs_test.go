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
