package wal

import (
	"errors"
	"math/rand/v2"
	"testing"
)

func newIdentity(t *testing.T, d *disk) *Identity {
	t.Helper()
	id, err := CreateIdentity(d, Identity{Directory: testIdentity, Node: "a", Cluster: "geese", Size: 3})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestAnIdentityIsReadBackAndCountsStarts(t *testing.T) {
	d := newDisk()
	if _, err := OpenIdentity(d); !errors.Is(err, ErrNoIdentity) {
		t.Errorf("an empty directory: %v", err)
	}
	newIdentity(t, d)
	if _, err := CreateIdentity(d, Identity{Node: "b"}); !errors.Is(err, ErrExists) {
		t.Errorf("a second identity: %v", err)
	}
	for want := range uint64(3) {
		id, err := OpenIdentity(d)
		if err != nil || id.Starts != want || id.Node != "a" || id.Cluster != "geese" || id.Size != 3 || id.Directory != testIdentity {
			t.Fatalf("%+v: %v", id, err)
		}
		if err := id.Started(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestACopyIsToldFromTheOriginal(t *testing.T) {
	d := newDisk()
	newIdentity(t, d)
	elsewhere := newDisk()
	elsewhere.lastInode = 100
	for n, f := range d.files {
		elsewhere.put(n, f.live)
	}
	if _, err := OpenIdentity(elsewhere); !errors.Is(err, ErrCopied) {
		t.Fatalf("a copy: %v", err)
	}
	delete(elsewhere.files, birthName)
	if _, err := OpenIdentity(elsewhere); !errors.Is(err, ErrCopied) {
		t.Fatalf("a copy without an empty file: %v", err)
	}
	if _, err := Adopt(elsewhere); err != nil {
		t.Fatal(err)
	}
	id, err := OpenIdentity(elsewhere)
	if err != nil || id.Node != "a" {
		t.Fatalf("adopted: %+v, %v", id, err)
	}
	if err := id.Started(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenIdentity(elsewhere); err != nil {
		t.Errorf("adopted, and replaced since: %v", err)
	}
}

func TestAnIdentitySurvivesOneRottenSectorAndNotTwo(t *testing.T) {
	d := newDisk()
	newIdentity(t, d)
	f := d.files[identityName]
	f.live[40]++
	if id, err := OpenIdentity(d); err != nil || id.Node != "a" {
		t.Fatalf("%+v: %v", id, err)
	}
	f.live[sectorSize+40]++
	if _, err := OpenIdentity(d); !errors.Is(err, ErrForeign) {
		t.Errorf("both copies damaged: %v", err)
	}
}

func TestNoCrashLosesAnIdentityOrAStart(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	for step := 0; ; step++ {
		d := newDisk()
		d.failAt, d.failure = step, errPower
		created, starts := false, uint64(0)
		id, err := CreateIdentity(d, Identity{Node: "a"})
		for created = err == nil; err == nil && starts < 2; {
			if err = id.Started(); err == nil {
				starts++
			}
		}
		if bad := explore(r, d, func(after *disk) error {
			// The inode of a file outlives a crash, which this disk does not know.
			got, err := Adopt(after)
			switch {
			case errors.Is(err, ErrNoIdentity) && !created:
				_, err = CreateIdentity(after, Identity{Node: "a"})
				return err
			case err != nil:
				return err
			case got.Starts < starts || got.Starts > starts+1 || got.Node != "a":
				t.Errorf("step %d: %d starts, there were %d", step, got.Starts, starts)
			}
			return got.Started()
		}); bad != nil {
			t.Fatalf("step %d: %v", step, bad)
		}
		if err == nil {
			return
		}
	}
}
