package engine

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/vfs"
)

// defaultCheckpointBytes is how much log is applied between two checkpoints, at least: what
// a node that restarts has to apply again.
const defaultCheckpointBytes = 64 << 20

// checkpoints sees to it that all nodes take a snapshot of their state at the same
// indexes. The leader appends a checkpoint when the log has grown by enough since the
// last, and by as much as the snapshot is large, so that writing snapshots costs no more
// than writing the log. As all are at one index, their states can be compared.
type checkpoints struct {
	// bytes is the size of what was applied since the last checkpoint.
	bytes int
	// proposedIn is the term in which this leader has appended the next one; 0 if it has not.
	proposedIn raft.Term
	// taking: a snapshot is being written.
	taking bool
	// latest is the newest snapshot there is, previous the one before it, up to which the
	// log may go: if the latest is damaged, the node can begin from that.
	latest, previous raft.Index
	latestSize       int64
}

// pumpCheckpoint appends a checkpoint when one is due.
func (n *Node) pumpCheckpoint() {
	c := &n.checkpoints
	if c.bytes < n.config.CheckpointBytes || int64(c.bytes) < c.latestSize || !n.core.LeadsSettled() {
		return
	}
	if _, term, _ := n.core.Leadership(); c.proposedIn != term {
		if n.core.Step(raft.Propose{Entries: []raft.Entry{{Data: []byte{byte(commandCheckpoint)}}}}) == nil {
			c.proposedIn = term
		}
	}
}

// checkpoint begins a snapshot of the state at an index, which was just applied.
func (n *Node) checkpoint(index raft.Index) {
	c := &n.checkpoints
	c.bytes, c.proposedIn = 0, 0
	if c.taking || !n.needsSnapshots() {
		return
	}
	meta, err := n.core.SnapshotAt(index)
	if err != nil {
		n.fail(errors.Join(raft.ErrInvariant, err))
		return
	}
	c.taking = true
	head := snapshotHead{sessions: n.sessions.clone(), skipped: n.skippedSoFar()}
	if n.applier == nil {
		n.saveSnapshot(meta, head, func(io.Writer) error { return nil })
		return
	}
	n.applier.capture(index, func(write func(io.Writer) error, err error) {
		if err != nil {
			_ = n.do(func() { n.snapshotSaved(snapshot.Info{}, 0, err) })
			return
		}
		n.saveSnapshot(meta, head, func(w io.Writer) error {
			broken, err := protect(func() error { return write(w) })
			if broken { // what it left behind is not known
				n.applier.fail(fmt.Errorf("writing its snapshot at %d: %w", index, err))
			}
			return err
		})
	})
}

// demandCheckpoint makes a checkpoint due: a member may need a snapshot, and there is none that
// could be sent.
func (n *Node) demandCheckpoint() {
	if c := &n.checkpoints; !c.taking {
		c.bytes = max(c.bytes, n.config.CheckpointBytes, int(c.latestSize))
	}
}

// needsSnapshots reports whether snapshots are of use: not where the whole log is the
// state, and stays, and is in memory anyway.
func (n *Node) needsSnapshots() bool {
	return n.home != nil || n.applier != nil || n.config.Retain > 0
}

// saveSnapshot writes a snapshot in its own time, but not before the log is durable as far. A
// snapshot beyond the end of the log takes the log's place when the node comes back from a
// crash, and what was to be retained would be gone.
func (n *Node) saveSnapshot(meta raft.SnapshotMeta, head snapshotHead, state func(io.Writer) error) {
	_ = n.do(func() {
		n.awaiting = &awaitedLog{meta.Last.Index, func() {
			n.job(SnapshotLane, func() {
				info, sum, err := writeSnapshot(n.snapshots, meta, head, state)
				_ = n.do(func() { n.snapshotSaved(info, sum, err) })
			})
		}}
		n.goOnWhenDurable()
	})
}

// awaitedLog is what waits for the log to be durable up to an index.
type awaitedLog struct {
	index raft.Index
	goOn  func()
}

// goOnWhenDurable goes on with what waited for the log, if it is durable as far, and the term is,
// too: a node that came back with a snapshot from a term that it has forgotten would know more to
// be committed than a leader of its term may, and take what that one says for a contradiction.
func (n *Node) goOnWhenDurable() {
	if a := n.awaiting; a != nil && n.core != nil && (n.home == nil || n.core.Status().Durable >= a.index && n.core.TermDurable()) {
		n.awaiting = nil
		a.goOn()
	}
}

// snapshotSaved lets go of what the new snapshot makes dispensable.
func (n *Node) snapshotSaved(info snapshot.Info, sum uint64, err error) {
	c := &n.checkpoints
	c.taking = false
	if errors.Is(err, snapshot.ErrObsolete) {
		return // another node's has come meanwhile, and is newer
	}
	if n.failed != nil {
		return // what it stops for says more
	}
	if err != nil {
		n.snapshotFailed(err)
		return
	}
	n.snapshotMade()
	index := info.Meta.Last.Index
	if index <= c.latest {
		return // another node's took its place
	}
	c.previous, c.latest, c.latestSize = n.fallback(index), index, info.Size
	n.compareState(index, sum)
	n.compact()
}

// fallback is the oldest snapshot that is left beside the one at an index; 0 if none is. The
// log has to go on from there. It is not always the one taken before: that may have been
// damaged.
func (n *Node) fallback(latest raft.Index) raft.Index {
	list := n.snapshots.List()
	if len(list) < 2 {
		return 0
	}
	return min(list[len(list)-1].Meta.Last.Index, latest)
}

// snapshotFailed makes it known that a snapshot could not be written. The log stays as
// long as it is, and the next checkpoint brings the next attempt.
func (n *Node) snapshotFailed(err error) {
	n.complain(slog.LevelError, "a snapshot could not be written", raft.None, err)
	kind := snapshotRefused
	switch {
	case errors.Is(err, ErrMachine): // nothing of the disk's
		kind, err = snapshotUnmade, n.failure("snapshot", err, "the log is kept until one can be written, and the next checkpoint tries again: mend what makes snapshots of the state")
	case errors.Is(err, vfs.ErrFull):
		kind, err = snapshotNoRoom, n.failure("snapshot", errors.Join(ErrDiskFull, err), snapshotHint)
	default:
		err = n.failure("snapshot", errors.Join(ErrDisk, err), snapshotHint)
	}
	n.found(kind, "", err)
	for _, before := range []problemKind{snapshotRefused, snapshotNoRoom, snapshotUnmade} {
		if before != kind {
			n.solved(before, "")
		}
	}
}

// snapshotMade ends what was amiss with snapshots: there is one that is whole, and new.
func (n *Node) snapshotMade() {
	for _, kind := range []problemKind{snapshotDamaged, snapshotRefused, snapshotNoRoom, snapshotUnmade} {
		n.solved(kind, "")
	}
}

// snapshotHint says what to do about a disk that took no snapshot.
const snapshotHint = "the log is kept until one can be; see to the disk"

// compact tells the core of the latest snapshot, and removes from the log what nobody
// needs any more: with a state machine what the snapshot before has, and of a plain log
// what it was not told to retain.
func (n *Node) compact() {
	c := &n.checkpoints
	base := n.core.Status().Base.Index
	to := c.previous
	if n.applier == nil {
		to = min(to, n.applied-min(n.applied, n.config.Retain))
		if n.config.Retain == 0 {
			to = 0
		}
	}
	to = max(min(to, n.backups.pinned()), base)
	if c.latest < base || c.latest > n.applied {
		return
	}
	n.step(raft.SnapshotTaken{Index: c.latest, CompactTo: to})
	if to > base {
		n.feed.compacted(to + 1)
		if n.home != nil {
			n.job(LogLane, func() { n.diskTrouble(n.home.log.Compact(to)) })
		}
	}
}
