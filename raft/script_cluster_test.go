package raft

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// scripted is the cluster of one script. Nothing in it happens by itself, except that
// a node's update is carried out at once, unless the script has said otherwise: its
// writes become durable and its committed entries applied. Messages wait in network
// until the script delivers them.
type scripted struct {
	t      *testing.T
	where  string
	out    strings.Builder
	indent string
	// muted: nothing is printed, or, with news, only outcomes and changes of role, with
	// the number of ticks passed.
	muted, news bool
	passed      int
	limits      Config
	nodes       []*scriptedNode
	founded     Configuration
	network     []Message
	// cut are the links, from one node to another, that lose everything.
	cut map[[2]NodeID]bool
	// leaders and committed are what must be the same on all nodes.
	leaders   map[Term]NodeID
	committed map[Index]Entry
}

type scriptedNode struct {
	id NodeID
	// core is nil while the node is down.
	core   *Core
	disk   Saved
	writes []*Write
	snap   SnapshotMeta
	// wanted are the snapshots that the core asked to be sent.
	wanted map[NodeID]SendSnapshot
	// loads are the answers to open questions for stored entries, read when they were asked.
	loads []Loaded
	// slowDisk: writes become durable when the script says so. lazy: updates are taken
	// when the script says so.
	slowDisk, lazy bool
	// damaged is the index of an entry that the disk cannot give, if not 0; waiting is what
	// is committed from there on.
	damaged Index
	waiting []Entry
}

func newScripted(t *testing.T) *scripted {
	s := &scripted{t: t, cut: map[[2]NodeID]bool{}, leaders: map[Term]NodeID{}, committed: map[Index]Entry{}}
	s.limits = DefaultConfig("", 0)
	s.limits.HeartbeatTicks, s.limits.ElectionTicksMin, s.limits.ElectionTicksMax = 3, 10, 20
	return s
}

func (s *scripted) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s: %s\n%s", s.where, fmt.Sprintf(format, args...), s.out.String())
}

func (s *scripted) say(who, format string, args ...any) {
	if !s.muted {
		line := fmt.Sprintf("%s%-7s  %s", s.indent, who, fmt.Sprintf(format, args...))
		s.out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// tell says what is news.
func (s *scripted) tell(who, format string, args ...any) {
	if s.news {
		fmt.Fprintf(&s.out, "%-7s  tick %d: %s\n", who, s.passed, fmt.Sprintf(format, args...))
		return
	}
	s.say(who, format, args...)
}

func (s *scripted) node(id NodeID) *scriptedNode {
	for _, n := range s.nodes {
		if n.id == id {
			return n
		}
	}
	s.fail("there is no node %q", id)
	return nil
}

// running returns a node that is not down.
func (s *scripted) running(id NodeID) *scriptedNode {
	n := s.node(id)
	if n.core == nil {
		s.fail("%s is down", id)
	}
	return n
}

func (s *scripted) add(id NodeID, disk Saved) {
	n := &scriptedNode{id: id, disk: disk}
	s.nodes = append(s.nodes, n)
	s.start(n)
}

// start makes a node's core from its disk. Only its id decides on its timeouts.
func (s *scripted) start(n *scriptedNode) { s.startFrom(n, 0) }

// startFrom is start with entries up to an index on disk only.
func (s *scripted) startFrom(n *scriptedNode, stored Index) {
	config := s.limits
	config.ID = n.id
	for _, b := range []byte(n.id) {
		config.Seed = config.Seed*31 + uint64(b)
	}
	saved := n.disk.withStored(stored)
	core, err := New(config, saved)
	if err != nil {
		s.fail("%s does not start: %v", n.id, err)
	}
	n.core, n.writes, n.snap, n.wanted, n.loads = core, nil, saved.Snapshot, map[NodeID]SendSnapshot{}, nil
	n.damaged, n.waiting = 0, nil
}

// step lets a node take an event and carries out what follows.
func (s *scripted) step(n *scriptedNode, e Event) error {
	err := s.observe(n, func() error { return n.core.Step(e) })
	if err != nil {
		s.say(string(n.id), "refuses: %v", err)
	}
	if n.core.failure == nil && !n.lazy {
		s.update(n)
	}
	return err
}

// observe prints what changes in a node's state, and checks it.
func (s *scripted) observe(n *scriptedNode, do func() error) error {
	before, observed := n.core.Status(), n.core.Observe()
	err := do()
	if errors.Is(err, ErrInvariant) {
		return err
	}
	if broken := errors.Join(n.core.CheckInvariants(), n.core.CheckTransition(observed)); broken != nil {
		s.fail("%s: %v", n.id, broken)
	}
	after := n.core.Status()
	if after.Role == Leader {
		if other, known := s.leaders[after.Term]; known && other != n.id {
			s.fail("%s and %s lead term %d", other, n.id, after.Term)
		}
		s.leaders[after.Term] = n.id
	}
	s.showChanges(n.id, before, after)
	return err
}

func (s *scripted) showChanges(id NodeID, before, after Status) {
	who := string(id)
	if before.Role != after.Role || before.Term != after.Term || before.Leader != after.Leader || before.VotedFor != after.VotedFor {
		s.tell(who, "%s", showRole(after))
	}
	if !before.Configuration.Equal(after.Configuration) {
		s.say(who, "configuration %v of %d", after.Configuration, after.ConfigurationIndex)
	}
	if before.Transferring != after.Transferring && after.Role == Leader {
		s.say(who, "transfers leadership to %q", after.Transferring)
	}
	for _, p := range after.Peers {
		i := slices.IndexFunc(before.Peers, func(q PeerStatus) bool { return q.ID == p.ID })
		if i >= 0 && before.Peers[i].State != p.State {
			s.say(who, "%s", showPeer(p))
		}
	}
}

func showRole(st Status) string {
	text := fmt.Sprintf("%v of term %d", st.Role, st.Term)
	if st.Leader != None && st.Role != Leader {
		text += ", leader " + string(st.Leader)
	}
	if st.VotedFor != None {
		text += ", vote " + string(st.VotedFor)
	}
	return text
}

func showPeer(p PeerStatus) string {
	return fmt.Sprintf("%s: %v, match %d, next %d", p.ID, p.State, p.Match, p.Next)
}

// update takes a node's update and carries it out, and those that follow from it.
func (s *scripted) update(n *scriptedNode) {
	for again := true; again && n.core.failure == nil; {
		var u Update
		_ = s.observe(n, func() error {
			u = n.core.Update()
			return nil
		})
		s.showUpdate(n, &u)
		s.carryOut(n, &u)
		again = u.Write != nil && !n.slowDisk || len(u.Committed) > 0 || u.CommittedStored.First > 0
	}
}

func (s *scripted) showUpdate(n *scriptedNode, u *Update) {
	who := string(n.id)
	if u.Write != nil {
		s.say(who, "%s", showWrite(u.Write))
	}
	for _, m := range u.Messages {
		lost := ""
		if s.loses(m) {
			lost = "  (lost)"
		}
		s.say(showLink(m), "%s%s", showMessage(m), lost)
	}
	if u.Restore != nil {
		s.say(who, "restores %s", showMeta(*u.Restore))
	}
	if r := u.CommittedStored; r.First > 0 {
		s.say(who, "commits from its disk %d to %d", r.First, r.Last)
	}
	if len(u.Committed) > 0 {
		s.say(who, "commits %s", showRuns(u.Committed))
	}
	for _, r := range u.Reads {
		if r.Err != nil {
			s.tell(who, "read %d fails: %v", r.Token, r.Err)
		} else {
			s.tell(who, "read %d at %d", r.Token, r.Index)
		}
	}
	for _, c := range u.Changes {
		if c.Err != nil {
			s.tell(who, "change fails: %v", c.Err)
		} else {
			s.tell(who, "change done")
		}
	}
	for _, l := range u.Loads {
		s.say(who, "loads from %d to %d for %s", l.First, l.Last, l.To)
	}
	for _, w := range u.SendSnapshots {
		s.say(who, "wants a snapshot sent to %s", w.To)
	}
}

func showWrite(w *Write) string {
	text := fmt.Sprintf("write %d:", w.Number)
	if w.Snapshot != nil {
		text += " snapshot " + showMeta(*w.Snapshot)
	}
	if w.HardState != nil {
		text += fmt.Sprintf(" term %d", w.HardState.Term)
		if w.HardState.VotedFor != None {
			text += " vote " + string(w.HardState.VotedFor)
		}
	}
	if w.Truncate != 0 {
		text += fmt.Sprintf(" cut from %d", w.Truncate)
	}
	if len(w.Entries) > 0 {
		text += " append " + showRuns(w.Entries)
	}
	return text
}

func (s *scripted) loses(m Message) bool {
	i := slices.IndexFunc(s.nodes, func(n *scriptedNode) bool { return n.id == m.To })
	return s.cut[[2]NodeID{m.From, m.To}] || i < 0 || s.nodes[i].core == nil
}

func (s *scripted) carryOut(n *scriptedNode, u *Update) {
	for _, m := range u.Messages {
		if broken := brokenPromise(&n.disk, m); broken != "" {
			s.fail("%s", broken)
		}
		if !s.loses(m) {
			s.network = append(s.network, m)
		}
	}
	if u.Restore != nil {
		n.snap, n.waiting = *u.Restore, nil
		if n.damaged <= n.snap.Last.Index {
			n.damaged = 0
		}
	}
	if stored := u.CommittedStored; stored.First > 0 {
		for _, e := range n.disk.entries(stored.First, stored.Last) {
			s.commit(n, e)
		}
	}
	for _, run := range u.Committed {
		for _, e := range run {
			s.commit(n, e)
		}
	}
	for _, l := range u.Loads {
		n.loads = append(n.loads, Loaded{Load: l, Entries: n.disk.read(l)})
	}
	for _, w := range u.SendSnapshots {
		n.wanted[w.To] = w
	}
	if u.Write != nil {
		n.writes = append(n.writes, u.Write)
	}
	for len(n.writes) > 0 && !n.slowDisk {
		s.persist(n)
	}
}

// commit applies an entry, if all before it could be read, and holds it against what was
// committed elsewhere (State Machine Safety, §3.2).
func (s *scripted) commit(n *scriptedNode, e Entry) {
	if e.Index == n.damaged || len(n.waiting) > 0 {
		n.waiting = append(n.waiting, e)
		return
	}
	have, known := s.committed[e.Index]
	if known && showEntry(&have) != showEntry(&e) {
		s.fail("%s commits %s, elsewhere %s is committed", n.id, showEntry(&e), showEntry(&have))
	}
	s.committed[e.Index] = e
	if err := n.core.Step(Applied{e.Index}); err != nil {
		s.fail("%s: applied %d: %v", n.id, e.Index, err)
	}
}

// persist makes a node's oldest write durable.
func (s *scripted) persist(n *scriptedNode) {
	w := n.writes[0]
	n.writes = n.writes[1:]
	carryOut(&n.disk, w)
	if err := s.observe(n, func() error { return n.core.Step(Persisted{w.Number}) }); err != nil {
		s.fail("%s: write %d: %v", n.id, w.Number, err)
	}
}
