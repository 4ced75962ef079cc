package engine

import (
	"errors"
	"fmt"

	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// promises are what the founder says must not be forgotten, and the log that a node begins with,
// on their way to the disk. Meanwhile the founder goes on hearing and counting ticks, and nothing
// that follows is said or done: all of it waits in the update that has the promise, and in later
// ones, which are not asked for before.
type promises struct {
	// writing: one is on its way, since the tick of that number.
	writing bool
	since   uint64
	// again, if not nil, tries it once more at the tick retryAt: there was no room.
	again   func()
	retryAt uint64
}

// promise makes something durable, off the turn, and then goes on in a later one. Where there is
// no room, it is tried again; whatever else fails stops the node.
func (n *Node) promise(write func() error, goOn func()) {
	p := &n.promises
	if !p.writing {
		p.writing, p.since = true, n.now
	}
	n.job(LogLane, func() {
		err := write()
		_ = n.do(func() {
			switch {
			case errors.Is(err, vfs.ErrFull):
				n.diskRoom(fmt.Errorf("%w: %w", ErrDiskFull, err))
				p.again, p.retryAt = func() { n.promise(write, goOn) }, n.now+uint64(n.config.Raft.HeartbeatTicks)
			case err != nil:
				n.fail(fmt.Errorf("%w: %w", ErrDisk, err))
			default:
				n.diskRoom(nil)
				p.writing = false
				goOn()
			}
		})
	})
}

// tickPromises tries again what there was no room for.
func (n *Node) tickPromises() {
	if p := &n.promises; p.again != nil && n.now >= p.retryAt {
		again := p.again
		p.again = nil
		again()
	}
}

// diskTicks is how long the disk has not got done with something that is waited for, in ticks.
func (n *Node) diskTicks() uint64 {
	ticks := uint64(0)
	if n.promises.writing {
		ticks = n.now - n.promises.since
	}
	if n.core != nil {
		ticks = max(ticks, n.core.DiskTicks())
	}
	return ticks
}

// promise makes durable what founding says. A log comes before the word that the node is a
// member, so that a member without a log is one that has lost it.
func (h *Home) promise(saved *founding.Saved, activated *founding.Charter) error {
	if activated != nil {
		if err := h.beginWith(*activated); err != nil {
			return err
		}
	}
	return h.saveFounding(saved)
}

// beginWith makes the log of a node that begins with a charter, unless it has one. After it
// found no room it may be called again.
func (h *Home) beginWith(c founding.Charter) error {
	if h.hasLog {
		return nil
	}
	saved, err := raft.Found(c.Voters)
	if err == nil && h.snapshots == nil {
		err = h.openSnapshots(c.Cluster)
	}
	if err == nil {
		err = h.begin(saved)
	}
	return err
}
