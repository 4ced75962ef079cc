package snapshot

import (
	"errors"
	"fmt"

	"github.com/ben-ng/gaggle/vfs"
)

// syncEvery is how much is written, in bytes, before it is synced. The sync of a log on the
// same disk waits behind no more than this; one sync of all at the end could hold it up
// for seconds.
const syncEvery = 8 << 20

// An aside is a file that is written under a name that says that it is not whole. Its first
// failure is its last: nothing written before a sync that failed can be relied on.
type aside struct {
	dir      vfs.Dir
	name     string
	file     vfs.File // nil when it has been renamed, closed or discarded
	size     int64
	removed  bool
	unsynced int64
}

// createAside makes a file, in place of what an earlier process left under its name.
func createAside(dir vfs.Dir, name string) (*aside, error) {
	if err := removeIfThere(dir, name); err != nil {
		return nil, err
	}
	file, err := dir.Create(name)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	return &aside{dir: dir, name: name, file: file}, nil
}

// write appends. If it fails, the file is gone.
func (a *aside) write(b []byte) error {
	if a.file == nil {
		return ErrClosed
	}
	_, err := a.file.WriteAt(b, a.size)
	if err != nil {
		return a.fail(err)
	}
	a.size += int64(len(b))
	a.unsynced += int64(len(b))
	if a.unsynced < syncEvery {
		return nil
	}
	a.unsynced = 0
	if err := a.file.Sync(); err != nil {
		return a.fail(err)
	}
	return nil
}

// become makes the file durable, and after that its name. If it fails, the file is gone.
func (a *aside) become(name string) error {
	if a.file == nil {
		return ErrClosed
	}
	if err := a.file.Sync(); err != nil {
		return a.fail(err)
	}
	err := a.close()
	if err == nil {
		err = a.dir.Rename(a.name, name)
	}
	if err != nil {
		return a.fail(err)
	}
	a.name = name
	if err := a.dir.Sync(); err != nil {
		return a.fail(err)
	}
	return nil
}

// fail discards the file for a reason.
func (a *aside) fail(reason error) error {
	return fmt.Errorf("snapshot: %s is given up: %w", a.name, errors.Join(reason, a.discard()))
}

// discard closes and removes the file, under the name that it has now.
func (a *aside) discard() error {
	_ = a.close() // nothing of it is needed
	if a.removed {
		return nil // what has the name now is another's
	}
	err := removeIfThere(a.dir, a.name)
	a.removed = err == nil
	return err
}

func (a *aside) close() error {
	if a.file == nil {
		return nil
	}
	err := a.file.Close()
	a.file = nil
	return err
}
