package vfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// What may be done by whom with a directory and the files in it: the owner alone.
const (
	dirMode  = 0o700
	fileMode = 0o600
)

// osDir is a directory of the operating system.
type osDir struct{ path string }

// OS is a directory of the operating system's file system. It is made, durably, if it is not
// there; its parent has to be.
func OS(path string) (Dir, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(abs, dirMode); err != nil && !os.IsExist(err) {
		return nil, explained(err)
	}
	// Also if it was there: a process that made it may have died before it came to this.
	if err := syncDir(filepath.Dir(abs)); err != nil {
		return nil, err
	}
	if info, err := os.Stat(abs); err != nil {
		return nil, err
	} else if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a directory", abs)
	}
	return &osDir{abs}, nil
}

func (d *osDir) name(name string) string { return filepath.Join(d.path, name) }

func (d *osDir) Create(name string) (File, error) {
	return d.open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (d *osDir) Open(name string) (File, error) { return d.open(name, os.O_RDWR) }

func (d *osDir) open(name string, flags int) (File, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.name(name), flags, fileMode)
	if err != nil {
		return nil, explained(err)
	}
	return &osFile{f}, nil
}

func (d *osDir) Rename(from, to string) error {
	if err := errors.Join(checkName(from), checkName(to)); err != nil {
		return err
	}
	return explained(os.Rename(d.name(from), d.name(to)))
}

func (d *osDir) Remove(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return explained(os.Remove(d.name(name)))
}

func (d *osDir) List() ([]string, error) {
	entries, err := os.ReadDir(d.path) // sorted
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() && e.Name() != lockFile {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (d *osDir) Sync() error { return explained(syncDir(d.path)) }

func (d *osDir) Lock() (io.Closer, error) {
	f, err := lock(d.name(lockFile))
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", d.path, explained(err))
	}
	return f, nil // closing it ends the lock, as does the end of the process
}

func (d *osDir) Free() (int64, error) { return free(d.path) }

func (d *osDir) Inode(name string) (uint64, error) {
	if err := checkName(name); err != nil {
		return 0, err
	}
	info, err := os.Stat(d.name(name))
	if err != nil {
		return 0, err
	}
	return inode(info), nil
}

func (d *osDir) Path() string { return d.path }

// osFile is an open file of the operating system.
type osFile struct{ *os.File }

func (f *osFile) WriteAt(b []byte, offset int64) (int, error) {
	n, err := f.File.WriteAt(b, offset)
	return n, explained(err)
}

func (f *osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f *osFile) Truncate(size int64) error { return explained(f.File.Truncate(size)) }

func (f *osFile) Sync() error { return explained(syncData(f.File)) }

// explained makes an ErrFull of what the system says of a disk without room.
func explained(err error) error {
	if err != nil && noRoom(err) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
