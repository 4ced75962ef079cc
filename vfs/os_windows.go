package vfs

import (
	"errors"
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

// lock does nothing: that two processes use a directory is not noticed here.
func lock(*os.File) error { return nil }
