package sim

import (
	"fmt"
	"time"

	"github.com/ben-ng/gaggle/raft"
)

// A node is a place in the world where a process may run: one life after the other.
type node struct {
	world  *world
	number int
	id     raft.NodeID
	// identities counts those it has gone by; life its processes.
	identities, life int
	// process is nil while it is down.
	process process
	paused  bool
	// waiting are the frames and writes that came while it was paused.
	waiting []event
	// rate is the speed of its clock in percent; sluggish how long it takes to begin a
	// turn, and turnDue that it is to take one.
	rate     int
	sluggish time.Duration
	turnDue  bool
	disk     disk
	// place is where an engine that has a disk lives.
	place  *place
	mirror *mirror
}

// A process is what runs at a node. tick, receive and persisted leave something to do for
// the next turn.
type process interface {
	tick()
	receive(f *frame)
	persisted(number uint64)
	loaded(number uint64)
	unreachable(id raft.NodeID)
	turn()
	// core is the part that is Raft; nil as long as there is none.
	core() *raft.Core
	applied() raft.Index
	end()
}

// name gives it an identity that nobody has had.
func (n *node) name() {
	n.id = raft.NodeID(rune('a' + n.number))
	if n.identities > 0 {
		n.id = raft.NodeID(fmt.Sprintf("%c%d", 'a'+n.number, n.identities+1))
	}
	n.identities++
}

// install puts on its disk what a new node begins with.
func (n *node) install(voters []raft.NodeID, member bool) {
	n.disk = disk{node: n}
	n.mirror = &mirror{node: n, id: n.id}
	n.world.oracle.meet(n)
	if n.world.setup.Layer == Cores && member {
		saved, err := raft.Found(voters)
		if err != nil {
			panic(err)
		}
		n.disk.saved = saved
		n.world.oracle.installed(n, &saved)
	}
}

// start runs a process from what is on the disk. So many percent of a core's log stay there.
func (n *node) start(onDisk int) {
	n.life++
	if n.world.setup.Durable {
		if n.place == nil {
			n.place = newPlace(n)
		}
		if n.place.untruth.condemned || !n.place.open() {
			n.wipe() // whoever runs it has emptied the directory
			return
		}
	}
	n.world.spec.started(n)
	n.mirror.started()
	if n.world.setup.Layer == Cores {
		n.process = newCoreProcess(n, onDisk)
	} else {
		n.process = newEngineProcess(n)
	}
	n.nextTick()
	n.rouse()
}

// end closes its process as far as that has goroutines or memory of its own.
func (n *node) end() {
	if n.process != nil {
		n.process.end()
	}
}

func (n *node) nextTick() {
	length := n.world.setup.Tick * 100 / time.Duration(n.rate)
	n.world.events.push(event{at: n.world.now + length, kind: ticked, node: n, life: n.life})
}

// rouse has it take a turn.
func (n *node) rouse() {
	if !n.turnDue {
		n.turnDue = true
		n.world.events.push(event{at: n.world.now + n.sluggish, kind: turnDue, node: n, life: n.life})
	}
}

// happen is what an event does to it.
func (n *node) happen(e *event) {
	if n.process == nil {
		return
	}
	switch e.kind {
	case ticked:
		n.nextTick()
		if n.paused {
			return
		}
		n.process.tick()
	case arrived, written, loaded:
		if n.paused {
			n.waiting = append(n.waiting, *e)
			return
		}
		switch e.kind {
		case written:
			n.disk.done(e.number)
		case loaded:
			n.process.loaded(e.number)
		default:
			if !n.arrived(e.frame) {
				return
			}
		}
	case turnDue:
		n.turnDue = false
		if n.paused {
			return
		}
		n.turn()
		return
	default:
		return
	}
	if n.sluggish == 0 && !n.turnDue {
		n.turn() // at once: an event less
		return
	}
	n.rouse()
}

// arrived takes a frame, if it is meant for whom the node is now.
func (n *node) arrived(f *frame) bool {
	w := n.world
	if f.name != n.id {
		return false
	}
	w.trace.add(3, uint64(n.number), f.sum)
	if w.trace.told() {
		w.trace.line(w.now, "%s ← %s  %s", n.id, f.from.id, f.words())
	}
	n.process.receive(f)
	return true
}

// turn lets the process do what there is to do, and looks at what came of it.
func (n *node) turn() {
	if n.powerless() {
		return
	}
	n.world.oracle.before(n)
	n.process.turn()
	if n.powerless() {
		return
	}
	if p, ok := n.process.(*engineProcess); ok && p.failed {
		n.world.users.follow(n)
		n.crash(0) // whoever runs it restarts it
		return
	}
	n.world.oracle.after(n)
	n.world.users.follow(n)
}

// crash ends the process. Of the writes on their way to the disk, some survive.
func (n *node) crash(surviving int) {
	if n.place != nil {
		n.place.disk.PowerOff()
	}
	n.process.end()
	n.process = nil
	n.life++
	n.paused, n.waiting, n.turnDue = false, nil, false
	if n.place != nil {
		n.place.crash() // what survived is seen when it starts again
	} else {
		n.disk.crash(surviving)
		n.world.oracle.crashed(n)
	}
	n.world.users.crashed(n)
}

// wipe makes it somebody else, with nothing on its disk.
func (n *node) wipe() {
	n.name()
	n.install(nil, false)
	n.place = nil
	n.start(0)
}

func (n *node) resume() {
	n.paused = false
	waiting := n.waiting
	n.waiting = nil
	n.rouse() // all that has come goes into one turn
	for _, e := range waiting {
		if e.kind == arrived || e.life == n.life {
			n.happen(&e)
		}
	}
}
