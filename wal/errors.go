package wal

import (
	"errors"
	"fmt"

	"github.com/ben-ng/gaggle/raft"
)

// Errors of this package, for errors.Is. A disk without room is vfs.ErrFull, too.
var (
	// ErrExists: there is a log, or an identity, already.
	ErrExists = errors.New("wal: already there")
	// ErrNoLog: Open found none.
	ErrNoLog = errors.New("wal: there is no log")
	// ErrForeign: a file belongs to another directory.
	ErrForeign = errors.New("wal: the file is of another directory")
	// ErrVersion: a file was written by a version that is not known here.
	ErrVersion = errors.New("wal: unknown version")
	// ErrTooLarge: an entry does not fit into a block, or not into a segment.
	ErrTooLarge = errors.New("wal: too large")
	// ErrInvalid: a write does not continue the log. It had no effect.
	ErrInvalid = errors.New("wal: invalid write")
	// ErrOutOfRange: the log does not have, and did not have, such an entry.
	ErrOutOfRange = errors.New("wal: index out of range")
	// ErrLost: what was acknowledged may be gone, and nothing may be written.
	ErrLost = errors.New("wal: what was acknowledged may be lost")
	// ErrClosed: the log is closed.
	ErrClosed = errors.New("wal: closed")
)

// A CompactedError says that an entry is no longer in the log.
type CompactedError struct {
	// First is the first entry that the log has, or will have.
	First raft.Index
}

func (e *CompactedError) Error() string {
	return fmt.Sprintf("wal: compacted: the log begins with entry %d", e.First)
}

// A DamagedError says that an entry's data cannot be read any more. Its index and term
// are those of the log all the same.
type DamagedError struct{ Position raft.Position }

func (e *DamagedError) Error() string {
	return fmt.Sprintf("wal: entry %v is damaged", e.Position)
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

func lost(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrLost, fmt.Sprintf(format, args...))
}

func fmtTooLarge(e *raft.Entry) error {
	return fmt.Errorf("%w: entry %d has %d bytes", ErrTooLarge, e.Index, len(e.Data))
}
