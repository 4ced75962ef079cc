package sim

import (
	"errors"
	"strings"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wire"
)

// powerCut is that the power goes in the middle of what a disk does.
type powerCut struct {
	// armed: it will be, when so many more changes were made: those of some files.
	armed bool
	left  int
	of    func(name string) bool
	// done: it is gone, and nothing can be done any more.
	done bool
}

var errPower = errors.New("the power is gone")

func ofSnapshot(name string) bool {
	return strings.HasPrefix(name, "snapshot-") || strings.HasPrefix(name, "incoming-")
}

func ofLog(name string) bool { return strings.HasPrefix(name, "log-") }

func ofAny(string) bool { return true }

// armCut has the power go, after half as many changes as amount is: by its remainder by four, of
// any file, of snapshots, or of the log.
func (p *place) armCut(amount uint32) bool {
	if p.cut.armed {
		return false
	}
	of := [4]func(string) bool{ofAny, ofSnapshot, ofLog, ofSnapshot}[amount%4]
	p.cut = powerCut{armed: true, left: int(amount / 2), of: of}
	return true
}

// isCut reports whether the power is gone. A node without a disk of its own has no place.
func (p *place) isCut() bool { return p != nil && p.cut.done }

// cutBy lets an operation on the disk be the one at which the power goes.
func (p *place) cutBy(o vfs.Op) error {
	c := &p.cut
	if c.done {
		return errPower
	}
	if !c.armed || !o.Kind.Changes() || !c.of(o.Name) {
		return nil
	}
	if c.left > 0 {
		c.left--
		return nil
	}
	c.done = true
	what := "with others"
	switch {
	case strings.HasPrefix(o.Name, "incoming-"):
		what = "with a snapshot that comes"
	case ofSnapshot(o.Name):
		what = "with a snapshot"
	case ofLog(o.Name):
		what = "with the log"
	}
	w := p.node.world
	w.report.Faults["power gone at work "+what]++
	w.trace.line(w.now, "the power of %s goes at: %v %s", p.node.id, o.Kind, o.Name)
	return errPower
}

// look counts what else an operation shows.
func (p *place) look(o vfs.Op) {
	faults := p.node.world.report.Faults
	switch {
	case p.full && o.Kind == vfs.OpWrite && ofSnapshot(o.Name):
		faults["no room for a snapshot"]++
	case (o.Kind == vfs.OpRename || o.Kind == vfs.OpRemove) && strings.HasPrefix(o.Name, "log-"):
		faults["log compacted"]++
	}
}

// powerless reports whether the power is gone: then the process is, too.
func (n *node) powerless() bool {
	if !n.place.isCut() {
		return false
	}
	n.crash(0)
	return true
}

// replaced reports whether a snapshot has taken the place of the log when a node came back: one
// that had come, and that it had not been able to say so of.
func (p *place) replaced(s *raft.Status) bool {
	n := p.node
	m, o := n.mirror, n.world.oracle
	if s.Last.Index == 0 || s.Base != s.Last {
		return false
	}
	hard := m.hardDisk
	for i := 0; ; i++ {
		after := m.positionBefore(s.Last.Index+1, n.disk.open[:i])
		raised := hard
		if s.Last.Term > hard.Term {
			raised = raft.HardState{Term: s.Last.Term}
		}
		if raised == (raft.HardState{Term: s.Term, VotedFor: s.VotedFor}) && after != s.Last {
			break
		}
		if i == len(n.disk.open) {
			return false
		}
		if h := n.disk.open[i].HardState; h != nil {
			hard = *h
		}
	}
	meta := raft.SnapshotMeta{Last: s.Last, Configuration: s.Configuration, ConfigurationIndex: s.ConfigurationIndex}
	o.checkSnapshot(n, &meta)
	n.world.report.Faults["snapshot in the place of a log"]++
	n.disk.open = nil
	n.disk.carryOut(&raft.Write{Snapshot: &meta})
	m.hardDisk = raft.HardState{Term: s.Term, VotedFor: s.VotedFor}
	n.disk.saved.HardState = m.hardDisk
	n.disk.crash(0)
	o.crashed(n)
	return true
}

// sentChunk looks at a part of a snapshot as it leaves.
func (o *oracle) sentChunk(n *node, m *wire.SnapshotChunk) {
	at := m.Last.Index
	if at > o.commit() || o.committed[at].Position != m.Last {
		o.world.violated(Snapshots, "%s sends a snapshot at %v, which is not committed", n.id, m.Last)
	}
	if m.Session == 0 { // it is offered, which anybody may do
		if len(m.Data) == 0 {
			o.world.report.Faults["snapshot offered"]++
		}
	} else if t := o.terms[m.Term]; t == nil || t.leader != n.id {
		o.world.violated(MessageFromLog, "%s sends a snapshot in term %d, which it does not lead", n.id, m.Term)
	}
	faults := o.world.report.Faults
	switch {
	case len(m.Data) == 0:
		faults["snapshot sent"]++
	case m.Offset > 0:
		faults["snapshot sent in parts"]++
	}
}
