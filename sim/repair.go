package sim

import (
	"maps"
	"slices"

	"github.com/ben-ng/gaggle/raft"
)

// repair does about damaged entries what the owners of cores do: it takes them from any other
// node that has them. What all have compacted, a snapshot of one of them stands for; and where
// the node has applied it, its own. Only what nobody has, nor a snapshot, the disk can read
// again: that was not rot. It reports whether there was damage.
func (d *disk) repair() bool {
	indexes := slices.Sorted(maps.Keys(d.damaged))
	for _, i := range indexes {
		if !d.damaged[i] {
			continue // compacted with one before it
		}
		if d.node.world.hasEntry(d.node, *d.position(i)) || !d.standIn(i) {
			delete(d.damaged, i)
		}
	}
	return len(indexes) > 0
}

// position is that of an entry of the log, whether it can be read or not.
func (d *disk) position(i raft.Index) *raft.Position {
	e := &d.saved.Entries[i-d.saved.Compacted.Index-1]
	return &raft.Position{Index: e.Index, Term: e.Term}
}

// hasEntry reports whether another node has an entry, and can read it.
func (w *world) hasEntry(except *node, p raft.Position) bool {
	return slices.ContainsFunc(w.nodes, func(n *node) bool {
		d := &n.disk
		first := d.saved.Compacted.Index + 1
		return n != except && first <= p.Index && p.Index < first+raft.Index(len(d.saved.Entries)) &&
			!d.damaged[p.Index] && *d.position(p.Index) == p
	})
}

// standIn has a snapshot take the place of a damaged entry. It reports whether there is one; it
// need not be taken at once.
func (d *disk) standIn(i raft.Index) bool {
	n := d.node
	p, runs := n.process.(*coreProcess)
	runs = runs && !n.paused
	switch {
	case runs && i <= p.last:
		p.letGo(i)
		return true
	case i <= d.saved.Snapshot.Last.Index:
		return true // as soon as the node runs
	}
	for _, other := range n.world.nodes {
		if other == n || other.disk.saved.Snapshot.Last.Index < i {
			continue
		}
		if runs && other.process != nil {
			p.offered(other)
			n.rouse()
		}
		return true
	}
	return false
}

// letGo compacts up to a damaged entry that is applied, behind a snapshot of this node.
func (p *coreProcess) letGo(i raft.Index) {
	d := &p.node.disk
	if i > p.snapshot.Last.Index {
		p.compact(0)
	}
	if meta := p.snapshot; i <= meta.Last.Index && d.damaged[i] && !d.snapshotOnItsWay() {
		d.forget(meta, i)
		p.node.world.oracle.compacted(p.node, meta, i)
		p.must(raft.SnapshotTaken{Index: meta.Last.Index, CompactTo: i})
	}
}

// offered has another node's snapshot arrive for what is damaged: after word of that node's
// term, if that is news.
func (p *coreProcess) offered(from *node) {
	_, term, _ := p.raft.Leadership()
	_, known, _ := from.process.core().Leadership()
	if known > term {
		p.do(raft.Receive{Message: &raft.Message{From: from.id, To: p.node.id, Term: known, Body: &raft.AppendReply{Rejected: true}}})
		return
	}
	p.do(raft.SnapshotFetched{Term: known, Meta: from.disk.saved.Snapshot})
}

// restoredWithin follows a snapshot that was restored within the log, on the disk.
func (p *coreProcess) restoredWithin(meta raft.SnapshotMeta) {
	n := p.node
	n.world.report.Faults["snapshot for damage"]++
	n.disk.forget(meta, meta.Last.Index)
	n.world.oracle.compacted(n, meta, meta.Last.Index)
	p.damaged = max(p.damaged, meta.Last.Index+1)
}
