package raft

// loadEntries asks the owner for what a member needs next and is on disk only. One load
// per member is open at a time, and brings no more than one message.
func (c *Core) loadEntries(p *progress) {
	if p.load != (Load{}) || c.now < p.loadAt {
		return
	}
	p.load = Load{
		To: p.id, Session: p.session,
		First: p.next, Last: c.log.memory - 1, MaxBytes: c.config.MaxMessageBytes,
	}
	c.out.Loads = append(c.out.Loads, p.load)
}

// loaded sends what was loaded, as if it came from memory. What a load was for may have
// changed since: then it is nobody's any more.
func (c *Core) loaded(e Loaded) {
	if c.lead == nil {
		return
	}
	p := c.lead.peer(e.Load.To)
	if p == nil || p.load != e.Load {
		return
	}
	p.load = Load{}
	switch {
	case e.Load.First != p.next || p.next < c.log.first():
		// It has them by now, or they are compacted.
	case e.Err != nil || !c.isOfLog(e.Load, e.Entries):
		p.loadAt = c.nextHeartbeat()
	default:
		c.sendRun(p, fitting(e.Entries, e.Load.MaxBytes))
	}
}

// isOfLog reports whether entries are those of the log that a load is for. The disk may
// have been read before a truncation.
func (c *Core) isOfLog(load Load, entries []Entry) bool {
	if len(entries) == 0 {
		return false
	}
	t, _ := c.log.term(load.First - 1)
	if c.checkRun(Position{load.First - 1, t}, entries, c.hard.Term) != nil {
		return false
	}
	for i := range entries {
		if !c.log.holds(Position{entries[i].Index, entries[i].Term}) {
			return false
		}
	}
	return true
}

// unload drops the entries up to an index from memory.
func (c *Core) unload(upTo Index) error {
	if limit := min(c.applied, c.persist.durable); upTo > limit {
		return outOfRange("unload", upTo, limit)
	}
	c.log.unload(upTo)
	return nil
}
