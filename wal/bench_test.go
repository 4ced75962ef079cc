package wal

import (
	"fmt"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ count, size int }{{1, 16}, {256, 16}, {256, 1024}} {
		b.Run(fmt.Sprintf("%dx%d", c.count, c.size), func(b *testing.B) {
			dir, err := vfs.OS(b.TempDir())
			if err != nil {
				b.Fatal(err)
			}
			l, err := Create(dir, Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(c.count * c.size))
			b.ReportAllocs()
			next := raft.Index(1)
			for b.Loop() {
				benchAppend(b, l, &next, c.count, c.size)
				if next%100000 < raft.Index(c.count) {
					if err := l.Compact(next - 1); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func benchAppend(b *testing.B, l *Log, next *raft.Index, count, size int) {
	run := make([]raft.Entry, count)
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i + 1)
	}
	for i := range run {
		run[i] = entry(*next, data)
		*next++
	}
	if err := l.Append([]*raft.Write{{Entries: [][]raft.Entry{run}}}); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkEncode is Append without a disk.
func BenchmarkEncode(b *testing.B) {
	for _, size := range []int{16, 1024} {
		b.Run(fmt.Sprintf("256x%d", size), func(b *testing.B) {
			data := make([]byte, size)
			for i := range data {
				data[i] = byte(i + 1)
			}
			var run []raft.Entry
			for i := range raft.Index(256) {
				run = append(run, entry(i+1, data))
			}
			o := Options{SegmentBytes: DefaultSegmentBytes}
			c := cursor{at: place{1, headerSectors}, sectors: DefaultSegmentBytes / sectorSize}
			w := &raft.Write{Entries: [][]raft.Entry{run}}
			var batch batch
			b.SetBytes(int64(256 * size))
			b.ReportAllocs()
			for b.Loop() {
				batch.begin(&c, table{}, &o)
				if err := batch.add(w); err != nil {
					b.Fatal(err)
				}
				if err := batch.flush(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRecovery(b *testing.B) {
	dir, err := vfs.OS(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	l, err := Create(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	next := raft.Index(1)
	for l.Stats().Bytes < 1<<30 {
		benchAppend(b, l, &next, 4096, 1024)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	meta := raft.SnapshotMeta{Last: raft.Position{Index: next - 1, Term: 1}, Configuration: testConfiguration}
	b.SetBytes(1 << 30)
	for b.Loop() {
		l, r, err := Open(dir, Options{Snapshots: []raft.SnapshotMeta{meta}})
		if err != nil || r.Lost != nil {
			b.Fatal(err, r.Lost)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
