package founding

// random is SplitMix64 (Steele, Lea and Flood, 2014): a sequence that depends on its
// seed alone, which is all the randomness that a Founder may have.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below draws a number from 0 to n−1. The bias of the remainder does not matter for
// delays of a few hundred ticks.
func (r *random) below(n int) int { return int(r.next() % uint64(n)) }
