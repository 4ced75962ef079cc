package snapshot

import (
	"errors"
	"fmt"
)

// Errors of this package, for errors.Is. A disk without room is vfs.ErrFull, a file that
// is gone fs.ErrNotExist.
var (
	// ErrDamaged: the bytes are not those that were written, or cannot be read; see
	// DamagedError.
	ErrDamaged = errors.New("snapshot: damaged")
	// ErrVersion: the file is of another version of the format.
	ErrVersion = errors.New("snapshot: unknown version")
	// ErrForeign: the snapshot is of another cluster, or would be of none.
	ErrForeign = errors.New("snapshot: of another cluster")
	// ErrObsolete: the store has a snapshot of the same index or a later one.
	ErrObsolete = errors.New("snapshot: obsolete")
	// ErrBusy: a snapshot of the same position is being written.
	ErrBusy = errors.New("snapshot: is being written")
	// ErrIncomplete: the snapshot has not been received to its end.
	ErrIncomplete = errors.New("snapshot: incomplete")
	// ErrOffset: a piece does not begin where the one before it ended.
	ErrOffset = errors.New("snapshot: not the next piece")
	// ErrMeta: there is no snapshot of which this would be the meta.
	ErrMeta = errors.New("snapshot: invalid meta")
	// ErrClosed: it was committed, aborted or closed, or gave way to another.
	ErrClosed = errors.New("snapshot: closed")
)

// A DamagedError says where a snapshot is damaged. It is an ErrDamaged, and its cause.
type DamagedError struct {
	// Name is the file's; empty for a stream.
	Name string
	// Offset is where the damaged part begins, in bytes from the beginning of the file.
	Offset int64
	// Cause says what is wrong.
	Cause error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%v: %s, at byte %d: %v", ErrDamaged, called(e.Name), e.Offset, e.Cause)
}

// Unwrap makes it an ErrDamaged, and its cause.
func (e *DamagedError) Unwrap() []error { return []error{ErrDamaged, e.Cause} }

func called(name string) string {
	if name == "" {
		return "the stream"
	}
	return name
}

// damaged names the file and the place of damage. Errors that do not say that the bytes
// are wrong remain what they are.
func damaged(name string, offset int64, cause error) error {
	for _, other := range []error{ErrVersion, ErrForeign} {
		if errors.Is(cause, other) {
			return fmt.Errorf("%s: %w", called(name), cause)
		}
	}
	return &DamagedError{Name: name, Offset: offset, Cause: cause}
}
