package engine

import (
	"runtime"
	"time"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
)

// Start drives the node until Close: a goroutine runs a turn whenever something has
// come in, and another one says when a tick has passed.
func (n *Node) Start() {
	n.started.Store(true)
	go n.run()
	n.background.Go(n.keepTime)
	if n.applier != nil {
		n.background.Go(n.keepApplying)
	}
}

// run waits for one thing only, the inbox, because to wait for several costs more than
// a short turn does.
func (n *Node) run() {
	defer close(n.stopped)
	for range n.inbox.wake {
		if n.stopping.Load() {
			n.guard(func() { n.shutDown(n.failure("close", ErrClosed, "")) })
			return
		}
		if n.crowded {
			// Those that woke up with this goroutine may run first: what they bring goes
			// into this turn's batch, and not one turn each.
			runtime.Gosched()
		}
		n.guard(n.Turn)
	}
}

// keepTime says when ticks have passed. A turn begins with them, so no amount of work
// makes them wait for more than one turn.
func (n *Node) keepTime() {
	ticker := time.NewTicker(n.config.TickInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			n.Tick()
		case <-n.stopped:
			return
		}
	}
}

// Close stops the node and returns when it has stopped: when its goroutines have
// ended and its channel will not call it again. A leader first tries, for at most one
// election timeout, to hand over. Whoever waits gets ErrClosed, or ErrUncertain if
// what they wait for may still happen without this node. Handlers that run have their
// contexts cancelled and are waited for, and so is what the state machine is applying, but
// not what waits behind it; so Close must not be called from either. A disk that is at work
// on something is waited for, too. Closing is not leaving: the cluster still counts on this
// node. Closing twice is harmless. The error is that of closing the files of the home, and
// then nothing is lost that was acknowledged.
func (n *Node) Close() error {
	n.closeOnce.Do(func() {
		if n.started.Load() {
			n.handOver()
			n.stopping.Store(true)
			n.inbox.rouseAlways()
			<-n.stopped
		} else {
			n.shutDown(n.failure("close", ErrClosed, ""))
			close(n.stopped)
		}
		if n.port != nil {
			_ = n.port.Close()
		}
		n.background.Wait()
		_ = n.config.Storage.Close()
		n.closeReaders()
		if n.home != nil {
			n.closeErr = n.home.Close()
		}
	})
	<-n.stopped
	return n.closeErr
}

// closeReaders lets go of the snapshots that were being read for others. No turn and no job runs
// any more.
func (n *Node) closeReaders() {
	open := make([]*snapshot.Reader, 0, len(n.sendings.all)+len(n.backups.all))
	for _, s := range n.sendings.all {
		open = append(open, s.reader)
	}
	for _, b := range n.backups.all {
		open = append(open, b.reader)
	}
	for _, r := range open {
		if r != nil {
			_ = r.Close()
		}
	}
}

// handOver lets a leader's successor begin at once instead of after its timeout.
func (n *Node) handOver() {
	w := n.Watch()
	defer w.Stop()
	began := make(chan bool, 1)
	err := n.do(func() {
		defer close(began) // nobody may wait for what has panicked
		began <- n.core != nil && n.core.Step(raft.TransferLeadership{}) == nil
	})
	if err != nil || !<-began {
		return
	}
	patience := time.NewTimer(n.ticks(uint64(n.config.Raft.ElectionTicksMin)))
	defer patience.Stop()
	for n.Status().Role == raft.Leader {
		select {
		case <-w.more:
			for _, ok := w.take(); ok; _, ok = w.take() {
			}
		case <-patience.C:
			return
		}
	}
}

// shutDown answers everybody who waits, with the error that whatever comes later gets. Who
// is answered finds the node stopped.
func (n *Node) shutDown(err error) {
	n.publishApplied()
	n.publishEnd()
	in := n.inbox.close(err)
	n.refuse(&in, err)
	n.dismiss(err, ErrClosed, "")
	if n.caller.leading != nil {
		n.caller.endLeading()
	}
	n.publish()
	if n.applier != nil {
		n.applier.stop(err)
	}
	in.runTasks()
	n.feed.end(n.failure("entries", err, ""))
	n.watchers.end()
}

// publishEnd says that the node is stopped, after which its status does not change.
func (n *Node) publishEnd() {
	if n.failed == nil {
		n.publishStatus()
	}
	n.published.change(func(s *Status) {
		s.State, s.Role, s.Leader = Stopped, raft.Follower, raft.None
		s.Waiting = "nothing: it is stopped"
		if n.failed != nil {
			s.Problem = n.failed
		}
		n.emit(StateChanged{Stopped})
	})
	if !n.ended {
		n.ended = true
		close(n.down)
	}
}
