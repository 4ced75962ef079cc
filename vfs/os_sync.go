//go:build !linux

package vfs

import "os"

// syncData syncs a file, on Darwin down to the medium.
func syncData(f *os.File) error { return f.Sync() }
