package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// ownGroup keeps a process from what the terminal tells this one, and ends it when this one
// has ended, however that was.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// runInside runs this program where it may mount disks in memory, which nobody else sees and
// which go when it ends: in a namespace of its own. It reports false if that is not allowed.
func runInside(args []string) (code int, done bool) {
	program, err := os.Executable()
	if err != nil {
		return 0, false
	}
	cmd := exec.Command(program, append([]string{insideArgument}, args...)...) //nolint:gosec // it is this program
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if cmd.Start() != nil {
		return 0, false
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // it may have ended
		case err := <-ended:
			var exit *exec.ExitError
			if err != nil && (!errors.As(err, &exit) || exit.ExitCode() < 0) {
				return exitError, true
			}
			return cmd.ProcessState.ExitCode(), true
		}
	}
}

// A memoryDisk is a small file system in memory, which can be made full.
type memoryDisk struct{ dir string }

// memoryDiskBytes is how much there is room for: more than a long run writes.
const memoryDiskBytes = 8 << 30

func mountMemoryDisk(dir string) (*memoryDisk, error) {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return nil, os.NewSyscallError("mount", err)
	}
	d := &memoryDisk{dir}
	return d, d.mount(0, memoryDiskBytes)
}

func (d *memoryDisk) mount(flags uintptr, size int64) error {
	return os.NewSyscallError("mount", syscall.Mount("torture", d.dir, "tmpfs", flags, fmt.Sprintf("mode=700,size=%d", size)))
}

// fill leaves no room for another byte.
func (d *memoryDisk) fill() error {
	for {
		var s syscall.Statfs_t
		if err := syscall.Statfs(d.dir, &s); err != nil {
			return os.NewSyscallError("statfs", err)
		}
		if s.Bfree == 0 {
			return nil
		}
		err := d.mount(syscall.MS_REMOUNT, int64(s.Blocks-s.Bfree)*s.Bsize)
		if err != nil && !errors.Is(err, syscall.EINVAL) { // which is that more has been written meanwhile
			return err
		}
	}
}

// free makes the room that there was.
func (d *memoryDisk) free() error { return d.mount(syscall.MS_REMOUNT, memoryDiskBytes) }

// close takes it away.
func (d *memoryDisk) close() error {
	return os.NewSyscallError("umount", syscall.Unmount(d.dir, syscall.MNT_DETACH))
}
