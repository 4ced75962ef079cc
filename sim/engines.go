package sim

import (
	"context"
	"errors"
	"fmt"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// engineProcess is a whole node of a cluster, driven by hand.
type engineProcess struct {
	node     *node
	engine   *engine.Node
	receiver channel.Receiver
	decoder  wire.Decoder
	// known: its core was there before this turn.
	known bool
	// yielded is the index of the last entry that it has yielded; said the number of
	// values that were proposed here.
	yielded raft.Index
	said    int
	// failed: it has stopped itself, as its disk failed.
	failed bool
	// asked: it has sent a proposal to another, of which the first asks for a session.
	asked bool
	// state is what it was to its cluster after the last turn.
	state engine.State
	// register is what the values that it has yielded have set.
	register register
	// machine is nil if it is a plain log. workDue: it is to work later; worked: it has.
	machine         *machine
	workDue, worked bool
}

func newEngineProcess(n *node) *engineProcess {
	w := n.world
	p := &engineProcess{node: n}
	seed := w.setup.Seed ^ uint64(n.number)<<40 ^ uint64(n.life)<<20
	config := engine.Config{
		ID: n.id, Cluster: "sim", Size: w.setup.Nodes, TickInterval: w.setup.Tick,
		Raft: w.raftConfig(n), ReplaceAfterTicks: w.setup.ReplaceAfter,
		Founding: founding.Config{Seed: mix(&seed)},
		Nonce:    mix(&seed),
		Storage:  storage{p},
	}
	if n.place != nil {
		config.Home, config.Storage = n.place.home, homeStorage{p}
		config.CheckpointBytes, config.TailBytes = placeCheckpoint, placeTail
		config.SnapshotRate, config.Retain = placeRate, raft.Index(w.setup.Retain)
	}
	if n.place != nil && w.setup.Machine {
		p.machine = &machine{process: p, results: map[raft.Index]uint64{}}
		config.Machine = p.machine
	}
	e, err := engine.New(config)
	if err != nil {
		w.ends(Liveness, "%s cannot be made: %v", n.id, err)
	}
	p.engine = e
	if core := e.Core(); core != nil { // it was a member before
		p.known = true
		n.place.survived(core)
		n.mirror.seen = core.Observe()
	} else if len(n.mirror.disk.slots) > 0 {
		w.ends(Durability, "%s comes back without a log, and had one to %v", n.id, n.mirror.disk.last().Position)
	}
	if err := e.Open(simChannel{p}); err != nil {
		w.ends(Liveness, "%s cannot be attached: %v", n.id, err)
	}
	return p
}

func (p *engineProcess) core() *raft.Core           { return p.engine.Core() }
func (p *engineProcess) applied() raft.Index        { return p.yielded }
func (p *engineProcess) end()                       { _ = p.engine.Close() }
func (p *engineProcess) tick()                      { p.engine.Tick() }
func (p *engineProcess) unreachable(id raft.NodeID) { p.receiver.Unreachable(id) }
func (p *engineProcess) persisted(number uint64)    { p.node.disk.tell(number) }

// loaded runs a job that waited for the disk, or the state machine.
func (p *engineProcess) loaded(number uint64) {
	if number == workNumber {
		p.workDue, p.worked = false, true
		p.engine.Work()
		p.raise()
		return
	}
	if job := p.node.place.jobs[number]; job != nil {
		delete(p.node.place.jobs, number)
		job()
	}
}

func (p *engineProcess) receive(f *frame) {
	if err := p.receiver.Receive(f.bytes); err != nil {
		p.node.world.ends(MessageFromLog, "%s cannot read what %s has sent: %v", p.node.id, f.from.id, err)
	}
}

func (p *engineProcess) turn() {
	p.engine.Turn()
	p.join()
	s := p.engine.Status()
	p.followPlace(s.State)
	if s.State == engine.Stopped && !p.node.place.isCut() {
		p.stops(s.Problem)
	} else if errors.Is(s.Problem, engine.ErrTwoClusters) {
		p.node.world.violated(OneCluster, "%s: %v", p.node.id, s.Problem)
	}
}

// stops takes note that the node has stopped itself, which only some things may do.
func (p *engineProcess) stops(why error) {
	switch {
	case errors.Is(why, engine.ErrDiverged):
		p.stopsDiverged()
	case errors.Is(why, engine.ErrDisk) && p.node.place != nil:
		p.node.world.report.Faults["stopped by its disk"]++
		p.failed = true
	case p.node.place != nil && p.node.place.noticed(why):
		p.failed = true
	default:
		p.node.world.ends(CoreInvariant, "%s has stopped: %v", p.node.id, why)
	}
}

// join takes note that the node has a core, which has begun from the charter: as a member or,
// of a standby, to follow the log. What it says of the charter is held against that of the others
// in its hellos; by now its core may be at a later configuration.
func (p *engineProcess) join() {
	if p.known || p.engine.Core() == nil {
		return
	}
	p.known = true
	w := p.node.world
	voters := p.engine.Core().Status().Configuration.Voters
	if p.engine.Core().Status().ConfigurationIndex > 1 {
		voters = w.oracle.voters
	}
	saved, err := raft.Found(voters)
	if err != nil {
		w.ends(OneCluster, "%s has a charter that cannot be: %v", p.node.id, err)
	}
	w.oracle.chartered(p.node, &saved)
	p.node.mirror.seen = p.engine.Core().Observe()
}

// yield follows what the node yields to its users.
func (p *engineProcess) yield() {
	applied := p.engine.Status().Applied
	for p.yielded < applied {
		items, err := p.engine.Feed().Next(context.Background(), p.yielded+1, applied)
		if errors.Is(err, engine.ErrDamaged) && p.node.place.mayLose() {
			return // and goes on when it is mended
		}
		var compacted *engine.CompactedError
		if errors.As(err, &compacted) && p.skip(compacted, applied) {
			continue
		}
		if p.failed = p.failed || p.node.place != nil && p.node.place.beheaded(err); p.failed {
			return
		}
		if err != nil {
			p.node.world.violated(SameFeed, "%s does not yield what it has applied: %v", p.node.id, err)
			return
		}
		if len(items) == 0 {
			break
		}
		for i := range items {
			p.node.world.users.yielded(p, &items[i])
			p.yielded = items[i].Index
		}
	}
	p.yielded = applied
}

// skip goes on behind what is compacted, where something may be.
func (p *engineProcess) skip(err *engine.CompactedError, applied raft.Index) bool {
	w := p.node.world
	if !w.setup.Machine && w.setup.Retain == 0 || err.From != p.yielded+1 || err.First <= err.From || err.First > applied+1 {
		return false
	}
	w.report.Faults["compacted before it was read"]++
	p.yielded = err.First - 1
	p.register = w.users.modelAt(p.yielded).register
	return true
}

// behind reports whether the node has applied more than can be read from it, as there is
// damage between.
func (p *engineProcess) behind() bool { return p.yielded < p.engine.Status().Applied }

// givenUp reports whether a plain log cannot be yielded, as there is damage in it, behind which the
// node has a snapshot, and which all others have compacted: so nobody can mend it, and nobody was
// told to keep it. Readers are told of the damage until this node compacts it, too.
func (p *engineProcess) givenUp() bool {
	w := p.node.world
	if w.setup.Machine || w.setup.Retain == 0 || p.node.place == nil || !p.node.place.mayLose() || !p.behind() {
		return false
	}
	for _, n := range w.nodes {
		if n == p.node || n.process == nil || n.process.core() == nil {
			continue
		}
		if n.process.core().Status().Base.Index <= p.yielded {
			return false
		}
	}
	return true
}

// storage is the node's disk, as the engine sees it.
type storage struct{ process *engineProcess }

func (s storage) Write(w *raft.Write, done func(uint64, error)) bool {
	s.process.join()
	d := &s.process.node.disk
	d.tell = func(number uint64) { done(number, nil) }
	d.write(w)
	return false
}

// Do runs a job at once: nodes whose log is in memory have few, and none that takes long.
func (storage) Do(_ engine.Lane, job func()) { job() }

func (storage) Close() error { return nil }

// simChannel is the network, as the engine sees it.
type simChannel struct{ process *engineProcess }

func (c simChannel) Open(_ channel.Self, r channel.Receiver) (channel.Port, error) {
	c.process.receiver = r
	return simPort(c), nil
}

func (c simChannel) CrossesProcesses() bool { return true }

type simPort struct{ process *engineProcess }

func (p simPort) Send(to raft.NodeID, _ channel.Class, bytes []byte) error {
	n := p.process.node
	p.process.join()
	rare := p.process.look(bytes)
	receiver := n.world.byID(to)
	if receiver == nil {
		return channel.ErrUnknownPeer
	}
	if n.world.net.faults.Lost > 0 && n.world.noise.draw() > 251 {
		n.world.report.Faults["queue full"]++
		return channel.ErrBusy
	}
	n.world.net.send(&frame{from: n, to: receiver, name: to, bytes: bytes, sum: sum(bytes), rare: rare})
	return nil
}

func (p simPort) Broadcast(bytes []byte) error {
	n := p.process.node
	p.process.look(bytes)
	for _, other := range n.world.nodes {
		if other != n {
			n.world.net.send(&frame{from: n, to: other, name: other.id, bytes: bytes, sum: sum(bytes)})
		}
	}
	return nil
}

func (simPort) Close() error { return nil }

// look shows the oracle what Raft says in a frame. It reports whether that comes seldom, and may do
// harm long after.
func (p *engineProcess) look(bytes []byte) (seldom bool) {
	var f wire.Frame
	if err := p.decoder.Decode(bytes, &f); err != nil {
		p.node.world.ends(MessageFromLog, "%s sends what cannot be read: %v", p.node.id, err)
	}
	for _, m := range f.Messages {
		switch m := m.(type) {
		case *raft.Message:
			p.node.world.oracle.sent(p.node, m)
			seldom = seldom || rare(m.Body)
		case *wire.Proposals:
			seldom = seldom || !p.asked
			p.asked = true
		case *wire.Hello:
			p.node.world.oracle.greeted(p.node, m)
		case *wire.SnapshotChunk:
			p.node.world.oracle.sentChunk(p.node, m)
		}
	}
	return seldom
}

// words describes what a frame holds.
func (f *frame) words() string {
	if f.message != nil {
		return describe(f.message)
	}
	var (
		d     wire.Decoder
		frame wire.Frame
	)
	if err := d.Decode(f.bytes, &frame); err != nil {
		return fmt.Sprintf("%d bytes", len(f.bytes))
	}
	words := ""
	for i, m := range frame.Messages {
		if i > 0 {
			words += "; "
		}
		switch m := m.(type) {
		case *raft.Message:
			words += describe(m)
		case *wire.Hello:
			words += fmt.Sprintf("Hello of a %v", m.State)
		case *wire.Proposals:
			words += fmt.Sprintf("%d Proposals", len(m.Entries))
		case *wire.SnapshotChunk:
			words += fmt.Sprintf("%d of %d bytes at %d of a snapshot at %v", len(m.Data), m.Size, m.Offset, m.Last)
		case *wire.SnapshotReply:
			words += fmt.Sprintf("status %d, the snapshot at %v goes on at %d", m.Status, m.Last, m.Next)
		default:
			words += fmt.Sprintf("%T", m)
		}
	}
	return words
}
