package engine

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// fullRetry is how long a full disk is left alone before the next attempt: short against
// the patience of a person, long against what an attempt costs.
const fullRetry = 200 * time.Millisecond

// slowSegment is for how long a segment has to last for the next one to be filled with zeros
// ahead of use, which makes small writes to it quicker.
const slowSegment = 2 * time.Second

// disk is the storage of a node with a home. Whatever waits when the log is free becomes
// one batch of it, with one sync.
type disk struct {
	lanesRun
	home *Home

	mu     sync.Mutex
	writes []*raft.Write
	done   func(number uint64, err error)
	// writing: a flush waits in its lane, runs, or will be tried again.
	writing bool
	// making: a segment is being made ahead. madeAt is when the last one was.
	making bool
	madeAt time.Time
	retry  *time.Timer
}

func newDisk(home *Home) *disk { return &disk{home: home} }

// Write is Storage.Write.
func (d *disk) Write(w *raft.Write, done func(uint64, error)) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes, d.done = append(d.writes, w), done
	if !d.writing {
		d.writing = true
		d.Do(LogLane, d.flush)
	}
	return false
}

// flush writes everything that waits.
func (d *disk) flush() {
	d.mu.Lock()
	writes, done := d.writes, d.done
	d.writes = nil
	d.mu.Unlock()
	// A panic must not end the process. Nothing is written after it, as after any such failure.
	_, err := protect(func() error { return d.home.Append(writes) })
	switch {
	case err == nil:
		done(writes[len(writes)-1].Number, nil)
		d.makeRoom()
	case errors.Is(err, vfs.ErrFull):
		done(0, fmt.Errorf("%w: %w", ErrDiskFull, err))
	default:
		done(0, fmt.Errorf("%w: %w", ErrDisk, err))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil && len(d.writes) == 0:
		d.writing = false
	case err == nil:
		d.Do(LogLane, d.flush)
	case errors.Is(err, vfs.ErrFull):
		d.writes = append(writes, d.writes...)
		d.retry = time.AfterFunc(fullRetry, func() { d.Do(LogLane, d.flush) })
	}
}

// makeRoom has the next segment made while nobody waits for it.
func (d *disk) makeRoom() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.making || !d.home.log.NeedsSpare() {
		return
	}
	d.making = true
	// Under a heavy load zeros would cost as much as the log itself, and its writes are so
	// large that it does not matter to them.
	allocate := time.Since(d.madeAt) >= slowSegment
	d.Do(IdleLane, func() {
		// The log remembers a failure, and the next write says so.
		_ = d.home.log.Prepare(allocate)
		d.mu.Lock()
		defer d.mu.Unlock()
		d.making, d.madeAt = false, time.Now()
	})
}

// Close is Storage.Close.
func (d *disk) Close() error {
	d.mu.Lock()
	if d.retry != nil {
		d.retry.Stop()
	}
	d.mu.Unlock()
	return d.lanesRun.Close()
}
