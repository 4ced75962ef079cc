package engine

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/ben-ng/gaggle/raft"
)

const (
	// maxUnapplied and maxUnappliedBytes are how many values, and how much of them, may
	// wait for the state machine before the node takes no more of its users, nor, when it
	// leads, of other nodes: as much as one node may have under way. What is in the log
	// already is applied whatever there is of it, as a follower cannot choose.
	maxUnapplied      = maxOpenProposals
	maxUnappliedBytes = maxOpenProposalBytes
	// applierChunk is how many steps are taken at a time, and how often room is made for
	// further proposals: a lock for each would be a good part of applying a small value.
	applierChunk = 16
)

// applier brings the state machine to where the turn has got to, in its own time, so that
// a machine that is slow delays neither ticks nor acknowledgements. The turn hands it
// steps, in the order of the log:
//
//	turn ──▶ pending ──(at its end)──▶ queue ──▶ work ──▶ machine
//	                                               ├────▶ proposers, with results
//	                                               └────▶ reads that waited
type applier struct {
	node    *Node
	machine Machine
	// pending is what the present turn has come to. It is the turn's.
	pending []applierStep

	mu    sync.Mutex
	queue []applierStep
	// target is the index up to which the steps in the queue lead.
	target raft.Index
	// unapplied are the values in the queue and in hand.
	unapplied load
	// stopped is why nothing is applied any more; ended: nothing comes any more either.
	stopped error
	ended   bool
	wake    chan struct{}

	// halted says what stopped says, without a lock; full, that there is too much.
	halted, full atomic.Bool
	reached      atomic.Uint64
}

// An applierStep is a value to apply, with its proposal if that is this node's, or
// something to do between values.
type applierStep struct {
	item Item
	own  *Proposal
	// task, if not nil, stands in the place of a value. If it cannot be done any more it is
	// told why. Its error stops the node.
	task func(stopped error) error
}

func newApplier(n *Node, m Machine) *applier {
	return &applier{node: n, machine: m, wake: make(chan struct{}, 1)}
}

// Work applies everything that waits for the state machine. It belongs to whoever drives
// the node, as Turn does, and may run beside a turn; Start calls it in a goroutine.
func (n *Node) Work() {
	if n.applier != nil {
		n.applier.work()
	}
}

// keepApplying works whenever there is something to apply, until the node stops.
func (n *Node) keepApplying() {
	for range n.applier.wake {
		n.Work()
	}
}

// accept puts a value in its place: into the feed, and before the state machine.
func (n *Node) accept(item Item) {
	n.items = append(n.items, item)
	if a := n.applier; a != nil {
		a.pending = append(a.pending, applierStep{item: item})
	}
}

// succeed ends a proposal whose value was just accepted: at once, or, where there is a
// state machine, when that has applied it.
func (n *Node) succeed(p *Proposal, item Item) {
	if a := n.applier; a != nil {
		a.pending[len(a.pending)-1].own = p
		return
	}
	n.resolve(p, item, nil)
}

// serve ends reads that need what the turn has applied, when the state machine has it too.
// Handlers, which look at the feed, begin in the turn.
func (n *Node) serve(waiters []*readWaiter) {
	a := n.applier
	if a == nil || raft.Index(a.reached.Load()) >= n.applied {
		n.served = append(n.served, waiters...)
		return
	}
	var later []*readWaiter
	for _, w := range waiters {
		if w.begin != nil {
			n.served = append(n.served, w)
		} else {
			later = append(later, w)
		}
	}
	if len(later) > 0 {
		a.between(func(stopped error) error {
			n.inbox.settled(load{}, load{count: len(later)})
			if stopped != nil {
				stopped = n.failure("read", stopped, "")
			}
			for _, w := range later {
				w.end(stopped)
			}
			return nil
		})
	}
}

// between puts a task behind what the turn has come to.
func (a *applier) between(task func(stopped error) error) {
	a.pending = append(a.pending, applierStep{task: task})
}

// capture has the state captured as it is at an index, which the turn has just come to.
// done gets what writes it, or an error, and is called once, by the goroutine that applies.
func (a *applier) capture(index raft.Index, done func(write func(io.Writer) error, err error)) {
	a.between(func(stopped error) error {
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

// restore has the state replaced by the one at an index, which the turn has just come to.
// done is called once, by the goroutine that applies; after an error the node stops.
func (a *applier) restore(index raft.Index, open func() (io.ReadCloser, error), done func(error)) {
	a.between(func(stopped error) error {
		if stopped != nil {
			done(stopped)
			return nil
		}
		_, err := protect(func() error {
			r, err := open()
			if err != nil {
				return err
			}
			return errors.Join(a.machine.Restore(r), r.Close())
		})
		if err == nil {
			a.reached.Store(uint64(index))
		} else {
			err = fmt.Errorf("restoring its state at %d: %w", index, err)
		}
		done(err)
		return err
	})
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

// hand lets the steps of a turn be worked on.
func (a *applier) hand(applied raft.Index) {
	if len(a.pending) == 0 && applied <= a.target { // only turns change it
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.target = applied
	if a.stopped != nil {
		return // stop takes what is pending
	}
	for i := range a.pending {
		if s := &a.pending[i]; s.task == nil {
			a.unapplied.add(len(s.item.Value))
		}
	}
	a.queue = append(a.queue, a.pending...)
	clear(a.pending)
	a.pending = a.pending[:0]
	a.setFull()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// setFull follows how much waits: at the limit no more is taken, until half of it is gone.
// The lock is held, so that what is said last is what is so.
func (a *applier) setFull() {
	u, full := a.unapplied, a.full.Load()
	switch {
	case u.count >= maxUnapplied || u.bytes >= maxUnappliedBytes:
		full = true
	case u.count <= maxUnapplied/2 && u.bytes <= maxUnappliedBytes/2:
		full = false
	}
	if full != a.full.Load() {
		a.full.Store(full)
		a.node.inbox.setBehind(full)
	}
}

// work does what is queued.
func (a *applier) work() {
	var chunk [applierChunk]applierStep
	for {
		count := a.take(&chunk)
		if count == 0 {
			return
		}
		var done, settled load
		for i := range chunk[:count] {
			s := &chunk[i]
			if s.task == nil {
				done.add(len(s.item.Value))
			}
			if s.own != nil {
				settled.add(len(s.own.command))
			}
			a.do(s)
			*s = applierStep{}
		}
		a.took(done, settled)
	}
}

// take takes the next steps from the queue.
func (a *applier) take(chunk *[applierChunk]applierStep) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	count := copy(chunk[:], a.queue)
	clear(a.queue[:count])
	a.queue = a.queue[count:]
	if count == 0 {
		a.queue = nil // it would keep what was in it
		if a.stopped == nil {
			a.reached.Store(uint64(a.target))
		}
	}
	return count
}

// took makes room for as much as was taken and done.
func (a *applier) took(done, settled load) {
	if settled.count > 0 {
		a.node.inbox.settled(settled, load{})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unapplied.sub(done)
	a.setFull()
}

// do does one step, unless it is too late for it.
func (a *applier) do(s *applierStep) {
	if a.halted.Load() {
		a.abandon(s)
		return
	}
	if s.task != nil {
		if err := s.task(nil); err != nil {
			a.fail(err)
		}
		return
	}
	var result any
	_, err := protect(func() (err error) {
		result, err = a.machine.Apply(s.item.Index, s.item.Term, s.item.Value)
		return err
	})
	if err != nil {
		a.fail(fmt.Errorf("entry %d: %w", s.item.Index, err))
		a.abandon(s)
		return
	}
	a.reached.Store(uint64(s.item.Index))
	if p := s.own; p != nil {
		p.result, p.outcome = s.item, result
		p.ready <- struct{}{}
	}
}

// fail stops the node: its state machine cannot go on.
func (a *applier) fail(err error) {
	err = fmt.Errorf("%w: %w", ErrMachine, err)
	a.mu.Lock()
	if a.stopped == nil {
		a.stopped = a.node.failure("apply", err, "")
		a.halted.Store(true)
	}
	a.mu.Unlock()
	_ = a.node.do(func() { a.node.fail(err) }) // a node that is closed has stopped already
}

// abandon ends a step that is not done any more.
func (a *applier) abandon(s *applierStep) {
	a.mu.Lock()
	why := a.stopped
	a.mu.Unlock()
	if s.task != nil {
		_ = s.task(why)
		return
	}
	if p := s.own; p != nil {
		p.result, p.err = Item{}, a.node.failure("append", errors.Join(ErrUncertain, reason(why)),
			"the value is in the log, and this node has not applied it")
		p.ready <- struct{}{}
	}
}

// reason is what an error of this node says without what was attempted.
func reason(err error) error {
	if e, ok := err.(*Error); ok { //nolint:errorlint // made by failure
		return e.Err
	}
	return err
}

// stop has nothing more applied, and ends all who wait for it. What is being applied is
// not waited for.
func (a *applier) stop(err error) {
	a.mu.Lock()
	if a.stopped == nil {
		a.stopped = err
		a.halted.Store(true)
	}
	rest := slices.Concat(a.queue, a.pending)
	a.queue, a.pending = nil, nil
	if !a.ended {
		a.ended = true
		close(a.wake)
	}
	a.mu.Unlock()
	for i := range rest {
		a.abandon(&rest[i])
	}
}
