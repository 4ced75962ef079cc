package engine

import (
	"errors"
	"log/slog"
	"maps"

	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// applyConfiguration brings what is bound to membership to a configuration.
func (n *Node) applyConfiguration(e *raft.Entry) {
	if e.Type != raft.EntryConfiguration {
		return
	}
	var conf raft.Configuration
	if err := conf.UnmarshalBinary(e.Data); err != nil {
		n.fail(errors.Join(raft.ErrInvariant, err))
		return
	}
	n.sessions.configure(conf)
	if !conf.Member(n.config.ID) {
		n.sessionClosed()
	}
	maps.DeleteFunc(n.caller.seen, func(id raft.NodeID, _ *callsSeen) bool { return !conf.Member(id) })
	n.memberStatusDue = true
}

// beginToFollow gives a standby a core when a leader of its cluster begins to send it the
// log. It begins as every member's, from the charter, which does not name it: so it is no
// member, and stands for no election, until the log says otherwise.
func (n *Node) beginToFollow(f *wire.Frame) {
	if n.founder.State() != founding.Standby || f.Cluster != n.cluster || !fromLeader(f) || n.promises.writing {
		return
	}
	c := n.founder.Charter()
	if n.home == nil {
		n.follow(c)
		return
	}
	// The leader sends again what comes until the log is there.
	n.promise(func() error { return n.home.beginWith(c) }, func() { n.follow(c) })
}

// follow begins with the log of a charter.
func (n *Node) follow(c founding.Charter) {
	saved, err := raft.Found(c.Voters)
	if err == nil {
		err = n.takePart(c.Cluster, saved)
	}
	if err != nil {
		n.fail(err)
	}
}

// fromLeader reports whether a frame has what only leaders send, to those who get the log.
func fromLeader(f *wire.Frame) bool {
	for _, m := range f.Messages {
		m, ok := m.(*raft.Message)
		if !ok {
			continue
		}
		switch m.Body.(type) {
		case *raft.AppendEntries, *raft.Heartbeat, *raft.InstallSnapshot:
			return true
		}
	}
	return false
}

// followPlace makes the node a member when it has applied a configuration that names it, and
// a standby when neither that nor the one in effect does: one that applies what is long past,
// on its way to the present, does not go to and fro. Or a leader knows better.
func (n *Node) followPlace() {
	if n.core == nil || n.failed != nil {
		return
	}
	named := n.sessions.members.Member(n.config.ID)
	told := n.applied < n.retired
	switch n.founder.State() {
	case founding.Standby:
		if named && !told {
			n.founder.Step(founding.Placed{Member: true})
			n.setState(Member, "")
			n.followFounding()
		}
	case founding.Member:
		if told || !named && !n.core.Status().Configuration.Member(n.config.ID) {
			n.founder.Step(founding.Placed{Member: false})
			n.losePlace()
			n.followFounding()
		}
	case founding.Fresh:
	}
}

// losePlace makes the node a standby. Its core stays: as long as the node has its id, it
// has to keep what it has promised, and it may get a place again.
func (n *Node) losePlace() {
	waiting := n.founder.Waiting()
	n.log.Warn("the node has lost its place in the cluster, and stands by")
	n.setState(Standby, waiting)
	n.memberStatusDue = true
	n.dismiss(ErrStandby, ErrStandby, waiting)
	n.proposer = newProposer(n.config.Nonce)
}

// sessionClosed follows a configuration without this node: its session is closed with it, so
// what was sent, and is not in the log before it, will never be.
func (n *Node) sessionClosed() {
	p := n.proposer
	for p.window.size > 0 {
		n.resolve(p.window.pop(), Item{}, n.failure("append", ErrStandby, "the node lost its place in the cluster first; the value was not appended"))
	}
	n.proposer = newProposer(n.config.Nonce)
	n.proposer.queue, n.proposer.once = p.queue, p.once
}

// dismiss answers everybody who waits with an error, and those whose wish may have been sent
// with ErrUncertain and why.
func (n *Node) dismiss(err, why error, hint string) {
	p := &n.proposer
	for p.queue.size > 0 {
		n.resolve(p.queue.pop(), Item{}, n.failure("append", err, hint))
	}
	for _, q := range n.onceWaiting {
		n.resolve(q, Item{}, n.failure("append", err, hint))
	}
	n.onceWaiting = nil
	uncertain := func(op string) error {
		return n.failure(op, errors.Join(ErrUncertain, why), "what it was to do may yet happen, once; look out for it on another node")
	}
	for p.window.size > 0 {
		n.resolve(p.window.pop(), Item{}, uncertain("append"))
	}
	for index, q := range p.once {
		delete(p.once, index)
		n.resolve(q, Item{}, uncertain("append"))
	}
	n.reader.askAgain(func(*readRound) bool { return true })
	for _, w := range n.reader.waiting {
		n.endRead(w, n.failure("read", err, hint))
	}
	for _, round := range n.reader.rounds {
		for _, w := range round.waiters {
			n.endRead(w, n.failure("read", err, hint))
		}
	}
	n.reader.waiting, n.reader.rounds = nil, nil
	for _, c := range n.caller.waiting {
		n.endCall(c, callResult{err: n.failure("call", err, hint)})
	}
	n.caller.waiting = nil
	for _, c := range n.caller.inOrder(func(*call) bool { return true }) {
		n.endCall(c, callResult{err: uncertain("call")})
	}
}

// answerMember tells a node that says it is a member, and is none, better. It was cut off
// when it lost its place, and nobody sends it the log that says so.
func (n *Node) answerMember(f *wire.Frame, hello *wire.Hello) {
	if hello.State != wire.Member || n.core == nil || f.Cluster != n.cluster || n.failed != nil || !n.core.LeadsSettled() {
		return
	}
	if n.sessions.members.Member(f.From) {
		return
	}
	if s := n.core.Status(); s.ConfigurationIndex <= s.Commit && !s.Configuration.Member(f.From) {
		n.post(f.From, &wire.Retired{Index: s.ConfigurationIndex})
	}
}

// toldRetired follows a leader's word that a configuration leaves this node out.
func (n *Node) toldRetired(from raft.NodeID, m *wire.Retired) {
	if m.Index <= max(n.applied, n.retired) {
		return
	}
	n.log.Warn("the node was replaced while it was cut off", slog.String("sender", string(from)), slog.Uint64("index", uint64(m.Index)))
	n.retired = m.Index
	n.step(raft.Retire{Index: m.Index})
}
