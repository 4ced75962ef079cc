package raft

import (
	"errors"
	"testing"
)

// What the owner of a core says too early would be believed for ever, so it is refused,
// and changes nothing.
func TestWhatTheOwnerSaysTooEarlyIsRefused(t *testing.T) {
	saved, err := Found([]NodeID{"a"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(DefaultConfig("a", 1), saved)
	if err != nil {
		t.Fatal(err)
	}
	for range c.config.ElectionTicksMax {
		if err := c.Step(Tick{}); err != nil {
			t.Fatal(err)
		}
	}
	w := c.Update().Write
	if w == nil || w.Number != 1 {
		t.Fatalf("the candidate of a cluster of one writes %+v", w)
	}
	before := c.Status()
	for _, e := range []Event{
		Persisted{2},
		Applied{1},
		SnapshotTaken{1, 1},
	} {
		if err := c.Step(e); !errors.Is(err, ErrOutOfRange) {
			t.Errorf("%T%+v: %v", e, e, err)
		}
	}
	if after := c.Status(); after.Role != Candidate || after.Durable != before.Durable || after.Applied != 0 || after.Base != before.Base {
		t.Errorf("it was %+v, it is %+v", before, after)
	}

	// Applied, but not so far; and no compaction ahead of its snapshot.
	for _, w := range []uint64{1, 2} {
		if err := c.Step(Persisted{w}); err != nil {
			t.Fatal(err)
		}
		c.Update()
	}
	if err := c.Step(Applied{1}); err != nil {
		t.Fatal(err)
	}
	for _, e := range []SnapshotTaken{{2, 1}, {1, 2}} {
		if err := c.Step(e); !errors.Is(err, ErrOutOfRange) || c.commit != 2 || c.log.base.Index != 0 {
			t.Errorf("%+v: %v; commit %d, compacted to %v", e, err, c.commit, c.log.base)
		}
	}
}

type strangeEvent struct{ Event }

func TestAnUnknownEventAndAMessageForAnotherAreRefused(t *testing.T) {
	saved, err := Found([]NodeID{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(DefaultConfig("a", 1), saved)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Step(strangeEvent{}); err == nil {
		t.Error("it was taken")
	}
	for name, m := range map[string]Message{
		"without a body": {From: "b", To: "a", Term: 2},
		"for another":    {From: "b", To: "c", Term: 2, Body: &TimeoutNow{}},
	} {
		if err := c.Step(Receive{m}); !errors.Is(err, ErrInvalidMessage) || c.hard.Term != 1 {
			t.Errorf("a message %s: %v, term %d", name, err, c.hard.Term)
		}
	}
}
