package gaggletest

import (
	"errors"
	"flag"
	"hash/fnv"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/ben-ng/gaggle"
)

// A Machine is a state machine to be tested: a state S, to which commands C are applied
// in the order of the log, each with a result R. Fuzz and Check test that what comes of it
// depends on nothing but the commands, as it has to on nodes that are to agree. New, Apply
// and Command have to be given.
type Machine[S, C, R any] struct {
	// New makes the state before the first command. S is a pointer or a map, since Apply
	// changes what it is given.
	New func() S
	// Apply applies one command. A method fits: (*Stock).Apply.
	Apply func(S, C) R
	// Command draws a command.
	Command func(*Source) C

	// Snapshot and Restore make bytes of a state, and a state of bytes. They are tested
	// if they are given, both or neither.
	Snapshot func(S) ([]byte, error)
	Restore  func([]byte) (S, error)

	// Hash stands for the state when states are compared. The default is all that can be
	// reached from it, unexported fields too. It is needed if the state has parts that may
	// differ, such as a cache or a logger, and then leaves them out. Any text will do, and
	// one with a line for each part tells what differs.
	Hash func(S) string
	// Codec is what the commands are encoded with. The default is gaggle.JSON, as with
	// Join.
	Codec gaggle.Codec
	// KeepsCommands: the state may hold on to memory of a command, such as a slice in it.
	// Gaggle decodes each entry afresh, on every node and for every loop over Entries, so
	// that does no harm as long as the program changes nothing of it elsewhere.
	KeepsCommands bool

	// equalBytes: equal states have to have equal snapshots.
	equalBytes bool
}

// Sizes of what Fuzz tries.
const (
	// maxFuzzCommands keeps one input short, so that there can be many.
	maxFuzzCommands = 60
	// corpusSize and corpusBytes are the inputs that a plain go test runs.
	corpusSize  = 20
	corpusBytes = 300
)

// Fuzz is the body of a fuzz test of a state machine:
//
//	func FuzzStock(f *testing.F) { gaggletest.Fuzz(f, stockMachine) }
//
// A plain go test tries 20 sequences of commands. To go on and look for more, call
//
//	go test -fuzz=FuzzStock -fuzzminimizetime 1x
//
// Without -fuzzminimizetime, Go spends up to a minute on each interesting input to make it
// smaller, mostly in vain, as what is covered in simulated time is not the same each time.
//
// See Check for what is tried with each. A failure shows few commands, as that of Check
// does, but not under -fuzz, where an input has to be tried quickly: go test without it
// tries the input again that was found, and shows what it needs of it.
func Fuzz[S, C, R any](f *testing.F, m Machine[S, C, R]) {
	f.Helper()
	m.mustBeWhole(f)
	r := rand.New(rand.NewPCG(0, 0))
	for range corpusSize {
		input := make([]byte, corpusBytes)
		for i := range input {
			input[i] = byte(r.Uint32())
		}
		f.Add(input)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		hash := fnv.New64a()
		_, _ = hash.Write(input) // a hash does not fail
		source := &Source{data: input}
		var commands []C
		for len(source.data) > 0 && len(commands) < maxFuzzCommands {
			commands = append(commands, m.draw(source))
		}
		// Under -fuzz, shortening would take longer than an input may.
		check(t, m, commands, origin{seed: hash.Sum64()}, !fuzzing())
	})
}

// fuzzing reports whether go test runs with -fuzz.
func fuzzing() bool {
	given := flag.Lookup("test.fuzz")
	return given != nil && given.Value.String() != ""
}

// Check tests a state machine with n commands that follow from a seed, and fails the test
// if anything but the commands decides what becomes of it. Time is simulated.
//
// The commands are applied by several replicas, in batches that lie days apart: by one
// that does nothing else, by one of which snapshots are taken, by one that is restored from
// its own snapshots, by one that takes over the snapshots of others, by one that is
// restarted and begins with the first command again, by one whose commands are overwritten
// when they were applied, and by some at the same time. All must have the same results and
// the same states after each command. Nor may
//
//   - Apply change its command, or keep memory of it (see KeepsCommands), or return a
//     result that changes later, as it does if it shares memory with the state,
//   - Snapshot change the state, or return bytes that change later, or give bytes of which
//     a state is restored that is not the one it was given,
//   - Restore keep the bytes,
//   - anything panic.
//
// Nor may anything leave a goroutine behind that waits: that ends the whole test program
// with a panic, not just the test, as it does in any bubble of testing/synctest.
//
// So it finds an order of a map that shows, clocks, random numbers, package variables,
// goroutines that race, and snapshots that lack a field. It does not find what is the same
// for all in one process, such as the name of the host.
//
// The failure shows the commands up to the one where it was seen first, and leaves out
// those without which it is seen as well.
func Check[S, C, R any](t *testing.T, m Machine[S, C, R], seed uint64, n int) {
	t.Helper()
	m.mustBeWhole(t)
	if n < 1 {
		t.Fatalf("gaggletest: Check: the number of commands is %d, and has to be 1 at least", n)
	}
	source := &Source{random: rand.New(rand.NewPCG(seed, 0))}
	commands := make([]C, n)
	for i := range commands {
		commands[i] = m.draw(source)
	}
	check(t, m, commands, origin{seed: seed, given: true}, true)
}

// draw draws a command, and some byte, so that a fuzzer's input comes to an end.
func (m *Machine[S, C, R]) draw(s *Source) C {
	before := s.drawn
	c := m.Command(s)
	if s.drawn == before {
		s.Byte()
	}
	return c
}

func (m *Machine[S, C, R]) mustBeWhole(t testing.TB) {
	t.Helper()
	if err := m.whole(); err != nil {
		t.Fatal(err)
	}
}

func (m *Machine[S, C, R]) whole() error {
	switch {
	case m.New == nil || m.Apply == nil || m.Command == nil:
		return errors.New("gaggletest: a Machine needs New, Apply and Command")
	case (m.Snapshot == nil) != (m.Restore == nil):
		return errors.New("gaggletest: a Machine has both Snapshot and Restore, or neither")
	}
	return nil
}

// check tries commands, in a bubble of its own unless the test lives in one.
func check[S, C, R any](t *testing.T, m Machine[S, C, R], commands []C, from origin, shorten bool) {
	t.Helper()
	test := func(t *testing.T) {
		t.Helper()
		if text := examine(m, commands, from, shorten); text != "" {
			t.Fatal(text)
		}
	}
	if simulated() {
		test(t)
		return
	}
	synctest.Test(t, test)
}
