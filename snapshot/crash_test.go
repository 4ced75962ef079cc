package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// contentAt is what the snapshots of these tests hold, by index; two have several chunks.
func contentAt(index raft.Index) []byte {
	return content([]int{900, chunkSize + 77, 3000, chunkSize}[index/10%4], uint64(index))
}

// life writes four snapshots and receives one, until something fails. It returns the indexes
// of those that were acknowledged.
func life(d vfs.Dir, sent []byte, id Identity) (done []raft.Index, err error) {
	s, err := Open(d, ours)
	if err != nil {
		return nil, err
	}
	for _, index := range []raft.Index{10, 20, 30, 40} {
		if _, err := write(s, metaAt(index), contentAt(index)); err != nil {
			return done, err
		}
		done = append(done, index)
	}
	in, err := s.Receive(id)
	if err != nil {
		return done, err
	}
	if err := send(in, sent); err != nil {
		return done, err
	}
	if _, err := in.Commit(); err != nil {
		return done, err
	}
	return append(done, id.Last.Index), nil
}

// send gives an Incoming what it lacks, in pieces.
func send(in *Incoming, all []byte) error {
	for piece := range slices.Chunk(all[in.Offset():], 100_000) {
		if _, err := in.WriteAt(piece, in.Offset()); err != nil {
			return err
		}
	}
	return nil
}

// another is a snapshot of another node.
func another(t testing.TB, index raft.Index) ([]byte, Identity) {
	t.Helper()
	s := open(t, newDisk())
	info := mustWrite(t, s, index, contentAt(index))
	return raw(t, s, info), info.Identity()
}

func TestASnapshotIsFoundWholeOrNotAtAllAfterACrashAtAnyMoment(t *testing.T) {
	sent, id := another(t, 50)
	for dieAt := 1; ; dieAt++ {
		d := newDisk()
		d.dieAt = dieAt
		done, err := life(d, sent, id)
		for seed := range uint64(8) {
			after := d.crash(rand.New(rand.NewPCG(seed, uint64(dieAt))))
			if problem := crashed(after, done); problem != nil {
				t.Fatalf("power went before operation %d, %q, seed %d: %v", dieAt, d.log[dieAt-1], seed, problem)
			}
		}
		if err == nil {
			if dieAt < 40 {
				t.Fatalf("only %d operations", dieAt)
			}
			return
		}
		if !errors.Is(err, errPower) {
			t.Fatalf("operation %d: %v", dieAt, err)
		}
	}
}

// crashed reports what is wrong with a directory after a crash.
func crashed(d *disk, done []raft.Index) error {
	s, err := Open(d, ours)
	if err != nil {
		return err
	}
	var found []raft.Index
	for _, info := range s.List() {
		found = append(found, info.Meta.Last.Index)
		if got, err := read(s, info); err != nil || !bytes.Equal(got, contentAt(info.Meta.Last.Index)) {
			return fmt.Errorf("%s has %d bytes of other content: %w", info.Name, len(got), err)
		}
	}
	for _, index := range done[max(0, len(done)-2):] {
		if !slices.Contains(found, index) {
			return fmt.Errorf("there are %v, acknowledged were %v", found, done)
		}
	}
	if len(s.Damaged()) > 0 {
		return fmt.Errorf("damaged: %v", s.Damaged())
	}
	if list, _ := d.List(); slices.ContainsFunc(list, isAside) {
		return fmt.Errorf("left behind: %q", list)
	}
	_, err = write(s, metaAt(90), contentAt(90))
	return err
}

func TestAReceiveGoesOnAfterACrashAtAnyMoment(t *testing.T) {
	sent, id := another(t, 50)
	for dieAt := 1; ; dieAt++ {
		d := newDisk()
		d.dieAt = dieAt
		_, err := receive(d, sent, id)
		for seed := range uint64(8) {
			after := d.crash(rand.New(rand.NewPCG(seed, uint64(dieAt))))
			s := open(t, after)
			if _, ok := s.Latest(); !ok {
				if _, err := receive(after, sent, id); err != nil {
					t.Fatalf("operation %d, seed %d: %v", dieAt, seed, err)
				}
				s = open(t, after)
			}
			info, _ := s.Latest()
			if got := raw(t, s, info); !bytes.Equal(got, sent) {
				t.Fatalf("operation %d, seed %d: other bytes", dieAt, seed)
			}
		}
		if err == nil {
			return
		}
	}
}

func receive(d vfs.Dir, sent []byte, id Identity) (Info, error) {
	s, err := Open(d, ours)
	if err != nil {
		return Info{}, err
	}
	in, err := s.Receive(id)
	if err != nil {
		return Info{}, err
	}
	if err := send(in, sent); err != nil {
		return Info{}, err
	}
	return in.Commit()
}

// once fails the operation of that number, and none after it.
func once(number int, failure error) func(op, name string) error {
	return func(op, _ string) error {
		if op == "remove" || op == "truncate" {
			return nil
		}
		if number--; number == 0 {
			return failure
		}
		return nil
	}
}

func TestAFailureIsFinalAndLeavesNothingBehind(t *testing.T) {
	sent, id := another(t, 50)
	ways := map[string]func(s *Store, d *disk) error{
		"write": func(s *Store, _ *disk) error {
			w, err := s.Create(metaAt(50))
			if err != nil {
				return err
			}
			_, _ = w.Write(contentAt(50))
			_, err = w.Commit()
			if _, again := w.Commit(); err != nil && !errors.Is(again, err) {
				return fmt.Errorf("it was tried again: %w", again)
			}
			return err
		},
		"import":  func(s *Store, _ *disk) error { _, err := s.Import(bytes.NewReader(sent)); return err },
		"receive": func(_ *Store, d *disk) error { _, err := receive(d, sent, id); return err },
	}
	for name, way := range ways {
		for number := 1; ; number++ {
			d := newDisk()
			s := open(t, d)
			mustWrite(t, s, 10, contentAt(10))
			d.log = nil
			d.fail = once(number, errBroken)
			err := way(s, d)
			d.fail = nil
			if err == nil {
				if number < 8 {
					t.Fatalf("%s: only %d operations", name, number)
				}
				break
			}
			failed := d.log[number-1]
			if !errors.Is(err, errBroken) {
				t.Fatalf("%s, %q failed: %v", name, failed, err)
			}
			if got := names(t, d); !slices.Equal(got, []string{wholeName(metaAt(10).Last)}) {
				t.Fatalf("%s, %q failed: left are %q", name, failed, got)
			}
			if rest := d.log[number:]; strings.HasPrefix(failed, "sync") && slices.Contains(rest, failed) {
				t.Fatalf("%s: %q failed and was tried again", name, failed)
			}
			if latest, _ := s.Latest(); latest.Meta.Last.Index != 10 {
				t.Fatalf("%s, %q failed: the latest is %d", name, failed, latest.Meta.Last.Index)
			}
			if err := way(open(t, d), d); err != nil {
				t.Fatalf("%s, %q failed, and the next: %v", name, failed, err)
			}
		}
	}
}

func TestAFullDiskIsSaidAndLeavesNothingBehind(t *testing.T) {
	sent, id := another(t, 50)
	for room := int64(0); room < int64(len(sent)); room += 1 + room/2 {
		d := newDisk()
		d.room = room
		s := open(t, d)
		_, err := write(s, metaAt(50), contentAt(50))
		if !errors.Is(err, vfs.ErrFull) || len(names(t, d)) > 0 {
			t.Fatalf("write, room %d: %v, left are %q", room, err, names(t, d))
		}
		if _, err = s.Import(bytes.NewReader(sent)); !errors.Is(err, vfs.ErrFull) || len(names(t, d)) > 0 {
			t.Fatalf("import, room %d: %v, left are %q", room, err, names(t, d))
		}
		if _, err := s.Receive(id); !errors.Is(err, vfs.ErrFull) || len(names(t, d)) > 0 || slices.Contains(d.log, "write "+incomingName(id)) {
			t.Fatalf("receive, room %d: %v, left are %q", room, err, names(t, d))
		}
	}
	d := newDisk()
	in, err := open(t, d).Receive(id)
	if err != nil {
		t.Fatal(err)
	}
	d.room = 1000 // another took the rest
	if err := send(in, sent); !errors.Is(err, vfs.ErrFull) || len(names(t, d)) > 0 {
		t.Fatalf("receive: %v, left are %q", err, names(t, d))
	}
}

func TestLittleWaitsForTheLastSync(t *testing.T) {
	d := newDisk()
	waiting, most := 0, 0
	d.fail = func(op, _ string) error {
		if waiting++; op == "sync" {
			waiting = 0
		}
		most = max(most, waiting)
		return nil
	}
	s := open(t, d)
	info := mustWrite(t, s, 7, make([]byte, 3*syncEvery))
	if limit := syncEvery/chunkSize + 2; most > limit {
		t.Fatalf("%d writes without a sync, the limit is %d", most, limit)
	}
	if err := s.Verify(info); err != nil {
		t.Fatal(err)
	}
}
