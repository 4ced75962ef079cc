package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/ben-ng/gaggle/raft"
)

// itemsAt makes items of some indexes.
func itemsAt(indexes ...raft.Index) []Item {
	items := make([]Item, len(indexes))
	for i, index := range indexes {
		items[i] = Item{Index: index, Term: 1, Value: []byte(number(int(index)))}
	}
	return items
}

// indexes lists everything from from to until that can be had without waiting.
func indexes(t *testing.T, f *Feed, from, until raft.Index) []raft.Index {
	t.Helper()
	all := []raft.Index{}
	for {
		items, err := f.Next(t.Context(), from, until)
		if err != nil {
			t.Fatal(err)
		}
		if len(items) == 0 {
			return all
		}
		for _, i := range items {
			if string(i.Value) != number(int(i.Index)) {
				t.Fatalf("item %d has the value %q", i.Index, i.Value)
			}
			all = append(all, i.Index)
		}
		from = items[len(items)-1].Index + 1
	}
}

func TestAFeedYieldsWhatIsBetweenTheBounds(t *testing.T) {
	var f Feed
	f.publish(itemsAt(3, 4, 8), nil, 9) // 1, 2, 5, 6, 7 and 9 are no values
	for _, c := range []struct {
		from, until raft.Index
		want        []raft.Index
	}{
		{0, 9, []raft.Index{3, 4, 8}},
		{1, 9, []raft.Index{3, 4, 8}},
		{3, 4, []raft.Index{3, 4}},
		{4, 7, []raft.Index{4}},
		{5, 8, []raft.Index{8}},
		{5, 7, nil},
		{9, 9, nil},
		{8, 3, nil}, // an empty range
		{1, 0, nil},
		{100, 9, nil},
	} {
		if got := indexes(t, &f, c.from, c.until); !slices.Equal(got, c.want) {
			t.Errorf("from %d until %d: %v, want %v", c.from, c.until, got, c.want)
		}
	}
}

func TestAFeedAgreesWithANaiveTwin(t *testing.T) {
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 2))
		var f Feed
		var twin []raft.Index
		applied := raft.Index(0)
		for range 60 {
			var news []raft.Index
			for range r.IntN(300) {
				applied++
				if r.IntN(5) > 0 {
					news = append(news, applied)
				}
			}
			applied += raft.Index(r.IntN(3))
			f.publish(itemsAt(news...), nil, applied)
			twin = append(twin, news...)

			from, until := raft.Index(r.Uint64N(uint64(applied)+2)), raft.Index(r.Uint64N(uint64(applied)+1))
			want := slices.DeleteFunc(slices.Clone(twin), func(i raft.Index) bool { return i < from || i > until })
			if got := indexes(t, &f, from, until); !slices.Equal(got, want) {
				t.Fatalf("seed %d, applied %d, from %d until %d: %d items, the twin has %d", seed, applied, from, until, len(got), len(want))
			}
		}
	}
}

func TestAReaderCannotOverwriteTheFeedByAppending(t *testing.T) {
	var f Feed
	f.publish(itemsAt(1, 2, 3), nil, 3)
	some, err := f.Next(t.Context(), 1, 2)
	if err != nil || len(some) != 2 {
		t.Fatal(some, err)
	}
	_ = append(some, Item{Index: 77})
	if got := indexes(t, &f, 1, 3); !slices.Equal(got, []raft.Index{1, 2, 3}) {
		t.Errorf("the feed has %v now", got)
	}
}

func TestAReaderWaitsForWhatIsNotThereYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Feed
		f.publish(itemsAt(1), nil, 1)
		got := make(chan string, 3)
		read := func(from, until raft.Index) {
			items, err := f.Next(t.Context(), from, until)
			got <- fmt.Sprint(len(items), err)
		}
		go read(2, 100)
		go read(2, 3)
		synctest.Wait()
		if len(got) > 0 {
			t.Fatal("a reader did not wait: ", <-got)
		}
		f.publish(nil, nil, 2) // the cluster's own entry is nothing to read
		synctest.Wait()
		if len(got) > 0 {
			t.Fatal("a reader did not wait on: ", <-got)
		}
		f.publish(itemsAt(4), nil, 4)
		synctest.Wait()
		if a, b := <-got, <-got; a == b || a+b != "1 <nil>0 <nil>" && b+a != "1 <nil>0 <nil>" {
			t.Errorf("the reader of everything and that of up to 3 got %q and %q", a, b)
		}
	})
}

func TestAFeedThatEndsIsReadToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Feed
		ended := errors.New("ended")
		waiting := make(chan error)
		go func() {
			_, err := f.Next(t.Context(), 10, 20)
			waiting <- err
		}()
		f.publish(itemsAt(1, 2), nil, 2)
		synctest.Wait()
		f.end(ended)
		if err := <-waiting; !errors.Is(err, ended) {
			t.Errorf("who waited got %v", err)
		}
		if got := indexes(t, &f, 1, 2); !slices.Equal(got, []raft.Index{1, 2}) {
			t.Errorf("what was there before the end is not there any more: %v", got)
		}
		if items, err := f.Next(t.Context(), 3, 9); len(items) > 0 || !errors.Is(err, ended) {
			t.Errorf("after the end: %v, %v", items, err)
		}
	})
}

func TestAReaderStopsWaitingWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Feed
		ctx, cancel := context.WithCancel(t.Context())
		waiting := make(chan error)
		go func() {
			_, err := f.Next(ctx, 1, 2)
			waiting <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("who waited got %v", err)
		}
		f.publish(itemsAt(1), nil, 1) // nobody waits; nothing is woken
		if got := indexes(t, &f, 1, 1); len(got) != 1 {
			t.Errorf("others read %v", got)
		}
	})
}
