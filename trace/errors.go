package trace

import (
	"errors"
	"fmt"

	"github.com/ben-ng/gaggle/raft"
)

// Errors of this package, for errors.Is.
var (
	// ErrTorn: the file ends in the middle of a record, as it does when the process was killed.
	ErrTorn = errors.New("trace: the last record is torn")
	// ErrMalformed: these bytes are no trace, or are damaged.
	ErrMalformed = errors.New("trace: malformed")
	// ErrForeign: the file is the trace of another node.
	ErrForeign = errors.New("trace: another node's")
	// ErrStopped: something could not be written to the file, and what came after it is missing.
	ErrStopped = errors.New("trace: the recording has stopped")
	// ErrTooLarge: a step is larger than a record may be.
	ErrTooLarge = errors.New("trace: too large")
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// A recordedError is an error as it was read back.
type recordedError struct {
	text string
	is   error
}

func (e *recordedError) Error() string { return e.text }
func (e *recordedError) Unwrap() error { return e.is }

// The numbers of an error: none, and one that is not told apart.
const (
	noError = iota
	otherError
	firstKnown
)

// knownErrors are those that are told apart, by their number less firstKnown.
func knownErrors() []error {
	return []error{
		raft.ErrNotLeader, raft.ErrTransferring, raft.ErrBusy, raft.ErrChangeInProgress,
		raft.ErrInvalidConfiguration, raft.ErrNotVoter, raft.ErrCatchUp, raft.ErrOutOfRange,
		raft.ErrInvalidMessage, raft.ErrInvariant,
	}
}

// maxErrorText is how much of an error's text is kept, in bytes: the files are not for reading.
const maxErrorText = 1 << 10
