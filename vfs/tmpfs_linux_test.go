package vfs

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

func TestARealDiskWithoutRoomIsFull(t *testing.T) {
	mount := t.TempDir()
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mounting is not allowed: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(mount, 0) })
	dir, err := OS(filepath.Join(mount, "node"))
	must(t, err)
	f, err := dir.Create("f")
	must(t, err)
	_, err = f.WriteAt(make([]byte, 1<<20), 0)
	if !errors.Is(err, ErrFull) {
		t.Errorf("a file of 1 MiB has room in 64 KiB: %v", err)
	}
	if free, err := dir.Free(); err != nil || free != 0 {
		t.Errorf("%d bytes are free: %v", free, err)
	}
	must(t, f.Close())
}
