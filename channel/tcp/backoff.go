package tcp

import (
	"math/rand/v2"
	"time"
)

// A backoff is the time to wait after each of a row of failures.
type backoff struct {
	least, most time.Duration
	last        time.Duration
}

// next returns twice as long as before, less a random part of up to a half, so that
// nodes which failed together do not try together.
func (b *backoff) next() time.Duration {
	b.last = min(max(2*b.last, b.least), b.most)
	return b.last - rand.N(b.last/2+1)
}

// reset ends the row.
func (b *backoff) reset() { b.last = 0 }
