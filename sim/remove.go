package sim

// removeNode takes a node out of a schedule, with the Ops that are about it. Those after
// it move up.
func (s *Schedule) removeNode(number int) {
	total := s.Setup.Nodes + s.Setup.Spares
	if number < s.Setup.Nodes {
		s.Setup.Nodes--
	} else {
		s.Setup.Spares--
	}
	var kept []int
	ops := make([]Op, len(s.Ops))
	for i, op := range s.Ops {
		about := op.Node != Leader && int(op.Node)%total == number && !op.Kind.ofAll()
		about = about || op.Kind.ofTwo() && op.Other != Leader && int(op.Other)%total == number
		if !about {
			kept = append(kept, i)
		}
		op.Node, op.Other = movedUp(op.Node, number, total), movedUp(op.Other, number, total)
		op.Amount = op.without(number)
		ops[i] = op
	}
	s.Ops = thinned(ops, kept)
}

// movedUp is the number that a node has when another is no more.
func movedUp(node uint8, gone, total int) uint8 {
	if node == Leader {
		return node
	}
	n := int(node) % total
	if n > gone || n == gone && n > 0 {
		n--
	}
	return uint8(n)
}

// without is the Amount when a node is no more.
func (op Op) without(number int) uint32 {
	switch op.Kind {
	case Partition:
		return withoutBit(op.Amount, number)
	case Change:
		return withoutBit(op.Amount&0x7fff, number) | op.Amount&0x8000 | withoutBit(op.Amount>>16, number)<<16
	case Graph:
		return withoutPairs(op.Amount, number)
	default:
		return op.Amount
	}
}

// withoutPairs takes out the bits of all pairs that a node was in.
func withoutPairs(bits uint32, number int) uint32 {
	before := func(node int) int { // the number that a node had
		if node >= number {
			node++
		}
		return node
	}
	rest := uint32(0)
	for b := range maxNodes {
		for a := range b {
			rest |= bits >> pair(before(a), before(b)) & 1 << pair(a, b)
		}
	}
	return rest
}

// withoutBit takes out a bit. Those above it move down.
func withoutBit(bits uint32, number int) uint32 {
	below := uint32(1)<<number - 1
	return bits&below | bits>>1&^below
}

// ofAll reports whether it is about no node in particular.
func (k Kind) ofAll() bool {
	return k == Partition || k == Graph || k == Mend || k == Noisy || k == FormerLife
}

// ofTwo reports whether it is about Other too.
func (k Kind) ofTwo() bool {
	return k == Cut || k == SlowLink || k == Unreachable || k == Transfer
}

// bits reports whether the bits of its Amount stand for something, one by one.
func (k Kind) bits() bool {
	return k == Partition || k == Graph || k == Change || k == Noisy
}
