package memory

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// maxCopies is a frame and its duplicate.
const maxCopies = 2

// A fate is what happens to one frame.
type fate struct {
	copies int // 0 is lost
	direct bool
	due    [maxCopies]time.Time // when each copy arrives, if not direct
}

// A stream is the sequence of decisions on one link.
type stream struct {
	random *rand.Rand
	last   time.Time // no frame that keeps its place arrives before this
}

func newStream(seed uint64, l link) *stream {
	h := fnv.New64a()
	_, _ = h.Write([]byte(l.from)) // a hash does not fail
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(l.to))
	return &stream{random: rand.New(rand.NewPCG(seed, h.Sum64()))}
}

// next decides about a frame. It draws the same number of times whatever the faults
// are, so that a change of one of them does not shift the others.
func (s *stream) next(f Faults) fate {
	drop, duplicate := s.chance(f.Drop), s.chance(f.Duplicate)
	var delay [maxCopies]time.Duration
	for i := range delay {
		delay[i] = s.delay(f)
	}
	heldBack := s.chance(f.Reorder)
	if drop {
		return fate{}
	}
	result := fate{copies: 1, direct: !f.asynchronous()}
	if duplicate {
		result.copies = 2
	}
	if !result.direct {
		now := time.Now()
		result.due[0] = s.place(now.Add(delay[0]), heldBack)
		result.due[1] = now.Add(delay[1])
	}
	return result
}

// place puts a frame behind those sent before it, unless it is held back.
func (s *stream) place(due time.Time, heldBack bool) time.Time {
	if heldBack {
		return due.Add(ReorderDelay)
	}
	if due.Before(s.last) {
		due = s.last
	}
	s.last = due
	return due
}

func (s *stream) delay(f Faults) time.Duration {
	spread := max(f.MaxDelay-f.MinDelay, 0)
	return f.MinDelay + time.Duration(s.random.Float64()*float64(spread))
}

func (s *stream) chance(p float64) bool { return s.random.Float64() < p }
