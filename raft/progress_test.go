package raft

import (
	"math/rand/v2"
	"testing"
)

func TestWhatIsInFlightIsLikeAQueue(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 6))
		config := DefaultConfig("a", 1)
		config.MaxInflightMessages, config.MaxInflightBytes = 1+r.IntN(40), 1+r.IntN(400)
		var f inflight
		var naive []sent
		last := Index(0)
		for range 500 {
			switch x := r.IntN(10); {
			case x < 6 && !f.full(&config):
				last += Index(1 + r.IntN(3))
				s := sent{last: last, bytes: r.IntN(50)}
				f.add(s)
				naive = append(naive, s)
			case x < 9:
				upTo := last - min(last, Index(r.IntN(20)))
				f.acknowledge(upTo)
				for len(naive) > 0 && naive[0].last <= upTo {
					naive = naive[1:]
				}
			case r.IntN(10) == 0:
				f.clear()
				naive = nil
			}
			bytes := 0
			for _, s := range naive {
				bytes += s.bytes
			}
			full := len(naive) >= config.MaxInflightMessages || len(naive) > 0 && bytes >= config.MaxInflightBytes
			if f.size != len(naive) || f.bytes != bytes || f.full(&config) != full {
				t.Fatalf("seed %d: %d messages of %d bytes, full %v; want %d of %d, %v", seed, f.size, f.bytes, f.full(&config), len(naive), bytes, full)
			}
		}
	}
}
