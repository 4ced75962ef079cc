//go:build unix

package vfs

import (
	"errors"
	"os"
	"syscall"
)

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	d, err := os.Open(path) //nolint:gosec // the directory that the caller asks for
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// inode is the number of a file.
func inode(info os.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Ino
	}
	return 0
}
