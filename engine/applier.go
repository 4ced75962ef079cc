package engine

import (
	"context"
	"errors"
	"fmt"
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
	// applierChunk is how many values are taken at a time, and how often room is made for
	// further proposals: a lock for each would be a good part of applying a small value.
	applierChunk = 16
)

// applier brings the state machine to where the turn has got to, in its own time, so that
// a machine that is slow delays neither ticks nor acknowledgements. It holds no values: it
// knows up to where they are to be applied, and takes them from the feed, a page at a time,
// which has them in memory or reads them back from the disk. What is held beside is bounded
// by what this node's users may have under way:
//
//	turn ──▶ feed ────────────────────▶ work ──▶ machine
//	  └────▶ target, proposals, tasks ──▶ │
//	                                      ├────▶ proposers, with results
//	                                      └────▶ reads that waited
type applier struct {
	node    *Node
	machine Machine
	// pending is what the present turn has come to. It is the turn's.
	pending agenda
	// items are values from the feed that come next. They belong to whoever works.
	items []Item
	// hand are the proposals whose values are being applied, and are that one's, too.
	hand []ownValue

	mu sync.Mutex
	agenda
	// target is the index up to which values are to be applied.
	target raft.Index
	// restores counts them, as each begins anew to count what is unapplied.
	restores int
	// stopped is why nothing is applied any more; ended: nothing comes any more either.
	stopped error
	ended   bool
	wake    chan struct{}

	// halted says what stopped says, without a lock; full, that there is too much; stalled,
	// that what comes next is damaged on the disk, and worth another look in a while.
	halted, full, stalled atomic.Bool
	// reached is up to where the machine has applied the log. Who works changes it.
	reached atomic.Uint64
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

// rouse has somebody work. The lock is held.
func (a *applier) rouse() {
	if a.ended {
		return
	}
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// tickApplier lets the applier look again at what was damaged.
func (n *Node) tickApplier() {
	if a := n.applier; a != nil && a.stalled.Swap(false) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.rouse()
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

// work does what there is to do.
func (a *applier) work() {
	for again := true; again; {
		switch restore, task, until := a.next(); {
		case restore != nil:
			again = a.done(a.restoreNow(restore))
		case task.do != nil:
			again = a.done(task.do(nil))
		case until > raft.Index(a.reached.Load()):
			again = a.applyUpTo(until)
		default:
			again = false
		}
	}
}

// next takes what comes next from the agenda, or says up to where values are to be applied.
func (a *applier) next() (restore *restoreTask, task applierTask, until raft.Index) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := raft.Index(a.reached.Load())
	if a.stopped != nil {
		return nil, applierTask{}, at
	}
	if restore = a.restore; restore != nil {
		a.restore = nil
		return restore, applierTask{}, at
	}
	a.endOvertaken(at)
	until = a.target
	if len(a.tasks) == 0 {
		a.tasks = nil // it would keep what was in it
		return nil, applierTask{}, until
	}
	if first := a.tasks[0]; first.at <= at {
		a.tasks[0] = applierTask{}
		a.tasks = a.tasks[1:]
		return nil, first, at
	}
	return nil, applierTask{}, min(until, a.tasks[0].at)
}

// endOvertaken ends proposals whose values are in a snapshot that was restored: they were
// applied, but what the machine made of them is not known here. The lock is held.
func (a *applier) endOvertaken(at raft.Index) {
	for len(a.own) > 0 && a.own[0].at <= at {
		p := a.own[0].proposal
		a.own[0] = ownValue{}
		a.own = a.own[1:]
		a.node.inbox.settled(load{1, len(p.command)}, load{})
		p.result, p.err = Item{}, a.node.failure("append", ErrUncertain, inSnapshotHint)
		p.ready <- struct{}{}
	}
	if len(a.own) == 0 {
		a.own = nil
	}
}

// applyUpTo applies the next values up to an index, and reports whether it makes sense to go
// on at once.
func (a *applier) applyUpTo(until raft.Index) bool {
	if len(a.items) == 0 {
		if a.stalled.Load() {
			return false
		}
		// It does not wait: what is looked for is in the feed, or below what is.
		items, err := a.node.feed.Next(context.Background(), raft.Index(a.reached.Load())+1, until)
		if err != nil {
			a.unread(err)
			return false
		}
		if len(items) == 0 {
			a.reached.Store(uint64(until))
			return true
		}
		a.items = items
	}
	chunk := a.items[:min(applierChunk, len(a.items))]
	if a.items = a.items[len(chunk):]; len(a.items) == 0 {
		a.items = nil // its page may be let go of
	}
	restores := a.takeOwn(chunk[len(chunk)-1].Index)
	var done, settled load
	own := a.hand
	for i := range chunk {
		var p *Proposal
		if len(own) > 0 && own[0].at == chunk[i].Index {
			p, own = own[0].proposal, own[1:]
			settled.add(len(p.command))
		}
		done.add(len(chunk[i].Value))
		a.apply(&chunk[i], p)
	}
	clear(a.hand)
	a.hand = a.hand[:0]
	a.took(done, settled, restores)
	return true
}

// unread deals with values that could not be read back.
func (a *applier) unread(err error) {
	switch {
	case errors.Is(err, ErrCompacted):
		// The turn that is under way brings the snapshot that takes their place.
	case errors.Is(err, ErrDamaged):
		a.stalled.Store(true) // the feed has asked the other nodes for it
	default:
		a.node.diskTrouble(err)
	}
}

// takeOwn takes the proposals of the values up to an index in hand.
func (a *applier) takeOwn(upTo raft.Index) (restores int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	count := 0
	for count < len(a.own) && a.own[count].at <= upTo {
		count++
	}
	a.hand = append(a.hand[:0], a.own[:count]...)
	clear(a.own[:count])
	a.own = a.own[count:]
	return a.restores
}

// took makes room for as much as was taken and applied.
func (a *applier) took(done, settled load, restores int) {
	if settled.count > 0 {
		a.node.inbox.settled(settled, load{})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.restores == restores {
		a.unapplied.sub(done)
		a.setFull()
	}
}

// apply applies a value, unless it is too late for it, and ends its proposal if it is this
// node's.
func (a *applier) apply(item *Item, p *Proposal) {
	if a.halted.Load() {
		a.abandon(p)
		return
	}
	var result any
	_, err := protect(func() (err error) {
		result, err = a.machine.Apply(item.Index, item.Term, item.Value)
		return err
	})
	if err != nil {
		a.fail(fmt.Errorf("entry %d: %w", item.Index, err))
		a.abandon(p)
		return
	}
	a.reached.Store(uint64(item.Index))
	if p != nil {
		p.result, p.outcome = *item, result
		p.ready <- struct{}{}
	}
}

// done stops the node after an error, and reports whether there was none.
func (a *applier) done(err error) bool {
	if err != nil {
		a.fail(err)
	}
	return err == nil
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

// abandon ends a proposal whose value is not applied any more.
func (a *applier) abandon(p *Proposal) {
	if p == nil {
		return
	}
	a.mu.Lock()
	why := a.stopped
	a.mu.Unlock()
	p.result, p.err = Item{}, a.node.failure("append", errors.Join(ErrUncertain, reason(why)),
		"the value is in the log, and this node has not applied it")
	p.ready <- struct{}{}
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
	own, tasks, why := slices.Concat(a.own, a.pending.own), slices.Concat(a.tasks, a.pending.tasks), a.stopped
	a.agenda, a.pending = agenda{}, agenda{}
	if !a.ended {
		a.ended = true
		close(a.wake)
	}
	a.mu.Unlock()
	for _, o := range own {
		a.abandon(o.proposal)
	}
	for _, t := range tasks {
		_ = t.do(why)
	}
}
