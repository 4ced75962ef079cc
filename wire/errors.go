package wire

import (
	"errors"
	"fmt"
)

// Errors of this package, for errors.Is. The text of those that are returned says
// what is wrong, and where.
var (
	// ErrMalformed: no correct node writes this.
	ErrMalformed = errors.New("wire: malformed")
	// ErrChecksum: the bytes are not those that were written.
	ErrChecksum = errors.New("wire: wrong checksum")
	// ErrVersion: the frame is of another version; see VersionError.
	ErrVersion = errors.New("wire: unknown version")
	// ErrTooLarge: a limit of this package is exceeded.
	ErrTooLarge = errors.New("wire: too large")
)

// A VersionError says that a frame is of a version that this node does not read. It
// is an ErrVersion.
type VersionError struct {
	// Got is the frame's version, Known the one that this node reads.
	Got, Known uint8
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%v: the frame is of version %d, this node reads version %d", ErrVersion, e.Got, e.Known)
}

// Unwrap makes it an ErrVersion.
func (e *VersionError) Unwrap() error { return ErrVersion }

// A refusal is every other error of this package.
type refusal struct {
	reason error
	what   string
}

func (e *refusal) Error() string { return e.reason.Error() + ": " + e.what }
func (e *refusal) Unwrap() error { return e.reason }

func malformed(format string, args ...any) error {
	return &refusal{ErrMalformed, fmt.Sprintf(format, args...)}
}

func tooLarge(what string, got uint64, limit uint64) error {
	return &refusal{ErrTooLarge, fmt.Sprintf("%s: %d, the limit is %d", what, got, limit)}
}

// atMost compares a length or count with its limit.
func atMost(what string, got, limit int) error {
	if got > limit {
		return tooLarge(what, uint64(got), uint64(limit))
	}
	return nil
}

// within says where an error was found.
func within(err error, format string, args ...any) error {
	var e *refusal
	if !errors.As(err, &e) {
		return err
	}
	return &refusal{e.reason, fmt.Sprintf(format, args...) + ": " + e.what}
}
