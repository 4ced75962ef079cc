package raft

import "fmt"

func outOfRange(what string, index, limit Index) error {
	return fmt.Errorf("%w: %s index %d, the limit is %d", ErrOutOfRange, what, index, limit)
}

// snapshotTaken compacts the log behind a snapshot.
func (c *Core) snapshotTaken(index, compactTo Index) error {
	if index > c.applied || index < c.log.base.Index {
		return outOfRange("snapshot", index, c.applied)
	}
	if compactTo > index {
		return outOfRange("compaction", compactTo, index)
	}
	if index > c.latest.Last.Index {
		meta, err := c.SnapshotAt(index)
		if err != nil {
			return err
		}
		c.latest = meta
	}
	if compactTo > c.log.base.Index {
		c.log.compact(compactTo)
		c.members.compact(compactTo)
	}
	return nil
}

// SnapshotAt describes a snapshot at an applied index that is still in the log, and not
// before the one that the node started from. Its configuration is the one that was in
// effect there, which need not be the present one: that may not even be committed.
func (c *Core) SnapshotAt(index Index) (SnapshotMeta, error) {
	term, ok := c.log.term(index)
	if !ok || index > c.handed {
		return SnapshotMeta{}, outOfRange("snapshot", index, c.handed)
	}
	at := c.members.at(index)
	if at.index > index {
		return SnapshotMeta{}, outOfRange("snapshot", index, c.latest.Last.Index)
	}
	return SnapshotMeta{
		Last:               Position{index, term},
		Configuration:      at.conf,
		ConfigurationIndex: at.index,
	}, nil
}

// sendSnapshot asks the owner to send a snapshot to a member that needs what is
// compacted. One is on its way at a time.
func (c *Core) sendSnapshot(p *progress) {
	p.snapshot()
	c.out.SendSnapshots = append(c.out.SendSnapshots, SendSnapshot{To: p.id, Term: c.hard.Term, Session: p.session})
}

// snapshotSent goes on from a snapshot that failed as soon as the member is heard again;
// one that arrived has an election timeout to be installed, and the member's answer goes
// on from it.
func (c *Core) snapshotSent(id NodeID, failed bool) {
	if c.lead == nil {
		return
	}
	p := c.lead.peer(id)
	if p == nil || p.state != Snapshot {
		return
	}
	if failed {
		p.probeFrom(p.match + 1)
		p.pause(c.nextHeartbeat())
		return
	}
	p.probeFrom(c.latest.Last.Index + 1)
	p.pause(c.now + uint64(c.config.ElectionTicksMax))
}

// installSnapshot takes a snapshot whose data the owner has received in full.
func (c *Core) installSnapshot(m Message, b *InstallSnapshot) {
	c.hear(m.From, b.Session)
	c.following.answerDue = true
	last := b.Meta.Last
	switch {
	case last.Index <= c.commit:
		// Nothing in it is news, and all of it is in the leader's log.
		last.Index = c.commit
	case c.log.holds(last):
		// The log goes on from here: only the commit index is news (§5.3).
		c.setCommit(last.Index)
	default:
		// What the log has, at and after this index too, is not the leader's.
		c.resetLog(b.Meta)
		c.latest = b.Meta
		c.commit, c.handed, c.applied = last.Index, last.Index, last.Index
		meta := b.Meta
		c.out.Restore = &meta
	}
	c.following.matched = max(c.following.matched, last.Index)
}
