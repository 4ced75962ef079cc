package vfs

import (
	"errors"
	"io"
	"io/fs"
)

// asideSuffix ends the name under which WriteFile writes before it renames.
const asideSuffix = ".tmp"

// WriteFile makes a file hold these bytes, durably and as one step: after a crash it holds
// them, or what it held before. It is for small files.
func WriteFile(dir Dir, name string, data []byte) error {
	aside := name + asideSuffix
	if err := dir.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := dir.Create(aside)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := dir.Rename(aside, name); err != nil {
		return err
	}
	return dir.Sync()
}

// ReadFile reads a whole file, which is to be a small one.
func ReadFile(dir Dir, name string) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	if n, err := f.ReadAt(b, 0); n < len(b) {
		return nil, errors.Join(err, io.ErrUnexpectedEOF)
	}
	return b, nil
}
