package wal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

func entry(i raft.Index, data []byte) raft.Entry { return raft.Entry{Index: i, Term: 1, Data: data} }

func appending(entries ...raft.Entry) []*raft.Write {
	return []*raft.Write{{HardState: &raft.HardState{Term: 1}, Entries: [][]raft.Entry{entries}}}
}

func newLog(t *testing.T, o Options) (*disk, *Log) {
	t.Helper()
	d := newDisk()
	l, err := Create(d, o)
	if err != nil {
		t.Fatal(err)
	}
	return d, l
}

func mustAppend(t *testing.T, l *Log, writes []*raft.Write) {
	t.Helper()
	if err := l.Append(writes); err != nil {
		t.Fatal(err)
	}
}

func TestABatchIsOneWriteAndOneSync(t *testing.T) {
	d, l := newLog(t, testOptions())
	writes, syncs := d.writes, d.syncs
	mustAppend(t, l, append(appending(entry(1, nil), entry(2, []byte("two"))), appending(entry(3, make([]byte, 700)))...))
	if d.writes != writes+1 || d.syncs != syncs+1 {
		t.Errorf("%d writes, %d syncs", d.writes-writes, d.syncs-syncs)
	}
}

func TestAFailedSyncIsFinal(t *testing.T) {
	d, l := newLog(t, testOptions())
	d.failAt, d.failure = d.steps+1, errors.New("the disk is ill")
	first := l.Append(appending(entry(1, nil)))
	steps := d.steps
	if !errors.Is(first, d.failure) {
		t.Fatalf("the sync failed: %v", first)
	}
	if again := l.Append(appending(entry(1, nil))); !errors.Is(again, d.failure) || d.steps != steps {
		t.Errorf("after that: %v, %d operations", again, d.steps-steps)
	}
}

// Wherever the disk turns out to be full, the batch may be tried again, and a crash finds
// what was acknowledged.
func TestAFullDiskTakesNothingAndMayBeTriedAgain(t *testing.T) {
	big := bytes.Repeat([]byte{7}, 3000)
	batch := appending(entry(2, big), entry(3, big), entry(4, big), entry(5, big), entry(6, big))
	for step := range 12 {
		d, l := newLog(t, testOptions())
		mustAppend(t, l, appending(entry(1, big)))
		d.failAt, d.failure = d.steps+step, vfs.ErrFull
		err := l.Append(batch)
		if errors.Is(l.failure, vfs.ErrFull) {
			continue // it was a sync
		}
		if err == nil {
			continue
		}
		if got := l.Stats().Last.Index; got != 1 {
			t.Fatalf("step %d: the log ends at %d", step, got)
		}
		// Another batch than before, that is shorter, and what is left of the first does not
		// come after it.
		mustAppend(t, l, appending(entry(2, nil)))
		_, r, err := Open(d.crash(func(n int) int { return n }), testOptions())
		if err != nil || r.Lost != nil || r.Cut != nil || len(r.Saved.Entries) != 2 {
			t.Fatalf("step %d: %v, %+v", step, err, r)
		}
	}
}

func TestALargeWriteGoesOverManyBlocksAndSegments(t *testing.T) {
	o := Options{Identity: testIdentity, SegmentBytes: 6 << 20}
	d, l := newLog(t, o)
	var run []raft.Entry
	for i := range raft.Index(40) {
		run = append(run, entry(i+1, bytes.Repeat([]byte{byte(i)}, 1<<20)))
	}
	mustAppend(t, l, appending(run...))
	l, r, err := Open(d.crash(func(int) int { return 0 }), o)
	if err != nil || len(r.Saved.Entries) != 40 {
		t.Fatalf("%v, %+v", err, r)
	}
	got, err := l.Read(17, 40, 3<<20)
	if err != nil || len(got) != 2 || !bytes.Equal(got[0].Data, run[16].Data) {
		t.Errorf("%d entries: %v", len(got), err)
	}
}

func TestAForeignSegmentIsRefused(t *testing.T) {
	d, _ := newLog(t, testOptions())
	o := testOptions()
	o.Identity[3]++
	if _, _, err := Open(d, o); !errors.Is(err, ErrForeign) {
		t.Errorf("another directory's: %v", err)
	}
}

func TestReadsAndAppendsGoOnAtTheSameTime(t *testing.T) {
	_, l := newLog(t, Options{Identity: testIdentity, SegmentBytes: 1 << 20})
	mustAppend(t, l, appending(entry(1, []byte{1})))
	done := make(chan error)
	go func() {
		r := rand.New(rand.NewPCG(1, 5))
		for range 2000 {
			last := l.Stats().Last.Index
			i := 1 + raft.Index(r.IntN(int(last)))
			got, err := l.Read(i, last, 100)
			if err == nil && got[0].Data[0] != byte(i) {
				err = errors.New("another entry")
			}
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for i := raft.Index(2); ; i++ {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
			mustAppend(t, l, appending(entry(i, []byte{byte(i)})))
		}
	}
}

// What a sync failed to make durable is still seen, by a process that comes after, and a
// sync of its own would not tell. So what Open speaks of must be written again.
func TestWhatIsReadBackAfterAFailedSyncIsDurable(t *testing.T) {
	d := vfs.NewDisk()
	l, err := Create(d, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	d.SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
		if o.Kind == vfs.OpSync {
			return errors.New("the disk is ill")
		}
		return nil
	}})
	if err := l.Append(appending(entry(1, []byte("goose")))); err == nil {
		t.Fatal("the sync did not fail")
	}
	d.SetFaults(vfs.Faults{})
	_, before, err := Open(d, testOptions())
	if err != nil || len(before.Saved.Entries) != 1 {
		t.Fatalf("%v, %+v", err, before)
	}
	d.Crash(func(int) int { return 0 })
	_, after, err := Open(d, testOptions())
	if err != nil || after.Lost != nil || len(after.Saved.Entries) != 1 || after.Saved.HardState != before.Saved.HardState {
		t.Errorf("it was %+v, it is %+v: %v", before.Saved, after, err)
	}
}

// A segment is made while no one writes, so it is the next write that tells.
func TestASegmentThatCouldNotBeMadeAheadIsFinal(t *testing.T) {
	for _, what := range []vfs.OpKind{vfs.OpList, vfs.OpCreate, vfs.OpTruncate, vfs.OpWrite, vfs.OpSync, vfs.OpRename, vfs.OpSyncDir} {
		for _, full := range []bool{false, true} {
			d := vfs.NewDisk()
			l, err := Create(d, testOptions())
			if err != nil {
				t.Fatal(err)
			}
			ill := errors.New("the disk is ill")
			if full {
				ill = vfs.ErrFull
			}
			d.SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
				if o.Kind == what {
					return ill
				}
				return nil
			}})
			prepared := l.Prepare(true)
			d.SetFaults(vfs.Faults{})
			appended, again := l.Append(appending(entry(1, nil))), l.Prepare(true)
			if !errors.Is(prepared, ill) || (appended == nil) != full || (again == nil) != full {
				t.Errorf("%s, full %v: prepared %v, appended %v, prepared again %v", what, full, prepared, appended, again)
			}
			if !full && (!errors.Is(appended, ill) || !errors.Is(l.Repair(nil), ill)) {
				t.Errorf("%s: another error than what was wrong: %v", what, appended)
			}
		}
	}
}
