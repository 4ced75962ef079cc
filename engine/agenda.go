package engine

import "github.com/ben-ng/gaggle/raft"

// An agenda is what there is to do beside taking values from the feed. A snapshot to restore
// comes first.
type agenda struct {
	restore *restoreTask
	// own are this node's proposals, and tasks what is to be done between values, both by
	// rising index.
	own   []ownValue
	tasks []applierTask
	// unapplied are the values behind the snapshot that are not applied.
	unapplied load
}

// An ownValue is a proposal of this node, and where its value is in the log.
type ownValue struct {
	at       raft.Index
	proposal *Proposal
}

// An applierTask is something to do when everything up to an index is applied. If it cannot
// be done any more it is told why. Its error stops the node.
type applierTask struct {
	at raft.Index
	do func(stopped error) error
}

// accept puts a value in its place: into the feed, from where the state machine gets it.
func (n *Node) accept(item Item) {
	n.items = append(n.items, item)
	if a := n.applier; a != nil {
		a.pending.unapplied.add(len(item.Value))
	}
}

// succeed ends a proposal whose value was just accepted: at once, or, where there is a
// state machine, when that has applied it.
func (n *Node) succeed(p *Proposal, item Item) {
	if a := n.applier; a != nil {
		a.pending.own = append(a.pending.own, ownValue{item.Index, p})
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
		a.between(n.applied, func(stopped error) error {
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

// turned lets what a turn has come to be worked on. The feed has it already.
func (a *applier) turned(applied raft.Index) {
	p := &a.pending
	if p.restore == nil && len(p.own) == 0 && len(p.tasks) == 0 && applied <= a.target { // only turns change it
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped != nil {
		return // stop takes what is pending
	}
	a.target = applied
	if p.restore != nil {
		a.restore, a.unapplied = p.restore, load{}
		a.restores++
	}
	a.own, a.tasks = append(a.own, p.own...), append(a.tasks, p.tasks...)
	a.unapplied.count += p.unapplied.count
	a.unapplied.bytes += p.unapplied.bytes
	clear(p.own)
	clear(p.tasks)
	*p = agenda{own: p.own[:0], tasks: p.tasks[:0]}
	a.setFull()
	a.rouse()
}
