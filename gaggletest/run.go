package gaggletest

import (
	"fmt"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
)

// A RunOption is an argument of Run: Seed or Seeds.
type RunOption func(*runSettings)

type runSettings struct{ first, last uint64 }

// Seed sets what all that is random follows from. The default is 1.
func Seed(seed uint64) RunOption {
	return func(s *runSettings) { s.first, s.last = seed, seed }
}

// Seeds runs the test n times, with the seeds from 1 to n, each as a subtest, which
// go test -run 'TestName/seed=7' runs alone. There has to be one at least.
func Seeds(n uint64) RunOption {
	return func(s *runSettings) { s.first, s.last = 1, n }
}

// Run runs a test in simulated time: a bubble of testing/synctest, with all that it says
// about goroutines. Time passes only when all of them wait, so that minutes take
// milliseconds. A goroutine that is left at the end ends the whole test program with a
// panic, not just the test: that is how synctest tells of it. The test must use the t that
// it is given, and nothing outside: no network, no processes.
//
// Whatever follows from the seed, in what Cluster makes and in package crypto/rand, is the
// same when the test is run again: identities, election timeouts, what happens to each
// frame. A test that fails says its seed. The order in which goroutines run does not follow
// from it, so a failure that needs a certain order may take some runs to be seen again.
//
// As crypto/rand is set for the whole process, a test that calls Run, or a test above it,
// must not be parallel.
func Run(t *testing.T, test func(t *testing.T), options ...RunOption) {
	t.Helper()
	s := runSettings{1, 1}
	for _, option := range options {
		option(&s)
	}
	if s.last < s.first {
		t.Fatalf("gaggletest: Seeds: the number is %d, and has to be 1 at least", s.last) // or nothing would be tested
	}
	if s.first == s.last {
		runSeed(t, s.first, test)
		return
	}
	for seed := s.first; seed <= s.last; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { runSeed(t, seed, test) })
	}
}

func runSeed(t *testing.T, seed uint64, test func(t *testing.T)) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("gaggletest: the seed was %d: gaggletest.Seed(%d) draws the same again", seed, seed)
		}
	})
	cryptotest.SetGlobalRandom(t, seed)
	synctest.Test(t, test)
}

// simulated reports whether time is that of a bubble.
func simulated() (is bool) {
	defer func() {
		if recover() != nil {
			is = false // Wait panics outside of a bubble, and there is nobody else to ask
		}
	}()
	synctest.Wait()
	return true
}
