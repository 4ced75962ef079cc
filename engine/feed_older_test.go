package engine

import (
	"errors"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// onDisk makes a feed of which everything up to last is on the disk: appends, but for
// every fifth entry, which is the cluster's own, and every seventh, which was skipped.
func onDisk(available, last raft.Index) (f *Feed, want []raft.Index, reads *int) {
	f, reads = &Feed{}, new(int)
	var left skipped
	for i := available; i <= last; i++ {
		switch {
		case i%5 == 0:
		case i%7 == 0:
			left.add(i)
		default:
			want = append(want, i)
		}
	}
	f.older = func(first, last raft.Index, _ int) ([]raft.Entry, error) {
		*reads++
		var run []raft.Entry
		for i := first; i <= min(last, first+9); i++ {
			e := raft.Entry{Index: i, Term: 1, Data: newAppend([]byte(number(int(i))))}
			if i%5 == 0 {
				e = raft.Entry{Index: i, Term: 1, Type: raft.EntryNoOp}
			}
			run = append(run, e)
		}
		return run, nil
	}
	f.begin(available, last, left)
	return f, want, reads
}

func TestAFeedReadsWhatIsNotInMemoryFromTheDisk(t *testing.T) {
	f, want, reads := onDisk(1, 40)
	f.publish(itemsAt(41, 42), nil, 42)
	want = append(want, 41, 42)
	if got := indexes(t, f, 0, 42); !slices.Equal(got, want) {
		t.Errorf("it yields %v, want %v", got, want)
	}
	for _, c := range []struct {
		from, until raft.Index
		want        []raft.Index
	}{
		{14, 15, nil}, // skipped, and the cluster's own
		{13, 16, []raft.Index{13, 16}},
		{36, 41, []raft.Index{36, 37, 38, 39, 41}},
	} {
		if got := indexes(t, f, c.from, c.until); !slices.Equal(got, c.want) {
			t.Errorf("from %d until %d it yields %v, want %v", c.from, c.until, got, c.want)
		}
	}
	*reads = 0
	if got := indexes(t, f, 41, 42); len(got) != 2 || *reads > 0 {
		t.Errorf("what is in memory is read from the disk, %d times", *reads)
	}
}

func TestAFeedLetsGoOfWholePages(t *testing.T) {
	f, _, reads := onDisk(1, 0)
	for i := raft.Index(1); i <= 3*feedPage; i++ {
		f.publish(itemsAt(i), nil, i)
	}
	f.trim(feedPage - 1)
	if len(f.pages) != 3 {
		t.Fatalf("a page went that is needed: %d are left", len(f.pages))
	}
	f.trim(2*feedPage - 1)
	if len(f.pages) != 2 || f.first != feedPage+1 {
		t.Fatalf("%d pages are left, from %d on", len(f.pages), f.first)
	}
	if got := indexes(t, f, feedPage+1, 3*feedPage); len(got) != 2*feedPage || *reads > 0 {
		t.Fatalf("%d entries are in memory, after %d reads", len(got), *reads)
	}
	if got := indexes(t, f, 1, feedPage); len(got) == 0 || *reads == 0 {
		t.Fatalf("%d entries come from the disk, with %d reads", len(got), *reads)
	}
}

func TestWhatIsCompactedIsAnErrorThatSaysWhereTheLogBegins(t *testing.T) {
	f, _, _ := onDisk(21, 40)
	for _, from := range []raft.Index{0, 1, 20} {
		_, err := f.Next(t.Context(), from, 50)
		var compacted *CompactedError
		if !errors.Is(err, ErrCompacted) || !errors.As(err, &compacted) || compacted.First != 21 {
			t.Errorf("from %d: %v", from, err)
		}
	}
	if got := indexes(t, f, 21, 40); got[0] != 22 {
		t.Errorf("the first that is there is %d", got[0])
	}
	f.compacted(31)
	if _, err := f.Next(t.Context(), 30, 50); !errors.Is(err, ErrCompacted) {
		t.Errorf("what was compacted since: %v", err)
	}
}

func TestAReaderThatWaitsHearsThatASnapshotHasTakenItsPlace(t *testing.T) {
	f := &Feed{}
	failed := make(chan error)
	go func() {
		_, err := f.Next(t.Context(), 3, 100)
		failed <- err
	}()
	for waits := false; !waits; { // until it waits
		f.mu.Lock()
		waits = f.more != nil
		f.mu.Unlock()
	}
	f.begin(51, 50, skipped{})
	if err := <-failed; !errors.Is(err, ErrCompacted) {
		t.Errorf("it gets %v", err)
	}
}

func TestAnErrorOfTheDiskReachesTheReader(t *testing.T) {
	f, _, _ := onDisk(1, 40)
	broken := errors.New("broken")
	f.older = func(raft.Index, raft.Index, int) ([]raft.Entry, error) { return nil, broken }
	if _, err := f.Next(t.Context(), 3, 100); !errors.Is(err, broken) {
		t.Errorf("it gets %v", err)
	}
}

func TestAReadThatFindsNoValueGoesOn(t *testing.T) {
	f, _, _ := onDisk(1, 40)
	f.skipped = skipped{ranges: []indexRange{{1, 22}}}
	if got := indexes(t, f, 1, 24); !slices.Equal(got, []raft.Index{23, 24}) {
		t.Errorf("it yields %v", got)
	}
}

// What is compacted is not the disk's failure, also when that comes while it is read.
func TestAReadThatIsOvertakenByCompactionSaysWhereTheLogBegins(t *testing.T) {
	f, _, _ := onDisk(1, 40)
	f.older = func(raft.Index, raft.Index, int) ([]raft.Entry, error) {
		f.compacted(21)
		return nil, errors.New("there is no such entry")
	}
	_, err := f.Next(t.Context(), 13, 30)
	var compacted *CompactedError
	if !errors.As(err, &compacted) || compacted.First != 21 {
		t.Errorf("the error is %v", err)
	}
}

// With what is compacted it is forgotten which of it was skipped.
func TestAReadThatCompactionOvertakesBringsNoRepetition(t *testing.T) {
	f, _, _ := onDisk(1, 40)
	older := f.older
	f.older = func(first, last raft.Index, maxBytes int) ([]raft.Entry, error) {
		run, err := older(first, last, maxBytes)
		f.compacted(21)
		return run, err
	}
	_, err := f.Next(t.Context(), 13, 30) // the next one was skipped
	var compacted *CompactedError
	if !errors.As(err, &compacted) || compacted.First != 21 {
		t.Errorf("the error is %v", err)
	}
}

func TestWhatIsCompactedIsNotKeptInMemoryEither(t *testing.T) {
	f := &Feed{}
	for i := raft.Index(1); i <= 3*feedPage; i++ {
		f.publish(itemsAt(i), nil, i)
	}
	f.compacted(2*feedPage + 5)
	if len(f.pages) != 1 {
		t.Errorf("%d pages are left", len(f.pages))
	}
	if _, err := f.Next(t.Context(), 2*feedPage+4, 3*feedPage); !errors.Is(err, ErrCompacted) {
		t.Errorf("what is compacted is read: %v", err)
	}
	if got := indexes(t, f, 2*feedPage+5, 3*feedPage); len(got) != feedPage-4 {
		t.Errorf("%d are there", len(got))
	}
}
