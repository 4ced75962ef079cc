package engine

import (
	"cmp"
	"errors"
	"log/slog"

	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// Turn does everything that is waiting to be done, and does not block. Ticks come
// first, so no amount of work makes a node late.
func (n *Node) Turn() {
	n.taken = n.inbox.take(n.taken)
	if n.failed == nil {
		n.turn(&n.taken)
	}
	n.taken.reset()
}

func (n *Node) turn(in *input) {
	for range in.ticks {
		n.tick()
	}
	for _, id := range in.unreachable {
		n.peerUnreachable(id)
	}
	n.persisted(in.persisted)
	if in.diskFull != nil {
		n.diskRoom(in.diskFull)
	}
	for _, d := range in.frames {
		n.receive(&d.frame)
		n.decoders.Put(d)
	}
	in.runTasks()
	if n.failed != nil {
		n.refuse(in, n.failed)
		n.publish()
		return
	}
	n.admit(in)
	before := n.applied
	n.crank()
	n.followPlace()
	n.crowded = n.applied > before+1 || len(n.served) > 1
	n.flush()
	n.publish()
}

// admit takes what this node's users want. A standby does not keep them waiting.
func (n *Node) admit(in *input) {
	if n.founder.State() == founding.Standby {
		n.refuse(in, ErrStandby)
		return
	}
	for _, p := range in.proposals {
		if p.fence != 0 {
			n.onceWaiting = append(n.onceWaiting, p)
		} else {
			n.proposer.queue.push(p)
		}
	}
	n.reader.waiting = append(n.reader.waiting, in.reads...)
	for _, c := range in.calls {
		n.caller.await(c)
	}
	in.forgetRequests()
}

// refuse answers requests with an error; none of them took effect.
func (n *Node) refuse(in *input, err error) {
	for _, p := range in.proposals {
		n.resolve(p, Item{}, n.failure("append", err, n.whyNoLeader()))
	}
	for _, w := range in.reads {
		n.endRead(w, n.failure("read", err, n.whyNoLeader()))
	}
	for _, c := range in.calls {
		n.endCall(c, callResult{err: n.failure("call", err, n.whyNoLeader())})
	}
	in.forgetRequests()
}

func (n *Node) tick() {
	n.now++
	n.tickFounding()
	n.tickPromises()
	if n.now%uint64(n.config.Raft.HeartbeatTicks) == 0 {
		n.sweepQueue()
		n.tickApplier()
		n.memberStatusDue = true
	}
	if n.core == nil {
		n.followDisk()
		n.tickReads()
		n.tickCalls()
		return
	}
	n.step(raft.Tick{})
	n.followDisk()
	n.tickReplacing()
	n.tickProposals()
	n.tickReads()
	n.tickCalls()
	n.tickSendings()
	n.tickBackups()
	n.tickMending()
	n.tickScrub()
	n.tellState()
}

// step gives the core an event that it only refuses if something is wrong.
func (n *Node) step(e raft.Event) {
	err := n.core.Step(e)
	if err == nil {
		return
	}
	if errors.Is(err, raft.ErrInvariant) {
		n.fail(err)
		return
	}
	sender := raft.None
	if r, ok := e.(raft.Receive); ok {
		sender = r.Message.From
	}
	n.refuseFrom(sender, err)
}

// receive takes one frame.
func (n *Node) receive(f *wire.Frame) {
	if len(f.Messages) == 0 {
		return
	}
	strange := false
	for _, m := range f.Messages {
		switch m := m.(type) {
		case *wire.Hello:
			n.greeted(f, m)
		case *wire.FetchBackup:
			n.backupAsked(f.From, m)
		default:
			strange = true
		}
	}
	if n.core == nil {
		n.beginToFollow(f)
	}
	if n.core == nil || f.Cluster != n.cluster {
		if strange {
			n.refusedFrames.Add(1)
		}
		return
	}
	for _, m := range f.Messages {
		if n.failed != nil {
			return
		}
		n.take(f.From, m)
	}
}

// take gives one message to whom it is for.
func (n *Node) take(from raft.NodeID, m any) {
	switch m := m.(type) {
	case *raft.Message:
		if _, ok := m.Body.(*raft.InstallSnapshot); ok {
			n.refuseFrom(from, errBareSnapshot)
			return
		}
		n.step(raft.Receive{Message: m})
	case *wire.Proposals:
		n.forwarded(from, m)
	case *wire.ProposalsRefused:
		n.refused(from)
	case *wire.ReadIndex:
		n.readRequested(from, m)
	case *wire.ReadIndexReply:
		n.roundAnswered(m.Token, m.OK, m.Index)
	case *wire.Call:
		n.called(from, m, false)
	case *wire.CallReply:
		n.callReplied(from, m)
	case *wire.SnapshotChunk:
		n.chunkReceived(from, m)
	case *wire.SnapshotReply:
		n.chunkReplied(from, m)
	case *wire.FetchEntries:
		n.entriesAsked(from, m)
	case *wire.FetchedEntries:
		n.entriesFetched(m)
	case *wire.StateHash:
		n.stateHeard(from, m)
	case *wire.Retired:
		n.toldRetired(from, m)
	case *wire.FetchBackupPart:
		n.backupPartAsked(backupKey{from, m.Token}, m, func(reply any) { n.post(from, reply) })
	}
}

// errBareSnapshot: snapshots come in chunks, and only when all of it is on the disk is the
// core told. A message without the data stands for entries that the node would never have
// applied.
var errBareSnapshot = errors.New("a snapshot without its data")

// forwarded appends another node's proposals to this leader's log.
func (n *Node) forwarded(from raft.NodeID, m *wire.Proposals) {
	entries := make([]raft.Entry, len(m.Entries))
	for i, data := range m.Entries {
		c, err := decodeCommand(data)
		if err == nil && !n.mayForward(from, &c) {
			err = errForeignCommand
		}
		if err != nil {
			n.refuseFrom(from, err)
			return
		}
		entries[i].Data = data
	}
	if n.applier != nil && n.applier.full.Load() {
		n.post(from, &wire.ProposalsRefused{Reason: wire.Busy})
		return
	}
	switch err := n.core.Step(raft.Propose{Entries: entries}); {
	case err == nil:
	case errors.Is(err, raft.ErrNotLeader):
		n.post(from, &wire.ProposalsRefused{Reason: wire.NotLeader})
	case errors.Is(err, raft.ErrInvariant):
		n.fail(err)
	default:
		n.post(from, &wire.ProposalsRefused{Reason: wire.Busy})
	}
}

var errForeignCommand = errors.New("a command that is not its sender's to propose")

// mayForward reports whether a command is one that a node may send to the leader: in its
// own session, if this node knows whose that is, and nothing that only a leader appends.
func (n *Node) mayForward(from raft.NodeID, c *command) bool {
	switch c.kind {
	case commandAppend:
		s := n.sessions.byID[c.session]
		return s == nil || s.node == from
	case commandOpenSession:
		return c.node == from
	default:
		return false
	}
}

// refuseFrom counts and reports what another node should not have sent.
func (n *Node) refuseFrom(from raft.NodeID, why error) {
	n.refusedFrames.Add(1)
	n.complain(slog.LevelWarn, "a message was refused", from, why)
}

// peerUnreachable follows the channel's word that messages to a node may be lost.
func (n *Node) peerUnreachable(id raft.NodeID) {
	if n.core == nil {
		return
	}
	n.step(raft.Unreachable{Node: id})
	if id == n.proposer.leader {
		n.proposer.sendAgain(n.now)
		n.proposer.opening = false
	}
	if id == n.reader.leader {
		n.reader.askAgain(func(*readRound) bool { return true })
	}
	if id == n.caller.leader {
		n.caller.askAgain()
	}
}

// crank hands the core what this node wants, and carries out what follows, until
// nothing follows any more.
func (n *Node) crank() {
	if n.core == nil {
		return
	}
	n.pumpReplies()
	for n.failed == nil {
		n.followLeadership()
		n.pumpOnce()
		n.pumpProposals()
		n.pumpCalls() // before the reads: to begin handlers, they need one
		n.pumpReads()
		n.pumpCheckpoint()
		n.pumpSendings()
		if !n.carryOut(n.core.Update()) {
			return
		}
	}
}

// carryOut does what an update says, and reports whether it said anything.
func (n *Node) carryOut(u raft.Update) bool {
	for i := range u.Messages {
		n.postRaft(&u.Messages[i])
	}
	durable := u.Write != nil && n.config.Storage.Write(u.Write, n.durable)
	if u.Restore != nil {
		n.restored(u.Restore)
	}
	before := n.applied
	n.applyCommitted(u.CommittedStored, u.Committed)
	n.pumpBacklog()
	if n.applied > before {
		n.step(raft.Applied{Index: n.applied})
		n.releaseReads()
		n.trimTail()
	}
	for _, r := range u.Reads {
		n.readAnswered(r)
	}
	for _, l := range u.Loads {
		n.load(l)
	}
	for _, s := range u.SendSnapshots {
		n.sendSnapshot(s)
	}
	for _, c := range u.Changes {
		n.changeEnded(c.Err)
	}
	if durable {
		n.persisted(u.Write.Number)
	}
	return u.Write != nil || u.Restore != nil || len(u.Messages) > 0 || len(u.Committed) > 0 || len(u.Reads) > 0 || len(u.SendSnapshots) > 0
}

// writeDurable is the storage's word, from wherever it works.
func (n *Node) writeDurable(number uint64, err error) {
	if err != nil && !errors.Is(err, ErrDiskFull) {
		n.diskTrouble(err)
		return
	}
	_ = n.inbox.put(func(in *input) error {
		in.persisted, in.diskFull = max(in.persisted, number), err
		return nil
	})
}

// persisted tells the core what is durable.
func (n *Node) persisted(number uint64) {
	if number > 0 && n.core != nil {
		n.diskRoom(nil)
		n.step(raft.Persisted{Write: number})
		n.followDisk()
		n.goOnWhenDurable()
	}
}

// apply brings the node's state to the next index.
func (n *Node) apply(e *raft.Entry) {
	if n.failed != nil {
		return
	}
	n.applied = e.Index
	n.grow(e.Size())
	if e.Type != raft.EntryNormal {
		n.appliedOnce(e, nil)
		n.applyConfiguration(e)
		return
	}
	c, err := decodeCommand(e.Data)
	if err != nil {
		// Every node sees the same bytes and skips them alike.
		n.log.Error("an entry is not a command", slog.Uint64("index", uint64(e.Index)), slog.Any("error", err))
		return
	}
	switch c.kind {
	case commandAppend:
		v := n.sessions.judge(c.session, c.serial)
		if v == accepted {
			n.accept(Item{e.Index, e.Term, c.value})
		} else {
			n.left = append(n.left, e.Index)
		}
		if c.session == n.proposer.session {
			n.appliedOwn(e, &c, v)
		}
		n.appliedOnce(e, nil)
	case commandOnce:
		n.accept(Item{e.Index, e.Term, c.value})
		n.appliedOnce(e, c.value)
	case commandCheckpoint:
		n.appliedOnce(e, nil)
		n.checkpoint(e.Index)
	case commandOpenSession:
		if s, ok := n.sessions.open(e.Index, c.node, c.nonce); ok {
			n.opened(s)
		}
		n.appliedOnce(e, nil)
	}
}

// resolve gives a proposal its result, which its caller sees at the end of the turn.
func (n *Node) resolve(p *Proposal, item Item, err error) {
	p.result, p.err = item, err
	n.settle(p)
	n.resolved = append(n.resolved, p)
}

// settle takes a proposal off the account of open ones.
func (n *Node) settle(p *Proposal) {
	n.settledProposals.add(len(p.command))
}

// publishApplied shows readers and the state machine what the turn has applied.
func (n *Node) publishApplied() {
	if len(n.items) > 0 || n.applied > n.feedApplied {
		n.feed.publish(n.items, n.left, n.applied)
		n.feedApplied = n.applied
		clear(n.items)
		n.items, n.left = n.items[:0], n.left[:0]
	}
	if n.applier != nil {
		n.applier.turned(n.applied)
	}
}

// publish lets everybody see what the turn has brought, in one pass. Who is woken
// finds the feed and the status to be as new as what woke them.
func (n *Node) publish() {
	n.publishApplied()
	if !n.ended {
		n.publishStatus()
	}
	for _, w := range n.served {
		n.settleRead(w)
	}
	if n.settledProposals.count > 0 || n.settledRequests.count > 0 {
		n.inbox.settled(n.settledProposals, n.settledRequests)
		n.settledProposals, n.settledRequests = load{}, load{}
	}
	for i, p := range n.resolved {
		p.ready <- struct{}{}
		n.resolved[i] = nil
	}
	n.resolved = n.resolved[:0]
	for i, w := range n.served {
		w.end(nil)
		n.served[i] = nil
	}
	n.served = n.served[:0]
}

const brokenHint = "this must never happen; keep the logs of all nodes and report it"

// fail stops the node for good: going on could do harm.
func (n *Node) fail(err error) {
	if n.failed != nil {
		return
	}
	n.failed = n.failure("run", err, cmp.Or(hintOf(err), brokenHint))
	n.shutDown(n.failed)
	n.log.Error("the node stops", slog.Any("error", err))
}
