package search

import (
	"errors"
	"sync/atomic"
)

var errFull = errors.New("there is no room for more states")

// table is a set of hashes, for several goroutines. It does not grow.
type table struct {
	slots []atomic.Uint64
	mask  uint64
	count atomic.Int64
	limit int64
}

// newTable has room for so many hashes, and is three quarters full then.
func newTable(room int) *table {
	size := 1
	for size*3/4 < room {
		size *= 2
	}
	return &table{slots: make([]atomic.Uint64, size), mask: uint64(size - 1), limit: int64(size) * 7 / 8}
}

// add reports whether a hash is new. It is an error if there is no room for it.
func (t *table) add(h uint64) (bool, error) {
	for at := h & t.mask; ; at = (at + 1) & t.mask {
		switch found := t.slots[at].Load(); {
		case found == h:
			return false, nil
		case found != 0:
		case t.count.Load() >= t.limit:
			return false, errFull
		case t.slots[at].CompareAndSwap(0, h):
			t.count.Add(1)
			return true, nil
		default: // another goroutine was quicker: look again
			at = (at - 1) & t.mask
		}
	}
}
