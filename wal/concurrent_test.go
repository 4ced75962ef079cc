package wal

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// numbered is an entry that its index tells, long enough for many segments.
func numbered(i raft.Index) raft.Entry {
	return entry(i, bytes.Repeat([]byte(fmt.Sprintf("%8d", i)), 400))
}

// readWhole reads from the base on, until it is told to stop, and at least once.
func readWhole(l *Log, stop <-chan struct{}) error {
	for {
		s := l.Stats()
		entries, err := l.Read(s.Base.Index+1, s.Last.Index, 1<<20)
		var gone *CompactedError
		if err != nil && !errors.As(err, &gone) {
			return err
		}
		for k := range entries {
			if want := numbered(s.Base.Index + 1 + raft.Index(k)); entries[k].Index != want.Index || !bytes.Equal(entries[k].Data, want.Data) {
				return fmt.Errorf("read %d in place of %d", entries[k].Index, want.Index)
			}
		}
		select {
		case <-stop:
			return nil
		default:
		}
	}
}

func TestSegmentsGoWhileOthersReadAndAppend(t *testing.T) {
	const last, kept = 600, 20
	d := vfs.NewDisk()
	l, err := Create(d, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, appending(numbered(1)))
	stop := make(chan struct{})
	failed := make(chan error, 4)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { failed <- readWhole(l, stop) })
	}
	compact := make(chan raft.Index, last)
	all.Go(func() {
		for to := range compact {
			if err := errors.Join(l.Compact(to), l.Prepare(false)); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	})
	for i := raft.Index(2); i <= last; i++ {
		mustAppend(t, l, appending(numbered(i)))
		if i > kept {
			compact <- i - kept
		}
	}
	close(compact)
	close(stop)
	all.Wait()
	for range 3 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	s := l.Stats()
	if s.Base.Index == 0 || s.Base.Index > last-kept {
		t.Errorf("the log begins after %d", s.Base.Index)
	}
	l, found, err := Open(d, testOptions(raft.SnapshotMeta{Last: s.Base}))
	if err != nil || found.Lost != nil || len(found.Faulty) > 0 || l.Stats().Last.Index != last {
		t.Errorf("it is opened with %+v: %v", found, err)
	}
}
