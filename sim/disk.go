package sim

import (
	"time"

	"github.com/ben-ng/gaggle/raft"
)

// disk is a node's: writes become durable one after the other, and take their time.
type disk struct {
	node *node
	// Of a core it is the whole log that is saved, in Entries.
	saved raft.Saved
	// damaged are the entries that cannot be read.
	damaged map[raft.Index]bool
	// open are the writes that are not durable, in order.
	open []*raft.Write
	// busyUntil is when the last of them will be.
	busyUntil time.Duration
	// reads wait for it while it hangs.
	reads []uint64
	// slow makes writes take that many times longer; hung makes them wait.
	slow int
	hung bool
	// tell is what an engine wants to be told of what is durable.
	tell func(number uint64)
}

// write begins a write.
func (d *disk) write(w *raft.Write) {
	d.open = append(d.open, w)
	d.node.world.oracle.wrote(d.node, w)
	if !d.hung {
		d.begin(w)
	}
}

func (d *disk) begin(w *raft.Write) {
	world := d.node.world
	delay := world.setup.WriteDelay * time.Duration(1+d.slow)
	if slow := world.net.faults.SlowWrites; slow > 0 && world.noise.draw() > 255-slow {
		world.report.Faults["write slow"]++
		delay *= min(tail(world.noise.draw()), 16)
	}
	d.busyUntil = max(d.busyUntil, world.now) + delay
	world.events.push(event{at: d.busyUntil, kind: written, node: d.node, life: d.node.life, number: w.Number})
}

// done takes note that writes up to a number are durable.
func (d *disk) done(number uint64) {
	world := d.node.world
	if d.node.place != nil && !d.appendReal(number) {
		return
	}
	for len(d.open) > 0 && d.open[0].Number <= number {
		d.carryOut(d.open[0])
		d.open = d.open[1:]
	}
	world.trace.add(4, uint64(d.node.number), number)
	if world.trace.told() {
		world.trace.line(world.now, "%s write %d is durable", d.node.id, number)
	}
	d.node.process.persisted(number)
}

// fullRetry is how long a full disk is left alone before the next attempt.
const fullRetry = 200 * time.Millisecond

// appendReal appends to the real log what is done by now. If there is no room, it is tried
// again later.
func (d *disk) appendReal(number uint64) bool {
	count := 0
	for count < len(d.open) && d.open[count].Number <= number {
		count++
	}
	if count == 0 || d.node.place.append(d.open[:count]) {
		return true
	}
	world := d.node.world
	world.events.push(event{at: world.now + fullRetry, kind: written, node: d.node, life: d.node.life, number: number})
	return false
}

// carryOut does what a write says, in the order of its parts.
func (d *disk) carryOut(w *raft.Write) {
	d.node.world.oracle.durable(d.node, w)
	s := &d.saved
	if w.Snapshot != nil {
		s.Snapshot, s.Compacted, s.Entries = *w.Snapshot, w.Snapshot.Last, nil
		clear(d.damaged)
	}
	if w.HardState != nil {
		s.HardState = *w.HardState
	}
	if w.Truncate != 0 {
		s.Entries = s.Entries[:w.Truncate-s.Compacted.Index-1]
		d.cut(w.Truncate, lastIndex)
	}
	for _, run := range w.Entries {
		s.Entries = append(s.Entries, run...)
	}
}

// forget takes note of a snapshot, and removes what it covers, up to an index.
func (d *disk) forget(snapshot raft.SnapshotMeta, to raft.Index) {
	s := &d.saved
	s.Snapshot = snapshot
	if to <= s.Compacted.Index {
		return
	}
	gone := to - s.Compacted.Index
	s.Compacted = raft.Position{Index: to, Term: s.Entries[gone-1].Term}
	s.Entries = append([]raft.Entry(nil), s.Entries[gone:]...)
	d.cut(0, to)
}

// crash leaves the first few of the open writes, and none of the others.
func (d *disk) crash(surviving int) {
	for _, w := range d.open[:min(surviving, len(d.open))] {
		d.carryOut(w)
	}
	d.open, d.busyUntil, d.reads, d.hung = nil, 0, nil, false
}

// heal lets it go on at its usual speed, also with what it has begun.
func (d *disk) heal() {
	d.slow, d.hung, d.busyUntil = 0, false, 0
	for _, w := range d.open {
		d.begin(w)
	}
	for _, number := range d.reads {
		d.beginRead(number)
	}
	d.reads = nil
}

// beginRead begins to read, which takes as long as a write, and does not wait for writes.
func (d *disk) beginRead(number uint64) {
	if d.hung {
		d.reads = append(d.reads, number)
		return
	}
	world := d.node.world
	at := world.now + world.setup.WriteDelay*time.Duration(1+d.slow)
	world.events.push(event{at: at, kind: loaded, node: d.node, life: d.node.life, number: number})
}

// hang makes what comes from now on wait. What is on its way gets there.
func (d *disk) hang() { d.hung = true }
