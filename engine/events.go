package engine

import (
	"context"
	"sync"

	"github.com/ben-ng/gaggle/raft"
)

// An Event is something that a watcher of a node is told: one of LeaderElected,
// RoleChanged, Committed, MembersChanged, MemberReplaced, StateChanged, ProblemFound, ProblemSolved, Missed.
type Event interface{ event() }

// LeaderElected says that the node has learned who leads a term.
type LeaderElected struct {
	// Leader may be the node itself.
	Leader raft.NodeID
	Term   raft.Term
}

// RoleChanged says that the node's own role changed.
type RoleChanged struct {
	Role raft.Role
	// Term is the node's at the end of the turn in which the role changed: a role that came
	// and went within one turn is not told.
	Term raft.Term
}

// Committed says that the node has applied the committed log up to Index.
type Committed struct {
	// Index may be that of an entry of the cluster's own, which the feed does not show.
	Index raft.Index
}

// MembersChanged says that another configuration took effect on the node.
type MembersChanged struct {
	// Configuration need not be committed, and may be taken back.
	Configuration raft.Configuration
}

// MemberReplaced says, on the leader that began it, how the replacement of a silent member
// ended.
type MemberReplaced struct {
	// Member was silent, and By took its place, or was to.
	Member, By raft.NodeID
	// Err is nil if it was done: raft.ErrCatchUp if By was too slow, so that another is tried;
	// raft.ErrNotLeader if the leader changed, which may finish it.
	Err error
}

// StateChanged says that the node became a member or a standby, or stopped.
type StateChanged struct {
	// State is never Founding, which no node comes back to.
	State State
}

// ProblemFound says, once for each cause, that something needs a person; Status.Problem says it
// too, or what is graver.
type ProblemFound struct {
	// Problem is an *Error. A node that stops itself says so in StateChanged, and why in its
	// status.
	Problem error
}

// ProblemSolved says that what a ProblemFound said is over.
type ProblemSolved struct {
	// Problem is what was said of it last.
	Problem error
}

// Missed says that the watcher was too slow, and how many events were dropped before
// the ones that follow.
type Missed struct {
	// Count takes Committed events in a row for one.
	Count uint64
}

func (LeaderElected) event()  {}
func (RoleChanged) event()    {}
func (Committed) event()      {}
func (MembersChanged) event() {}
func (MemberReplaced) event() {}
func (StateChanged) event()   {}
func (ProblemFound) event()   {}
func (ProblemSolved) event()  {}
func (Missed) event()         {}

// maxWatcherEvents is how many events wait for a slow watcher. Beyond it, the oldest
// go: what a watcher wants to know is how things stand.
const maxWatcherEvents = 1024

// watchers are those who want to be told. It is safe for concurrent use.
type watchers struct {
	mu    sync.Mutex
	all   map[*Watcher]struct{}
	ended bool
}

// A Watcher receives a node's events in order. One goroutine at a time may use it.
type Watcher struct {
	hub    *watchers
	events []Event
	missed uint64
	// more has a token when events have come, and is closed when none will come any more.
	more chan struct{}
}

func (n *Node) emit(e Event) {
	w := &n.watchers
	w.mu.Lock()
	defer w.mu.Unlock()
	for watcher := range w.all {
		watcher.add(e)
	}
}

func (w *Watcher) add(e Event) {
	// Committed events say nothing that the last one does not.
	if last := len(w.events) - 1; last >= 0 {
		if _, ok := w.events[last].(Committed); ok {
			if _, ok := e.(Committed); ok {
				w.events[last] = e
				return
			}
		}
	}
	if len(w.events) == maxWatcherEvents {
		w.events = w.events[1:]
		w.missed++
	}
	w.events = append(w.events, e)
	select {
	case w.more <- struct{}{}:
	default:
	}
}

// Watch returns a watcher of what happens from now on. It must be stopped.
func (n *Node) Watch() *Watcher {
	w := &Watcher{hub: &n.watchers, more: make(chan struct{}, 1)}
	h := &n.watchers
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		close(w.more)
		return w
	}
	h.all[w] = struct{}{}
	return w
}

// Next returns the next event, and false when there is none any more as the watcher was
// stopped or the node is closed, or when the context has ended.
func (w *Watcher) Next(ctx context.Context) (Event, bool) {
	for ctx.Err() == nil {
		if e, ok := w.take(); ok {
			return e, true
		}
		select {
		case _, open := <-w.more:
			if !open {
				return w.take()
			}
		case <-ctx.Done():
		}
	}
	return nil, false
}

func (w *Watcher) take() (Event, bool) {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	if w.missed > 0 {
		m := Missed{w.missed}
		w.missed = 0
		return m, true
	}
	if len(w.events) == 0 {
		return nil, false
	}
	e := w.events[0]
	w.events = w.events[1:]
	return e, true
}

// Stop ends the watching. Stopping twice is harmless.
func (w *Watcher) Stop() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	if _, ok := w.hub.all[w]; ok {
		delete(w.hub.all, w)
		close(w.more)
	}
}

// watched reports whether anybody watches.
func (w *watchers) watched() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.all) > 0
}

func (w *watchers) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	for watcher := range w.all {
		close(watcher.more)
	}
	w.all = nil
}
