package engine

import (
	"errors"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wal"
)

// applyBytes is how much of the log is read from the disk at a time to be applied.
const applyBytes = 1 << 20

// backlog is what is committed and cannot be applied yet, as something before it is on the
// disk and not in memory.
type backlog struct {
	parts []backlogPart
	// reading: the first part is being read; retryAt is when to try again what is damaged.
	reading bool
	retryAt uint64
}

// A backlogPart is either a range that is on the disk or a run in memory.
type backlogPart struct {
	stored raft.Range
	run    []raft.Entry
}

// applyCommitted applies what an update says is committed, or puts it behind what waits.
func (n *Node) applyCommitted(stored raft.Range, runs [][]raft.Entry) {
	b := &n.backlog
	if stored != (raft.Range{}) {
		b.parts = append(b.parts, backlogPart{stored: stored})
	}
	for _, run := range runs {
		if len(b.parts) > 0 {
			b.parts = append(b.parts, backlogPart{run: run})
			continue
		}
		n.applyRun(run)
	}
}

// applyRun applies entries, in order.
func (n *Node) applyRun(run []raft.Entry) {
	for i := range run {
		n.apply(&run[i])
	}
}

// pumpBacklog applies what can be applied, and begins to read what cannot. It reports
// whether something was applied.
func (n *Node) pumpBacklog() bool {
	b := &n.backlog
	before := n.applied
	for len(b.parts) > 0 && !b.reading && n.failed == nil {
		part := b.parts[0]
		if part.run == nil {
			if n.now >= b.retryAt {
				n.readBacklog(part.stored)
			}
			break
		}
		b.parts[0] = backlogPart{}
		b.parts = b.parts[1:]
		n.applyRun(part.run)
	}
	return n.applied > before
}

// readBacklog reads the beginning of a range, off the turn, and applies it in a later one.
func (n *Node) readBacklog(r raft.Range) {
	b := &n.backlog
	b.reading = true
	n.job(ReadLane, func() {
		run, err := n.home.log.Read(r.First, r.Last, applyBytes)
		_ = n.do(func() {
			if len(b.parts) == 0 || b.parts[0].stored != r || n.core.Status().Base.Index >= r.First {
				return // a snapshot has taken its place, or does so at the end of this turn
			}
			b.reading = false
			if err != nil {
				n.backlogUnread(err)
				return
			}
			n.applyRun(run)
			if last := run[len(run)-1].Index; last == r.Last {
				b.parts = b.parts[1:]
			} else {
				b.parts[0].stored.First = last + 1
			}
			n.step(raft.Applied{Index: n.applied})
			n.releaseReads()
		})
	})
}

// backlogUnread waits until what is damaged is mended.
func (n *Node) backlogUnread(err error) {
	n.backlog.retryAt = n.now + uint64(n.config.Raft.HeartbeatTicks)
	var damaged *wal.DamagedError
	if errors.As(err, &damaged) {
		n.mend(damaged.Position)
		return
	}
	n.fail(errors.Join(ErrDisk, err))
}

// load reads entries for a member that needs what is not in memory any more.
func (n *Node) load(l raft.Load) {
	n.job(ReadLane, func() {
		run, err := n.home.log.Read(l.First, l.Last, l.MaxBytes)
		_ = n.do(func() {
			var damaged *wal.DamagedError
			if errors.As(err, &damaged) {
				n.mend(damaged.Position)
			}
			n.step(raft.Loaded{Load: l, Entries: run, Err: err})
		})
	})
}
