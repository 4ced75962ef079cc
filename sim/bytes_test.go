package sim

import (
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// toBytes is the opposite of FromBytes: the bytes of a schedule, or of one that is near to
// it.
func toBytes(s *Schedule) []byte {
	f := s.Setup.Faults
	small := byte(0)
	if s.Setup.Small {
		small = 2
	}
	data := []byte{
		byte(s.Setup.Layer) | small, byte(s.Setup.Nodes - 1), byte(s.Setup.Spares), byte(s.Setup.Seed),
		byte(s.Setup.WriteDelay/time.Millisecond - 1), f.Lost, f.Repeated, f.Late, f.SlowWrites,
	}
	ops := s.Ops[:min(len(s.Ops), bytesOps)]
	data = append(data, byte(len(ops)))
	for _, op := range ops {
		data = opToBytes(data, &s.Setup, op)
	}
	return append(data, s.Noise[:min(len(s.Noise), bytesNoise)]...)
}

func opToBytes(data []byte, s *Setup, op Op) []byte {
	number := func(node uint8) byte {
		if node == Leader {
			return byte(s.Nodes + s.Spares)
		}
		return node
	}
	data = append(data, pauseToByte(op.After), byte(op.Kind), number(op.Node))
	a := op.Amount
	switch op.Kind {
	case Partition:
		return append(data, byte(a))
	case Graph:
		return append(data, byte(a), byte(a>>8), byte(a>>16))
	case Change:
		return append(data, byte(a), byte(a>>16))
	case Noisy:
		f := faultsOf(a)
		return append(data, f.Lost, f.Repeated, f.Late, f.SlowWrites)
	case ClockRate:
		return append(data, byte(min(a, 280)-25))
	case Cut, SlowLink, Unreachable, Transfer:
		return append(data, number(op.Other), byte(a))
	default:
		return append(data, byte(a))
	}
}

func pauseToByte(d time.Duration) byte {
	if ms := d / time.Millisecond; ms < 128 {
		return byte(ms)
	}
	return byte(min(128+(d/time.Millisecond-128)/15, 255))
}

func TestAnyBytesAreAValidSchedule(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		data := make([]byte, r.IntN(600))
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		s := FromBytes(data)
		if err := s.Validate(); err != nil {
			t.Fatalf("%x: %v", data, err)
		}
		again := FromBytes(toBytes(s))
		if len(again.Noise) == 0 {
			again.Noise = s.Noise[:0] // nil or empty
		}
		if !reflect.DeepEqual(again, s) {
			t.Fatalf("its bytes are those of another:\n%+v\n%+v", s, again)
		}
	}
}

func TestOpsOfAllKindsComeFromBytes(t *testing.T) {
	for kind := range kinds {
		s := &Schedule{Setup: FromBytes(nil).Setup, Ops: []Op{{After: 100 * time.Millisecond, Kind: kind, Node: Leader}}}
		if kind == ClockRate {
			s.Ops[0].Amount = 50
		}
		if got := FromBytes(toBytes(s)); !reflect.DeepEqual(got.Ops, s.Ops) {
			t.Errorf("%v: %+v", kind, got.Ops)
		}
	}
}

// FuzzSchedules plays whatever bytes there are as schedules, and `go test -fuzz` looks for
// those that lead somewhere new in the code of the nodes. It takes -fuzzminimizetime 1x:
// as almost every input leads somewhere new, to make each as small as possible first would
// take all the time that there is.
func FuzzSchedules(f *testing.F) {
	inOneGoroutine(f)
	f.Add([]byte{})
	for seed := range uint64(4) {
		for _, p := range Profiles() {
			s := Generate(seed, p.Name)
			s.Noise = make([]byte, 128)
			for i := range s.Noise {
				s.Noise[i] = byte(mix(&s.NoiseSeed))
			}
			f.Add(toBytes(s))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := FromBytes(data)
		if _, v := Run(s, nil); v != nil {
			t.Errorf("%+v\nat %v, step %d: %v", s, v.At, v.Step, v)
		}
	})
}
