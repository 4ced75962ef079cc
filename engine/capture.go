package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
)

// between has something done when the state machine has applied everything up to an index, to
// which the turn has just come.
func (a *applier) between(at raft.Index, do func(stopped error) error) {
	a.pending.tasks = append(a.pending.tasks, applierTask{at, do})
}

// capture has the state captured as it is at an index, which the turn has just come to.
// done gets what writes it, or an error, and is called once, by the goroutine that applies.
func (a *applier) capture(index raft.Index, done func(write func(io.Writer) error, err error)) {
	a.between(index, func(stopped error) error {
		if stopped == nil && raft.Index(a.reached.Load()) > index {
			stopped = snapshot.ErrObsolete // another node's was restored instead
		}
		if stopped != nil {
			done(nil, stopped)
			return nil
		}
		var write func(io.Writer) error
		broken, err := protect(func() (err error) {
			write, err = a.machine.Snapshot()
			return err
		})
		if err != nil {
			err = fmt.Errorf("its snapshot at %d: %w", index, err)
			done(nil, fmt.Errorf("%w: %w", ErrMachine, err))
		} else {
			done(write, nil)
		}
		if broken { // what it left behind is not known
			return err
		}
		return nil
	})
}

// A restoreTask is a snapshot that takes the place of the state, and of all values up to it
// that are not applied.
type restoreTask struct {
	at raft.Index
	// open opens it, or a newer one, and says at which index that is.
	open func() (raft.Index, io.ReadCloser, error)
}

// restoreFrom has the state replaced by the one at an index, which the turn has just come to.
// After an error the node stops. If another follows before this one has begun, only that is
// restored.
func (a *applier) restoreFrom(at raft.Index, open func() (raft.Index, io.ReadCloser, error)) {
	a.pending.restore, a.pending.unapplied = &restoreTask{at, open}, load{}
}

// restoreNow replaces the state.
func (a *applier) restoreNow(r *restoreTask) error {
	if raft.Index(a.reached.Load()) >= r.at {
		return nil // a newer one was there already when the one before was restored
	}
	a.items = nil
	at := r.at
	_, err := protect(func() error {
		index, state, err := r.open()
		if err != nil {
			return err
		}
		at = index
		return errors.Join(a.machine.Restore(state), state.Close())
	})
	if err != nil {
		return fmt.Errorf("restoring its state at %d: %w", at, err)
	}
	a.reached.Store(uint64(at))
	return nil
}

// restoreMachine has the state machine begin from a snapshot. If it cannot, the node stops.
func (n *Node) restoreMachine(info snapshot.Info) {
	n.applier.restoreFrom(info.Meta.Last.Index, func() (raft.Index, io.ReadCloser, error) {
		info, state, err := n.openSnapshotOrNewer(info)
		if err != nil {
			return 0, nil, fmt.Errorf("%w: %w", ErrDisk, err)
		}
		return info.Meta.Last.Index, state, nil
	})
}

// openSnapshotOrNewer opens a snapshot for the state machine. If that comes to it so late that
// it was removed, as there are newer ones, it is the newest: what is in that is committed as
// well, and the values up to it, which the turn may not have come to yet, are left out.
func (n *Node) openSnapshotOrNewer(info snapshot.Info) (snapshot.Info, io.ReadCloser, error) {
	for {
		_, state, err := openSnapshot(n.snapshots, info)
		if !errors.Is(err, fs.ErrNotExist) {
			return info, state, err
		}
		latest, ok := n.snapshots.Latest()
		if !ok || latest.Meta.Last.Index <= info.Meta.Last.Index {
			return info, nil, err
		}
		info = latest
	}
}

// protect makes an error of a panic, and says that it was one.
func protect(do func() error) (broken bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			broken, err = true, panicked(p)
		}
	}()
	return false, do()
}
