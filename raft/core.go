package raft

import "fmt"

// Core is one node's part in Raft. It is not safe for concurrent use: one goroutine
// owns it.
type Core struct {
	config Config
	random random

	// What the node must not forget. What of it is durable, persist knows.
	hard    HardState
	log     entryLog
	members membership
	// latest is the latest snapshot taken or installed.
	latest SnapshotMeta
	// impaired: entries of the log are damaged on disk, and not repaired yet: what is whole
	// ends at intact.
	impaired bool
	intact   Index

	role   Role
	leader NodeID
	commit Index // commitIndex: the highest index known to be committed
	handed Index // the highest index handed out to be applied
	// applied is the highest index the owner says it has applied (lastApplied).
	applied Index

	// now counts ticks. A node that does not lead stands for election when
	// electionDue comes, and protects its leader until protectUntil.
	now          uint64
	electionDue  uint64
	protectUntil uint64

	// Exactly one of these matters, by role; the others are empty.
	following following
	candidacy candidacy
	lead      *leadership

	persist persistence
	out     Update
	// spare is the list of messages of the last update, to be used again by the next.
	spare []Message
	// failure, once set, is what every Step returns.
	failure error
	// traced is the present step, and handedOut the update if it is one, for Config.Tracer. They are
	// kept, since what is made anew for each step is garbage, of cores that nobody traces, too.
	traced    Trace
	handedOut Update
}

// New makes a Core that starts as a follower from what was saved, all of which is
// durable. Nothing is known to be committed beyond the snapshot.
func New(config Config, saved Saved) (*Core, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	c := &Core{
		config:   config,
		random:   random(config.Seed),
		hard:     saved.HardState,
		latest:   saved.Snapshot,
		impaired: saved.Impaired,
		commit:   saved.Snapshot.Last.Index,
		handed:   saved.Snapshot.Last.Index,
		applied:  saved.Snapshot.Last.Index,
	}
	if err := c.readBack(&saved); err != nil {
		return nil, fmt.Errorf("raft: what was saved is not a log: %w", err)
	}
	c.persist = persistence{written: c.log.last.Index, durable: c.log.last.Index}
	c.intact = max(c.log.base.Index, max(saved.Damaged, 1)-1)
	c.awaitElection()
	if config.Tracer != nil {
		c.traced.Saved = &saved
		c.trace()
	}
	return c, nil
}

// Step takes one event. What follows from it accumulates until Update is called, so
// that many events can share one write and one message to each peer. An error says
// that the event was refused and had no effect, unless it is an ErrInvariant.
func (c *Core) Step(event Event) error {
	err := c.step(event)
	if c.config.Tracer != nil {
		c.traced.Event, c.traced.Err = event, err
		c.trace()
	}
	return err
}

func (c *Core) step(event Event) (err error) {
	if c.failure != nil {
		return c.failure
	}
	defer func() {
		// Only broken raises this type; every other panic is a bug to be seen.
		if r := recover(); r != nil {
			b, ok := r.(*brokenInvariant)
			if !ok {
				panic(r)
			}
			c.failure = fmt.Errorf("%w: node %s, term %d: %s", ErrInvariant, c.config.ID, c.hard.Term, b.what)
			c.out = Update{}
			err = c.failure
		}
	}()
	switch e := event.(type) {
	case Tick:
		c.tick()
	case Receive:
		return c.receive(*e.Message)
	case Propose:
		return c.propose(e.Entries)
	case Persisted:
		return c.persisted(e.Write)
	case Applied:
		return c.entriesApplied(e.Index)
	case Read:
		return c.read(e.Token)
	case ChangeConfiguration:
		return c.changeConfiguration(e)
	case TransferLeadership:
		return c.transferLeadership(e.To)
	case Retire:
		c.retire(e.Index)
	case Unreachable:
		c.unreachable(e.Node)
	case SnapshotTaken:
		return c.snapshotTaken(e.Index, e.CompactTo)
	case SnapshotSent:
		c.snapshotSent(e.Node, e.Failed)
	case SnapshotFetched:
		return c.snapshotFetched(e)
	case Loaded:
		c.loaded(e)
	case Unload:
		return c.unload(e.UpTo)
	case Repaired:
		c.impaired = false
	default:
		return fmt.Errorf("raft: unknown event %T", event)
	}
	return nil
}

// Update returns what follows from the events since the last Update. Entries are
// batched here: however many proposals were stepped, each follower is sent what it
// lacks once. It is empty after a broken invariant.
func (c *Core) Update() Update {
	if c.failure != nil {
		return Update{}
	}
	if c.lead != nil {
		c.confirmReads()
		c.replicate()
	} else {
		c.acknowledge()
	}
	c.handOutWrite()
	c.handOutCommitted()
	u := c.out
	c.out = Update{Messages: c.spare[:0]}
	c.spare = u.Messages
	if c.config.Tracer != nil {
		c.handedOut = u
		c.traced.Update = &c.handedOut
		c.trace()
	}
	return u
}

// Status says how things stand. The slices in it are the caller's.
type Status struct {
	ID   NodeID
	Role Role
	// Term and VotedFor are the latest, and need not be durable yet.
	Term     Term
	VotedFor NodeID
	// Leader is the leader of Term, or None if none is known.
	Leader NodeID
	// Commit, Applied and Durable are the highest indexes known to be committed, said
	// to be applied, and durable here; Last is the end of the log, Base the position
	// up to which it is compacted.
	Commit, Applied, Durable Index
	Base, Last               Position
	// Memory is the index of the first entry in memory, Last.Index+1 if none is: those
	// before it are on disk only.
	Memory Index
	// Impaired says that entries are damaged on disk, and the node waits for Repaired.
	Impaired bool
	// Stalled says that the disk has not finished a write for an election timeout.
	Stalled bool
	// Configuration is the one in effect, set by the entry at ConfigurationIndex.
	Configuration      Configuration
	ConfigurationIndex Index
	// OwnTermCommitted is set on a leader that has committed in its own term: only
	// then does it know everything that is committed (§6.4).
	OwnTermCommitted bool
	// Transferring is the node that a leader is handing over to, if any.
	Transferring NodeID
	// Peers are, on a leader, the other members.
	Peers []PeerStatus
}

// PeerStatus is what a leader knows of another member.
type PeerStatus struct {
	ID    NodeID
	State ProgressState
	// Match is the last index up to which its durable log is known to equal the leader's,
	// Next the index of the entry that it is sent next: above Match, and far above it
	// while entries are in flight.
	Match Index
	Next  Index
	// SilentTicks is how many ticks ago it last answered.
	SilentTicks uint64
}

// Status says how things stand now.
func (c *Core) Status() Status {
	s := Status{
		ID: c.config.ID, Role: c.role, Term: c.hard.Term, VotedFor: c.hard.VotedFor, Leader: c.leader,
		Commit: c.commit, Applied: c.applied, Durable: c.persist.durable,
		Base: c.log.base, Last: c.log.last, Memory: c.log.memory,
		Impaired: c.impaired, Stalled: c.stalled(),
		Configuration: c.members.current().Clone(), ConfigurationIndex: c.members.index(),
	}
	if c.lead != nil {
		s.OwnTermCommitted = c.ownTermCommitted()
		s.Transferring = c.lead.transfer.to
		for _, p := range c.lead.peers {
			s.Peers = append(s.Peers, PeerStatus{ID: p.id, State: p.state, Match: p.match, Next: p.next, SilentTicks: c.now - p.heardAt})
		}
	}
	return s
}

// Leadership reports the role, the term and its leader, without the cost of Status.
func (c *Core) Leadership() (Role, Term, NodeID) { return c.role, c.hard.Term, c.leader }

// LeadsSettled reports whether the node leads and has committed in its own term: only
// then does it know everything that is committed (§6.4).
func (c *Core) LeadsSettled() bool { return c.lead != nil && c.ownTermCommitted() }

// Last is the end of the log.
func (c *Core) Last() Position { return c.log.last }

// Holds reports whether the log has an entry at a position, in memory or stored. Any other
// log that has one there has the same entry (Log Matching, §3.5).
func (c *Core) Holds(p Position) bool { return p.Index > c.log.base.Index && c.log.holds(p) }

// Entry returns the entry at a position, if the log has it in memory.
func (c *Core) Entry(p Position) (e Entry, inMemory bool) {
	if p.Index < c.log.memory || !c.log.holds(p) {
		return Entry{}, false
	}
	return *c.log.at(p.Index), true
}

// Entries returns entries from an index on that are in memory: up to another index and to a
// size in bytes, but at least one. It returns none if the first is not in the log, or on disk
// only. They must not be changed.
func (c *Core) Entries(first, last Index, maxBytes int) []Entry {
	if first < c.log.memory {
		return nil
	}
	return c.log.run(first, min(last, c.log.last.Index), maxBytes)
}

// Commit is the highest index known to be committed.
func (c *Core) Commit() Index { return c.commit }

// tick lets one unit of time pass.
func (c *Core) tick() {
	c.now++
	if c.lead != nil {
		c.tickLeader()
	} else if c.now >= c.electionDue {
		c.awaitElection()
		c.campaign()
	}
}

// maxTermsAhead is how far a message's term may be ahead: more elections than a node can
// have missed. One message must not bring a cluster to the last term there is.
const maxTermsAhead = 1 << 32

// maxIndex is above every index that a log will reach, and so low that sums of indexes do
// not overflow.
const maxIndex = 1 << 62

// receive takes a message. What its term means comes first (§3.3), whatever it is.
func (c *Core) receive(m Message) error {
	if m.To != c.config.ID || m.From == c.config.ID || m.From == None || m.Term == 0 {
		return fmt.Errorf("%w: from %q to %q in term %d", ErrInvalidMessage, m.From, m.To, m.Term)
	}
	if m.Term > c.hard.Term+maxTermsAhead {
		return fmt.Errorf("%w: %s is in term %d, this node in %d", ErrInvalidMessage, m.From, m.Term, c.hard.Term)
	}
	if err := c.checkBody(m); err != nil {
		return err
	}
	if c.hearsStranger(m) {
		return fmt.Errorf("%w: %q, which is no member, says that it leads term %d, as %q does", ErrInvalidMessage, m.From, m.Term, c.leader)
	}
	switch {
	case m.Term < c.hard.Term:
		c.answerOldTerm(m)
		return nil
	case m.Term > c.hard.Term && c.ignoresNewTerm(m):
		return nil
	case m.Term > c.hard.Term && adoptsTerm(m.Body):
		c.becomeFollower(m.Term, None)
	}
	switch b := m.Body.(type) {
	case *RequestVote:
		c.voteRequested(m, b)
	case *VoteReply:
		c.voteReplied(m, b)
	case *AppendEntries:
		c.appendEntries(m, b)
	case *AppendReply:
		return c.appendReplied(m, b)
	case *Heartbeat:
		c.heartbeat(m, b)
	case *HeartbeatReply:
		return c.heartbeatReplied(m, b)
	case *InstallSnapshot:
		c.installSnapshot(m, b)
	case *TimeoutNow:
		c.timeoutNow(m)
	}
	return nil
}

// checkBody refuses what no correct node sends.
func (c *Core) checkBody(m Message) error {
	switch b := m.Body.(type) {
	case *AppendEntries:
		return c.checkRun(b.Prev, b.Entries, m.Term)
	case *InstallSnapshot:
		if b.Meta.Last.Index == 0 || b.Meta.Last.Index > maxIndex || b.Meta.Last.Term == 0 || b.Meta.Last.Term > m.Term || b.Meta.ConfigurationIndex > b.Meta.Last.Index {
			return fmt.Errorf("%w: a snapshot at %v in term %d", ErrInvalidMessage, b.Meta.Last, m.Term)
		}
		if err := b.Meta.Configuration.Validate(); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidMessage, err)
		}
		return nil
	case *RequestVote, *VoteReply, *AppendReply, *Heartbeat, *HeartbeatReply, *TimeoutNow:
		return nil
	}
	return fmt.Errorf("%w: of type %T", ErrInvalidMessage, m.Body)
}

// checkRun reports whether entries can follow a position in a log that was made in
// terms up to limit.
func (c *Core) checkRun(prev Position, entries []Entry, limit Term) error {
	if prev.Term > limit || prev.Index > maxIndex || prev.Index == 0 && prev.Term != 0 || prev.Index != 0 && prev.Term == 0 {
		return fmt.Errorf("%w: previous entry %v in term %d", ErrInvalidMessage, prev, limit)
	}
	for i := range entries {
		e := &entries[i]
		if e.Index != prev.Index+1 || e.Term < prev.Term || e.Term == 0 || e.Term > limit || !e.Type.Valid() {
			return fmt.Errorf("%w: entry %d@%d of type %d after %v in term %d", ErrInvalidMessage, e.Index, e.Term, e.Type, prev, limit)
		}
		if e.Type == EntryConfiguration {
			var conf Configuration
			if err := conf.UnmarshalBinary(e.Data); err != nil {
				return fmt.Errorf("%w: entry %d: %w", ErrInvalidMessage, e.Index, err)
			}
		}
		prev = Position{e.Index, e.Term}
	}
	return nil
}

// adoptsTerm reports whether a message of a newer term makes its receiver adopt
// it. A pre-vote's request and its grant name a term that has not begun.
func adoptsTerm(b Body) bool {
	switch b := b.(type) {
	case *RequestVote:
		return !b.PreVote
	case *VoteReply:
		return !b.PreVote || !b.Granted
	}
	return true
}

// answerOldTerm tells the sender of an old term what the term is now, if it might
// not hear of it otherwise: a leader that must resign (also one that a node, having
// been a candidate while it was cut off, can no longer follow), or a candidate. The
// answer belongs to no session: by now its receiver may lead the new term, in which the
// message that is answered means nothing.
func (c *Core) answerOldTerm(m Message) {
	switch b := m.Body.(type) {
	case *AppendEntries, *Heartbeat, *InstallSnapshot:
		c.send(m.From, &AppendReply{Rejected: true})
	case *RequestVote:
		c.send(m.From, &VoteReply{PreVote: b.PreVote})
	}
}

// becomeFollower enters a term, or steps down within it: the vote of a term is kept
// as long as the term lasts.
func (c *Core) becomeFollower(term Term, leader NodeID) {
	c.assert(term >= c.hard.Term, "the term would fall from %d to %d", c.hard.Term, term)
	if term > c.hard.Term {
		c.setHardState(HardState{Term: term})
	}
	c.leaveRole()
	c.become(Follower)
	c.leader = leader
}

// become takes a role.
func (c *Core) become(role Role) {
	c.role = role
	c.effect(Effect{Kind: Became, Role: role})
}

// leaveRole ends what only the present role may do. The time of the next election
// stays: only a vote given or a leader heard puts it off (§3.4), or else a stream of
// newer terms could keep the only electable node waiting.
func (c *Core) leaveRole() {
	if c.lead != nil {
		c.endLeadership()
		c.awaitElection()
	}
	c.candidacy = candidacy{}
	c.following = following{}
	c.protectUntil = 0
}

// self reports whether an id is this node's.
func (c *Core) self(id NodeID) bool { return id == c.config.ID }
