package raft

// A Tracer is told of every step that a core takes, as it is taken, by whoever called the core.
// It is for those who hold what the core does against a specification of it. What it is
// given is valid until it returns; it must change nothing, and not call the core.
type Tracer interface{ Traced(*Trace) }

// A Trace is one step of a core: a start, an event, or an update. Exactly one of Saved, Event
// and Update is set.
type Trace struct {
	// Saved is what a core starts from.
	Saved *Saved
	// Event is what Step was given, and Err what it returned.
	Event Event
	Err   error
	// Update is what Update returned.
	Update *Update
	// Effects are what the core did in this step, in their order.
	Effects []Effect
	// After is how things stand after it.
	After TraceState
}

// TraceState is what of a core's state can be held against a specification after every step.
type TraceState struct {
	Role      Role
	HardState HardState
	Leader    NodeID
	// Commit and Durable are the highest indexes known to be committed, and durable; Last is the
	// end of the log, Snapshot that of the latest snapshot.
	Commit, Durable Index
	Last, Snapshot  Position
	// Whole is the index up to which the log is durable and not damaged, and Matched the one up
	// to which a follower knows it to equal its leader's.
	Whole, Matched Index
	Impaired       bool
}

// An EffectKind says what an Effect is.
type EffectKind uint8

const (
	// Entered: the node enters a term, or gives its vote, as HardState says.
	Entered EffectKind = iota + 1
	// Became: the node has Role from now on.
	Became
	// Said: Message goes into the next update. Withheld: it waits until term and vote are
	// durable. Released: it does not wait any more.
	Said
	Withheld
	Released
	// Appended: Entries are in the log.
	Appended
	// Committed: everything up to Index is known to be committed.
	Committed
	// Restored: a snapshot, Meta, is restored; Index is not 0 if the log goes on behind it.
	Restored
	// ReadOpened: a read, Token, is open, and will be answered with Index.
	ReadOpened
	// ReadAnswered: the read Token is answered, as a quorum has confirmed that the node leads.
	ReadAnswered
)

// An Effect is something that a core does in a step. What of it is set depends on Kind.
type Effect struct {
	Kind      EffectKind
	HardState HardState
	Role      Role
	Message   Message
	Entries   []Entry
	Index     Index
	Meta      SnapshotMeta
	Token     uint64
}

// effect takes note of what the core does, if somebody wants to know.
func (c *Core) effect(e Effect) {
	if c.config.Tracer != nil {
		c.traced.Effects = append(c.traced.Effects, e)
	}
}

// trace tells of a step that was noted, with its effects.
func (c *Core) trace() {
	t := &c.traced
	t.After = TraceState{
		Role: c.role, HardState: c.hard, Leader: c.leader,
		Commit: c.commit, Durable: c.persist.durable,
		Last: c.log.last, Snapshot: c.latest.Last,
		Whole: c.whole(), Matched: c.following.matched, Impaired: c.impaired,
	}
	c.config.Tracer.Traced(t)
	clear(t.Effects)
	*t = Trace{Effects: t.Effects[:0]}
}
