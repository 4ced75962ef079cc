package vfs

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Windows makes names durable with the files.
func syncDir(string) error { return nil }

// errorDiskFull is ERROR_DISK_FULL.
const errorDiskFull = syscall.Errno(112)

func noRoom(err error) bool { return errors.Is(err, errorDiskFull) }

// inode is not known here.
func inode(os.FileInfo) uint64 { return 0 }

// errorSharingViolation is ERROR_SHARING_VIOLATION.
const errorSharingViolation = syscall.Errno(32)

// lock makes a file, if it is not there, and opens it so that nobody else can for as long
// as it is open.
func lock(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	const sharedWithNobody = 0
	handle, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, sharedWithNobody,
		nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case errors.Is(err, errorSharingViolation):
		return nil, fmt.Errorf("%w: stop the process that has it, or take another", ErrLocked)
	case err != nil:
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}
