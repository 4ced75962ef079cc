package gaggletest

import (
	"encoding/binary"
	"math/rand/v2"
)

// A Source is what the Command of a Machine draws from: bytes of a fuzzer, or a sequence
// that follows from a seed. Bytes that have run out are zeros.
type Source struct {
	data   []byte
	random *rand.Rand // nil if data is all there is
	drawn  int
}

// Byte draws any byte.
func (s *Source) Byte() byte {
	s.drawn++
	switch {
	case s.random != nil:
		return byte(s.random.Uint32())
	case len(s.data) == 0:
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return b
}

// Uint64 draws any number of 64 bits.
func (s *Source) Uint64() uint64 {
	var b [8]byte
	for i := range b {
		b[i] = s.Byte()
	}
	return binary.LittleEndian.Uint64(b[:])
}

// IntN draws a number from 0 to n-1. It panics if n is not positive. Small numbers take
// one byte, so that a fuzzer finds its way.
func (s *Source) IntN(n int) int {
	switch {
	case n <= 0:
		panic("gaggletest: IntN: n must be positive")
	case n <= 1<<8:
		return int(s.Byte()) % n
	}
	return int(s.Uint64() % uint64(n))
}

// Bool draws true or false.
func (s *Source) Bool() bool { return s.Byte()&1 == 1 }

// Bytes draws up to most bytes.
func (s *Source) Bytes(most int) []byte {
	b := make([]byte, s.IntN(most+1))
	for i := range b {
		b[i] = s.Byte()
	}
	return b
}

// String draws a string of up to most lower-case letters.
func (s *Source) String(most int) string {
	b := s.Bytes(most)
	for i := range b {
		b[i] = 'a' + b[i]%26
	}
	return string(b)
}

// Pick draws one of some choices, of which there must be one at least.
func Pick[T any](s *Source, choices ...T) T { return choices[s.IntN(len(choices))] }
