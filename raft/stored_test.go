package raft

import "testing"

// loading is a leader that has asked for entries 2 to 4, for b.
func loading(t *testing.T) (*Core, Load) {
	t.Helper()
	saved, err := Found([]NodeID{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	saved.Configurations, saved.Entries = saved.Entries, []Entry{{Index: 5, Term: 1}}
	saved.Stored = []TermRun{{1, 4, 1}}
	config := DefaultConfig("a", 1)
	config.MaxMessageBytes = 2 * entryOverhead
	c, err := New(config, saved)
	if err != nil {
		t.Fatal(err)
	}
	lead(t, c)
	c.Update()
	reply := &AppendReply{Session: c.lead.peer("b").session, Index: 5, Rejected: true, Hint: Position{1, 1}}
	mustStep(t, c, Receive{&Message{From: "b", To: "a", Term: c.hard.Term, Body: reply}})
	loads := c.Update().Loads
	if len(loads) != 1 || loads[0].First != 2 || loads[0].Last != 4 || loads[0].To != "b" || loads[0].MaxBytes != config.MaxMessageBytes {
		t.Fatalf("it loads %+v", loads)
	}
	return c, loads[0]
}

func threeEntries() []Entry {
	return []Entry{{Index: 2, Term: 1}, {Index: 3, Term: 1}, {Index: 4, Term: 1}}
}

func TestWhatIsLoadedInExcessIsNotSent(t *testing.T) {
	c, load := loading(t)
	mustStep(t, c, Loaded{Load: load, Entries: threeEntries()})
	messages := c.Update().Messages
	if len(messages) != 1 {
		t.Fatalf("it sends %v", messages)
	}
	if sent := messages[0].Body.(*AppendEntries); len(sent.Entries) != 2 || sent.Prev != (Position{1, 1}) {
		t.Errorf("it sends %+v", sent)
	}
}

func TestALoadIsAnsweredOnce(t *testing.T) {
	c, load := loading(t)
	mustStep(t, c, Loaded{Load: load, Entries: threeEntries()})
	c.Update()
	mustStep(t, c, Loaded{Load: load, Entries: threeEntries()})
	if u := c.Update(); len(u.Messages) > 0 || len(u.Loads) > 0 {
		t.Errorf("a second answer leads to %+v", u)
	}
}

func TestALoadIsNobodysAfterTheLeadership(t *testing.T) {
	c, load := loading(t)
	c.becomeFollower(c.hard.Term+1, None)
	mustStep(t, c, Loaded{Load: load, Entries: threeEntries()})
	if u := c.Update(); len(u.Messages) > 0 {
		t.Errorf("a follower sends %+v", u.Messages)
	}
}

// A gap, or a beginning elsewhere, is not what was asked for, though all positions are of
// the log.
func TestOnlyWhatFollowsIsSent(t *testing.T) {
	for _, entries := range [][]Entry{threeEntries()[1:], {threeEntries()[0], threeEntries()[2]}} {
		c, load := loading(t)
		mustStep(t, c, Loaded{Load: load, Entries: entries})
		if u := c.Update(); len(u.Messages) > 0 || len(u.Loads) > 0 {
			t.Errorf("%+v is sent: %+v", entries, u)
		}
	}
}

func TestWhatIsUnloadedIsNoLongerInMemory(t *testing.T) {
	c := lonely(t)
	mustStep(t, c, Propose{make([]Entry, 3*pageEntries)})
	mustStep(t, c, Persisted{c.Update().Write.Number})
	c.Update()
	mustStep(t, c, Applied{c.log.last.Index})
	mustStep(t, c, Unload{c.log.last.Index})
	if pages := len(c.log.pages); pages > 1 {
		t.Errorf("%d pages are left", pages)
	}
	if err := c.CheckInvariants(); err != nil {
		t.Error(err)
	}
}
