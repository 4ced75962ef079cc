package raft

import "slices"

// maxCatchUpRounds is how many rounds new voters have to catch up; if the last is
// not short enough by then, they are too slow to vote (§4.2.1 suggests ten).
const maxCatchUpRounds = 10

// catchUpPatience is how many longest election timeouts may pass in which no new voter
// comes closer to the end of the round before the change is given up.
const catchUpPatience = 5

// membership is the configurations in the log: the one in effect is the last, whether
// committed or not (§4.1); the ones before it come back if it is truncated.
type membership struct {
	// entries has at least one element: the first is the last that cannot be
	// truncated any more, or nothing at index 0.
	entries []configurationEntry
	// retired is the index of a committed configuration that is known to leave this node
	// out; 0 if none is.
	retired Index
}

type configurationEntry struct {
	index Index
	conf  Configuration
}

func newMembership(meta SnapshotMeta) membership {
	return membership{entries: []configurationEntry{{meta.ConfigurationIndex, meta.Configuration}}}
}

func (m *membership) latest() *configurationEntry { return &m.entries[len(m.entries)-1] }

// current is the configuration in effect; empty if none is known yet.
func (m *membership) current() Configuration { return m.latest().conf }

// index is where the configuration in effect was set.
func (m *membership) index() Index { return m.latest().index }

// knows reports whether a node is a member in any of the configurations.
func (m *membership) knows(id NodeID) bool {
	return slices.ContainsFunc(m.entries, func(e configurationEntry) bool { return e.conf.Member(id) })
}

// mayLead reports whether a node may be elected, given the commit index: it has to
// vote in the configuration in effect, or in one before it that may still turn out
// to be the committed one. A node that its own latest configuration leaves out may be
// the only one left with that entry, and nobody else could be elected (§4.2.2).
func (m *membership) mayLead(id NodeID, commit Index) bool {
	if commit < m.retired {
		return false
	}
	for i := len(m.entries) - 1; i >= 0; i-- {
		if m.entries[i].conf.Voter(id) {
			return true
		}
		if m.entries[i].index <= commit {
			break
		}
	}
	return false
}

// push puts a configuration into effect.
func (m *membership) push(e Entry) error {
	var conf Configuration
	if err := conf.UnmarshalBinary(e.Data); err != nil {
		return err
	}
	m.entries = append(m.entries, configurationEntry{e.Index, conf})
	return nil
}

// truncate takes back the configurations at and after an index.
func (m *membership) truncate(from Index) {
	for len(m.entries) > 1 && m.latest().index >= from {
		m.entries = m.entries[:len(m.entries)-1]
	}
}

// retire keeps the node from standing for election until it knows what others have
// committed, and ends an attempt.
func (c *Core) retire(index Index) {
	c.members.retired = max(c.members.retired, index)
	if c.lead == nil && c.role != Follower && !c.members.mayLead(c.config.ID, c.commit) {
		c.becomeFollower(c.hard.Term, None)
	}
}

// at is the configuration that was in effect at an index, which is committed.
func (m *membership) at(index Index) configurationEntry {
	i := len(m.entries) - 1
	for i > 0 && m.entries[i].index > index {
		i--
	}
	return m.entries[i]
}

// restore begins with the configuration of a snapshot, and keeps those that come after it.
func (m *membership) restore(meta SnapshotMeta) {
	later := slices.DeleteFunc(slices.Clone(m.entries), func(e configurationEntry) bool { return e.index <= meta.Last.Index })
	m.entries = append([]configurationEntry{{meta.ConfigurationIndex, meta.Configuration}}, later...)
}

// compact forgets the configurations before the one in effect at an index.
func (m *membership) compact(index Index) {
	for len(m.entries) > 1 && m.entries[1].index <= index {
		m.entries = slices.Delete(m.entries, 0, 1)
	}
}

// change is a configuration change that the leader was asked for. It goes through
//
//	learn:  newcomers are learners, and catch up in rounds
//	joint:  the joint configuration is in the log      (if voters change)
//	final:  the target is in the log
//
// and is over when the target is committed. What is in the log goes on under
// whichever leader there is; the first step, and the answer, end with this one.
type change struct {
	active bool
	target Configuration
	phase  changePhase
	// round counts the catch-up rounds; one ends when every newcomer has the entries
	// up to roundEnd, which was the end of the log when it began.
	round      int
	roundEnd   Index
	roundBegan uint64
	// progressAt is when a newcomer last came closer to the end of the round.
	progressAt uint64
}

type changePhase uint8

const (
	changeLearn changePhase = iota
	changeJoint
	changeFinal
)

// changeConfiguration begins a change.
func (c *Core) changeConfiguration(e ChangeConfiguration) error {
	target := NewConfiguration(e.Voters, e.Learners)
	conf := c.members.current()
	switch {
	case c.lead == nil:
		return ErrNotLeader
	case c.lead.transfer.to != None:
		return ErrTransferring
	case target.Validate() != nil:
		return target.Validate()
	case c.lead.change.active || conf.Joint() || c.members.index() > c.commit || !c.ownTermCommitted():
		// Also before the first commit of the term: the 2015 bug of single-server
		// changes was that a new leader did not wait for it.
		return ErrChangeInProgress
	}
	learners := conf
	learners.Learners = union(conf.Learners, newcomers(conf, target))
	if err := learners.Validate(); err != nil {
		// Together with the learners that there are, the newcomers can be too many.
		return err
	}
	c.lead.change = change{active: true, target: target}
	if !learners.Equal(conf) {
		c.appendConfiguration(learners)
	}
	c.beginRound()
	c.continueChange()
	return nil
}

// newcomers are the voters of the target that do not vote yet.
func newcomers(conf, target Configuration) []NodeID {
	var ids []NodeID
	for _, id := range target.Voters {
		if !slices.Contains(conf.Voters, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (c *Core) beginRound() {
	ch := &c.lead.change
	ch.round++
	ch.roundEnd = c.log.last.Index
	ch.roundBegan = c.now
	ch.progressAt = c.now
}

// appendConfiguration puts a configuration into the log, and with it into effect.
func (c *Core) appendConfiguration(conf Configuration) {
	data, err := conf.AppendBinary(nil)
	c.assert(err == nil && conf.Validate() == nil, "configuration %v: %v", conf, conf.Validate())
	c.appendOwn(Entry{Type: EntryConfiguration, Data: data})
}

// configurationChanged follows a new configuration in effect.
func (c *Core) configurationChanged() {
	if c.lead == nil {
		return
	}
	c.syncPeers(c.log.last.Index)
	if to := c.lead.transfer.to; to != None && !slices.Contains(c.members.current().Voters, to) {
		c.lead.transfer = transfer{}
	}
}

// caughtUp follows the catch-up of newcomers by a member's acknowledgement; before is
// what the member had. Only one that the round still waits for makes progress: those
// that go on after it must not keep a change open for one that never answers.
func (c *Core) caughtUp(p *progress, before Index) {
	ch := &c.lead.change
	if !ch.active || ch.phase != changeLearn || c.members.current().Voter(p.id) || !slices.Contains(ch.target.Voters, p.id) {
		return
	}
	if before < ch.roundEnd {
		ch.progressAt = c.now
	}
	c.continueChange()
}

// continueChange takes the next step of a change as soon as it may.
func (c *Core) continueChange() {
	ch := &c.lead.change
	if !ch.active || ch.phase != changeLearn || c.members.index() > c.commit {
		return
	}
	for _, id := range newcomers(c.members.current(), ch.target) {
		if p := c.lead.peer(id); p == nil || p.match < ch.roundEnd {
			return
		}
	}
	quick := c.now-ch.roundBegan < uint64(c.config.ElectionTicksMin)
	switch {
	case quick:
		c.applyChange()
	case ch.round >= maxCatchUpRounds:
		c.endChange(ErrCatchUp)
	default:
		c.beginRound()
		c.continueChange()
	}
}

// applyChange moves from the configuration with learners to the target: directly if
// only learners differ, as no quorum changes then, else by a joint configuration.
func (c *Core) applyChange() {
	ch := &c.lead.change
	conf := c.members.current()
	switch {
	case conf.Equal(ch.target):
		c.endChange(nil)
	case slices.Equal(conf.Voters, ch.target.Voters):
		ch.phase = changeFinal
		c.appendConfiguration(ch.target)
	default:
		ch.phase = changeJoint
		c.appendConfiguration(conf.joint(ch.target))
	}
}

// configurationCommitted follows every advance of the leader's commit index. Whichever
// leader finds a joint configuration committed leaves it (§4.3).
func (c *Core) configurationCommitted() {
	if c.members.index() > c.commit {
		return
	}
	conf := c.members.current()
	ch := &c.lead.change
	if conf.Joint() {
		ch.phase = changeFinal
		c.appendConfiguration(conf.left())
		return
	}
	if ch.active && ch.phase == changeFinal {
		c.endChange(nil)
	}
	c.continueChange()
	if !slices.Contains(conf.Voters, c.config.ID) {
		c.resign()
	}
}

// resign ends the leadership of a node that the committed configuration does not
// let vote (§4.2.2). The best successor need not wait for its timeout.
func (c *Core) resign() {
	if p := c.furthest(); p != nil {
		// It may not have heard yet that the configuration is committed.
		c.replicate()
		c.send(p.id, &TimeoutNow{})
	}
	c.becomeFollower(c.hard.Term, None)
}

// expireChange gives up a change whose newcomers do not catch up.
func (c *Core) expireChange() {
	ch := &c.lead.change
	patience := uint64(catchUpPatience * c.config.ElectionTicksMax)
	if ch.active && ch.phase == changeLearn && c.now-ch.progressAt >= patience {
		c.endChange(ErrCatchUp)
	}
}

// endChange answers whoever asked for the change.
func (c *Core) endChange(err error) {
	if !c.lead.change.active {
		return
	}
	c.lead.change = change{}
	c.out.Changes = append(c.out.Changes, ChangeResult{Err: err})
}
