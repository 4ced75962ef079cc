package gaggletest

import (
	"bytes"
	"sync"
	"testing"

	"github.com/ben-ng/gaggle/internal/state"
)

// Replicated makes a Machine of what gaggle.Replicate is given, and of a function that draws
// commands, for Check and Fuzz:
//
//	func TestStock(t *testing.T) {
//		gaggletest.Check(t, gaggletest.Replicated(t, NewStock, (*Stock).Apply, order), 1, 200)
//	}
//
// Its snapshots are those that Replicate would take. Beside what Check looks at in any
// machine, equal states must be written as equal bytes: twice in a row, and when a state was
// restored. The nodes of a cluster compare their snapshots, and one whose bytes differ stops
// with gaggle.ErrDiverged. A state that Replicate would refuse fails the test.
//
// What JSON leaves out on purpose is zero in a restored state, so it is seen as a difference
// unless Hash leaves it out too.
func Replicated[S, C, R any](t testing.TB, newState func() *S, apply func(*S, C) R, command func(*Source) C) Machine[*S, C, R] {
	t.Helper()
	form, err := state.Of(newState())
	if err != nil {
		t.Fatalf("gaggletest: %v", err)
	}
	return Machine[*S, C, R]{
		New: newState, Apply: apply, Command: command, equalBytes: true,
		Snapshot: func(s *S) ([]byte, error) {
			write, err := form.Capture(s)
			if err != nil {
				return nil, err
			}
			var b bytes.Buffer
			err = write(&b)
			return b.Bytes(), err
		},
		Restore: func(data []byte) (*S, error) {
			s := newState()
			return s, form.Restore(s, bytes.NewReader(data), &sync.Mutex{})
		},
	}
}
