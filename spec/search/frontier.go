package search

import (
	"fmt"
	"math/bits"
	"os"
	"sync"
)

// frontierPart is how many states are put into a frontier at a time, but for the last.
const frontierPart = 512

// A frontier is the states to go on from, in parts. What has no place in memory is in a file,
// which has no name any more. It may be used by several goroutines at a time.
type frontier[S comparable] struct {
	words  func(*S) []uint64
	memory int

	mu    sync.Mutex
	parts [][]byte
	used  int // bytes of these
	file  *os.File
	// ends are where the parts in the file end, taken is how many of them were taken.
	ends  []int64
	taken int
}

// newFrontier has place in memory for so many bytes.
func newFrontier[S comparable](words func(*S) []uint64, memory int) *frontier[S] {
	return &frontier[S]{words: words, memory: memory}
}

// put adds states.
func (f *frontier[S]) put(states []S) error {
	if len(states) == 0 {
		return nil
	}
	var part []byte
	for i := range states {
		part = encode(part, f.words(&states[i]))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.used < f.memory {
		f.parts = append(f.parts, part)
		f.used += len(part)
		return nil
	}
	if err := f.write(part); err != nil {
		return fmt.Errorf("a file for states: %w", err)
	}
	return nil
}

func (f *frontier[S]) write(part []byte) error {
	if f.file == nil {
		file, err := os.CreateTemp("", "frontier")
		if err != nil {
			return err
		}
		f.file = file
		if err := os.Remove(file.Name()); err != nil {
			return err
		}
	}
	from := f.from(len(f.ends))
	f.ends = append(f.ends, from+int64(len(part)))
	_, err := f.file.WriteAt(part, from)
	return err
}

// from is where a part begins in the file.
func (f *frontier[S]) from(part int) int64 {
	if part == 0 {
		return 0
	}
	return f.ends[part-1]
}

// take takes some states, none if there are no more. Nothing may be put any more then.
func (f *frontier[S]) take(states []S) ([]S, error) {
	part, err := f.takePart()
	if err != nil {
		return nil, fmt.Errorf("a file of states: %w", err)
	}
	for states = states[:0]; len(part) > 0; {
		var s S
		part = decode(part, f.words(&s))
		states = append(states, s)
	}
	return states, nil
}

func (f *frontier[S]) takePart() ([]byte, error) {
	f.mu.Lock()
	if n := len(f.parts); n > 0 {
		defer f.mu.Unlock()
		part := f.parts[n-1]
		f.parts = f.parts[:n-1]
		return part, nil
	}
	which := f.taken
	if which == len(f.ends) {
		f.mu.Unlock()
		return nil, nil
	}
	f.taken++
	f.mu.Unlock()
	part := make([]byte, f.ends[which]-f.from(which))
	_, err := f.file.ReadAt(part, f.from(which))
	return part, err
}

// close gives the file back.
func (f *frontier[S]) close() error {
	if f.file == nil {
		return nil
	}
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("a file of states: %w", err)
	}
	return nil
}

// encode appends words, of which few bits are 1: of each, a byte that says which of its bytes are
// not 0, and these.
func encode(to []byte, words []uint64) []byte {
	for _, w := range words {
		at := len(to)
		to = append(to, 0)
		for i := 0; w != 0; i++ {
			if b := byte(w); b != 0 {
				to[at] |= 1 << i
				to = append(to, b)
			}
			w >>= 8
		}
	}
	return to
}

// decode reads words that are 0, and returns what comes after them.
func decode(from []byte, words []uint64) []byte {
	for i := range words {
		there := from[0]
		from = from[1:]
		for ; there != 0; there &= there - 1 {
			words[i] |= uint64(from[0]) << (8 * bits.TrailingZeros8(there))
			from = from[1:]
		}
	}
	return from
}
