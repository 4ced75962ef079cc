package sim

import "time"

// What a schedule from bytes is bounded by, so that a fuzzer tries many a second.
const (
	bytesOps   = 40
	bytesNoise = 1024
)

// FromBytes makes a schedule of any bytes, for a fuzzer that changes them: the first say
// what the world is like, then each Op has a few, and what is left is the noise. Bytes
// that are not there are 0.
func FromBytes(data []byte) *Schedule {
	r := reader(data)
	s := &Schedule{Profile: "bytes", Setup: r.setup()}
	s.Ops = make([]Op, int(r.byte())%(bytesOps+1))
	for i := range s.Ops {
		s.Ops[i] = r.op(&s.Setup)
	}
	s.Noise = append([]byte(nil), r[:min(len(r), bytesNoise)]...)
	return s
}

// reader takes bytes from the front of some.
type reader []byte

func (r *reader) byte() byte {
	if len(*r) == 0 {
		return 0
	}
	b := (*r)[0]
	*r = (*r)[1:]
	return b
}

// upTo takes a number up to some that is below 256.
func (r *reader) upTo(most int) int { return int(r.byte()) % (most + 1) }

func (r *reader) setup() Setup {
	g := generator{schedule: &Schedule{}}
	g.usual()
	s := g.schedule.Setup
	kind := r.byte()
	s.Layer, s.Small = Layer(kind&1), kind>>1&1 == 1
	s.Nodes = 1 + r.upTo(4)
	s.Spares = r.upTo(2)
	if s.Layer == Engines {
		s.Spares = min(s.Spares, s.Nodes-1)
	}
	s.Seed = uint64(r.byte())
	s.WriteDelay = time.Duration(1+r.upTo(39)) * time.Millisecond
	s.Faults = r.faults()
	return s
}

// faults are as bad as those of a profile at the worst.
func (r *reader) faults() Faults {
	return Faults{
		Lost: uint8(r.upTo(79)), Repeated: uint8(r.upTo(59)),
		Late: uint8(r.upTo(99)), SlowWrites: uint8(r.upTo(99)),
	}
}

// op takes an Op: the time, the kind, who, and how much.
func (r *reader) op(s *Setup) Op {
	op := Op{After: pause(r.byte()), Kind: Kind(r.upTo(int(kinds) - 1)), Node: r.node(s)}
	switch op.Kind {
	case Partition:
		op.Amount = uint32(r.byte())
	case Graph:
		op.Amount = uint32(r.byte()) | uint32(r.byte())<<8 | uint32(r.byte())<<16
	case Change:
		op.Amount = uint32(r.byte()) | uint32(r.byte())<<16
	case Noisy:
		f := r.faults()
		op.Amount = uint32(f.Lost) | uint32(f.Repeated)<<8 | uint32(f.Late)<<16 | uint32(f.SlowWrites)<<24
	case ClockRate:
		op.Amount = 25 + uint32(r.byte())
	case Cut, SlowLink, Unreachable, Transfer:
		op.Other = r.node(s)
		op.Amount = uint32(r.upTo(100))
	default:
		op.Amount = uint32(r.upTo(100))
	}
	return op
}

// node takes the number of one, or Leader.
func (r *reader) node(s *Setup) uint8 {
	n := r.upTo(s.Nodes + s.Spares)
	if n == s.Nodes+s.Spares {
		return Leader
	}
	return uint8(n)
}

// pause makes a time of a byte: exact while it is short, and at most two seconds.
func pause(b byte) time.Duration {
	if b < 128 {
		return time.Duration(b) * time.Millisecond
	}
	return time.Duration(128+15*(int(b)-128)) * time.Millisecond
}
