// Package vfs is what a log needs of a file system, as an interface: one flat directory
// of files. OS is the real one. Disk is one in memory that can lose power, tear writes,
// rot, fill up and fail, for tests and simulators.
//
// # What is durable
//
// The contract is that of POSIX at its weakest. A write is durable when a Sync of its file
// that began after it has returned nil; until then a crash may keep any part of it, in units
// of a sector, whatever the order of the writes. Creating, renaming or removing a file is
// durable when a Sync of the directory that began after it has returned nil; until then a
// crash may undo it, alone or with others. A file that a crash keeps has the contents that
// its own Syncs made durable, so a file that is to be found whole is synced first, and its
// name after that.
//
// A Sync that fails says that what was written since the last one may be lost, and will
// never be written: the operating system may have dropped it. To call Sync again proves
// nothing, even if that returns nil (Rebello et al., "Can Applications Recover from fsync
// Failures?", ATC 2020).
package vfs

import (
	"errors"
	"io"
)

// SectorSize is the unit, in bytes, that a disk writes whole or not at all.
const SectorSize = 512

// ErrFull is what a failure wraps if the disk, or a quota on it, has no room.
var ErrFull = errors.New("the disk is full")

// ErrLocked is what Lock wraps if another process, or another user in this one, holds the lock.
var ErrLocked = errors.New("the directory is in use")

// A Dir is one directory of files, without directories in it. A name that is empty, "." or
// "..", that has a slash, a backslash or a zero byte in it, or that is "lock", which is the
// directory's own, is refused with an error that satisfies errors.Is with fs.ErrInvalid. It
// is safe for concurrent use. Errors of files that are there or are not satisfy errors.Is with
// fs.ErrExist and fs.ErrNotExist, those of a disk without room with ErrFull.
type Dir interface {
	// Create makes a file that is not there yet, empty, to be read and written.
	Create(name string) (File, error)
	// Open opens a file that is there, to be read and written.
	Open(name string) (File, error)
	// Rename gives a file another name, in place of the file that had it, if one had.
	Rename(from, to string) error
	// Remove removes a file. Who has it open may go on using it.
	Remove(name string) error
	// List is the names of all files, sorted.
	List() ([]string, error)
	// Sync makes what was created, renamed and removed durable, and not what is in files.
	Sync() error
	// Lock makes the caller the only user of the directory, until the result is closed or
	// the process ends. It does not wait.
	Lock() (io.Closer, error)
	// Free is how many bytes may still be written.
	Free() (int64, error)
	// Inode is a number that a file keeps as long as it lives and that its copy does not
	// have; 0 where there is none. It is how a copied directory is told from a moved one.
	Inode(name string) (uint64, error)
	// Path says where the directory is, for people.
	Path() string
}

// A File is an open file. ReadAt and WriteAt are safe for concurrent use where they do not
// overlap.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Size is how long the file is, in bytes.
	Size() (int64, error)
	// Truncate makes the file that long: it cuts it, or adds zeros.
	Truncate(size int64) error
	// Sync makes what was written durable, with what of the file's size is needed to read it.
	Sync() error
}
