package engine

import (
	"context"
	"slices"
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

// feedPage is how many items share an allocation, and feedPageBytes how large their values
// are together, but for the last: as a feed lets go of whole pages.
const (
	feedPage      = 1024
	feedPageBytes = 1 << 20
)

// Feed is the sequence of appended values that this node has applied, for any number
// of readers at their own pace. It is safe for concurrent use.
//
//	available        first                  last
//	    │   on disk    │     in memory        │
//	    └──────────────┴──────────────────────┘
type Feed struct {
	mu sync.Mutex
	// pages hold the values from index first on.
	pages [][]Item
	first raft.Index
	// pageBytes is the size of the values in the last page.
	pageBytes int
	// available is the first index that can be had at all: what is below is compacted.
	available raft.Index
	// older reads entries below first from the disk; nil if there are none.
	older entryReader
	// skipped are the entries below first, and above, that are appends and no values.
	skipped skipped
	// last is the index of the last entry applied, whether it is a value or not.
	last raft.Index
	// more is closed when something is added or the feed ends; nil if nobody waits.
	more chan struct{}
	err  error
}

// An entryReader reads entries of the log, at least one and at most so many bytes of them,
// and may be used at any time by anybody.
type entryReader func(first, last raft.Index, maxBytes int) ([]raft.Entry, error)

// publish adds items, which readers see at once, the index applied with them, and the
// appends up to there that were skipped.
func (f *Feed) publish(items []Item, left []raft.Index, applied raft.Index) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, index := range left {
		f.skipped.add(index)
	}
	for len(items) > 0 {
		n := len(f.pages)
		if n == 0 || len(f.pages[n-1]) == feedPage || f.pageBytes >= feedPageBytes {
			f.pages = append(f.pages, make([]Item, 0, feedPage))
			f.pageBytes = 0
			n++
		}
		page, taken := f.pages[n-1], 0
		for taken < len(items) && len(page) < feedPage && f.pageBytes < feedPageBytes {
			page = append(page, items[taken])
			f.pageBytes += len(items[taken].Value)
			taken++
		}
		f.pages[n-1], items = page, items[taken:]
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
// that of the context; a *CompactedError; that of reading the disk; and after Close,
// ErrClosed.
func (f *Feed) Next(ctx context.Context, from, until raft.Index) ([]Item, error) {
	for {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		f.mu.Lock()
		if from = max(from, 1); from < f.available && until >= from {
			first := f.available
			f.mu.Unlock()
			return nil, &CompactedError{From: from, First: first}
		}
		if from < f.first && until >= from {
			last := min(until, f.first-1)
			f.mu.Unlock()
			items, next, err := f.read(from, last)
			if err != nil {
				if f.overtaken(from) {
					continue
				}
				return nil, err
			}
			if len(items) > 0 {
				return items, nil
			}
			from = next
			continue
		}
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

// readBytes is how much of the log is read from the disk at a time.
const readBytes = 256 << 10

// read reads items from the disk, and says up to where it has read.
func (f *Feed) read(from, last raft.Index) (items []Item, next raft.Index, err error) {
	entries, err := f.older(from, last, readBytes)
	if err != nil {
		return nil, 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if from < f.available { // which of them were skipped is forgotten
		return nil, 0, &CompactedError{From: from, First: f.available}
	}
	for i := range entries {
		e := &entries[i]
		next = e.Index + 1
		if e.Type != raft.EntryNormal || f.skipped.has(e.Index) {
			continue
		}
		if c, err := decodeCommand(e.Data); err == nil && (c.kind == commandAppend || c.kind == commandOnce) {
			items = append(items, Item{e.Index, e.Term, c.value})
		}
	}
	return items, next, nil
}

// overtaken reports whether it is no failure that a read found nothing at an index: it was
// compacted meanwhile.
func (f *Feed) overtaken(from raft.Index) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return from < f.available
}

// trim lets go of values up to an index, which can be read from the disk: of whole pages.
func (f *Feed) trim(upTo raft.Index) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(upTo)
}

// drop lets go of the pages that end at an index or before it. The lock is held.
func (f *Feed) drop(upTo raft.Index) {
	gone := 0
	for gone < len(f.pages) {
		page := f.pages[gone]
		if last := page[len(page)-1].Index; last <= upTo {
			f.first = last + 1
			gone++
			continue
		}
		break
	}
	f.pages = slices.Delete(f.pages, 0, gone)
}

// begin makes the feed that of a node whose state begins with a snapshot: what was applied
// up to last is not in memory, and what is below available not on the disk either.
func (f *Feed) begin(available, last raft.Index, left skipped) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pages, f.available, f.first, f.last, f.skipped = nil, available, last+1, last, left
	f.wake()
}

// compacted takes note that the log begins later than it did.
func (f *Feed) compacted(available raft.Index) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.available = available
	f.skipped.forget(available)
	f.drop(available - 1)
}
