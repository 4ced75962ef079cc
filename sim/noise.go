package sim

// noise is where a run draws what is left to chance. Everything drawn is recorded, so
// that a run that found something can be had again with some of it changed.
type noise struct {
	tape []byte
	next int
	seed uint64
}

// draw returns the next byte.
func (n *noise) draw() byte {
	if n.next == len(n.tape) {
		b := byte(0)
		if n.seed != 0 {
			b = byte(mix(&n.seed))
		}
		n.tape = append(n.tape, b)
	}
	b := n.tape[n.next]
	n.next++
	return b
}

// drawn is what was drawn so far.
func (n *noise) drawn() []byte { return n.tape[:n.next] }

// mix is SplitMix64: the next of a sequence of numbers that follow from a seed.
func mix(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
