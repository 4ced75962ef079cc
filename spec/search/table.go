package search

import (
	"errors"
	"math/bits"
	"sync/atomic"
)

var errFull = errors.New("there is no room for more states")

// table is a set of hashes, for several goroutines. It does not grow.
type table struct {
	slots []atomic.Uint64
	free  func() error
	count atomic.Int64
	limit int64
}

// newTable has room for so many hashes, and is three quarters full then.
func newTable(room int) (*table, error) {
	slots, free, err := allocate(room + room/3 + 1)
	return &table{slots: slots, free: free, limit: int64(room)}, err
}

// add reports whether a hash is new. It is an error if there is no room for it.
func (t *table) add(h uint64) (bool, error) {
	size := uint64(len(t.slots))
	for at, _ := bits.Mul64(h, size); ; { // where h is between 0 and the greatest, at is between 0 and size
		switch found := t.slots[at].Load(); {
		case found == h:
			return false, nil
		case found != 0:
			if at++; at == size {
				at = 0
			}
		case t.count.Load() >= t.limit:
			return false, errFull
		case t.slots[at].CompareAndSwap(0, h):
			t.count.Add(1)
			return true, nil
		default: // another goroutine was quicker: look again
		}
	}
}
