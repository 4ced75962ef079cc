//go:build unix && !solaris && !aix

package vfs

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock makes a file, if it is not there, and locks it for as long as it is open.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode) //nolint:gosec // in the directory that the caller asks for
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err == nil {
		return f, nil
	}
	return nil, errors.Join(unlocked(err), f.Close())
}

// unlocked explains why there is no lock.
func unlocked(err error) error {
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fmt.Errorf("%w: stop the process that has it, or take another", ErrLocked)
	}
	return fmt.Errorf("the file system does not lock files, so that two processes could use the directory at once; take one on a local disk: %w", err)
}
