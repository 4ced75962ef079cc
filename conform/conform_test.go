package conform_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/conform"
	"github.com/ben-ng/gaggle/raft"
)

// A step is one of a node, kept.
type step struct {
	node  raft.NodeID
	trace raft.Trace
}

// A recorder keeps what cores do, or alters and then keeps it.
type recorder struct{ steps []step }

type tracer struct {
	r    *recorder
	node raft.NodeID
}

func (t tracer) Traced(s *raft.Trace) {
	kept := *s
	kept.Effects = slices.Clone(s.Effects)
	if s.Update != nil {
		u := *s.Update
		u.Messages = slices.Clone(u.Messages)
		kept.Update = &u
	}
	t.r.steps = append(t.r.steps, step{t.node, kept})
}

// a cluster of cores, whose disks and network do everything at once.
type cluster struct {
	t     *testing.T
	r     recorder
	cores map[raft.NodeID]*raft.Core
	ids   []raft.NodeID
	// cut are those that nothing reaches.
	cut map[raft.NodeID]bool
	// snapshot is what leaders send.
	snapshot raft.SnapshotMeta
	// logs are the entries that nodes have on disk.
	logs map[raft.NodeID][]raft.Entry
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, cores: map[raft.NodeID]*raft.Core{}, ids: []raft.NodeID{"a", "b", "c"}, cut: map[raft.NodeID]bool{}, logs: map[raft.NodeID][]raft.Entry{}}
	for i, id := range c.ids {
		saved, err := raft.Found(c.ids)
		if err != nil {
			t.Fatal(err)
		}
		c.start(id, uint64(i), saved)
	}
	return c
}

func (c *cluster) start(id raft.NodeID, seed uint64, saved raft.Saved) {
	config := raft.DefaultConfig(id, seed)
	config.Tracer = tracer{&c.r, id}
	core, err := raft.New(config, saved)
	if err != nil {
		c.t.Fatal(err)
	}
	c.cores[id], c.logs[id] = core, saved.Entries
}

// write puts entries on a disk.
func (c *cluster) write(id raft.NodeID, w *raft.Write) {
	log := c.logs[id]
	if w.Truncate != 0 {
		log = slices.DeleteFunc(log, func(e raft.Entry) bool { return e.Index >= w.Truncate })
	}
	c.logs[id] = append(log, slices.Concat(w.Entries...)...)
}

// settle carries out updates until there are none.
func (c *cluster) settle() {
	for again := true; again; {
		again = false
		for _, id := range c.ids {
			u := c.cores[id].Update()
			if u.Write != nil {
				again = true
				c.write(id, u.Write)
				_ = c.cores[id].Step(raft.Persisted{Write: u.Write.Number})
			}
			for _, m := range slices.Clone(u.Messages) {
				if !c.cut[m.From] && !c.cut[m.To] {
					again = true
					_ = c.cores[m.To].Step(raft.Receive{Message: &m})
				}
			}
			for _, s := range u.SendSnapshots {
				again = true
				m := &raft.Message{From: id, To: s.To, Term: s.Term, Body: &raft.InstallSnapshot{Session: s.Session, Meta: c.snapshot}}
				_ = c.cores[s.To].Step(raft.Receive{Message: m})
				_ = c.cores[id].Step(raft.SnapshotSent{Node: s.To})
			}
			for _, run := range u.Committed {
				_ = c.cores[id].Step(raft.Applied{Index: run[len(run)-1].Index})
			}
		}
	}
}

// leader is who leads, after as long as it takes.
func (c *cluster) leader(except raft.NodeID) raft.NodeID {
	for range 10000 {
		for _, id := range c.ids {
			if role, _, _ := c.cores[id].Leadership(); role == raft.Leader && id != except && c.cores[id].LeadsSettled() {
				return id
			}
		}
		for _, id := range c.ids {
			_ = c.cores[id].Step(raft.Tick{})
		}
		c.settle()
	}
	c.t.Fatal("nobody leads")
	return ""
}

// history is a run in which leaders change, entries are replaced, a read is answered, and a
// snapshot taken.
func history(t *testing.T) []step {
	t.Helper()
	c := newCluster(t)
	a := c.leader("")
	propose := func(id raft.NodeID, n int) {
		for i := range n {
			_ = c.cores[id].Step(raft.Propose{Entries: []raft.Entry{{Data: fmt.Appendf(nil, "%s %d", id, i)}}})
		}
		c.settle()
	}
	propose(a, 5)
	c.cut[a] = true
	propose(a, 3) // they are never committed
	b := c.leader(a)
	propose(b, 4)
	c.cut[a] = false
	b = c.leader("")
	propose(b, 2)
	if err := c.cores[b].Step(raft.Read{Token: 1}); err != nil {
		t.Fatal(err)
	}
	c.settle()
	s := c.cores[b].Status()
	if err := c.cores[b].Step(raft.SnapshotTaken{Index: s.Applied, CompactTo: s.Applied}); err != nil {
		t.Fatal(err)
	}
	c.settle()
	return c.r.steps
}

// follow takes steps, and returns what did not fit.
func follow(t *testing.T, steps []step) error {
	t.Helper()
	checker, err := conform.New()
	if err != nil {
		t.Fatal(err)
	}
	return followWith(t, checker, steps)
}

func followWith(t *testing.T, checker *conform.Checker, steps []step) error {
	t.Helper()
	for i := range steps {
		if err := checker.Take(steps[i].node, &steps[i].trace); err != nil {
			var d *conform.DisagreementError
			if !errors.As(err, &d) || d.Node != steps[i].node {
				t.Fatalf("it does not say of whom: %v", err)
			}
			return err
		}
	}
	return nil
}

func TestWhatCoresDoIsWhatIsSpecified(t *testing.T) {
	steps := history(t)
	if err := follow(t, steps); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d steps", len(steps))
}

// newcomer is a run in which leaders have compacted their logs to the entry that founded the
// cluster, which the specification has not, and send that to a node that joins.
func newcomer(t *testing.T) []step {
	t.Helper()
	c := newCluster(t)
	a := c.leader("")
	c.snapshot = raft.SnapshotMeta{Last: raft.Position{Index: 1, Term: 1}, Configuration: raft.NewConfiguration(c.ids, nil), ConfigurationIndex: 1}
	for _, id := range c.ids {
		if err := c.cores[id].Step(raft.SnapshotTaken{Index: 1, CompactTo: 1}); err != nil {
			t.Fatal(err)
		}
	}
	c.ids = append(c.ids, "d")
	c.start("d", 4, raft.Saved{})
	if err := c.cores[a].Step(raft.ChangeConfiguration{Voters: c.ids}); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		_ = c.cores[a].Step(raft.Tick{})
		c.settle()
	}
	if s := c.cores["d"].Status(); s.Base.Index != 1 || !s.Configuration.Voter("d") {
		t.Fatalf("it did not join, or had no snapshot: %+v", s)
	}
	return c.r.steps
}

// leftBehind is a cluster of a leader, one that is cut off and has nothing, and one that follows;
// the former have five entries.
func leftBehind(t *testing.T) (c *cluster, leads, behind, follows raft.NodeID) {
	t.Helper()
	c = newCluster(t)
	leads = c.leader("")
	others := slices.DeleteFunc(slices.Clone(c.ids), func(id raft.NodeID) bool { return id == leads })
	behind, follows = others[0], others[1]
	c.cut[behind] = true
	for i := range 4 {
		_ = c.cores[leads].Step(raft.Propose{Entries: []raft.Entry{{Data: []byte{byte(i)}}}})
		c.settle()
	}
	return c, leads, behind, follows
}

// snapshotAt is what a snapshot of a leader up to an index says of itself.
func (c *cluster) snapshotAt(i raft.Index, leads raft.NodeID) raft.SnapshotMeta {
	at := raft.Position{Index: i, Term: c.logs[leads][i-1].Term}
	return raft.SnapshotMeta{Last: at, Configuration: raft.NewConfiguration(c.ids, nil), ConfigurationIndex: 1}
}

func (c *cluster) takeSnapshot(id raft.NodeID, i, compactTo raft.Index) {
	c.t.Helper()
	if err := c.cores[id].Step(raft.SnapshotTaken{Index: i, CompactTo: compactTo}); err != nil {
		c.t.Fatal(err)
	}
	c.settle()
}

// A node that comes back without its latest snapshot, as that is damaged, does not send it.
func TestASnapshotThatIsLostIsNotSent(t *testing.T) {
	c, a, behind, follows := leftBehind(t)
	c.snapshot = c.snapshotAt(3, a)
	c.takeSnapshot(a, 3, 3)
	c.takeSnapshot(a, 5, 3)
	s := c.cores[a].Status()
	c.start(a, 9, raft.Saved{HardState: raft.HardState{Term: s.Term, VotedFor: s.VotedFor}, Snapshot: c.snapshot, Entries: c.logs[a][3:]})
	c.cut[behind], c.cut[follows] = false, true
	if again := c.leader(""); again != a || c.cores[behind].Status().Base.Index != 3 {
		t.Fatalf("%s leads, and %s has %+v", again, behind, c.cores[behind].Status())
	}
	if err := follow(t, c.r.steps); err != nil {
		t.Error(err)
	}
}

// A node that has a newer snapshot on disk than its leader sends, of somebody else, takes that.
func TestASnapshotThatIsThereStandsForAnOlderOne(t *testing.T) {
	for _, taken := range []bool{true, false} {
		c, a, behind, follows := leftBehind(t)
		c.snapshot = c.snapshotAt(5, a)
		if taken {
			c.takeSnapshot(follows, 5, 5)
		}
		c.takeSnapshot(a, 3, 3)
		c.cut[behind], c.cut[follows] = false, true
		for range 100 {
			_ = c.cores[a].Step(raft.Tick{})
			c.settle()
		}
		if s := c.cores[behind].Status(); s.Base.Index != 5 || s.Commit < 5 {
			t.Fatalf("%s has %+v", behind, s)
		}
		if err := follow(t, c.r.steps); (err == nil) != taken {
			t.Errorf("somebody has it: %t; %v", taken, err)
		}
	}
}

func TestASnapshotOfNothingSaysWhoLeads(t *testing.T) {
	steps := newcomer(t)
	if err := follow(t, steps); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(steps, func(s step) bool {
		e, ok := s.trace.Event.(raft.Receive)
		if !ok {
			return false
		}
		_, ok = e.Message.Body.(*raft.InstallSnapshot)
		return ok
	})
	m := *steps[i].trace.Event.(raft.Receive).Message
	m.From = map[raft.NodeID]raft.NodeID{"a": "b", "b": "c", "c": "a"}[m.From]
	steps[i].trace.Event = raft.Receive{Message: &m}
	if err := follow(t, steps); err == nil {
		t.Error("one who does not lead has sent it")
	}
}

func TestACheckerThatWasUsedIsAsANewOne(t *testing.T) {
	steps := history(t)
	checker, err := conform.New()
	if err != nil {
		t.Fatal(err)
	}
	for i := range steps {
		if i%50 != 0 && i < len(steps)-1 {
			continue
		}
		if err := followWith(t, checker, steps[:i]); err != nil {
			t.Fatalf("%d steps, after it was used: %v", i, err)
		}
		checker.Reset()
	}
	if taken, ofCores := checker.Steps(); taken != 0 || ofCores != 0 {
		t.Errorf("it has taken %d steps of %d", taken, ofCores)
	}
}

// find is the first effect of this kind that fits.
func find(steps []step, kind raft.EffectKind, fits func(*step, *raft.Effect) bool) (int, int) {
	for i := range steps {
		for j := range steps[i].trace.Effects {
			if e := &steps[i].trace.Effects[j]; e.Kind == kind && fits(&steps[i], e) {
				return i, j
			}
		}
	}
	return -1, -1
}

func body[B raft.Body](fits func(*step, B) bool) func(*step, *raft.Effect) bool {
	return func(s *step, e *raft.Effect) bool {
		b, ok := e.Message.Body.(B)
		return ok && fits(s, b)
	}
}

func TestWhatIsNotSpecifiedDoesNotFit(t *testing.T) {
	for _, c := range []struct {
		name  string
		alter func(steps []step) []step
	}{
		{"a vote is said before it is durable", func(steps []step) []step {
			i, j := find(steps, raft.Released, body(func(_ *step, b *raft.VoteReply) bool { return b.Granted && !b.PreVote }))
			m := steps[i].trace.Effects[j].Message
			k, l := find(steps, raft.Withheld, func(_ *step, e *raft.Effect) bool { return e.Message.Body == m.Body })
			steps[k].trace.Effects[l].Kind = raft.Said
			return steps
		}},
		{"a message comes that nobody has said", func(steps []step) []step {
			i := slices.IndexFunc(steps, func(s step) bool {
				e, ok := s.trace.Event.(raft.Receive)
				return ok && e.Message.Term > 1
			})
			m := *steps[i].trace.Event.(raft.Receive).Message
			m.Term++
			steps[i].trace.Event = raft.Receive{Message: &m}
			return steps
		}},
		{"more is acknowledged than is durable", func(steps []step) []step {
			i, j := find(steps, raft.Said, body(func(_ *step, b *raft.AppendReply) bool { return b.Index > 1 && !b.Rejected }))
			b := *steps[i].trace.Effects[j].Message.Body.(*raft.AppendReply)
			b.Index++
			steps[i].trace.Effects[j].Message.Body = &b
			return steps
		}},
		{"an entry is committed that no quorum has", func(steps []step) []step {
			i, j := find(steps, raft.Committed, func(s *step, _ *raft.Effect) bool { return s.trace.After.Role == raft.Leader })
			steps[i].trace.Effects[j].Index++
			return steps
		}},
		{"a leader sends other entries than it has", func(steps []step) []step {
			i, j := find(steps, raft.Said, body(func(_ *step, b *raft.AppendEntries) bool { return len(b.Entries) > 0 }))
			b := *steps[i].trace.Effects[j].Message.Body.(*raft.AppendEntries)
			b.Entries = slices.Clone(b.Entries)
			b.Entries[0].Data = []byte("another")
			steps[i].trace.Effects[j].Message.Body = &b
			return steps
		}},
		{"a write leaves an entry out", func(steps []step) []step {
			i := slices.IndexFunc(steps, func(s step) bool {
				return s.trace.Update != nil && s.trace.Update.Write != nil && len(s.trace.Update.Write.Entries) > 0
			})
			w := *steps[i].trace.Update.Write
			w.Entries = nil
			steps[i].trace.Update.Write = &w
			return steps
		}},
		{"a write leaves the term out", func(steps []step) []step {
			i := slices.IndexFunc(steps, func(s step) bool {
				return s.trace.Update != nil && s.trace.Update.Write != nil && s.trace.Update.Write.HardState != nil
			})
			w := *steps[i].trace.Update.Write
			w.HardState = nil
			steps[i].trace.Update.Write = &w
			return steps
		}},
		{"nothing is written", func(steps []step) []step {
			i := slices.IndexFunc(steps, func(s step) bool { return s.trace.Update != nil && s.trace.Update.Write != nil })
			steps[i].trace.Update.Write = nil
			return steps
		}},
		{"another entry is handed out to be applied", func(steps []step) []step {
			i := slices.IndexFunc(steps, func(s step) bool { return s.trace.Update != nil && len(s.trace.Update.Committed) > 0 })
			run := slices.Clone(steps[i].trace.Update.Committed[0])
			run[len(run)-1].Data = []byte("another")
			steps[i].trace.Update.Committed = [][]raft.Entry{run}
			return steps
		}},
		{"a read is answered that nobody has confirmed", func(steps []step) []step {
			i, j := find(steps, raft.ReadOpened, func(*step, *raft.Effect) bool { return true })
			steps[i].trace.Effects = slices.Insert(steps[i].trace.Effects, j+1, raft.Effect{Kind: raft.ReadAnswered, Token: 1})
			return steps
		}},
		{"a read sees less than is committed", func(steps []step) []step {
			i, j := find(steps, raft.ReadOpened, func(*step, *raft.Effect) bool { return true })
			steps[i].trace.Effects[j].Index--
			return steps
		}},
		{"a node is in another term", func(steps []step) []step {
			steps[len(steps)-1].trace.After.HardState.Term++
			return steps
		}},
		{"a log ends elsewhere", func(steps []step) []step {
			steps[len(steps)-1].trace.After.Last.Index++
			return steps
		}},
		{"a node has lost its vote when it starts again", func(steps []step) []step {
			last := steps[len(steps)-1]
			s := last.trace.After
			return append(steps, step{last.node, raft.Trace{Saved: &raft.Saved{HardState: raft.HardState{Term: s.HardState.Term - 1}}, After: s}})
		}},
		{"somebody leads whom nobody has elected", func(steps []step) []step {
			i := slices.IndexFunc(steps, func(s step) bool { return s.trace.After.Role == raft.Follower && s.trace.Update != nil })
			steps[i].trace.Effects = append(steps[i].trace.Effects, raft.Effect{Kind: raft.Became, Role: raft.Leader})
			return steps
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := follow(t, c.alter(history(t)))
			if err == nil {
				t.Fatal("it fits")
			}
			t.Log(err)
		})
	}
}

// What is received has to be said before: a step that receives it waits until then.
func TestAStepThatReceivesIsReadyWhenItIsSaid(t *testing.T) {
	checker, err := conform.New()
	if err != nil {
		t.Fatal(err)
	}
	waited := false
	steps := history(t)
	queues := map[raft.NodeID][]*raft.Trace{}
	for i := range steps {
		queues[steps[i].node] = append(queues[steps[i].node], &steps[i].trace)
	}
	for left := len(steps); left > 0; {
		before := left
		for _, id := range []raft.NodeID{"c", "b", "a"} {
			for len(queues[id]) > 0 && checker.Ready(id, queues[id][0]) {
				if err := checker.Take(id, queues[id][0]); err != nil {
					t.Fatal(err)
				}
				queues[id] = queues[id][1:]
				left--
			}
			waited = waited || len(queues[id]) > 0
		}
		if left == before {
			t.Fatalf("%d steps wait for each other", left)
		}
	}
	if !waited {
		t.Error("no step has waited for another")
	}
}
