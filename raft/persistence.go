package raft

import "fmt"

// persistence knows what of the node's state is durable, and keeps back what may
// not be said before it is.
//
// The log writer carries out writes in order. After write w is durable, the disk
// holds the log as it was when w was handed out. What of that is still part of the
// log in memory is durable for good:
//
//	log in memory   1 2 3 4 5 6'7'        6' and 7' replaced 6 and 7
//	write 8, done   1 2 3 4               durable = 4
//	write 9         1 2 3 4 5 6 7         when done: durable = 5, as 6 and 7 were cut
//	write 10        1 2 3 4 5 6'7'        when done: durable = 7
type persistence struct {
	// handedOut and done are the numbers of the last write handed out, and durable.
	handedOut, done uint64
	// written is the last index handed out; durable the last that is durable.
	written, durable Index
	// truncate is the index from which on handed-out entries are cut; 0 if none.
	truncate Index
	// snapshot is an installed snapshot not handed out yet.
	snapshot *SnapshotMeta
	// hardChanged: the hard state has not been handed out. hardWrite is the number
	// of the write that it went with.
	hardChanged bool
	hardWrite   uint64
	// open are the writes handed out and not durable, in order.
	open []openWrite
	// openBytes is the size of the entries in them.
	openBytes int
	// held are messages that speak of the present hard state, which is not durable.
	held []Message
}

// maxHeld is how many messages are kept back for a disk that does not get done with a
// term or vote. Further ones are as good as lost on the way.
const maxHeld = 1 << 10

type openWrite struct {
	number uint64
	// last is the end of the log as of this write, as far as it was not cut since.
	last Index
	// bytes is the size of the entries in it.
	bytes int
	// since is the tick at which it was handed out.
	since uint64
}

// hardDurable reports whether the term and vote are durable.
func (p *persistence) hardDurable() bool { return !p.hardChanged && p.done >= p.hardWrite }

// setHardState changes term and vote, which are one record. Whatever was held back
// for an older term is obsolete: said now, it could be false.
func (c *Core) setHardState(h HardState) {
	c.assert(h.Term > c.hard.Term || h.Term == c.hard.Term && (c.hard.VotedFor == None || c.hard == h),
		"hard state would go from %+v to %+v", c.hard, h)
	if h.Term != c.hard.Term {
		c.persist.held = nil
	}
	c.hard = h
	c.persist.hardChanged = true
	c.effect(Effect{Kind: Entered, HardState: h})
}

// send puts a message of the present term into the update, or holds it back until
// term and vote are durable. A leader's never wait: it leads because they are.
func (c *Core) send(to NodeID, b Body) {
	c.sendInTerm(to, c.hard.Term, b)
}

func (c *Core) sendInTerm(to NodeID, term Term, b Body) {
	m := Message{From: c.config.ID, To: to, Term: term, Body: b}
	if c.persist.hardDurable() {
		c.out.Messages = append(c.out.Messages, m)
		c.effect(Effect{Kind: Said, Message: m})
	} else if len(c.persist.held) < maxHeld {
		c.persist.held = append(c.persist.held, m)
		c.effect(Effect{Kind: Withheld, Message: m})
	}
}

// appendToLog adds entries after the last, with the configurations among them.
func (c *Core) appendToLog(entries []Entry) {
	c.log.append(entries...)
	c.effect(Effect{Kind: Appended, Entries: entries})
	for i := range entries {
		if entries[i].Type == EntryConfiguration {
			err := c.members.push(entries[i])
			c.assert(err == nil, "configuration entry %d: %v", entries[i].Index, err)
			c.configurationChanged()
		}
	}
}

// truncateLog removes entries from an index on, and the configurations among them.
func (c *Core) truncateLog(from Index) {
	c.assert(from > c.commit, "entry %d would be removed, %d is committed", from, c.commit)
	c.assert(c.role != Leader, "a leader would remove entry %d", from)
	c.log.truncate(from)
	c.members.truncate(from)
	p := &c.persist
	if from <= p.written {
		p.written = from - 1
		if p.truncate == 0 || from < p.truncate {
			p.truncate = from
		}
	}
	p.cut(from - 1)
}

// cut takes note that only entries up to last remain of what is on disk or on its
// way there.
func (p *persistence) cut(last Index) {
	p.durable = min(p.durable, last)
	for i := range p.open {
		p.open[i].last = min(p.open[i].last, last)
	}
}

// resetLog replaces the log by a snapshot.
func (c *Core) resetLog(meta SnapshotMeta) {
	c.log, c.impaired = newLog(meta.Last), false
	c.members = newMembership(meta)
	p := &c.persist
	p.snapshot = &meta
	p.truncate = 0
	p.written = meta.Last.Index
	p.cut(0)
}

// handOutWrite puts what is not on its way to the disk yet into the update.
func (c *Core) handOutWrite() {
	p := &c.persist
	if !p.hardChanged && p.snapshot == nil && p.truncate == 0 && p.written == c.log.last.Index {
		return
	}
	p.handedOut++
	w := &Write{Number: p.handedOut, Snapshot: p.snapshot, Truncate: p.truncate}
	if p.hardChanged {
		h := c.hard
		w.HardState = &h
		p.hardWrite = p.handedOut
	}
	w.Entries = c.log.runs(p.written+1, c.log.last.Index)
	bytes := 0
	for _, run := range w.Entries {
		for i := range run {
			bytes += run[i].Size()
		}
	}
	p.open = append(p.open, openWrite{number: p.handedOut, last: c.log.last.Index, bytes: bytes, since: c.now})
	p.openBytes += bytes
	p.hardChanged, p.snapshot, p.truncate, p.written = false, nil, 0, c.log.last.Index
	c.out.Write = w
}

// persisted takes note that writes up to a number are durable, and releases what
// waited for them.
func (c *Core) persisted(number uint64) error {
	p := &c.persist
	if number > p.handedOut {
		return fmt.Errorf("%w: write %d was not handed out, the last is %d", ErrOutOfRange, number, p.handedOut)
	}
	n := 0
	for n < len(p.open) && p.open[n].number <= number {
		p.durable = p.open[n].last
		p.openBytes -= p.open[n].bytes
		n++
	}
	p.open = append(p.open[:0], p.open[n:]...)
	p.done = max(p.done, number)
	if p.hardDurable() {
		c.out.Messages = append(c.out.Messages, p.held...)
		for i := range p.held {
			c.effect(Effect{Kind: Released, Message: p.held[i]})
		}
		p.held = nil
		if c.role == Candidate {
			c.countVote(c.config.ID, true)
		}
	}
	if c.lead != nil {
		c.advanceCommit()
	}
	return nil
}
