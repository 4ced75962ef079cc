package raft

import (
	"errors"
	"testing"
)

// lonely is the core of a cluster of one, which leads and has committed entries 1 and 2.
func lonely(t *testing.T) *Core {
	t.Helper()
	c := newCore(t, "a")
	for range c.config.ElectionTicksMax {
		mustStep(t, c, Tick{})
	}
	for c.commit < 2 {
		if w := c.Update().Write; w != nil {
			mustStep(t, c, Persisted{w.Number})
		}
	}
	return c
}

func newCore(t *testing.T, voters ...NodeID) *Core {
	t.Helper()
	saved, err := Found(voters)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(DefaultConfig("a", 1), saved)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustStep(t *testing.T, c *Core, e Event) {
	t.Helper()
	if err := c.Step(e); err != nil {
		t.Fatal(err)
	}
}

// What the owner of a core says too early would be believed for ever, so it is refused,
// and changes nothing.
func TestWhatTheOwnerSaysTooEarlyIsRefused(t *testing.T) {
	refused := func(c *Core, events ...Event) {
		t.Helper()
		before := c.Status()
		for _, e := range events {
			if err := c.Step(e); !errors.Is(err, ErrOutOfRange) {
				t.Errorf("%T%+v: %v", e, e, err)
			}
		}
		after := c.Status()
		if after.Role != before.Role || after.Durable != before.Durable || after.Applied != before.Applied || after.Base != before.Base {
			t.Errorf("it was %+v, it is %+v", before, after)
		}
	}

	c := newCore(t, "a")
	for range c.config.ElectionTicksMax {
		mustStep(t, c, Tick{})
	}
	if w := c.Update().Write; w == nil || w.Number != 1 {
		t.Fatalf("the candidate of a cluster of one writes %+v", w)
	}
	refused(c, Persisted{2}, Applied{1}, SnapshotTaken{1, 1})

	c = lonely(t)
	refused(c, Applied{3}, Applied{1 << 62}, Unload{1})
	if _, err := c.SnapshotAt(1); !errors.Is(err, ErrOutOfRange) {
		t.Errorf("a snapshot of what was not handed out: %v", err)
	}
	c.Update()
	mustStep(t, c, Applied{1})
	refused(c, SnapshotTaken{2, 1}, SnapshotTaken{1, 2}, Unload{2})
}

// The applier and the log writer may report in any order of their own.
func TestWhatTheOwnerSaysAgainTakesNothingBack(t *testing.T) {
	c := lonely(t)
	c.Update()
	mustStep(t, c, Applied{2})
	mustStep(t, c, Applied{1})
	mustStep(t, c, Persisted{1})
	if st := c.Status(); st.Applied != 2 || st.Durable != 2 || c.persist.done != 2 {
		t.Errorf("applied %d, durable %d, write %d done", st.Applied, st.Durable, c.persist.done)
	}
}

type strangeEvent struct{ Event }

func TestWhatIsUnknownOrForAnotherIsRefused(t *testing.T) {
	c := newCore(t, "a", "b")
	if err := c.Step(strangeEvent{}); err == nil {
		t.Error("an unknown event was taken")
	}
	conf := c.members.current()
	strange := []Entry{{Index: 2, Term: 2, Type: entryTypes}}
	for name, m := range map[string]Message{
		"without a body":             {From: "b", To: "a", Term: 2},
		"for another":                {From: "b", To: "c", Term: 2, Body: &TimeoutNow{}},
		"with an unknown entry":      {From: "b", To: "a", Term: 2, Body: &AppendEntries{Session: 1, Prev: Position{1, 1}, Entries: strange}},
		"from the receiver":          {From: "a", To: "a", Term: 2, Body: &TimeoutNow{}},
		"without a term":             {From: "b", To: "a", Body: &TimeoutNow{}},
		"without a sender":           {To: "a", Term: 2, Body: &TimeoutNow{}},
		"with a snapshot of nothing": {From: "b", To: "a", Term: 2, Body: &InstallSnapshot{1, SnapshotMeta{Last: Position{0, 1}, Configuration: conf}}},
		"with a snapshot of no term": {From: "b", To: "a", Term: 2, Body: &InstallSnapshot{1, SnapshotMeta{Last: Position{1, 0}, Configuration: conf}}},
		"of a type made elsewhere":   {From: "b", To: "a", Term: 2, Body: struct{ Body }{}},
	} {
		if err := c.Step(Receive{&m}); !errors.Is(err, ErrInvalidMessage) || c.hard.Term != 1 {
			t.Errorf("a message %s: %v, term %d", name, err, c.hard.Term)
		}
	}
}

// A client's entries are commands, whatever it says that they are.
func TestAClientCannotProposeAConfiguration(t *testing.T) {
	c := lonely(t)
	conf, err := NewConfiguration([]NodeID{"x"}, nil).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	mustStep(t, c, Propose{[]Entry{{Index: 9, Term: 9, Type: EntryConfiguration, Data: conf}, {}}})
	e, f := c.log.at(3), c.log.at(4)
	if e.Type != EntryNormal || e.Index != 3 || f.Index != 4 || e.Term != c.hard.Term || c.members.index() != 1 {
		t.Errorf("%+v, %+v; the configuration is of %d", e, f, c.members.index())
	}
}

// The list of an update's messages is the receiver's until it takes the next.
func TestTheMessagesOfAnUpdateStayUntilTheNext(t *testing.T) {
	c := newCore(t, "a", "b")
	ask := func() {
		mustStep(t, c, Receive{&Message{From: "b", To: "a", Term: 1, Body: &RequestVote{PreVote: true}}})
		mustStep(t, c, Receive{&Message{From: "b", To: "a", Term: 2, Body: &RequestVote{PreVote: true, Last: Position{1, 1}}}})
	}
	ask()
	c.Update()
	ask()
	first := c.Update().Messages
	before := append([]Message(nil), first...)
	if len(before) != 2 {
		t.Fatalf("%d answers", len(before))
	}
	mustStep(t, c, Receive{&Message{From: "b", To: "a", Term: 1, Body: &Heartbeat{Session: 1}}})
	for i := range before {
		if first[i] != before[i] {
			t.Errorf("message %d was %+v, and is %+v", i, before[i], first[i])
		}
	}
}

// After a broken invariant nothing more is done: neither what follows nor what was on
// its way out.
func TestABrokenInvariantEndsANode(t *testing.T) {
	c := newCore(t, "a", "b", "c")
	mustStep(t, c, Receive{&Message{From: "b", To: "a", Term: 2, Body: &RequestVote{PreVote: true}}})
	if len(c.out.Messages) != 1 {
		t.Fatal("no answer is on its way out")
	}
	mustStep(t, c, Receive{&Message{From: "b", To: "a", Term: 2, Body: &Heartbeat{Session: 1}}})
	err := c.Step(Receive{&Message{From: "c", To: "a", Term: 2, Body: &Heartbeat{Session: 1}}})
	if !errors.Is(err, ErrInvariant) {
		t.Fatalf("two leaders in a term: %v", err)
	}
	if again := c.Step(Tick{}); !errors.Is(again, ErrInvariant) {
		t.Errorf("it goes on: %v", again)
	}
	if u := c.Update(); u.Write != nil || u.Messages != nil || u.Committed != nil {
		t.Errorf("it still has %+v", u)
	}
	if c.out.Messages != nil {
		t.Errorf("it keeps %+v", c.out.Messages)
	}
}

func TestALeaderIsSettledOnceItHasCommittedInItsTerm(t *testing.T) {
	c := newCore(t, "a")
	for range c.config.ElectionTicksMax {
		mustStep(t, c, Tick{})
	}
	mustStep(t, c, Persisted{c.Update().Write.Number})
	if role, _, _ := c.Leadership(); role != Leader || c.LeadsSettled() {
		t.Errorf("a %v that has committed nothing; settled %v", role, c.LeadsSettled())
	}
	mustStep(t, c, Persisted{c.Update().Write.Number})
	if !c.LeadsSettled() {
		t.Error("it has committed its no-op and is not settled")
	}
}

func TestACommitOfSeveralPagesOfTheLogIsAccountedForInFull(t *testing.T) {
	c := newCore(t, "a", "b", "c")
	c.config.MaxUncommittedBytes = 1 << 20
	lead(t, c)
	entries := make([]Entry, 2*pageEntries+7)
	for i := range entries {
		entries[i].Data = []byte("x")
	}
	mustStep(t, c, Propose{entries})
	mustStep(t, c, Persisted{c.Update().Write.Number})
	mustStep(t, c, Receive{&Message{From: "b", To: "a", Term: c.hard.Term, Body: &AppendReply{Session: c.lead.peer("b").session, Index: c.log.last.Index}}})
	if c.commit != c.log.last.Index || c.lead.uncommittedBytes != 0 {
		t.Errorf("%d of %d entries are committed, %d bytes are not", c.commit, c.log.last.Index, c.lead.uncommittedBytes)
	}
}

// The others commit without the leader's disk, so what is uncommitted does not show that
// it stands still.
func TestALeaderWhoseDiskStandsStillTakesNoMoreThanTheLimit(t *testing.T) {
	c := newCore(t, "a", "b", "c")
	c.config.MaxUncommittedBytes = 1000
	lead(t, c)
	term := c.hard.Term
	taken := 0
	for range 100 {
		if err := c.Step(Propose{[]Entry{{Data: make([]byte, 100)}}}); err != nil {
			if !errors.Is(err, ErrBusy) {
				t.Fatal(err)
			}
			break
		}
		taken++
		c.Update()
		for _, id := range []NodeID{"b", "c"} {
			mustStep(t, c, Receive{&Message{From: id, To: "a", Term: term, Body: &AppendReply{Session: c.lead.peer(id).session, Index: c.log.last.Index}}})
		}
	}
	if taken == 0 || taken >= 10 {
		t.Errorf("%d proposals of 100 bytes were taken, all of which are committed: %d", taken, c.commit)
	}
	mustStep(t, c, Persisted{c.persist.handedOut})
	mustStep(t, c, Propose{[]Entry{{Data: make([]byte, 100)}}})
}

// lead lets a win an election with the vote of b.
func lead(t *testing.T, c *Core) {
	t.Helper()
	for c.role != PreCandidate {
		mustStep(t, c, Tick{})
	}
	term := c.hard.Term + 1
	mustStep(t, c, Receive{&Message{From: "b", To: "a", Term: term, Body: &VoteReply{PreVote: true, Granted: true}}})
	mustStep(t, c, Persisted{c.Update().Write.Number})
	mustStep(t, c, Receive{&Message{From: "b", To: "a", Term: term, Body: &VoteReply{Granted: true}}})
}

func TestNoMoreThanTheLimitIsHeldBackForADisk(t *testing.T) {
	c := newCore(t, "a", "b", "c")
	mustStep(t, c, Receive{&Message{From: "b", To: "a", Term: 2, Body: &RequestVote{Last: Position{Index: 9, Term: 1}}}})
	c.Update()
	for range 2 * maxHeld {
		mustStep(t, c, Receive{&Message{From: "b", To: "a", Term: 2, Body: &Heartbeat{Session: 1}}})
		c.Update()
	}
	if n := len(c.persist.held); n != maxHeld {
		t.Errorf("%d messages are held back", n)
	}
}
