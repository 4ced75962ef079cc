package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wal"
	"github.com/ben-ng/gaggle/wire"
)

// mending gets damaged entries back from the other nodes. Index and term of each are known,
// and by the Log Matching property (§3.5) any node whose log has an entry of that index and
// term has the same entry, whether it leads or not. Where it is compacted, a snapshot stands for
// it, of any node again: the one that has to be helped may be the leader, or the only one that
// could become it. (That a damaged entry must never count
// as one that was never there: Alagappan et al., "Protocol-Aware Recovery for
// Consensus-Based Storage", FAST 2018.)
type mending struct {
	// wanted are the positions of damaged entries, by rising index.
	wanted []raft.Position
	// impaired: they were damaged when the node started, so that it may not lead.
	impaired bool
	// askedAt is the tick at which others were asked last, since the tick at which the
	// first of them was found.
	askedAt, since uint64
	writing        bool
	// answering are the nodes for which entries are being read. Who asks again before is
	// not answered twice: reads must not pile up before a slow disk.
	answering map[raft.NodeID]bool
}

// mend adds an entry to those that are damaged.
func (n *Node) mend(p raft.Position) {
	m := &n.mending
	at, found := slices.BinarySearchFunc(m.wanted, p, func(a, b raft.Position) int { return int(a.Index) - int(b.Index) })
	if found {
		return
	}
	if len(m.wanted) == 0 {
		m.since, m.askedAt = n.now, 0
	}
	m.wanted = slices.Insert(m.wanted, at, p)
	n.log.Error("an entry on the disk is damaged: the other nodes are asked for it", "entry", p.String())
}

// tickMending asks all members for what is damaged.
func (n *Node) tickMending() {
	m := &n.mending
	if len(m.wanted) == 0 || m.writing || m.askedAt > 0 && n.now-m.askedAt < uint64(n.config.Raft.ElectionTicksMin) {
		return
	}
	m.wanted = slices.DeleteFunc(m.wanted, func(p raft.Position) bool { return !n.core.Holds(p) })
	if len(m.wanted) == 0 {
		n.mended()
		return
	}
	if m.askedAt = max(n.now, 1); n.isReceiving() {
		return // it may stand for what is wanted
	}
	if own := n.wantedInMemory(); len(own) > 0 {
		n.entriesFetched(&wire.FetchedEntries{Entries: own})
		return
	}
	request := &wire.FetchEntries{Positions: slices.Clone(m.wanted[:min(len(m.wanted), wire.MaxFetch)])}
	for _, id := range n.core.Status().Configuration.Members() {
		if id != n.config.ID {
			n.post(id, request)
		}
	}
	if n.now-m.since > 2*uint64(n.config.Raft.ElectionTicksMax) {
		n.found(entriesLost, "", n.failure("mend", fmt.Errorf("%w: %d of them, the first at %v", ErrDamaged, len(m.wanted), m.wanted[0]),
			"no node that can be reached has them; bring back those that are gone: the node waits, as they may be acknowledged"))
	}
}

// wantedInMemory is what nobody needs to be asked for, as it is damaged on the disk only.
func (n *Node) wantedInMemory() []raft.Entry {
	var own []raft.Entry
	for _, p := range n.mending.wanted[:min(len(n.mending.wanted), wire.MaxFetch)] {
		if e, ok := n.core.Entry(p); ok {
			own = append(own, e)
		}
	}
	return own
}

// entriesAsked gives another node entries that are damaged on its disk: as many as fit into
// a message. It will ask again for the others. If there are none, a snapshot may stand for them.
func (n *Node) entriesAsked(from raft.NodeID, m *wire.FetchEntries) {
	reply := &wire.FetchedEntries{}
	var fromDisk []raft.Position
	bytes := 0
	for _, p := range m.Positions {
		if e, ok := n.core.Entry(p); !ok {
			fromDisk = append(fromDisk, p)
		} else if bytes += wire.EntrySize(&e); bytes <= fetchBytes || len(reply.Entries) == 0 {
			reply.Entries = append(reply.Entries, e)
		}
	}
	if len(reply.Entries) > 0 {
		n.post(from, reply)
	}
	fromDisk = slices.DeleteFunc(fromDisk, func(p raft.Position) bool { return n.home == nil || !n.core.Holds(p) })
	if len(fromDisk) == 0 && len(reply.Entries) == 0 {
		n.offerSnapshot(from, m.Positions[0].Index)
		return
	}
	answering := n.mending.answering
	if len(fromDisk) == 0 || answering[from] || len(answering) >= raft.MaxMembers {
		return
	}
	answering[from] = true
	none := len(reply.Entries) == 0
	n.job(ReadLane, func() {
		reply := readPositions(n.home.log, fromDisk)
		_ = n.do(func() {
			delete(answering, from)
			if len(reply.Entries) > 0 {
				n.post(from, reply)
			} else if none {
				n.offerSnapshot(from, m.Positions[0].Index)
			}
		})
	})
}

// fetchBytes is how much of entries a reply holds; one it always may.
const fetchBytes = 1 << 20

// readPositions reads what of these entries is whole on the disk, up to what a reply holds.
func readPositions(log *wal.Log, positions []raft.Position) *wire.FetchedEntries {
	reply := &wire.FetchedEntries{}
	bytes := 0
	for _, p := range positions {
		run, err := log.Read(p.Index, p.Index, 0)
		if err != nil || run[0].Term != p.Term {
			continue
		}
		if bytes += wire.EntrySize(&run[0]); bytes > fetchBytes && len(reply.Entries) > 0 {
			break
		}
		reply.Entries = append(reply.Entries, run[0])
	}
	return reply
}

// entriesFetched writes what another node has of what is damaged here.
func (n *Node) entriesFetched(m *wire.FetchedEntries) {
	w := &n.mending
	if w.writing || n.home == nil {
		return
	}
	var found []raft.Entry
	for _, e := range m.Entries {
		if slices.Contains(w.wanted, raft.Position{Index: e.Index, Term: e.Term}) && n.core.Holds(raft.Position{Index: e.Index, Term: e.Term}) {
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return
	}
	w.writing = true
	n.job(LogLane, func() {
		err := n.home.log.Repair(found)
		_ = n.do(func() {
			w.writing = false
			if errors.Is(err, wal.ErrInvalid) {
				return // a write that was quicker has cut them off; the next asking leaves them out
			}
			if n.diskTrouble(err); err != nil {
				return
			}
			for _, e := range found {
				w.wanted = slices.DeleteFunc(w.wanted, func(p raft.Position) bool { return p.Index == e.Index })
			}
			w.askedAt = 0
			if len(w.wanted) == 0 {
				n.mended()
			}
		})
	})
}

// mended ends what the damage kept the node from.
func (n *Node) mended() {
	n.log.Info("every entry that was damaged is whole again")
	n.solved(entriesLost, "")
	n.backlog.retryAt = 0
	if n.mending.impaired {
		n.mending.impaired = false
		n.step(raft.Repaired{})
	}
}
