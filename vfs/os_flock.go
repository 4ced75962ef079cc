//go:build unix && !solaris && !aix

package vfs

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock locks a file for as long as it is open, or fails.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("%w: stop the process that has it, or take another", ErrLocked)
	}
	return err
}
