package engine

import (
	"context"
	"sort"
	"sync"

	"github.com/ben-ng/gaggle/raft"
)

// An Item is one appended value in the agreed order. Value is part of the log: it
// must not be changed.
type Item struct {
	// Index rises from item to item, not always by one: the cluster's own entries, and
	// repetitions, are left out.
	Index raft.Index
	// Term is that of the leader who put it into the log.
	Term raft.Term
	// Value is without the header of its command; at most MaxValue bytes.
	Value []byte
}

// feedPage is how many items share an allocation.
const feedPage = 1024

// Feed is the sequence of appended values that this node has applied, for any number
// of readers at their own pace. It is safe for concurrent use.
type Feed struct {
	mu    sync.Mutex
	pages [][]Item
	// last is the index of the last entry applied, whether it is a value or not.
	last raft.Index
	// more is closed when something is added or the feed ends; nil if nobody waits.
	more chan struct{}
	err  error
}

// publish adds items, which readers see at once, and the index applied with them.
func (f *Feed) publish(items []Item, applied raft.Index) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(items) > 0 {
		n := len(f.pages)
		if n == 0 || len(f.pages[n-1]) == feedPage {
			f.pages = append(f.pages, make([]Item, 0, feedPage))
			n++
		}
		room := min(len(items), feedPage-len(f.pages[n-1]))
		f.pages[n-1] = append(f.pages[n-1], items[:room]...)
		items = items[room:]
	}
	f.last = applied
	f.wake()
}

// end makes readers that have read everything return an error instead of waiting.
func (f *Feed) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	f.wake()
}

func (f *Feed) wake() {
	if f.more != nil {
		close(f.more)
		f.more = nil
	}
}

// Next returns the next items with indexes from from to until, at least one, and waits
// for them if there are none yet. Where there are many it returns some. It returns none
// when everything up to until has been applied. The items must not be changed. Errors:
// that of the context, and after Close, ErrClosed.
func (f *Feed) Next(ctx context.Context, from, until raft.Index) ([]Item, error) {
	for {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		f.mu.Lock()
		items := f.find(from, until)
		if len(items) > 0 || f.last >= until {
			f.mu.Unlock()
			return items, nil
		}
		if f.err != nil {
			f.mu.Unlock()
			return nil, f.err
		}
		if f.more == nil {
			f.more = make(chan struct{})
		}
		more := f.more
		f.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// find returns the items from from to until that are in the page of the first of them.
func (f *Feed) find(from, until raft.Index) []Item {
	p := sort.Search(len(f.pages), func(i int) bool {
		page := f.pages[i]
		return page[len(page)-1].Index >= from
	})
	if p == len(f.pages) {
		return nil
	}
	page := f.pages[p]
	i := sort.Search(len(page), func(i int) bool { return page[i].Index >= from })
	end := len(page)
	if page[end-1].Index > until {
		end = sort.Search(len(page), func(i int) bool { return page[i].Index > until })
	}
	return page[i:max(i, end):max(i, end)]
}
