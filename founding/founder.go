package founding

import (
	"fmt"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A State says what a node is to the clusters of its name.
type State uint8

const (
	// Fresh: knows no cluster, and may found one.
	Fresh = State(wire.Fresh)
	// Member: belongs to a cluster.
	Member = State(wire.Member)
	// Standby: knows a cluster and waits for a place in it. It founds none. Members and
	// standbys become each other as the cluster's log has it, and never fresh again.
	Standby = State(wire.Standby)
)

func (s State) String() string {
	switch s {
	case Fresh:
		return "fresh"
	case Member:
		return "member"
	case Standby:
		return "standby"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Founder is one node's part in founding a cluster, or finding the one that exists. It
// is not safe for concurrent use: one goroutine owns it. It is needed for as long as
// the node runs, since members tell late-comers about their cluster.
type Founder struct {
	config Config
	random random
	// tag is the proposer of the rounds that this node begins.
	tag   uint64
	saved Saved
	peers peers
	// standing are the problems that were reported and are not over.
	standing []standing
	// rival is another process that goes by this node's id, and copied says that this one
	// has to stop.
	rival  rival
	copied bool

	// now counts ticks.
	now      uint64
	schedule schedule
	greeter  greeter
	out      Update
}

// New makes a Founder for a node that has promised nothing. Its first Update says hello.
func New(config Config) (*Founder, error) { return Restore(config, Saved{}) }

// Restore makes a Founder for a node that goes on from what it saved last. The saved
// cluster, if there is one, is not announced again by Update.
func Restore(config Config, saved Saved) (*Founder, error) {
	config.setDefaults()
	if err := config.validate(); err != nil {
		return nil, err
	}
	if err := saved.validate(&config); err != nil {
		return nil, err
	}
	return &Founder{
		config: config,
		random: random(config.Seed),
		tag:    proposerTag(config.ID),
		saved:  saved,
	}, nil
}

// Step takes one event. What follows from it accumulates until Update is called.
// Events that cannot be are ignored, and all that come after Update.Copied.
func (f *Founder) Step(event Event) {
	if f.copied {
		return
	}
	switch e := event.(type) {
	case Tick:
		f.tick()
	case Heard:
		f.heard(e)
	case Placed:
		f.placed(e.Member)
	}
}

// Update returns what follows from the events since the last Update.
func (f *Founder) Update() Update {
	if f.greeter.due(f.now) {
		f.greeter.said(f.now, f.helloTicks())
		f.out.Broadcast, f.out.Cluster = f.hello(), f.saved.Charter.Cluster
	}
	u := f.out
	f.out = Update{}
	return u
}

// State says how far the node is.
func (f *Founder) State() State { return f.saved.State }

// Charter is the charter of the cluster that the node belongs to or waits for, and the
// zero Charter while it is fresh. Its list must not be changed.
func (f *Founder) Charter() Charter { return f.saved.Charter }

func (f *Founder) tick() {
	f.now++
	f.settle()
	if f.saved.State == Fresh {
		f.propose()
		f.attempt()
	}
}

// heard follows a hello. Facts come first: that a cluster exists, then what others have
// pledged; then this node's own part.
func (f *Founder) heard(e Heard) {
	if e.Hello == nil || e.From == raft.None {
		return
	}
	if e.From == f.config.ID {
		f.heardOwnID(e.Hello)
		return
	}
	if int(e.Hello.Size) != f.config.Size {
		f.heardOtherSize(e)
		return
	}
	g, ok := f.readHello(e)
	if !ok || f.superseded(e) {
		return
	}
	if f.heardContested(e.Hello.Contested); f.copied {
		return
	}
	if p := f.note(e.From); p != nil {
		p.size = f.config.Size
		p.merge(&g, f.config.Cluster)
	}
	if g.state != Fresh {
		f.heardOfCluster(e.From, &g)
	} else if f.saved.State != Fresh {
		// It must hear that there is a cluster before it founds one.
		f.greeter.hurry(f.config.HelloTicks)
	}
	if f.saved.State == Fresh {
		f.follow(&g)
		f.decide(g.pledgedIn)
		f.propose()
	}
}

// heardOtherSize complains about a node of another size, and does nothing else but remember
// it.
func (f *Founder) heardOtherSize(e Heard) {
	p := f.note(e.From)
	if p == nil {
		return
	}
	p.name, p.state, p.cluster = e.Hello.Name, State(e.Hello.State), e.Cluster
	p.size = int(e.Hello.Size)
	f.stands(&SizeMismatchError{Node: e.From, Name: e.Hello.Name, Ours: f.config.Size, Theirs: p.size})
}

// note remembers that a node was heard now. It returns nil if there are too many.
func (f *Founder) note(id raft.NodeID) *peer {
	p := f.peers.get(id)
	if p == nil {
		p = f.peers.add(id, f.now, f.config.SilentTicks)
	}
	if p != nil {
		p.heardAt = f.now
	}
	return p
}

// heardOfCluster follows the word of a member or standby that a cluster exists. That is
// a fact, so that a voter of its charter activates it, whatever else it has promised.
// Everybody else believes only members, which show that the cluster is alive.
func (f *Founder) heardOfCluster(from raft.NodeID, g *greeting) {
	switch {
	case f.saved.State == Fresh:
		c := NewCharter(f.config.Cluster, g.voters)
		if g.state == Member || c.has(f.config.ID) {
			f.join(c)
		}
	case g.cluster != f.saved.Charter.Cluster:
		f.stands(&TwoClustersError{Ours: f.saved.Charter.Cluster, Theirs: g.cluster, Node: from, Name: g.name})
	}
}

// join ends founding: the cluster of this charter exists.
func (f *Founder) join(c Charter) {
	f.saved.Charter = c
	if c.has(f.config.ID) {
		f.saved.State, f.out.Activated = Member, &c
	} else {
		f.saved.State, f.out.Standby = Standby, &c
	}
	f.changed()
}

// changed has what is saved made durable and told to others.
func (f *Founder) changed() {
	saved := f.saved
	f.out.Persist = &saved
	f.greeter.hurry(minHelloTicks)
}
