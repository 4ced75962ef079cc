package sim

import (
	"time"

	"github.com/ben-ng/gaggle/raft"
)

// A frame is what goes from one node to another: a message between cores, or the bytes
// of a frame between engines.
type frame struct {
	from, to *node
	// name is the identity that it is meant for.
	name    raft.NodeID
	message *raft.Message
	bytes   []byte
	sum     uint64
	// rare: it comes seldom, and may do harm long after.
	rare bool
}

// network carries frames between nodes, and does to them what it is told.
type network struct {
	world  *world
	cut    [][]bool
	slow   [][]int
	faults Faults
	// kept are the last frames sent, to be delivered again in a later life, and rare the
	// last of those kinds that the others would soon push out.
	kept   []*frame
	keptAt int
	rare   []*frame
}

// maxKept is how many frames are kept.
const maxKept = 64

func (n *network) init(w *world) {
	n.world = w
	total := w.setup.Nodes + w.setup.Spares
	n.cut, n.slow = make([][]bool, total), make([][]int, total)
	for i := range total {
		n.cut[i], n.slow[i] = make([]bool, total), make([]int, total)
	}
	n.faults = w.setup.Faults
}

// mend undoes all cuts and slow links.
func (n *network) mend() {
	for i := range n.cut {
		clear(n.cut[i])
		clear(n.slow[i])
	}
}

// heal makes the network a good one.
func (n *network) heal() {
	n.mend()
	n.faults = Faults{}
}

// send puts a frame on its way. What becomes of it is left to chance.
func (n *network) send(f *frame) {
	w := n.world
	w.trace.add(1, uint64(f.from.number), uint64(f.to.number), f.sum)
	if f.rare && w.noise.draw() < 128 {
		n.rare = append(n.rare, f)
		if len(n.rare) > maxKept {
			n.rare = n.rare[1:]
		}
	}
	if len(n.kept) < maxKept {
		n.kept = append(n.kept, f)
	} else {
		n.kept[n.keptAt%maxKept] = f
		n.keptAt++
	}
	if n.cut[f.from.number][f.to.number] {
		n.told(f, "cut")
		if from := f.from; from.process != nil && !from.paused && w.noise.draw() > 223 {
			from.process.unreachable(f.to.id) // the channel has noticed
			from.rouse()
		}
		return
	}
	delay := w.setup.Delay * time.Duration(1+n.slow[f.from.number][f.to.number])
	if n.faults.Lost == 0 && n.faults.Repeated == 0 && n.faults.Late == 0 {
		n.told(f, "")
		n.arrive(f, delay)
		return
	}
	switch b := w.noise.draw(); {
	case b > 255-n.faults.Lost:
		w.report.Faults["frame lost"]++
		n.told(f, "lost")
		return
	case b > 255-n.faults.Lost-n.faults.Repeated:
		w.report.Faults["frame repeated"]++
		n.told(f, "twice")
		n.arrive(f, delay*time.Duration(1+w.noise.draw()%32))
	case b > 255-n.faults.Lost-n.faults.Repeated-n.faults.Late:
		w.report.Faults["frame late"]++
		delay *= tail(w.noise.draw())
		n.told(f, "late")
	default:
		n.told(f, "")
	}
	n.arrive(f, delay)
}

// rare reports whether a message is of a kind that comes seldom, and may do harm long after.
func rare(b raft.Body) bool {
	switch b := b.(type) {
	case *raft.InstallSnapshot, *raft.TimeoutNow, *raft.VoteReply:
		return true
	case *raft.AppendReply:
		return b.Rejected
	}
	return false
}

// tail makes a factor of a byte: 1 for 0, mostly little, rarely up to 128.
func tail(b byte) time.Duration {
	factor := time.Duration(1)
	for b&1 == 1 {
		factor *= 2
		b >>= 1
	}
	return min(factor, 128)
}

func (n *network) arrive(f *frame, delay time.Duration) {
	n.world.events.push(event{at: n.world.now + delay, kind: arrived, node: f.to, frame: f})
}

func (n *network) told(f *frame, what string) {
	if n.world.trace.told() {
		if what != "" {
			what = " (" + what + ")"
		}
		n.world.trace.line(n.world.now, "%s → %s  %s%s", f.from.id, f.to.id, f.words(), what)
	}
}

// formerLife delivers a frame of some time ago to whoever has its receiver's place now,
// if it still goes by the name.
func (n *network) formerLife(which uint32) bool {
	if len(n.kept) == 0 {
		return false
	}
	if len(n.rare) > 0 && which%2 == 1 {
		n.arrive(n.rare[int(which/2)%len(n.rare)], n.world.setup.Delay)
		return true
	}
	n.arrive(n.kept[int(which)%len(n.kept)], n.world.setup.Delay)
	return true
}

// cutGroups cuts all links between nodes that are not on the same side.
func (n *network) cutGroups(sameSide func(a, b int) bool) {
	for a := range n.cut {
		for b := range n.cut {
			n.cut[a][b] = a != b && !sameSide(a, b)
		}
	}
}

// pair is the number of a pair of nodes, in the order 0-1, 0-2, 1-2, 0-3, ….
func pair(a, b int) int {
	if a > b {
		a, b = b, a
	}
	return b*(b-1)/2 + a
}
