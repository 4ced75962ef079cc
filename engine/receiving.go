package engine

import (
	"errors"
	"fmt"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/wire"
)

// receiving is a snapshot that a leader is sending to this node.
type receiving struct {
	from     raft.NodeID
	session  uint64
	incoming *snapshot.Incoming
	// writing: a chunk is being written, or the whole being checked. Chunks that come
	// meanwhile wait, as many as a leader has on their way; others are as good as lost.
	writing bool
	waiting []*wire.SnapshotChunk
	// installed is what came last and was found whole: what the core says to restore.
	installed     snapshot.Info
	installedHead snapshotHead
}

// chunkReceived takes a part of a snapshot from the leader of this term.
func (n *Node) chunkReceived(from raft.NodeID, m *wire.SnapshotChunk) {
	_, term, leader := n.core.Leadership()
	if m.Term != term || from != leader {
		return
	}
	r := &n.receiving
	if m.Last.Index <= n.core.Commit() {
		n.replyToChunk(from, m, m.Offset, wire.SnapshotInstalled)
		return
	}
	if r.incoming == nil || r.incoming.Identity() != identityOf(m) {
		n.beginReceiving(from, m)
		return
	}
	r.from, r.session = from, m.Session
	if r.writing {
		if len(m.Data) > 0 && len(r.waiting) < chunksAhead {
			r.waiting = append(r.waiting, m)
		}
		return
	}
	if offset := r.incoming.Offset(); int64(m.Offset) != offset || len(m.Data) == 0 {
		n.replyToChunk(from, m, uint64(offset), wire.SnapshotWanted)
		return
	}
	n.writeChunk(m)
}

// identityOf says which snapshot a chunk is of.
func identityOf(m *wire.SnapshotChunk) snapshot.Identity {
	return snapshot.Identity{Last: m.Last, Size: int64(m.Size), Sum: m.Sum}
}

func (n *Node) replyToChunk(to raft.NodeID, m *wire.SnapshotChunk, next uint64, status wire.SnapshotStatus) {
	n.post(to, &wire.SnapshotReply{Session: m.Session, Last: m.Last, Sum: m.Sum, Next: next, Status: status})
}

// beginReceiving makes room for a snapshot, or goes on with what of it is there already.
func (n *Node) beginReceiving(from raft.NodeID, m *wire.SnapshotChunk) {
	r := &n.receiving
	if r.writing {
		return // of another one; the leader will ask again
	}
	r.writing, r.waiting = true, nil
	n.job(SnapshotLane, func() {
		incoming, err := n.snapshots.Receive(identityOf(m))
		var (
			info snapshot.Info
			head snapshotHead
		)
		there := errors.Is(err, snapshot.ErrObsolete)
		switch {
		case there:
			info, head, err = n.openLatest()
		case err == nil && incoming.Offset() >= int64(m.Size):
			// All of it had come when the node stopped: nothing more will be sent.
			there = true
			info, head, err = n.checkReceived(incoming)
			incoming = nil
		}
		_ = n.do(func() {
			r.writing = false
			if err != nil {
				n.receivingFailed(from, m, err)
				return
			}
			r.incoming, r.from, r.session = incoming, from, m.Session
			if there {
				r.installed, r.installedHead = info, head
				n.install(m, info)
				return
			}
			n.replyToChunk(from, m, uint64(incoming.Offset()), wire.SnapshotWanted)
		})
	})
}

// openLatest reads the latest snapshot that is there: one that came in full when its sender
// had just ceased to lead, so that the core did not take it. What is in it is committed, so
// every leader has it, and the next one offers in vain what is not newer.
func (n *Node) openLatest() (snapshot.Info, snapshotHead, error) {
	info, ok := n.snapshots.Latest()
	if !ok {
		return snapshot.Info{}, snapshotHead{}, snapshot.ErrObsolete // it was removed meanwhile
	}
	head, state, err := openSnapshot(n.snapshots, info)
	if err != nil {
		return snapshot.Info{}, snapshotHead{}, err
	}
	return info, head, state.Close()
}

// writeChunk writes what follows, and when that was the last of it, checks the whole.
func (n *Node) writeChunk(m *wire.SnapshotChunk) {
	r := &n.receiving
	r.writing = true
	incoming := r.incoming
	n.job(SnapshotLane, func() {
		_, err := incoming.WriteAt(m.Data, int64(m.Offset))
		next := incoming.Offset()
		whole := err == nil && next >= int64(m.Size)
		var (
			info snapshot.Info
			head snapshotHead
		)
		if whole {
			info, head, err = n.checkReceived(incoming)
		}
		_ = n.do(func() {
			r.writing = false
			switch {
			case err != nil:
				r.incoming, r.waiting = nil, nil
				n.receivingFailed(r.from, m, err)
			case whole:
				r.incoming, r.waiting = nil, nil
				r.installed, r.installedHead = info, head
				n.install(m, info)
			default:
				n.replyToChunk(r.from, m, uint64(next), wire.SnapshotWanted)
				n.writeWaiting()
			}
		})
	})
}

// writeWaiting goes on with a chunk that came meanwhile, if one of them is the next.
func (n *Node) writeWaiting() {
	r := &n.receiving
	for len(r.waiting) > 0 && !r.writing {
		m := r.waiting[0]
		r.waiting = r.waiting[1:]
		if int64(m.Offset) == r.incoming.Offset() && r.incoming.Identity() == identityOf(m) {
			n.writeChunk(m)
		}
	}
}

// checkReceived makes a snapshot that has arrived one of this node's.
func (n *Node) checkReceived(incoming *snapshot.Incoming) (snapshot.Info, snapshotHead, error) {
	info, err := incoming.Commit()
	if err != nil {
		return snapshot.Info{}, snapshotHead{}, err
	}
	head, state, err := openSnapshot(n.snapshots, info)
	if err != nil {
		// Nobody can begin from it, and it must not be in the way of one that is good.
		return snapshot.Info{}, snapshotHead{}, errors.Join(err, n.snapshots.Remove(info.Name))
	}
	return info, head, state.Close()
}

// install gives the core the snapshot's message, now that it is durable. If the core takes
// it, its next update says to restore it.
func (n *Node) install(m *wire.SnapshotChunk, info snapshot.Info) {
	r := &n.receiving
	n.snapshotMade()
	n.step(raft.Receive{Message: &raft.Message{
		From: r.from, To: n.config.ID, Term: m.Term,
		Body: &raft.InstallSnapshot{Session: r.session, Meta: info.Meta},
	}})
	n.replyToChunk(r.from, m, m.Size, wire.SnapshotInstalled)
}

// receivingFailed tells the leader that the snapshot cannot be taken, and an operator why.
func (n *Node) receivingFailed(from raft.NodeID, m *wire.SnapshotChunk, err error) {
	n.snapshotFailed(err)
	n.replyToChunk(from, m, 0, wire.SnapshotRefused)
}

// restored does what the core says after it has taken a snapshot.
func (n *Node) restored(meta *raft.SnapshotMeta) {
	r := &n.receiving
	if r.installed.Meta.Last != meta.Last {
		n.fail(fmt.Errorf("%w: a snapshot at %v is to be restored, the last that came is at %v", raft.ErrInvariant, meta.Last, r.installed.Meta.Last))
		return
	}
	n.restore(r.installed, r.installedHead)
	r.installed, r.installedHead = snapshot.Info{}, snapshotHead{}
}
