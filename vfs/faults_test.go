package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

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
	g := create(t, d, "g")
	must(t, d.Remove("f"))
	if free, err := d.Free(); err != nil || free != 0 {
		t.Fatalf("a file that is still open takes no room: %d bytes are free, %v", free, err)
	}
	must(t, f.Close())
	write(t, g, 0, make([]byte, 1000))
	d.SetFaults(Faults{Quota: NoRoom})
	if free, err := d.Free(); err != nil || free != 0 {
		t.Fatalf("%d bytes are free where there is no room: %v", free, err)
	}
	if n, err := g.WriteAt([]byte("x"), 1000); n != 0 || !errors.Is(err, ErrFull) {
		t.Fatalf("%d bytes are written where there is no room: %v", n, err)
	}
	d.SetFaults(Faults{})
	write(t, create(t, d, "h"), 0, make([]byte, 1000))
}

func TestADiskThatLiesKeepsNothing(t *testing.T) {
	d := NewDisk()
	d.SetFaults(Faults{Lie: func(Op) bool { return true }})
	must(t, WriteFile(d, "f", []byte("x")))
	d.Crash(func(int) int { return 0 })
	if names, _ := d.List(); len(names) > 0 {
		t.Errorf("%q are there", names)
	}
}

func TestASyncLiesOfTheFilesThatItIsToldTo(t *testing.T) {
	d := NewDisk()
	a, b := create(t, d, "a"), create(t, d, "b")
	must(t, d.Sync())
	d.SetFaults(Faults{Lie: func(o Op) bool { return o.Name == "a" }})
	for _, f := range []File{a, b} {
		write(t, f, 0, []byte("x"))
		must(t, f.Sync())
	}
	create(t, d, "c")
	must(t, d.Sync())
	d.Crash(func(int) int { return 0 })
	for name, want := range map[string]string{"a": "", "b": "x", "c": ""} {
		if is, err := ReadFile(d, name); err != nil || string(is) != want {
			t.Errorf("%s holds %q, want %q: %v", name, is, want, err)
		}
	}
}

func TestAWriteGoesAstray(t *testing.T) {
	d := NewDisk()
	must(t, WriteFile(d, "a", bytes.Repeat([]byte("a"), 2*SectorSize)))
	must(t, WriteFile(d, "b", bytes.Repeat([]byte("b"), 2*SectorSize+10)))
	f, err := d.Open("a")
	must(t, err)
	place := ""
	d.SetFaults(Faults{Misdirect: func(Op) (string, int64) { return place, 2*SectorSize + 3 }})
	place = "b"
	write(t, f, SectorSize, bytes.Repeat([]byte("x"), 2*SectorSize))
	place = "nowhere"
	write(t, f, 0, []byte("y"))
	place = ""
	write(t, f, 1, []byte("z"))
	want := append(bytes.Repeat([]byte("a"), 2*SectorSize), make([]byte, SectorSize)...)
	want[1] = 'z'
	if b, err := ReadFile(d, "a"); err != nil || !bytes.Equal(b, want) {
		t.Errorf("where it belongs there are %d bytes, %q…: %v", len(b), b[:2], err)
	}
	want = append(bytes.Repeat([]byte("b"), 2*SectorSize), bytes.Repeat([]byte("x"), 10)...)
	if b, err := ReadFile(d, "b"); err != nil || !bytes.Equal(b, want) {
		t.Errorf("where it landed there are %d bytes: %v", len(b), err)
	}
}

func TestAWriteThatFailsMayBeHalfDone(t *testing.T) {
	for _, half := range []bool{false, true} {
		d := NewDisk()
		f := create(t, d, "f")
		broken := errors.New("broken")
		d.SetFaults(Faults{Half: half, Fail: func(o Op) error {
			if o.Kind == OpWrite {
				return broken
			}
			return nil
		}})
		want := 0
		if half {
			want = 3
		}
		n, err := f.WriteAt([]byte("abcdef"), 0)
		size, _ := f.Size()
		if n != want || size != int64(want) || !errors.Is(err, broken) {
			t.Errorf("half %v: %d bytes are written, the file has %d: %v", half, n, size, err)
		}
	}
}

func TestWhatAFailedSyncLostMayBeGoneAtOnce(t *testing.T) {
	d := NewDisk()
	must(t, WriteFile(d, "f", []byte("was")))
	f, err := d.Open("f")
	must(t, err)
	write(t, f, 0, []byte("is now"))
	d.SetFaults(Faults{Forget: true, Fail: func(Op) error { return errors.New("broken") }})
	if f.Sync() == nil {
		t.Fatal("it does not fail")
	}
	d.SetFaults(Faults{})
	if b, err := ReadFile(d, "f"); err != nil || string(b) != "was" {
		t.Errorf("it holds %q: %v", b, err)
	}
}

func TestEveryOperationCanFail(t *testing.T) {
	d := NewDisk()
	must(t, WriteFile(d, "f", []byte("x")))
	f, err := d.Open("f")
	must(t, err)
	broken := errors.New("broken")
	var seen []OpKind
	d.SetFaults(Faults{Fail: func(o Op) error { seen = append(seen, o.Kind); return broken }})
	for i, do := range []func() error{
		func() error { _, err := d.Create("g"); return err },
		func() error { _, err := d.Open("f"); return err },
		func() error { return d.Rename("f", "g") },
		func() error { return d.Remove("f") },
		func() error { _, err := d.List(); return err },
		func() error { return d.Sync() },
		func() error { _, err := f.ReadAt(make([]byte, 1), 0); return err },
		func() error { _, err := f.WriteAt([]byte("y"), 0); return err },
		func() error { return f.Truncate(0) },
		func() error { return f.Sync() },
		func() error { _, err := f.Size(); return err },
		func() error { _, err := d.Inode("f"); return err },
		func() error { _, err := d.Free(); return err },
		func() error { _, err := d.Lock(); return err },
	} {
		if err := do(); !errors.Is(err, broken) || len(seen) != i+1 || seen[i] != OpKind(i) {
			t.Errorf("%s: %v, asked for %v", OpKind(i), err, seen)
		}
	}
	d.SetFaults(Faults{})
	if b, err := ReadFile(d, "f"); err != nil || string(b) != "x" {
		t.Errorf("what failed is done: %q, %v", b, err)
	}
}

func TestNamesThatAreNoFilesOfTheDirectoryAreRefused(t *testing.T) {
	each(t, func(t *testing.T, dir Dir) {
		must(t, WriteFile(dir, "f", nil))
		for _, name := range []string{"", ".", "..", "a/b", "../a", `a\b`, "a\x00", "lock"} {
			_, created := dir.Create(name)
			_, opened := dir.Open(name)
			_, found := dir.Inode(name)
			for what, err := range map[string]error{
				"created": created, "opened": opened, "found": found, "removed": dir.Remove(name),
				"renamed": dir.Rename(name, "g"), "a new name": dir.Rename("f", name),
			} {
				if !errors.Is(err, fs.ErrInvalid) {
					t.Errorf("%q is %s: %v", name, what, err)
				}
			}
		}
	})
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

func TestRotOfWhatIsNotSyncedDoesNotHealAtACrash(t *testing.T) {
	for choice := range uint(1 << 4) {
		d := NewDisk()
		must(t, WriteFile(d, "f", bytes.Repeat([]byte("a"), 2*SectorSize)))
		f, err := d.Open("f")
		must(t, err)
		write(t, f, SectorSize-2, []byte("bbbb"))
		if !d.Garble("f", SectorSize-1, func(b []byte) { b[0] ^= 0x80; b[1] ^= 0x80 }, 2) {
			t.Fatal("it is too short")
		}
		d.Crash(bits(choice))
		b, err := ReadFile(d, "f")
		if err != nil || b[SectorSize-1] < 0x80 || b[SectorSize] < 0x80 {
			t.Fatalf("choice %d healed it: %q, %v", choice, b[SectorSize-2:SectorSize+2], err)
		}
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
