package backup

import (
	"errors"
	"fmt"
)

// Errors of this package, for errors.Is.
var (
	// ErrDamaged: the bytes are not those of a whole backup.
	ErrDamaged = errors.New("backup: damaged")
	// ErrVersion: the file is of another version of the format.
	ErrVersion = errors.New("backup: unknown version")
	// ErrNotBackup: the file does not begin as a backup does.
	ErrNotBackup = errors.New("backup: not a backup")
	// ErrGone: the member keeps what was asked for no more: it has started anew, or was not
	// asked for half a minute. Begin anew.
	ErrGone = errors.New("backup: the member does not keep it any more")
	// ErrUnanswered: no member has answered in time.
	ErrUnanswered = errors.New("backup: no member answers")
)

// damaged says at which byte of the file it is not what it has to be.
func damaged(offset int64, format string, args ...any) error {
	return fmt.Errorf("%w at byte %d: %w", ErrDamaged, offset, fmt.Errorf(format, args...))
}
