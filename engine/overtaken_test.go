package engine

import (
	"errors"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/wire"
)

// A handler's append that a snapshot may stand for is not one that was not appended.
func TestAHandlersAppendThatASnapshotStandsForIsUncertain(t *testing.T) {
	_, n, _ := leads(t, 3)
	at := n.applied
	covered, beyond := newProposal(), newProposal()
	for _, p := range []*Proposal{covered, beyond} {
		p.node, p.command, p.fence = n, newOnce([]byte("value")), 1
	}
	turnWith(n, func() {
		n.proposer.once[at+5], n.proposer.once[at+6] = covered, beyond
		n.restore(snapshot.Info{Meta: raft.SnapshotMeta{Last: raft.Position{Index: at + 5, Term: 1}}}, snapshotHead{sessions: n.sessions.clone()})
		n.endOnceBefore(9) // the next leader's first entry
	})
	_, done, err := covered.Poll()
	if !done {
		t.Fatal("it waits for what will not come")
	}
	wantErrors(t, err, ErrUncertain, ErrNotLeader)
	if _, done, err = beyond.Poll(); !done {
		t.Fatal("what is after the snapshot was not settled")
	}
	wantErrors(t, err, ErrNotLeader, ErrUncertain)
}

// The values of a feed go on directly after a snapshot.
func TestAFeedGoesOnDirectlyAfterASnapshot(t *testing.T) {
	_, n, _ := leads(t, 1)
	last := n.applied + 5
	turnWith(n, func() {
		n.restore(snapshot.Info{Meta: raft.SnapshotMeta{Last: raft.Position{Index: last, Term: 1}}}, snapshotHead{sessions: n.sessions.clone()})
	})
	n.feed.publish(itemsAt(last+1), nil, last+1)
	if got := indexes(t, n.Feed(), last+1, last+1); !slices.Equal(got, []raft.Index{last + 1}) {
		t.Errorf("it yields %v", got)
	}
	var compacted *CompactedError
	if _, err := n.Feed().Next(t.Context(), last, last+1); !errors.As(err, &compacted) || compacted.First != last+1 {
		t.Errorf("what the snapshot stands for is %v", err)
	}
}

// A write that waits already takes with it what comes before it begins: also what cuts off,
// or replaces, entries for which a repair is behind it.
func TestARepairThatIsOvertakenByATruncationIsNoFailure(t *testing.T) {
	h := newHomes(t, 3, nil)
	h.until("one leads", func() bool { return h.leader() != nil })
	h.append(h.nodes[0], "value")
	h.agree()
	n := h.nodes[1]
	last := n.core.Last()
	e, ok := n.core.Entry(last)
	if !ok {
		t.Fatal("the last entry is not in memory")
	}
	turnWith(n, func() { n.mend(last) })
	hear(n, h.nodes[0].ID(), &wire.FetchedEntries{Entries: []raft.Entry{e}})
	if !n.mending.writing {
		t.Fatal("it is not repaired")
	}
	if err := n.home.log.Append([]*raft.Write{{Truncate: last.Index}}); err != nil {
		t.Fatal(err)
	}
	h.storages[1].work()
	n.Turn()
	n.Turn()
	if n.failed != nil || n.mending.writing {
		t.Errorf("it fails, or waits: %v", n.failed)
	}
}

// Who asks again and again for entries on a slow disk is answered once.
func TestReadsForOthersDoNotPileUp(t *testing.T) {
	h := newHomes(t, 3, func(c *Config) { c.TailBytes = 2000 })
	h.until("one leads", func() bool { return h.leader() != nil })
	h.appendMany(h.nodes[0], 1500)
	h.agree()
	n := h.nodes[1]
	position := raft.Position{Index: 5, Term: n.core.Last().Term}
	if _, inMemory := n.core.Entry(position); inMemory || !n.core.Holds(position) {
		t.Fatal("it is in memory, or not in the log")
	}
	for range 10 {
		hear(n, h.nodes[0].ID(), &wire.FetchEntries{Positions: []raft.Position{position}})
	}
	if jobs := len(h.storages[1].jobs); jobs != 1 {
		t.Errorf("%d reads wait", jobs)
	}
	for _, stranger := range []raft.NodeID{"x#1", "y#1"} {
		hear(n, stranger, &wire.FetchEntries{Positions: []raft.Position{position}})
	}
	if jobs := len(h.storages[1].jobs); jobs != 3 {
		t.Errorf("%d reads wait", jobs)
	}
	h.settle()
	if len(n.mending.answering) > 0 {
		t.Errorf("it goes on to answer %v", n.mending.answering)
	}
}

// A snapshot that comes while committed entries are read takes their place at the end of the
// turn. The entries that were read are not applied on top of a log that has gone.
func TestAReadThatIsOvertakenByASnapshotIsNotApplied(t *testing.T) {
	h := newHomes(t, 3, func(c *Config) { c.CheckpointBytes = 300 })
	h.until("one leads", func() bool { return h.leader() != nil })
	h.crash(2)
	h.until("there is a snapshot", func() bool {
		h.append(h.leader(), "a value")
		return len(h.leader().snapshots.List()) == 2
	})
	h.start(2)
	h.append(h.nodes[2], "rotten")
	h.append(h.nodes[2], "the end")
	h.agree()
	for _, info := range h.nodes[2].snapshots.List() {
		if err := h.nodes[2].snapshots.Remove(info.Name); err != nil {
			t.Fatal(err)
		}
	}
	leader := h.leader()
	h.crash(2)
	if h.rot(2, "rotten") == 0 {
		t.Fatal("it is not where it is thought to be")
	}
	n := h.start(2)
	n.Turn()
	last := n.core.Last()
	_, term, _ := leader.core.Leadership()
	heard := func(body raft.Body) *raft.Message {
		return &raft.Message{From: leader.ID(), To: n.ID(), Term: term, Body: body}
	}
	hear(n, leader.ID(), heard(&raft.Heartbeat{Session: 1, Commit: last.Index - 2}))
	if !n.backlog.reading {
		t.Fatal("nothing is read")
	}
	meta, err := leader.core.SnapshotAt(leader.applied)
	if err != nil {
		t.Fatal(err)
	}
	meta.Last.Index += 100
	_ = n.do(func() {
		n.receiving.installed = snapshot.Info{Meta: meta}
		n.receiving.installedHead = snapshotHead{sessions: leader.sessions.clone()}
		n.step(raft.Receive{Message: heard(&raft.InstallSnapshot{Session: 1, Meta: meta})})
	})
	h.storages[2].work() // what is read comes behind it into the same turn
	n.Turn()
	if n.failed != nil || n.applied != meta.Last.Index {
		t.Errorf("it has applied %d of %d: %v", n.applied, meta.Last.Index, n.failed)
	}
}

// Others may commit what a leader's own disk has not written yet. It lets go of that in memory
// only when the disk has it.
func TestWhatIsNotOnTheOwnDiskStaysInMemory(t *testing.T) {
	h := newHomes(t, 3, func(c *Config) { c.TailBytes = 2000 })
	h.until("one leads", func() bool { return h.leader() != nil })
	n := h.leader()
	h.agree()
	slow := slices.Index(h.nodes, n)
	for i := range 3000 {
		propose(t, n, number(i))
		if i%100 > 0 {
			continue
		}
		for again := true; again; { // everything but its disk goes on
			again = false
			for j, other := range h.nodes {
				if hasWork(other) {
					other.Turn()
					again = true
				}
				again = j != slow && h.storages[j].work() || again
			}
		}
	}
	s := n.core.Status()
	if s.Durable > 100 || n.applied < 2000 {
		t.Fatalf("%d are applied, %d are on its disk", n.applied, s.Durable)
	}
	if n.feed.first > s.Durable+1 || n.Status().Refused > 0 {
		t.Errorf("memory begins with %d, the disk ends with %d; %d were refused", n.feed.first, s.Durable, n.Status().Refused)
	}
	if items, err := n.Feed().Next(t.Context(), 1, n.applied); err != nil || len(items) == 0 {
		t.Errorf("the log begins with %v: %v", items, err)
	}
	h.settle()
	h.append(n, "after")
	if n.feed.first < 1000 {
		t.Errorf("when the disk has it, memory still begins with %d", n.feed.first)
	}
}
