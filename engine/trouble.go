package engine

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/vfs"
)

// job runs something off the turn. What panics in it stops the node, and not the process.
func (n *Node) job(lane Lane, do func()) {
	n.config.Storage.Do(lane, func() {
		defer func() {
			if p := recover(); p != nil {
				err := fmt.Errorf("%w: %w", ErrInvariant, panicked(p))
				_ = n.do(func() { n.fail(err) })
			}
		}()
		do()
	})
}

// diskTrouble stops the node if its disk has failed: what it holds can only be trusted
// when it is read again. That it is full will pass.
func (n *Node) diskTrouble(err error) {
	if err == nil || errors.Is(err, vfs.ErrFull) || errors.Is(err, ErrDiskFull) {
		return
	}
	_ = n.do(func() { n.fail(fmt.Errorf("%w: %w", ErrDisk, err)) })
}

// diskRoom takes note that the disk has no room, or has room again.
func (n *Node) diskRoom(err error) {
	full := err != nil
	if n.diskFull == full {
		return
	}
	n.diskFull = full
	n.published.change(func(s *Status) { s.DiskFull = full })
	if !full {
		n.log.Info("the disk has room again")
		n.solved(diskFull, "")
		return
	}
	n.log.Error("the disk is full", slog.Any("error", err))
	n.found(diskFull, "", n.failure("write", err, "make room: the node goes on by itself, and until then acknowledges nothing"))
}

// followDisk takes note of a write that does not come to its end, and of its end. Where there is
// no room, that is what it waits for.
func (n *Node) followDisk() {
	waits := n.diskTicks()
	hangs := waits >= uint64(n.config.Raft.ElectionTicksMin) && !n.diskFull
	known := n.problems.find(diskHangs, "") >= 0
	switch {
	case hangs:
		err := fmt.Errorf("%w: a write has not come to its end for %v", ErrDiskHangs, n.ticks(waits))
		if !known {
			n.complain(slog.LevelError, "the disk hangs", raft.None, err)
		}
		n.found(diskHangs, "", n.failure("write", err, "see to the disk: the node goes on when that does, and until then acknowledges nothing"))
	case known:
		n.log.Info("the disk does not hang any more")
		n.solved(diskHangs, "")
	}
}

// snapshotDamaged forgets a snapshot that cannot be read, and makes another: there may be no
// other, and the log may begin behind it. Where there is one before it, that and the log from
// there on are kept for this. One that could not be opened, or was removed as there
// are newer ones, is as good as ever.
func (n *Node) snapshotDamaged(info snapshot.Info, err error) {
	if !errors.Is(err, snapshot.ErrDamaged) {
		n.complain(slog.LevelWarn, "a snapshot could not be read", raft.None, err)
		return
	}
	n.complain(slog.LevelError, "a snapshot is damaged", raft.None, err)
	n.found(snapshotDamaged, "", n.failure("snapshot", errors.Join(ErrDamaged, err), "it is not used, and another one is made"))
	n.job(SnapshotLane, func() { _ = n.snapshots.Remove(info.Name) })
	n.checkpoint(n.applied) // behind the removal, as it may be of the same index
}
