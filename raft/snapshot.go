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
	case c.impaired && c.intact < last.Index && c.unread(last):
		c.restoreWithin(b.Meta)
	case last.Index <= c.commit:
		// Nothing in it is news, and all of it is in the leader's log.
		last.Index = c.commit
	case c.log.holds(last):
		// The log goes on from here: only the commit index is news (§5.3).
		c.setCommit(last.Index)
	default:
		// What the log has, at and after this index too, is not the leader's.
		c.restoreInstead(b.Meta)
	}
	c.following.matched = max(c.following.matched, last.Index)
}

// Takes reports whether the core would take a snapshot that another node has, as SnapshotFetched
// says: if something up to its end is to be applied next and on the disk only, and
//
//   - the log has its last entry, and that is durable: what follows stays; or the log ends
//     before it
//   - its sender's term is durable here: whoever leads from then on has what is committed,
//     and contradicts nothing in it (Leader Completeness, §3.6.3)
//   - a leader has committed as far, as it does that by counting (§3.6.2)
func (c *Core) Takes(term Term, last Position) bool {
	known := term <= c.hard.Term && c.persist.hardDurable()
	if c.lead != nil {
		known = known && last.Index <= c.commit
	}
	return known && (c.unread(last) || c.role == Follower && last.Index > c.log.last.Index && c.applied+1 < c.log.memory)
}

// snapshotFetched takes a snapshot from whoever has it.
func (c *Core) snapshotFetched(e SnapshotFetched) error {
	last := e.Meta.Last
	switch {
	case !c.Takes(e.Term, last):
		return outOfRange("snapshot", last.Index, c.log.last.Index)
	case last.Index > c.log.last.Index:
		c.restoreInstead(e.Meta)
	default:
		c.restoreWithin(e.Meta)
	}
	return nil
}

// unread reports whether a snapshot that ends with an entry of the log, which is durable,
// stands for some that are to be applied next and are on the disk only, where they may be
// damaged.
func (c *Core) unread(last Position) bool {
	return c.log.holds(last) && last.Index > c.applied && last.Index <= c.persist.durable && c.applied+1 < c.log.memory
}

// restoreInstead has a snapshot restored that takes the place of the log.
func (c *Core) restoreInstead(meta SnapshotMeta) {
	last := meta.Last.Index
	c.resetLog(meta)
	c.latest = meta
	c.commit, c.handed, c.applied = last, last, last
	c.out.Restore = &meta
	c.effect(Effect{Kind: Restored, Meta: meta})
}

// restoreWithin has a snapshot restored that ends within the log. What follows stays: it may
// have been acknowledged (§5.3). What was handed out of it, and waits for what could not be
// read, is handed out again.
func (c *Core) restoreWithin(meta SnapshotMeta) {
	last := meta.Last.Index
	c.setCommit(last)
	c.log.compact(last)
	c.members.restore(meta)
	c.latest = meta
	c.handed, c.applied = last, last
	c.intact = max(c.intact, last)
	c.following.answerDue = c.role == Follower
	c.out.Restore = &meta
	c.effect(Effect{Kind: Restored, Meta: meta, Index: last})
}
