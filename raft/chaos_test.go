package raft

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

var chaosSeeds = flag.Uint64("seeds", 60, "how many random histories to try")

// chaos is a cluster of cores in one goroutine, whose network and disks do what a
// random source says: messages are lost, repeated and reordered, writes become
// durable late, nodes crash and come back with what was durable.
type chaos struct {
	t        *testing.T
	r        *rand.Rand
	nodes    map[NodeID]*chaosNode
	ids      []NodeID
	network  []Message
	proposed int
	lossy    bool
	// cut are the links that are down; slow are the nodes whose disks are.
	cut  map[[2]NodeID]bool
	slow map[NodeID]bool
	// committed is what any node ever learned to be committed, by index.
	committed []Entry
	leaders   map[Term]NodeID
	// reads maps an open token to the commit index known anywhere when it was asked.
	reads map[uint64]Index
	stats chaosStats
}

type chaosStats struct {
	elections, crashes, changes, transfers, reads, snapshots int
	loads, fromDisk, impaired                                int
}

type chaosNode struct {
	id     NodeID
	core   *Core
	disk   Saved
	writes []*Write
	// loads are the answers to open questions for stored entries, as they were read.
	loads []Loaded
	// applied by this incarnation.
	applied Index
	snap    SnapshotMeta
}

func newChaos(t *testing.T, seed uint64, voters, spares int) *chaos {
	w := &chaos{
		t: t, r: rand.New(rand.NewPCG(seed, 1)), nodes: map[NodeID]*chaosNode{},
		leaders: map[Term]NodeID{}, reads: map[uint64]Index{}, lossy: true,
		cut: map[[2]NodeID]bool{}, slow: map[NodeID]bool{},
	}
	for i := range voters + spares {
		w.ids = append(w.ids, NodeID(rune('a'+i)))
	}
	found, err := Found(w.ids[:voters])
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range w.ids {
		n := &chaosNode{id: id}
		if i < voters {
			n.disk = found
		}
		w.nodes[id] = n
		w.start(n)
	}
	return w
}

func (w *chaos) start(n *chaosNode) {
	config := DefaultConfig(n.id, w.r.Uint64())
	config.HeartbeatTicks, config.ElectionTicksMin, config.ElectionTicksMax = 2, 10, 20
	config.MaxMessageBytes, config.MaxInflightMessages = 200, 4
	config.MaxUncommittedBytes = 2000
	saved := n.disk.withStored(0)
	if w.r.IntN(2) == 0 {
		// A disk may have some of the log to itself, and some of that is damaged.
		saved = n.disk.withStored(n.disk.base().Index + Index(w.r.IntN(len(n.disk.Entries)+1)))
		if saved.Impaired = len(saved.Stored) > 0 && w.r.IntN(2) == 0; saved.Impaired {
			w.stats.impaired++
		}
	}
	core, err := New(config, saved)
	if err != nil {
		w.t.Fatal(err)
	}
	n.core, n.writes, n.loads, n.applied, n.snap = core, nil, nil, saved.Snapshot.Last.Index, saved.Snapshot
}

func (w *chaos) step(n *chaosNode, e Event) error {
	before := n.core.Observe()
	err := n.core.Step(e)
	w.check(n, before)
	return err
}

func (w *chaos) check(n *chaosNode, before Observation) {
	if n.core.failure != nil {
		w.t.Fatalf("%s: %v", n.id, n.core.failure)
	}
	if err := n.core.CheckInvariants(); err != nil {
		w.t.Fatalf("%s: %v", n.id, err)
	}
	if err := n.core.CheckTransition(before); err != nil {
		w.t.Fatalf("%s: %v", n.id, err)
	}
	if n.core.role == Leader {
		if other, ok := w.leaders[n.core.hard.Term]; ok && other != n.id {
			w.t.Fatalf("%s and %s lead term %d", other, n.id, n.core.hard.Term)
		} else if !ok {
			w.leaders[n.core.hard.Term] = n.id
			w.stats.elections++
			w.checkComplete(n)
		}
	}
}

// checkComplete holds a new leader's log against all that is committed (§3.6.3).
func (w *chaos) checkComplete(n *chaosNode) {
	for i, e := range w.committed {
		if t, ok := n.core.log.term(e.Index); Index(i+1) > n.core.log.base.Index && (!ok || t != e.Term) {
			w.t.Fatalf("%s leads term %d without entry %d@%d, which is committed", n.id, n.core.hard.Term, e.Index, e.Term)
		}
	}
}

func (w *chaos) update(n *chaosNode) {
	before := n.core.Observe()
	u := n.core.Update()
	w.check(n, before)
	if u.Write != nil {
		n.writes = append(n.writes, u.Write)
	}
	for _, m := range u.Messages {
		if broken := brokenPromise(&n.disk, m); broken != "" {
			w.t.Fatal(broken)
		}
	}
	w.network = append(w.network, u.Messages...)
	if u.Restore != nil {
		n.applied, n.snap = u.Restore.Last.Index, *u.Restore
	}
	if stored := u.CommittedStored; stored.First > 0 {
		w.stats.fromDisk++
		for _, e := range n.disk.entries(stored.First, stored.Last) {
			w.apply(n, e)
		}
	}
	for _, run := range u.Committed {
		for _, e := range run {
			w.apply(n, e)
		}
	}
	for _, l := range u.Loads {
		n.loads = append(n.loads, Loaded{Load: l, Entries: n.disk.read(l)})
	}
	if n.applied > 0 {
		w.mustStep(n, Applied{n.applied})
	}
	for _, r := range u.Reads {
		if r.Err == nil && r.Index < w.reads[r.Token] {
			w.t.Fatalf("%s answers a read with index %d, %d was committed when it was asked", n.id, r.Index, w.reads[r.Token])
		}
		if r.Err == nil {
			w.stats.reads++
		}
		delete(w.reads, r.Token)
	}
	for _, s := range u.SendSnapshots {
		if w.lossy && w.r.IntN(4) == 0 {
			w.mustStep(n, SnapshotSent{Node: s.To, Failed: true})
			continue
		}
		w.network = append(w.network, Message{From: n.id, To: s.To, Term: s.Term, Body: &InstallSnapshot{s.Session, n.snap}})
		w.stats.snapshots++
		w.mustStep(n, SnapshotSent{Node: s.To})
	}
}

func (w *chaos) mustStep(n *chaosNode, e Event) {
	if err := w.step(n, e); err != nil {
		w.t.Fatalf("%s: %T: %v", n.id, e, err)
	}
}

func (w *chaos) apply(n *chaosNode, e Entry) {
	if e.Index != n.applied+1 {
		w.t.Fatalf("%s applies %d after %d", n.id, e.Index, n.applied)
	}
	n.applied = e.Index
	if int(e.Index) > len(w.committed) {
		w.committed = append(w.committed, e)
		return
	}
	if have := w.committed[e.Index-1]; have.Term != e.Term || string(have.Data) != string(e.Data) {
		w.t.Fatalf("%s applies %d@%d %q, elsewhere it is %d@%d %q", n.id, e.Index, e.Term, e.Data, have.Index, have.Term, have.Data)
	}
}

// persist makes a node's oldest write durable.
func (w *chaos) persist(n *chaosNode) {
	if len(n.writes) == 0 {
		return
	}
	wr := n.writes[0]
	n.writes = n.writes[1:]
	carryOut(&n.disk, wr)
	w.mustStep(n, Persisted{wr.Number})
}

func (w *chaos) compact(n *chaosNode) {
	if n.applied <= n.core.log.base.Index || n.applied > n.core.persist.durable || len(n.writes) > 0 {
		return
	}
	meta, err := n.core.SnapshotAt(n.applied)
	if err != nil {
		w.t.Fatal(err)
	}
	n.snap = meta
	to := n.applied - Index(w.r.IntN(int(n.applied-n.core.log.base.Index)))
	w.mustStep(n, SnapshotTaken{n.applied, to})
	forget(&n.disk, meta, to)
}

// load answers a node's oldest load, or a later one, perhaps with an error.
func (w *chaos) load(n *chaosNode) {
	if len(n.loads) == 0 {
		return
	}
	i := w.r.IntN(len(n.loads))
	answer := n.loads[i]
	n.loads = slices.Delete(n.loads, i, i+1)
	if w.lossy && w.r.IntN(5) == 0 {
		answer.Entries, answer.Err = nil, errors.New("the disk cannot be read")
	}
	w.stats.loads++
	w.mustStep(n, answer)
}

func (w *chaos) deliver() {
	if len(w.network) == 0 {
		return
	}
	i := 0
	if w.r.IntN(4) == 0 {
		i = w.r.IntN(len(w.network))
	}
	m := w.network[i]
	if !w.lossy || w.r.IntN(20) != 0 { // else repeated later
		w.network = slices.Delete(w.network, i, i+1)
	}
	if w.lossy && (w.r.IntN(10) == 0 || w.cut[[2]NodeID{m.From, m.To}]) {
		return
	}
	n := w.nodes[m.To]
	_ = w.step(n, Receive{&m})
}

// settle heals everything and lets time pass until all members agree.
func (w *chaos) settle() {
	w.lossy = false
	for range 3000 {
		for _, id := range w.ids {
			n := w.nodes[id]
			w.mustStep(n, Tick{})
			w.update(n)
			for len(n.writes) > 0 {
				w.persist(n)
			}
			w.mustStep(n, Repaired{})
			for len(n.loads) > 0 {
				w.load(n)
			}
			w.update(n)
		}
		for len(w.network) > 0 {
			w.deliver()
		}
		if w.settled() {
			return
		}
	}
	for _, id := range w.ids {
		w.t.Logf("%+v", w.nodes[id].core.Status())
	}
	w.t.Fatalf("no agreement after the faults were healed; %d committed, %+v", len(w.committed), w.stats)
}

func (w *chaos) settled() bool {
	for _, id := range w.ids {
		c := w.nodes[id].core
		if c.role != Leader {
			continue
		}
		conf := c.members.current()
		if !c.ownTermCommitted() || conf.Joint() || c.commit != c.log.last.Index {
			return false
		}
		for _, other := range conf.Members() {
			o := w.nodes[other]
			if o.core.leader != id || o.applied != c.commit {
				return false
			}
		}
		return true
	}
	return false
}

func TestNothingCommittedIsLostWhateverHappens(t *testing.T) {
	seeds := *chaosSeeds
	if testing.Short() {
		seeds = 20
	}
	var sum chaosStats
	committed := 0
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 2))
		w := newChaos(t, seed, 1+r.IntN(7), r.IntN(4))
		if !t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			w.t = t
			for range 30000 {
				w.random()
			}
			w.settle()
		}) {
			return
		}
		committed += len(w.committed)
		sum.elections += w.stats.elections
		sum.crashes += w.stats.crashes
		sum.changes += w.stats.changes
		sum.transfers += w.stats.transfers
		sum.reads += w.stats.reads
		sum.snapshots += w.stats.snapshots
		sum.loads += w.stats.loads
		sum.fromDisk += w.stats.fromDisk
		sum.impaired += w.stats.impaired
	}
	t.Logf("%d committed, %+v", committed, sum)
	if committed == 0 || sum.loads == 0 || sum.fromDisk == 0 || sum.impaired == 0 || sum.changes == 0 || sum.transfers == 0 || sum.reads == 0 || sum.snapshots == 0 || sum.crashes == 0 {
		t.Error("something never happened, so it was not tested")
	}
}
