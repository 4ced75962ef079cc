package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/wire"
)

// receiving is a snapshot that a leader is sending to this node, or that any node has offered,
// in session 0, for what is damaged here.
type receiving struct {
	from     raft.NodeID
	session  uint64
	term     raft.Term
	incoming *snapshot.Incoming
	// movedAt is the tick at which something of it came last.
	movedAt uint64
	// writing: a chunk is being written, or the whole being checked. Chunks that come
	// meanwhile wait, as many as a leader has on their way; others are as good as lost.
	writing bool
	waiting []*wire.SnapshotChunk
	// installed is what came last and was found whole: what the core says to restore.
	installed     snapshot.Info
	installedHead snapshotHead
}

// chunkReceived takes a part of a snapshot from the leader of this term, or of one that is
// offered and wanted.
func (n *Node) chunkReceived(from raft.NodeID, m *wire.SnapshotChunk) {
	_, term, leader := n.core.Leadership()
	switch {
	case m.Session == 0:
		if !n.takesOffer(from, m) {
			return
		}
	case m.Term != term || from != leader || !n.core.TermDurable():
		// A snapshot may outlive a crash that this term does not, see goOnWhenDurable. The
		// leader sends it again.
		return
	case m.Last.Index <= n.core.Commit():
		n.replyToChunk(from, m, m.Offset, wire.SnapshotInstalled)
		return
	}
	r := &n.receiving
	if r.incoming == nil || r.incoming.Identity() != identityOf(m) {
		n.beginReceiving(from, m)
		return
	}
	r.comes(n.now, from, m)
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

// takesOffer reports whether a chunk of what was offered is wanted, and answers if it is not.
// Each of those who were asked for what is damaged may offer a snapshot, and the first of them is
// as good as the others.
func (n *Node) takesOffer(from raft.NodeID, m *wire.SnapshotChunk) bool {
	if !slices.Contains(n.core.Status().Configuration.Members(), from) {
		return false
	}
	if _, term, _ := n.core.Leadership(); m.Term > term {
		// Its term has to be durable here before anything that was committed in it. It asks
		// again.
		n.step(raft.Receive{Message: &raft.Message{From: from, To: n.config.ID, Term: m.Term, Body: &raft.AppendReply{Rejected: true}}})
		return false
	}
	r := &n.receiving
	own := r.session == 0 && r.from == from
	if !n.standsForDamage(m) || n.isReceiving() && !own {
		n.replyToChunk(from, m, m.Offset, wire.SnapshotRefused)
		return false
	}
	return true
}

// standsForDamage reports whether a snapshot stands for entries that are damaged here and not
// applied, and the core would take it.
func (n *Node) standsForDamage(m *wire.SnapshotChunk) bool {
	return n.core.Takes(m.Term, m.Last) && slices.ContainsFunc(n.mending.wanted, func(p raft.Position) bool {
		return n.applied < p.Index && p.Index <= m.Last.Index
	})
}

// isReceiving reports whether a snapshot is coming in, and has not come to a halt.
func (n *Node) isReceiving() bool {
	r := &n.receiving
	return r.writing || r.incoming != nil && n.now-r.movedAt < uint64(n.config.Raft.ElectionTicksMax)
}

// comes takes note of whose chunk came.
func (r *receiving) comes(now uint64, from raft.NodeID, m *wire.SnapshotChunk) {
	r.movedAt, r.from, r.session, r.term = now, from, m.Session, m.Term
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
	r.comes(n.now, from, m)
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
			r.incoming = incoming
			r.comes(n.now, from, m)
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

// install gives the core the snapshot, now that it is durable: as the leader's message, or as
// what was offered. If the core takes it, its next update says to restore it.
func (n *Node) install(m *wire.SnapshotChunk, info snapshot.Info) {
	r := &n.receiving
	n.snapshotMade()
	if r.session == 0 {
		// Refused, it is of no use any more, as the log was mended, or replaced, meanwhile.
		if err := n.core.Step(raft.SnapshotFetched{Term: r.term, Meta: info.Meta}); errors.Is(err, raft.ErrInvariant) {
			n.fail(err)
		}
	} else {
		n.step(raft.Receive{Message: &raft.Message{
			From: r.from, To: n.config.ID, Term: r.term,
			Body: &raft.InstallSnapshot{Session: r.session, Meta: info.Meta},
		}})
	}
	n.post(r.from, &wire.SnapshotReply{Session: r.session, Last: m.Last, Sum: m.Sum, Next: m.Size, Status: wire.SnapshotInstalled})
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
	n.mending.askedAt = 0 // what it stands for is wanted no more
	r.installed, r.installedHead = snapshot.Info{}, snapshotHead{}
}
