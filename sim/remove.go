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
		return withoutBit(op.Amount&0xffff, number) | withoutBit(op.Amount>>16, number)<<16
	case Graph:
		bits := uint32(0)
		for b := range maxNodes {
			for a := range b {
				from, to := a, b
				if from >= number {
					from++
				}
				if to >= number {
					to++
				}
				bits |= op.Amount >> pair(from, to) & 1 << pair(a, b)
			}
		}
		return bits
	}
	return op.Amount
}

// withoutBit takes out a bit. Those above it move down.
func withoutBit(bits uint32, number int) uint32 {
	below := uint32(1)<<number - 1
	return bits&below | bits>>1&^below
}

// ofAll reports whether it is about no node in particular.
func (k Kind) ofAll() bool {
	switch k {
	case Partition, Graph, Mend, Noisy, FormerLife:
		return true
	}
	return false
}

// ofTwo reports whether it is about Other too.
func (k Kind) ofTwo() bool {
	switch k {
	case Cut, SlowLink, Unreachable, Transfer:
		return true
	}
	return false
}

// bits reports whether the bits of its Amount stand for something, one by one.
func (k Kind) bits() bool {
	switch k {
	case Partition, Graph, Change, Noisy:
		return true
	}
	return false
}
