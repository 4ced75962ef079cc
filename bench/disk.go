package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// What Linux calls file systems that are in memory, in the type that statfs returns.
const (
	tmpfsMagic = 0x01021994
	ramfsMagic = 0x858458f6
)

// refuseMemory says so if a directory is in memory, where fsync does nothing.
func refuseMemory(dir string) error {
	var system syscall.Statfs_t
	if err := syscall.Statfs(dir, &system); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if kind := uint32(system.Type); kind == tmpfsMagic || kind == ramfsMagic {
		return fmt.Errorf("%s is in memory (tmpfs), where fsync costs nothing: say -dir with a directory on a disk", dir)
	}
	return nil
}

// contents is the sum of the files in dir and below, in bytes, each without the zeros at
// its end.
func contents(dir string) (int64, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = root.Close() }()
	var sum int64
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var size int64
			size, err = sizeWithoutZeros(root, name)
			sum += size
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a cluster at work may remove a file, or give it another name
		}
		return err
	})
	return sum, err
}

// chunk is how much of a file is looked at together: 64 KiB, many pages.
const chunk = 64 << 10

func sizeWithoutZeros(root *os.Root, name string) (int64, error) {
	file, err := root.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	buffer := make([]byte, chunk)
	for end := info.Size(); end > 0; {
		begin := max(0, end-chunk)
		part := buffer[:end-begin]
		if _, err := file.ReadAt(part, begin); err != nil {
			return 0, err
		}
		if kept := bytes.TrimRight(part, "\x00"); len(kept) > 0 {
			return begin + int64(len(kept)), nil
		}
		end = begin
	}
	return 0, nil
}

// writtenToDisk is how many bytes the process has had the kernel write to disks so far;
// 0 where the system does not tell, as only Linux does.
func writtenToDisk() int64 {
	io, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(io)) {
		var written int64
		if _, err := fmt.Sscanf(line, "write_bytes: %d", &written); err == nil {
			return written
		}
	}
	return 0
}
