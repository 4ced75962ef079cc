package sim

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ben-ng/gaggle/raft"
)

// A world is one run of a Schedule: nodes, their clocks, disks and network, and the one
// queue of what happens next.
type world struct {
	schedule *Schedule
	setup    *Setup
	now      time.Duration
	events   queue
	noise    noise
	nextOp   int
	nodes    []*node
	// restedAt is what was committed when all was as it should be for the first time.
	restedAt raft.Index
	// hung is a leader whose disk was made to hang for good.
	hung *node
	// spread: the state of a node that diverged has come to others, in a snapshot.
	spread bool
	net    network
	oracle *oracle
	spec   conformance
	users  users
	trace  trace
	report Report
	// survey goes on after violations; nil if the first ends the run.
	survey *survey
	// step counts events.
	step int
}

// maxSteps bounds a run that would never end, as in a storm of messages.
const maxSteps = 5_000_000

// newWorld is a world in which nothing has happened yet. What does is told to out, a line
// each, if it is not nil.
func newWorld(s *Schedule, out io.Writer) *world {
	return &world{
		schedule: s, setup: &s.Setup,
		noise: noise{tape: append([]byte(nil), s.Noise...), seed: s.NoiseSeed},
		trace: trace{out: out},
	}
}

// run plays a schedule. The violation is nil if everything that has to hold held; drawn is
// the noise that was drawn.
func run(s *Schedule, out io.Writer) (report Report, drawn []byte, violation *Violation) {
	w := newWorld(s, out)
	violation = w.play()
	w.spec.end()
	return w.finished(), w.noise.drawn(), violation
}

// play plays to the end, or to a violation.
func (w *world) play() *Violation {
	return w.guard(func() {
		w.found()
		w.live()
		w.settle()
		w.users.judge()
	})
}

// guard does something to the world, which has ended then, and returns the violation that
// it came to.
func (w *world) guard(do func()) (violation *Violation) {
	defer func() {
		switch r := recover().(type) {
		case nil, noWayOn:
		case unpromised:
			w.report.Faults["nothing is promised any more"]++
		default:
			violation = w.caught(r)
		}
		for _, n := range w.nodes {
			n.end()
		}
	}()
	do()
	return nil
}

// caught is the violation that a run ended with: one that was seen, or a panic.
func (w *world) caught(r any) *Violation {
	v, ok := r.(*Violation)
	if !ok {
		v = &Violation{Property: NoPanic, Detail: fmt.Sprint(r)}
		v.stack()
		if w.survey != nil {
			w.survey.panicked(v)
		}
	}
	w.date(v)
	return v
}

// date notes when something was seen.
func (w *world) date(v *Violation) {
	v.At, v.Step = w.now, w.step
	if w.spec.wrong != nil {
		v.Specification = w.spec.wrong.Error()
	}
	w.trace.line(w.now, "VIOLATION: %v", v)
}

// found starts the nodes.
func (w *world) found() {
	w.net.init(w)
	w.users.init(w)
	w.oracle = newOracle(w)
	w.spec.init()
	w.report.Faults = map[string]int{}
	total := w.setup.Nodes + w.setup.Spares
	for i := range total {
		w.nodes = append(w.nodes, &node{world: w, number: i, rate: 100})
	}
	voters := make([]raft.NodeID, w.setup.Nodes)
	for i, n := range w.nodes {
		n.name()
		if i < len(voters) {
			voters[i] = n.id
		}
	}
	w.oracle.voters = voters
	for i, n := range w.nodes {
		n.install(voters, i < w.setup.Nodes)
		n.start(0)
	}
}

// live plays the Ops.
func (w *world) live() {
	w.dueOp()
	for w.nextOp < len(w.schedule.Ops) {
		w.happen()
	}
}

func (w *world) dueOp() {
	if w.nextOp < len(w.schedule.Ops) {
		w.events.push(event{at: w.now + w.schedule.Ops[w.nextOp].After, kind: opDue})
	}
}

// happen lets the next event happen.
func (w *world) happen() {
	w.step++
	if w.step > maxSteps {
		w.ends(Liveness, "the run does not come to an end: %d events", w.step)
	}
	e := w.events.pop()
	w.now = e.at
	if e.kind == opDue {
		op := w.schedule.Ops[w.nextOp]
		w.nextOp++
		w.do(op)
		w.dueOp()
		return
	}
	if e.kind == ended || e.node.life != e.life && e.kind != arrived {
		return
	}
	e.node.happen(&e)
}

// settleTimeouts is how many of the longest election timeouts the world has, once all
// is well again, until a leader is there, everything that was begun has ended, and all
// members hold the same.
const settleTimeouts = 200

// settle heals everything, and waits until all is as it should be.
func (w *world) settle() {
	w.trace.line(w.now, "all faults are healed")
	w.heal()
	timeout := time.Duration(w.setup.ElectionMax) * w.setup.Tick
	end := w.now + settleTimeouts*timeout
	for check := w.now; ; {
		check += timeout
		w.events.push(event{at: check, kind: ended})
		for w.now < check {
			w.happen()
		}
		for _, n := range w.nodes {
			n.disk.repair()
		}
		why := w.unsettled()
		if why == "" {
			if why = w.goesOn(); why == "" {
				if !w.hangLeader() {
					return
				}
				end = w.now + settleTimeouts*timeout
			}
		}
		if w.now >= end {
			w.violated(Liveness, "all has been well for %v, but %s", w.now-(end-settleTimeouts*timeout), why)
			return
		}
	}
}

// unsettled says what is not as it should be when all has been well for long enough;
// nothing if it is.
func (w *world) unsettled() string {
	if w.setup.Layer == Engines && w.setup.ReplaceAfter == 0 && w.users.members() < w.setup.Nodes/2+1 {
		return "" // a majority is gone for good, and nothing is promised
	}
	leader := w.leader()
	if leader == nil || !leader.process.core().LeadsSettled() {
		if w.quorumGone() {
			return ""
		}
		return "no node leads and has committed in its term"
	}
	if leader == w.hung {
		if len(w.hung.disk.open) == 0 {
			w.users.do(leader, Op{Kind: Propose}) // so that it has something to write
		}
		return fmt.Sprintf("%s leads, and its disk hangs", leader.id)
	}
	s := leader.process.core().Status()
	if !slices.Contains(s.Configuration.Voters, s.ID) {
		return fmt.Sprintf("%s leads, and is no voter of %v", s.ID, s.Configuration)
	}
	if s.Configuration.Joint() || s.Commit != s.Last.Index {
		return fmt.Sprintf("%s has committed %d of %d entries, in configuration %v", s.ID, s.Commit, s.Last.Index, s.Configuration)
	}
	for _, id := range s.Configuration.Members() {
		n := w.byID(id)
		if n == nil || n.process == nil || n == w.hung {
			continue
		}
		p, isEngine := n.process.(*engineProcess)
		applied := n.process.applied()
		if isEngine && p.givenUp() {
			applied = p.engine.Status().Applied
		}
		if c := n.process.core(); c == nil {
			return fmt.Sprintf("%s does not know that it is a member", id)
		} else if _, _, l := c.Leadership(); l != s.ID || c.Commit() != s.Commit || applied != s.Commit {
			return fmt.Sprintf("%s follows %q, has committed %d and applied %d of %d", id, l, c.Commit(), applied, s.Commit)
		} else if i := slices.IndexFunc(s.Peers, func(p raft.PeerStatus) bool { return p.ID == id }); i >= 0 && s.Peers[i].Match != s.Commit {
			return fmt.Sprintf("%s does not know that %s has more than %d entries of %d", s.ID, id, s.Peers[i].Match, s.Commit)
		}
		if isEngine && p.machineBehind() != "" {
			return p.machineBehind()
		}
	}
	if why := w.misplaced(&s.Configuration); why != "" {
		return why
	}
	return w.users.unresolved()
}

// hangLeader hangs the disk of the leader for good, if the Setup says so and the others
// are enough to go on. It reports whether it did now.
func (w *world) hangLeader() bool {
	leader := w.leader()
	if !w.setup.HangLeader || w.hung != nil || leader == nil || w.setup.Layer == Engines {
		return false
	}
	conf := leader.process.core().Status().Configuration
	if !quorum(&conf, func(id raft.NodeID) bool { return id != leader.id && w.byID(id) != nil }) {
		return false
	}
	w.trace.line(w.now, "the disk of %s hangs for good", leader.id)
	w.report.Faults["disk of a leader hung for good"]++
	leader.disk.hang()
	w.hung, w.restedAt = leader, 0
	return true
}

// goesOn says that a cluster of cores which is at rest does not append what it is asked to;
// nothing if it does, or need not.
func (w *world) goesOn() string {
	leader := w.leader()
	if w.setup.Layer == Engines || leader == nil {
		return w.diverged()
	}
	if w.restedAt > 0 && w.oracle.commit() > w.restedAt {
		return ""
	}
	if w.restedAt == 0 {
		w.restedAt = w.oracle.commit()
	}
	w.users.do(leader, Op{Kind: Propose})
	return "what is proposed is not committed"
}

// quorumGone reports whether who would have to elect a leader has been wiped: a learner
// that had everything, and was made a voter by a request that was on its way when its disk
// was lost. Nothing is promised then.
func (w *world) quorumGone() bool {
	var best *mirror
	for _, n := range w.nodes {
		if best == nil || !best.log.last().AtLeastAsUpToDate(n.mirror.log.last().Position) {
			best = n.mirror
		}
	}
	conf := best.configurationBefore(best.log.last().Index + 1)
	return len(conf.Voters) > 0 && !quorum(&conf, w.alive)
}

// leader is the node that leads, in the latest term if there are several; nil if none.
func (w *world) leader() *node {
	var leader *node
	var latest raft.Term
	for _, n := range w.nodes {
		if n.process == nil || n.process.core() == nil {
			continue
		}
		role, term, _ := n.process.core().Leadership()
		if role == raft.Leader && term > latest {
			leader, latest = n, term
		}
	}
	return leader
}

// byID is the node that goes by an identity now; nil if none does.
func (w *world) byID(id raft.NodeID) *node {
	for _, n := range w.nodes {
		if n.id == id {
			return n
		}
	}
	return nil
}
