package conform

import (
	"errors"
	"fmt"
	"sync"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/spec"
	"github.com/ben-ng/gaggle/spec/follow"
)

// layouts are how relations of the specification are kept, where it is not as with most.
var layouts = map[string]string{
	"held": "t t t t", "pre_asked": "t t t t", "asked": "t t t t", "pre_vote": "t t t", "vote": "t t t",
	"timeout_now": "t t", "offered": "t t t", "m_append": "t", "m_snapshot": "t", "m_heartbeat": "t", "m_offer": "t",
	"r_open": "t", "r_done": "t", "issued": "t", "in_quorum": "v k",
	"term_at": "k v f", "w_term_at": "k v f", "m_entry": "k v f", "l_term_at": "k v f",
}

// A Checker follows the steps of all nodes of a cluster, from its founding on, in an order in which
// nothing is received before it is said. It is for one goroutine.
type Checker struct {
	run     *follow.Run
	actions map[string]*follow.Action
	state   relations
	members map[raft.NodeID]*member
	// messages are those of the specification that were said, by a hash of what they say; said
	// are the hashes of all others.
	messages map[uint64]uint64
	said     map[uint64]struct{}
	// snapshots are the offers of snapshots, by what they end with.
	snapshots map[raft.Position]uint64
	// configurations are those of entries, by what the entry says.
	configurations map[uint64]raft.Configuration
	quorums        map[uint64]uint64
	// The last of what was made of each sort.
	lastWrite, lastMessage, lastRead uint64
	taken                            int
}

// relations are those that are held against a node's state.
type relations struct {
	leads, candidate, preCandidate, current, voted, has, termAt, valueAt, knows, covered, matched    *follow.Relation
	ack, vote, preVote, preAsked, wCurrent, wVoted, wHas, wTermAt, wValueAt, damaged, wDamaged, rAck *follow.Relation
}

// loaded is the specification, which nobody changes.
var loaded = sync.OnceValues(func() (*spec.Model, error) { return spec.Load("raft") })

// New is a checker that has followed nothing yet.
func New() (*Checker, error) {
	model, err := loaded()
	if err != nil {
		return nil, err
	}
	run, err := follow.New(model, layouts)
	if err != nil {
		return nil, err
	}
	c := &Checker{
		run: run, actions: map[string]*follow.Action{}, members: map[raft.NodeID]*member{},
		messages: map[uint64]uint64{}, said: map[uint64]struct{}{}, snapshots: map[raft.Position]uint64{},
		configurations: map[uint64]raft.Configuration{}, quorums: map[uint64]uint64{},
	}
	for _, a := range model.Actions {
		c.actions[a.Name] = run.Action(a.Name)
	}
	r := run.Relation
	c.state = relations{
		leads: r("leads"), candidate: r("candidate"), preCandidate: r("pre_candidate"), current: r("current"), voted: r("voted"),
		has: r("has"), termAt: r("term_at"), valueAt: r("value_at"), knows: r("knows"), covered: r("covered"), matched: r("matched"),
		ack: r("ack"), vote: r("vote"), preVote: r("pre_vote"), preAsked: r("pre_asked"), wCurrent: r("w_current"), wVoted: r("w_voted"),
		wHas: r("w_has"), wTermAt: r("w_term_at"), wValueAt: r("w_value_at"), damaged: r("damaged"), wDamaged: r("w_damaged"), rAck: r("r_ack"),
	}
	return c, nil
}

// Reset forgets what it has followed: then it is as a new one, which takes longer to make.
func (c *Checker) Reset() {
	c.run.Reset()
	clear(c.members)
	clear(c.messages)
	clear(c.said)
	clear(c.snapshots)
	clear(c.configurations)
	clear(c.quorums)
	c.lastWrite, c.lastMessage, c.lastRead, c.taken = 0, 0, 0, 0
}

// Steps is how many steps of the specification were taken, for how many of cores.
func (c *Checker) Steps() (taken, ofCores int) { return c.run.Steps(), c.taken }

// A DisagreementError says which step of a core does not fit the specification.
type DisagreementError struct {
	// Node took the step, its Step-th; What is that in words.
	Node raft.NodeID
	Step int
	What string
	// Why says what does not fit: a *follow.RefusedError if it is what a step of the specification
	// requires.
	Why error
	// State is what the specification has of the node, before the step that does not fit.
	State string
}

func (d *DisagreementError) Error() string {
	return fmt.Sprintf("step %d of %s, %s, does not fit the specification: %v\n%s", d.Step, d.Node, d.What, d.Why, d.State)
}

func (d *DisagreementError) Unwrap() error { return d.Why }

// A member is a node that takes steps.
type member struct {
	id     raft.NodeID
	number uint64
	steps  int
	// state is how its core was after the last step.
	state raft.TraceState
	// open are the writes that it has handed out and that are not durable, by the numbers that
	// the core gives them; disk is the last that is, last the last that was handed out.
	open       []handed
	disk, last uint64
	// configurations are those in its log, from that of its snapshot on.
	configurations []inEffect
	// snapshots are what its snapshots end with, in the numbers of the specification.
	snapshots []raft.Position
	// reads are those that are open, by token; round the last round of heartbeats begun.
	reads map[uint64]*read
	round uint64
	// impaired: it was told of damage, and not yet that it is repaired.
	impaired bool
	// durable is up to where its log is durable after the present step.
	durable raft.Index
}

type handed struct{ number, write uint64 }

type inEffect struct {
	index raft.Index
	conf  raft.Configuration
}

type read struct {
	thing, round uint64
	index        raft.Index
	done         bool
}

// conf is the configuration in effect.
func (m *member) conf() *raft.Configuration {
	if len(m.configurations) == 0 {
		return &raft.Configuration{}
	}
	return &m.configurations[len(m.configurations)-1].conf
}

// Ready reports whether a step may be taken now: false if it receives what nobody has said yet.
func (c *Checker) Ready(_ raft.NodeID, t *raft.Trace) bool {
	e, ok := t.Event.(raft.Receive)
	return !ok || t.Err != nil || c.wasSaid(e.Message)
}

// Take follows a step of a node. An error is a *DisagreementError; the checker is of no use after it.
func (c *Checker) Take(node raft.NodeID, t *raft.Trace) error {
	m := c.members[node]
	if m == nil {
		m = &member{id: node, number: uint64(len(c.members))}
		c.members[node] = m
	}
	m.steps++
	c.taken++
	if err := c.take(m, t); err != nil {
		return &DisagreementError{Node: node, Step: m.steps, What: what(t), Why: err, State: c.describe(m)}
	}
	m.state = t.After
	return nil
}

func (c *Checker) take(m *member, t *raft.Trace) error {
	m.durable = t.After.Durable
	switch {
	case t.Saved != nil:
		return c.start(m, t)
	case m.reads == nil:
		return errors.New("the node takes a step before it has started")
	case errors.Is(t.Err, raft.ErrInvariant):
		return fmt.Errorf("the core has stopped: %w", t.Err)
	case t.Update != nil:
		if err := c.update(m, t); err != nil {
			return err
		}
	default:
		if err := c.event(m, t); err != nil {
			return err
		}
	}
	return c.compare(m, &t.After)
}

// do takes a step of the specification.
func (c *Checker) do(action string, args ...uint64) error { return c.actions[action].Do(args...) }

// index and term are those of the specification.
func index(i raft.Index) uint64 { return uint64(max(i, 1) - 1) }
func term(t raft.Term) uint64   { return uint64(max(t, 1) - 1) }

// compare holds the state of the specification against that of a node.
func (c *Checker) compare(m *member, s *raft.TraceState) error {
	n, r := m.number, &c.state
	role := raft.Follower
	switch {
	case r.leads.Set(0).Has(n):
		role = raft.Leader
	case r.candidate.Set(0).Has(n):
		role = raft.Candidate
	case r.preCandidate.Set(0).Has(n):
		role = raft.PreCandidate
	}
	if role != s.Role {
		return fmt.Errorf("it is a %v, and should be a %v", s.Role, role)
	}
	if !r.current.Set(n).Has(term(s.HardState.Term)) {
		return fmt.Errorf("it is in term %d, and should be in term %d", s.HardState.Term, r.current.Set(n).Max()+1)
	}
	votes := r.voted.Rows(n).Of(term(s.HardState.Term))
	if s.HardState.VotedFor == raft.None {
		if len(votes) > 0 {
			return fmt.Errorf("it has voted for nobody in term %d, and should have", s.HardState.Term)
		}
	} else if !votes.Has(c.number(s.HardState.VotedFor)) {
		return fmt.Errorf("it has voted for %s in term %d, and should not have", s.HardState.VotedFor, s.HardState.Term)
	}
	if last := r.has.Set(n).Max(); last != index(s.Last.Index) {
		return fmt.Errorf("its log ends at %v, and should end with entry %d", s.Last, last+1)
	} else if t, _ := r.termAt.Column(n).At(last); last > 0 && t != term(s.Last.Term) {
		return fmt.Errorf("its log ends at %v, which should be of term %d", s.Last, t+1)
	}
	if known := highest(r.knows.Rows(n)); known != index(s.Commit) {
		return fmt.Errorf("it knows entries to %d to be committed, and should know it of those to %d", s.Commit, known+1)
	}
	if covered := highest(r.covered.Rows(n)); covered != index(s.Snapshot.Index) {
		return fmt.Errorf("its latest snapshot is at %v, and should be at %d", s.Snapshot, covered+1)
	}
	if i := index(s.Matched); i > 0 && !r.matched.Rows(n).Of(term(s.HardState.Term)).Has(i) {
		return fmt.Errorf("it takes its log for equal to its leader's up to %d, and should not", s.Matched)
	}
	return nil
}

// highest is the highest index in any of the rows.
func highest(rows follow.Rows) (i uint64) {
	for _, r := range rows {
		i = max(i, r.Set.Max())
	}
	return i
}

// since is a term in which an index is in the rows, the first.
func since(rows follow.Rows, i uint64) uint64 {
	for _, r := range rows {
		if r.Set.Has(i) {
			return r.Key
		}
	}
	return 0
}

// number is that of a node.
func (c *Checker) number(id raft.NodeID) uint64 {
	if m := c.members[id]; m != nil {
		return m.number
	}
	m := &member{id: id, number: uint64(len(c.members))}
	c.members[id] = m
	return m.number
}

// end is the end of a node's log, as the specification has it.
func (c *Checker) end(m *member) (i, t uint64) {
	i = c.state.has.Set(m.number).Max()
	t, _ = c.state.termAt.Column(m.number).At(i)
	return i, t
}

// now is the term that a node is in.
func (c *Checker) now(m *member) uint64 { return c.state.current.Set(m.number).Max() }
