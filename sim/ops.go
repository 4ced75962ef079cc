package sim

import (
	"time"

	"github.com/ben-ng/gaggle/raft"
)

// do lets an Op happen, if it can at the moment.
func (w *world) do(op Op) {
	n, ok := w.target(op.Node)
	if !ok {
		return
	}
	other, _ := w.target(op.Other)
	var done bool
	switch {
	case op.Kind < Cut:
		done = w.users.do(n, op)
	case op.Kind < Crash:
		done = w.net.do(n, other, op)
	case op.Kind < Change || op.Kind == PowerCut || op.Kind == Diverge:
		done = n.suffer(op)
	default:
		done = n.reconfigure(other, op)
	}
	if !done {
		return
	}
	w.trace.add(6, uint64(op.Kind), uint64(n.number), uint64(op.Amount))
	w.trace.line(w.now, "%v %s, other %s, amount %d", op.Kind, n.id, other.id, op.Amount)
	if op.Kind.fault() {
		w.report.Faults[op.Kind.String()]++
	}
}

// target is the node that a number of an Op stands for.
func (w *world) target(number uint8) (*node, bool) {
	if number == Leader {
		if l := w.leader(); l != nil {
			return l, true
		}
		return w.nodes[0], false
	}
	return w.nodes[int(number)%len(w.nodes)], true
}

func (n *network) do(from, to *node, op Op) bool {
	a, b := from.number, to.number
	switch op.Kind {
	case Cut:
		if a == b {
			return false
		}
		n.cut[a][b] = true
		n.cut[b][a] = n.cut[b][a] || op.Amount == 1
	case Isolate:
		for i := range n.cut {
			n.cut[a][i], n.cut[i][a] = i != a, i != a
		}
	case Partition:
		n.cutGroups(func(a, b int) bool { return op.Amount>>a&1 == op.Amount>>b&1 })
	case Graph:
		n.cutGroups(func(a, b int) bool { return op.Amount>>pair(a, b)&1 == 1 })
	case Mend:
		n.mend()
	case Noisy:
		n.faults = Faults{
			Lost: uint8(op.Amount), Repeated: uint8(op.Amount >> 8),
			Late: uint8(op.Amount >> 16), SlowWrites: uint8(op.Amount >> 24),
		}
	case SlowLink:
		n.slow[a][b] = int(op.Amount)
	case Unreachable:
		if from.process == nil || from.paused || a == b {
			return false
		}
		from.process.unreachable(to.id)
		from.rouse()
	case FormerLife:
		return n.formerLife(op.Amount)
	default:
		return false
	}
	return true
}

// suffer is what happens to a node's process, clock or disk.
func (n *node) suffer(op Op) bool {
	switch {
	case op.Kind == Damage && n.place != nil:
		return n.place.spoil(op.Amount)
	case op.Kind == Damage:
		return n.world.setup.Layer == Cores && n.disk.damage(op.Amount)
	case op.Kind == Repair:
		return n.disk.repair()
	case op.Kind == Lie || op.Kind == Misdirect:
		return n.place != nil && n.place.deceive(op)
	case op.Kind == Tamper:
		return n.place != nil && n.place.tamper(op.Amount)
	case op.Kind == PowerCut:
		return n.place != nil && n.place.armCut(op.Amount)
	case n.process == nil:
		return n.comeBack(op)
	}
	switch op.Kind {
	case Crash:
		if !n.world.mayCrash(n) {
			return false
		}
		n.crash(int(op.Amount))
	case Pause:
		n.paused = true
	case Resume:
		if !n.paused {
			return false
		}
		n.resume()
	case Sluggish:
		n.sluggish = n.world.setup.Tick * time.Duration(min(op.Amount, 10_000)) / 100
	case ClockRate:
		n.rate = int(min(max(op.Amount, 10), 1000))
	case ClockJump:
		if n.paused {
			return false
		}
		for range min(op.Amount, 1000) {
			n.process.tick()
			n.turn()
		}
	case SlowDisk:
		n.disk.slow = int(op.Amount)
	case HangDisk:
		n.disk.hang()
	case HealDisk:
		n.disk.heal()
		if n.place != nil {
			n.place.heal()
		}
	case Unload:
		p, ok := n.process.(*coreProcess)
		return ok && !n.paused && p.unload(raft.Index(op.Amount))
	case Diverge:
		p, ok := n.process.(*engineProcess)
		if !ok || p.machine == nil || !n.place.mayLose() {
			return false
		}
		p.machine.diverge()
	default:
		return false
	}
	return true
}

// comeBack starts a node that is down.
func (n *node) comeBack(op Op) bool {
	switch {
	case op.Kind == Restart && (n.world.setup.Layer == Cores || n.world.setup.Durable):
		n.start(int(op.Amount))
	case op.Kind == Wipe && n.world.mayWipe(n):
		n.wipe()
	default:
		return false
	}
	return true
}

// mayCrash keeps a majority of engines alive, as those that end have lost what they knew.
func (w *world) mayCrash(n *node) bool {
	if w.setup.ReplaceAfter > 0 && !w.setup.Durable {
		return w.mayLose(n)
	}
	return w.setup.Layer == Cores || w.setup.Durable || w.users.members() > w.setup.Nodes/2+1
}

// mayWipe keeps a majority of every configuration that may be in effect from losing what
// it has promised: all that is promised is promised as long as a majority's disks live.
func (w *world) mayWipe(n *node) bool {
	if w.setup.Durable && w.setup.ReplaceAfter > 0 {
		return w.mayLose(n)
	}
	if w.setup.Durable {
		return n.number == w.spoiled()
	}
	if w.setup.Layer == Engines {
		return true // it has lost everything when it crashed
	}
	for _, m := range w.oracle.mirrors {
		for _, c := range m.configurations {
			if c.conf.Voter(n.id) {
				return false
			}
		}
	}
	return true
}

// reconfigure is what an operator asks for.
func (n *node) reconfigure(other *node, op Op) bool {
	p, ok := n.process.(*coreProcess)
	if !ok || n.paused {
		return false
	}
	switch op.Kind {
	case Change:
		p.do(n.world.change(op.Amount))
	case Transfer:
		to := raft.None
		if op.Amount != 0 {
			to = other.id
		}
		p.do(raft.TransferLeadership{To: to})
	case Compact:
		return p.compact(raft.Index(op.Amount))
	default:
		return false
	}
	n.rouse()
	return true
}

// change is what the Amount of a Change asks for.
func (w *world) change(amount uint32) raft.ChangeConfiguration {
	voters := w.names(amount & 0x7fff)
	if amount&0x8000 != 0 {
		voters = append(voters, "nobody")
	}
	return raft.ChangeConfiguration{Voters: voters, Learners: w.names(amount >> 16 &^ amount)}
}

// names are the identities of the nodes whose bits are set.
func (w *world) names(bits uint32) []raft.NodeID {
	var ids []raft.NodeID
	for _, n := range w.nodes {
		if bits>>n.number&1 == 1 {
			ids = append(ids, n.id)
		}
	}
	return ids
}

// heal undoes everything that was done to the world.
func (w *world) heal() {
	w.net.heal()
	for _, n := range w.nodes {
		n.rate, n.sluggish = 100, 0
		n.disk.heal()
		n.disk.repair()
		if n.place != nil {
			n.place.heal()
			n.place.cut.armed = false
		}
		if n.process == nil && (w.setup.Layer == Cores || w.setup.Durable) {
			n.start(0)
		}
		if n.paused {
			n.resume()
		}
	}
}
