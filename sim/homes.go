package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// place is where an engine with a disk lives: a real directory of package vfs, with the real
// log in it, which outlives its processes.
type place struct {
	node *node
	disk *vfs.Disk
	home *engine.Home
	// jobs are those that wait for the disk, by number, and busy when each lane is done.
	jobs   map[uint64]func()
	number uint64
	busy   map[engine.Lane]time.Duration
	// done is what the engine wants to be told of its writes.
	done func(number uint64, err error)
	// failing: the next sync fails; full: there is no room.
	failing, full bool
	cut           powerCut
	// tampered is what somebody has done to the directory since it was last opened, and must
	// says how the one who opens it has to be refused; nil if it has not.
	tampered string
	must     error
	// opened: it is a node's.
	opened  bool
	untruth untruth
}

// Sizes in bytes that bring segments, checkpoints and unloading into short runs.
const (
	placeSegment    = 16 << 10
	placeCheckpoint = 3000
	placeTail       = 4000
	// placeRate is so many bytes a second.
	placeRate = 50_000
)

var errMedium = errors.New("an error of the medium")

func newPlace(n *node) *place {
	p := &place{node: n, disk: vfs.NewDisk()}
	p.setFaults()
	return p
}

// config is how a node opens its directory.
func (p *place) config() engine.HomeConfig {
	n, w := p.node, p.node.world
	anew := fmt.Sprintf("%c%d", 'a'+n.number, n.identities+1)
	config := engine.HomeConfig{ID: raft.NodeID(anew), Cluster: "sim", Size: w.setup.Nodes, SegmentBytes: placeSegment, Whole: !w.setup.Machine}
	config.Mark = [16]byte{byte(n.number), byte(n.identities), byte(n.life)}
	if !p.opened {
		config.ID = n.id
	}
	return config
}

// open opens the directory for a new life. It reports whether it is one that can be used.
func (p *place) open() bool {
	n, w := p.node, p.node.world
	config := p.config()
	home, err := engine.OpenHome(p.disk, config)
	for p.tryAgain(err) {
		home, err = engine.OpenHome(p.disk, config)
	}
	if p.tampered != "" && p.refused(home, err) {
		return false
	}
	if p.useless(err) {
		return false
	}
	if err != nil {
		w.ends(Durability, "%s cannot open its directory: %v", n.id, err)
	}
	p.opened = true
	p.home, p.jobs, p.busy = home, map[uint64]func(){}, map[engine.Lane]time.Duration{}
	if home.ID() != n.id {
		// Who was interrupted as it began anew goes on with that, and does not say why again.
		interrupted := len(p.files("lost-identity")) > 0
		if home.Lost == nil && !p.untruth.told && !interrupted || !p.mayLose() {
			w.ends(Durability, "%s is %s when it comes back: %v", n.id, home.ID(), home.Lost)
		}
		w.report.Faults["what was promised is lost"]++
		n.id = home.ID()
		n.identities++
		n.install(nil, false)
	}
	return true
}

// tryAgain reports whether whoever starts the node tries it again, having seen to what it said.
func (p *place) tryAgain(err error) bool {
	switch {
	case p.isCut():
		p.crash()
	case errors.Is(err, vfs.ErrFull), errors.Is(err, errMedium):
		p.heal()
	default:
		return false
	}
	return true
}

// mayLose reports whether the directory is one that is spoiled in this run. All are of one
// node, so that of every majority enough is whole.
func (p *place) mayLose() bool { return p.node.number == p.node.world.spoiled() }

// spoiled is the number of the node whose disk rots in a run; none if there are too few.
func (w *world) spoiled() int {
	if w.setup.Nodes < 3 {
		return -1
	}
	return int(w.setup.Seed % uint64(w.setup.Nodes))
}

// setFaults tells the disk what to do wrong.
func (p *place) setFaults() {
	faults := vfs.Faults{Fail: func(o vfs.Op) error {
		if err := p.cutBy(o); err != nil {
			return err
		}
		p.look(o)
		if p.failing && o.Kind == vfs.OpSync {
			p.failing = false
			return errMedium
		}
		return nil
	}}
	if p.full {
		faults.Quota = 1
	}
	p.deceiving(&faults)
	p.disk.SetFaults(faults)
}

// spoil is what Damage does to a real disk: rot, a sync that fails, or no room.
func (p *place) spoil(amount uint32) bool {
	faults := p.node.world.report.Faults
	switch amount % 8 {
	case 0:
		faults["sync failed"]++
		p.failing = true
	case 1:
		faults["disk full"]++
		p.full = true
		p.setFaults()
	default:
		if !p.mayLose() {
			return false
		}
		return p.rot(amount)
	}
	return true
}

// heal makes room, and has nothing fail any more.
func (p *place) heal() {
	p.failing, p.full = false, false
	p.untruth.lying, p.untruth.astray = false, nil
	p.setFaults()
}

// crash takes the power away.
func (p *place) crash() {
	p.cut = powerCut{}
	p.disk.Crash(func(n int) int { return int(p.node.world.noise.draw()) % n })
	p.home, p.jobs = nil, nil
	p.untruth.lying = false
	p.setFaults()
}

// append writes what a simulated disk has got done with to the real one. It reports whether
// it is durable.
func (p *place) append(writes []*raft.Write) bool {
	err := p.home.Append(writes)
	switch {
	case err == nil:
		return true
	case errors.Is(err, vfs.ErrFull):
		p.done(0, fmt.Errorf("%w: %w", engine.ErrDiskFull, err))
	default:
		p.done(0, fmt.Errorf("%w: %w", engine.ErrDisk, err))
	}
	return false
}

// homeStorage is a place, as the engine that lives there sees it.
type homeStorage struct{ process *engineProcess }

func (s homeStorage) Write(w *raft.Write, done func(uint64, error)) bool {
	s.process.join()
	n := s.process.node
	n.place.done = done
	n.disk.tell = func(number uint64) { done(number, nil) }
	n.disk.write(w)
	return false
}

// Do runs a job when the disk gets to it: those of a lane one after the other.
func (s homeStorage) Do(lane engine.Lane, job func()) {
	n := s.process.node
	p, w := n.place, n.world
	if p.jobs == nil {
		return // the power is gone
	}
	p.number++
	p.jobs[p.number] = job
	p.busy[lane] = max(p.busy[lane], w.now) + w.setup.WriteDelay*time.Duration(1+n.disk.slow)
	if n.disk.hung {
		n.disk.reads = append(n.disk.reads, p.number)
		return
	}
	w.events.push(event{at: p.busy[lane], kind: loaded, node: n, life: n.life, number: p.number})
}

func (homeStorage) Close() error { return nil }

// survived finds out which of the writes that were under way a crash has left, by what the
// node comes back with: a first part of them, whole, and everything that was durable.
func (p *place) survived(c *raft.Core) {
	n, w := p.node, p.node.world
	s, told := c.Status(), p.believe()
	found, partial := -1, raft.Index(0)
	hard, last := n.mirror.hardDisk, n.mirror.disk.last().Position
	look := func(count int, part raft.Index) {
		if hard == (raft.HardState{Term: s.Term, VotedFor: s.VotedFor}) && last == s.Last {
			found, partial = count, part
		}
	}
	look(0, 0)
	for i, write := range n.disk.open {
		if write.Snapshot != nil {
			last = write.Snapshot.Last
			look(i+1, last.Index)
		}
		if write.HardState != nil {
			hard = *write.HardState
		}
		if write.Truncate != 0 {
			last = n.mirror.positionBefore(write.Truncate, n.disk.open[:i])
		}
		for _, run := range write.Entries {
			for k := range run {
				// A write that crosses the end of a segment may be there in part.
				last = raft.Position{Index: run[k].Index, Term: run[k].Term}
				look(i+1, last.Index)
			}
		}
		if len(write.Entries) == 0 {
			look(i+1, 0)
		}
	}
	if found < 0 && p.replaced(&s) {
		return
	}
	if found < 0 && told {
		p.forgot(&s)
		return
	}
	if found < 0 {
		w.ends(Durability, "%s comes back with term %d, vote %q and a log to %v; durable were %+v and a log to %v, and %d writes were under way",
			n.id, s.Term, s.VotedFor, s.Last, n.mirror.hardDisk, n.mirror.disk.last().Position, len(n.disk.open))
	}
	if partial > 0 {
		n.disk.open[found-1] = firstPart(n.disk.open[found-1], partial)
	}
	n.disk.crash(found)
	w.oracle.crashed(n)
}

// positionBefore is the entry before an index, on the disk after some more writes.
func (m *mirror) positionBefore(i raft.Index, writes []*raft.Write) raft.Position {
	p := raft.Position{Index: i - 1}
	if s := m.disk.at(i - 1); i-1 > m.disk.base.Index && i-1 <= m.disk.last().Index && s != nil {
		p.Term = s.Term
	} else if i-1 == m.disk.base.Index {
		p.Term = m.disk.base.Term
	}
	for _, w := range writes {
		if w.Snapshot != nil && w.Snapshot.Last.Index == i-1 {
			p.Term = w.Snapshot.Last.Term
		}
		for _, run := range w.Entries {
			if k := int(i - 1 - run[0].Index); i-1 >= run[0].Index && k < len(run) {
				p.Term = run[k].Term
			}
		}
	}
	return p
}

// firstPart is a write without the entries after an index.
func firstPart(w *raft.Write, last raft.Index) *raft.Write {
	part := *w
	part.Entries = nil
	for _, run := range w.Entries {
		if run[0].Index > last {
			break
		}
		part.Entries = append(part.Entries, run[:min(len(run), int(last-run[0].Index)+1)])
	}
	return &part
}
