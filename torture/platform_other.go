//go:build unix && !linux

package main

import (
	"errors"
	"syscall"
)

// ownGroup keeps a process from what the terminal tells this one.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// runInside reports that nothing can be mounted here.
func runInside([]string) (code int, done bool) { return 0, false }

// A memoryDisk is what there is on Linux only.
type memoryDisk struct{ dir string }

func mountMemoryDisk(string) (*memoryDisk, error) { return nil, errors.ErrUnsupported }
func (d *memoryDisk) fill() error                 { return errors.ErrUnsupported }
func (d *memoryDisk) free() error                 { return errors.ErrUnsupported }
func (d *memoryDisk) close() error                { return errors.ErrUnsupported }
