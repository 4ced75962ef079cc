package wal

import (
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// A log that was compacted begins with a block, and one whose first block has rotted does not.
func TestALogWithoutItsFirstBlockIsNotTakenForOneThatWasCompacted(t *testing.T) {
	d := newDisk()
	l, err := Create(d, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	conf, err := raft.NewConfiguration([]raft.NodeID{"a"}, nil).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	first := []raft.Entry{{Index: 1, Term: 1, Type: raft.EntryConfiguration, Data: conf}, {Index: 2, Term: 1, Data: []byte("x")}}
	for i, run := range [][]raft.Entry{first, {{Index: 3, Term: 1, Data: []byte("y")}}} {
		if err := l.Append([]*raft.Write{{HardState: &raft.HardState{Term: 1}, Entries: [][]raft.Entry{run}}}); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	snapshot := func(at raft.Index) raft.SnapshotMeta {
		return raft.SnapshotMeta{Last: raft.Position{Index: at, Term: 1}, Configuration: raft.NewConfiguration([]raft.NodeID{"a"}, nil), ConfigurationIndex: 1}
	}
	open := func(d *disk, o Options) *Recovered {
		t.Helper()
		l, r, err := Open(d.copy(), o)
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		return r
	}
	if r := open(d, testOptions(snapshot(2))); r.Beheaded || r.Lost != nil || r.Saved.Compacted.Index != 0 {
		t.Errorf("nothing is amiss, and it is read as %+v", r)
	}
	for k := range 4 { // both copies of the headers of two blocks: the first has no entries
		if k == 2 {
			if r := open(d, testOptions(snapshot(2))); r.Beheaded || r.Lost != nil || r.Saved.Compacted.Index != 0 {
				t.Errorf("no entry is gone, and it is read as %+v", r)
			}
		}
		d.files[fileName(segmentPrefix, 1)].live[(headerSectors+k)*sectorSize+100] ^= 1
	}
	if r := open(d, testOptions(snapshot(2))); !r.Beheaded || r.Lost != nil || r.Saved.Compacted.Index != 2 {
		t.Errorf("beheaded %t, after %v, lost %v", r.Beheaded, r.Saved.Compacted, r.Lost)
	}
	if r := open(d, testOptions(snapshot(1))); !r.Beheaded || r.Lost == nil {
		t.Errorf("without a snapshot that reaches its beginning: beheaded %t, lost %v", r.Beheaded, r.Lost)
	}
}
