package raft

import (
	"errors"
	"testing"
)

func TestAConfigThatCannotWorkIsRefused(t *testing.T) {
	good := func() Config { return DefaultConfig("a", 1) }
	for name, spoil := range map[string]func(*Config){
		"no id":                                   func(c *Config) { c.ID = None },
		"no time between heartbeats":              func(c *Config) { c.HeartbeatTicks = 0 },
		"an election timeout of two heartbeats":   func(c *Config) { c.ElectionTicksMin = 2 * c.HeartbeatTicks },
		"election timeouts that are all the same": func(c *Config) { c.ElectionTicksMax = c.ElectionTicksMin },
		"messages without entries":                func(c *Config) { c.MaxMessageBytes = 0 },
		"no messages in flight":                   func(c *Config) { c.MaxInflightMessages = 0 },
		"no bytes in flight":                      func(c *Config) { c.MaxInflightBytes = 0 },
		"nothing uncommitted":                     func(c *Config) { c.MaxUncommittedBytes = 0 },
		"no reads":                                func(c *Config) { c.MaxReads = 0 },
	} {
		c := good()
		if _, err := New(c, Saved{}); err != nil {
			t.Fatal(err)
		}
		spoil(&c)
		if _, err := New(c, Saved{}); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

func TestACoreDoesNotStartFromWhatIsNoLog(t *testing.T) {
	founded := func() Saved {
		saved, err := Found([]NodeID{"a", "b"})
		if err != nil {
			t.Fatal(err)
		}
		return saved
	}
	for name, spoil := range map[string]func(*Saved){
		"a gap":                                func(s *Saved) { s.Entries = append(s.Entries, Entry{Index: 3, Term: 1}) },
		"a term that falls":                    func(s *Saved) { s.Snapshot.Last = Position{0, 0}; s.Entries = append(s.Entries, Entry{Index: 2}) },
		"an entry of a term that is not saved": func(s *Saved) { s.Entries = append(s.Entries, Entry{Index: 2, Term: 2}) },
		"a type that is not known":             func(s *Saved) { s.Entries = append(s.Entries, Entry{Index: 2, Term: 1, Type: entryTypes}) },
		"a malformed configuration":            func(s *Saved) { s.Entries[0].Data = s.Entries[0].Data[1:] },
		"a snapshot of a term that is to come": func(s *Saved) { s.Snapshot.Last = Position{5, 2}; s.Entries = nil },
	} {
		saved := founded()
		if _, err := New(DefaultConfig("a", 1), saved); err != nil {
			t.Fatal(err)
		}
		spoil(&saved)
		if _, err := New(DefaultConfig("a", 1), saved); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
}

func TestAClusterIsFoundedByVotersInTheFirstTerm(t *testing.T) {
	if _, err := Found(nil); !errors.Is(err, ErrInvalidConfiguration) {
		t.Errorf("without voters: %v", err)
	}
	saved, err := Found([]NodeID{"b", "a"})
	if err != nil || saved.HardState != (HardState{Term: 1}) {
		t.Fatalf("%+v, %v", saved, err)
	}
	c, err := New(DefaultConfig("a", 1), saved)
	if err != nil {
		t.Fatal(err)
	}
	if st := c.Status(); st.Role != Follower || st.Commit != 0 || st.Last != (Position{1, 1}) || st.Configuration.String() != "voters(a b)" {
		t.Errorf("%+v", st)
	}
}
