package sim

import (
	"fmt"

	"github.com/ben-ng/gaggle/raft"
)

// coreProcess owns a raft.Core, and does for it what a node does: in turns, each of which
// takes everything that waits and then carries out what follows, until nothing does.
type coreProcess struct {
	node *node
	raft *raft.Core
	// What waits for the next turn.
	ticks    int
	durable  uint64
	received []*raft.Message
	gone     []raft.NodeID
	tasks    []raft.Event
	last     raft.Index
	snapshot raft.SnapshotMeta
	// reads are the open ones, by token; changes the memberships that were asked for and
	// are not there yet.
	reads      map[uint64]readBegun
	readTokens uint64
	changes    []raft.Configuration
	// reading is what is read from the disk; queue what is committed and not applied.
	reading reading
	queue   []toApply
	// impaired: the core knows of damage, from an index on, and not yet that it is repaired.
	impaired bool
	damaged  raft.Index
}

// readBegun is how things stood when a read began: what was committed anywhere, the step,
// and the term of the leader that took it.
type readBegun struct {
	commit raft.Index
	step   int
	term   raft.Term
}

// newCoreProcess starts a core that has so many percent of its log on disk only.
func newCoreProcess(n *node, onDisk int) *coreProcess {
	saved := n.disk.given(onDisk)
	core, err := raft.New(n.world.raftConfig(n), saved)
	if err != nil {
		n.world.ends(CoreInvariant, "%s does not start from its disk: %v", n.id, err)
	}
	return &coreProcess{
		node: n, raft: core, last: saved.Snapshot.Last.Index, snapshot: saved.Snapshot,
		reads: map[uint64]readBegun{}, impaired: saved.Impaired, damaged: saved.Damaged,
	}
}

// Sizes in bytes of what small worlds propose: the limit of what a leader takes, what the
// core adds to each entry, and how many values there are in a proposal, and digits in one.
const (
	smallUncommitted = 2000
	entryOverhead    = 32
	maxProposed      = 64
	maxValueDigits   = 20
)

// raftConfig is the configuration of a node's core.
func (w *world) raftConfig(n *node) raft.Config {
	seed := w.setup.Seed + uint64(n.number)<<32 + uint64(n.life)
	c := raft.DefaultConfig(n.id, mix(&seed))
	c.Tracer = &follower{w, n.id}
	c.HeartbeatTicks, c.ElectionTicksMin, c.ElectionTicksMax = w.setup.Heartbeat, w.setup.ElectionMin, w.setup.ElectionMax
	if w.setup.Small {
		c.MaxMessageBytes, c.MaxInflightMessages, c.MaxInflightBytes = 200, 3, 600
		c.MaxUncommittedBytes, c.MaxReads = smallUncommitted, 4
	}
	return c
}

func (p *coreProcess) core() *raft.Core           { return p.raft }
func (p *coreProcess) applied() raft.Index        { return p.last }
func (p *coreProcess) end()                       {}
func (p *coreProcess) tick()                      { p.ticks = min(p.ticks+1, 2) }
func (p *coreProcess) receive(f *frame)           { p.received = append(p.received, f.message) }
func (p *coreProcess) persisted(number uint64)    { p.durable = max(p.durable, number) }
func (p *coreProcess) unreachable(id raft.NodeID) { p.gone = append(p.gone, id) }
func (p *coreProcess) do(e raft.Event)            { p.tasks = append(p.tasks, e) }

func (p *coreProcess) turn() {
	for range p.ticks {
		p.must(raft.Tick{})
	}
	for _, id := range p.gone {
		p.must(raft.Unreachable{Node: id})
	}
	if p.durable > 0 {
		p.must(raft.Persisted{Write: p.durable})
	}
	for _, answer := range p.reading.ready {
		p.must(answer)
	}
	p.reading.ready = p.reading.ready[:0]
	p.repaired()
	for i, m := range p.received {
		_ = p.step(raft.Receive{Message: m})
		p.received[i] = nil
	}
	for i, e := range p.tasks {
		p.take(e)
		p.tasks[i] = nil
	}
	p.ticks, p.durable, p.received, p.gone, p.tasks = 0, 0, p.received[:0], p.gone[:0], p.tasks[:0]
	for p.carryOut() {
	}
}

// step gives the core an event, and holds the state after it against that before.
func (p *coreProcess) step(e raft.Event) error {
	before := p.raft.Observe()
	err := p.raft.Step(e)
	p.node.world.oracle.stepped(p.node, before, err)
	return err
}

// must is step for what is never refused.
func (p *coreProcess) must(e raft.Event) {
	if err := p.step(e); err != nil {
		p.node.world.ends(CoreInvariant, "%s refuses %T: %v", p.node.id, e, err)
	}
}

// take is a client's, or an operator's, request.
func (p *coreProcess) take(e raft.Event) {
	err := p.step(e)
	switch e := e.(type) {
	case raft.Read:
		if err != nil {
			delete(p.reads, e.Token)
			return
		}
		b := p.reads[e.Token]
		_, b.term, _ = p.raft.Leadership()
		p.reads[e.Token] = b
	case raft.ChangeConfiguration:
		if err == nil {
			p.changes = append(p.changes, raft.NewConfiguration(e.Voters, e.Learners))
		}
	}
}

// carryOut does what an update says, and reports whether the core has been told something
// on the way, so that more may follow.
func (p *coreProcess) carryOut() bool {
	n, w := p.node, p.node.world
	before := p.raft.Observe()
	u := p.raft.Update()
	w.oracle.stepped(n, before, nil)
	if u.Write != nil {
		n.disk.write(u.Write)
	}
	if u.Restore != nil {
		p.snapshot, p.last, p.queue = *u.Restore, u.Restore.Last.Index, nil
		w.oracle.restored(n, u.Restore)
		if u.Write == nil || u.Write.Snapshot == nil {
			p.restoredWithin(*u.Restore)
		}
	}
	for i := range u.Messages {
		m := u.Messages[i]
		w.oracle.sent(n, &m)
		p.send(&m)
	}
	if u.CommittedStored.First > 0 {
		w.report.Faults["commit from the disk"]++
	}
	if len(u.Committed) > 0 || u.CommittedStored.First > 0 {
		p.queue = append(p.queue, toApply{u.CommittedStored, u.Committed})
	}
	applied := p.apply()
	for _, l := range u.Loads {
		p.load(l)
	}
	for _, r := range u.Reads {
		p.answered(r)
	}
	for _, r := range u.Changes {
		p.changed(r)
	}
	for _, s := range u.SendSnapshots {
		p.sendSnapshot(s)
	}
	return applied || len(u.SendSnapshots) > 0
}

func (p *coreProcess) send(m *raft.Message) {
	to := p.node.world.byID(m.To)
	if to == nil {
		return // it goes by that name no more
	}
	p.node.world.net.send(&frame{from: p.node, to: to, name: m.To, message: m, sum: sumMessage(m), rare: rare(m.Body)})
}

// sendSnapshot sends the latest one, as the layer above would: in its own time, and not
// always with success.
func (p *coreProcess) sendSnapshot(s raft.SendSnapshot) {
	w := p.node.world
	failed := w.net.faults.Lost > 0 && w.noise.draw() > 191
	w.trace.line(w.now, "%s sends %s a snapshot at %v, failed: %t", p.node.id, s.To, p.snapshot.Last, failed)
	if !failed {
		w.report.Faults["snapshot sent"]++
		m := &raft.Message{From: p.node.id, To: s.To, Term: s.Term, Body: &raft.InstallSnapshot{Session: s.Session, Meta: p.snapshot}}
		w.oracle.sent(p.node, m)
		p.send(m)
	}
	p.must(raft.SnapshotSent{Node: s.To, Failed: failed})
}

// answered holds the answer to a read against what was so when it began.
func (p *coreProcess) answered(r raft.ReadResult) {
	begun, open := p.reads[r.Token]
	delete(p.reads, r.Token)
	if r.Err != nil {
		return
	}
	w := p.node.world
	w.report.Reads++
	if !open || r.Index < begun.commit {
		w.violated(ReadFresh, "%s answers a read with index %d, %d was committed when it was asked", p.node.id, r.Index, begun.commit)
	}
	w.oracle.answered(p.node, begun.term, begun.step)
}

// changed holds the outcome of a change of the membership against what was asked for.
func (p *coreProcess) changed(r raft.ChangeResult) {
	if len(p.changes) == 0 {
		p.node.world.violated(Honest, "%s gives a change of the membership two outcomes", p.node.id)
		return
	}
	target := p.changes[0]
	p.changes = p.changes[1:]
	if conf := p.raft.Status().Configuration; r.Err == nil && len(p.changes) == 0 && !conf.Equal(target) {
		p.node.world.violated(Honest, "%s says that the members are %v, and they are %v", p.node.id, target, conf)
	}
}

// open says what has had no answer; nothing if everything has.
func (p *coreProcess) open() string {
	switch {
	case len(p.reads) > 0:
		return fmt.Sprintf("%d reads at %s have no answer", len(p.reads), p.node.id)
	case len(p.changes) > 0:
		return fmt.Sprintf("%d changes at %s have no outcome", len(p.changes), p.node.id)
	}
	return ""
}

// propose appends values, if the node leads.
func (p *coreProcess) propose(count int) {
	entries := make([]raft.Entry, count)
	for i := range entries {
		p.node.world.users.values++
		entries[i].Data = fmt.Appendf(nil, "%d", p.node.world.users.values)
	}
	p.do(raft.Propose{Entries: entries})
}

// read asks for a read index. What is committed anywhere by now has to be seen.
func (p *coreProcess) read() {
	p.readTokens++
	p.reads[p.readTokens] = readBegun{commit: p.node.world.oracle.commit(), step: p.node.world.step}
	p.do(raft.Read{Token: p.readTokens})
}

// compact takes a snapshot of what is applied and durable.
func (p *coreProcess) compact(keep raft.Index) bool {
	s := p.raft.Status()
	n := p.node
	at := min(p.last, s.Durable)
	if !p.raft.TermDurable() {
		return false // the snapshot could outlive a crash that the term of its last entry does not
	}
	if at <= p.snapshot.Last.Index || at <= n.disk.saved.Snapshot.Last.Index || n.disk.snapshotOnItsWay() {
		return false
	}
	meta, err := p.raft.SnapshotAt(at)
	if err != nil {
		n.world.ends(CoreInvariant, "%s cannot take a snapshot at %d, which is applied: %v", n.id, at, err)
	}
	p.snapshot = meta
	to := meta.Last.Index
	to -= min(to, keep)
	n.disk.forget(meta, to)
	n.world.oracle.compacted(n, meta, to)
	p.must(raft.SnapshotTaken{Index: meta.Last.Index, CompactTo: to})
	return true
}

func (d *disk) snapshotOnItsWay() bool {
	for _, w := range d.open {
		if w.Snapshot != nil {
			return true
		}
	}
	return false
}
