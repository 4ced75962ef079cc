package raft

import "fmt"

// Saved is what a node starts from: what it has read back from its disk, or what a
// founding member of a new cluster begins with.
//
// The log is first Stored and then Entries, without a gap. It begins after Compacted, at
// or before the end of Snapshot, and reaches at least to there, if it is not empty:
//
//	Compacted           Snapshot.Last
//	 ┆                        ┆
//	 ┆ Stored: terms only     ┆         │ Entries │
type Saved struct {
	HardState HardState
	// Snapshot is the latest snapshot; zero if there is none.
	Snapshot SnapshotMeta
	// Compacted is the position before the first entry of the log. If it is zero, the
	// log begins with index 1, or, if its first entry is another or there is none, after
	// the snapshot.
	Compacted Position
	// Stored are the terms of the entries that the disk has and that are not given in
	// Entries. The core asks for them when it needs them: Update.Loads and
	// Update.CommittedStored.
	Stored []TermRun
	// Configurations are those of the stored entries that are of type EntryConfiguration,
	// in order. They may leave out what is at or before the end of the snapshot.
	Configurations []Entry
	// Entries follow Stored.
	Entries []Entry
	// Impaired says that entries of the log are damaged on disk: their positions are
	// known, and so is that they were acknowledged, but what they said is not. All of them
	// are Stored. Until Repaired, the node votes as ever, as nobody may be elected who lacks
	// what it acknowledged; it does not stand for election, as it could not replicate what
	// it has; and it acknowledges nothing from the first of them on, as it could not give
	// back what a leader would count on.
	Impaired bool
	// Damaged is the index of the first of them; 0 if any of Stored may be.
	Damaged Index
}

// A TermRun is a run of entries of one term.
type TermRun struct {
	// First and Last are the indexes at both ends; First is not above Last.
	First, Last Index
	Term        Term
}

// Found is what every founding member of a new cluster starts from: a log whose
// first entry, of term 1, is the configuration.
func Found(voters []NodeID) (Saved, error) {
	conf := NewConfiguration(voters, nil)
	if err := conf.Validate(); err != nil {
		return Saved{}, err
	}
	data, err := conf.AppendBinary(nil)
	if err != nil {
		return Saved{}, err
	}
	return Saved{
		HardState: HardState{Term: 1},
		Entries:   []Entry{{Index: 1, Term: 1, Type: EntryConfiguration, Data: data}},
	}, nil
}

// base is the position before the first entry of the log.
func (s *Saved) base() Position {
	var first Index
	switch {
	case len(s.Stored) > 0:
		first = s.Stored[0].First
	case len(s.Entries) > 0:
		first = s.Entries[0].Index
	}
	if s.Compacted == (Position{}) && first != 1 {
		return s.Snapshot.Last
	}
	return s.Compacted
}

// readBack makes the log and the membership those that were saved.
func (c *Core) readBack(saved *Saved) error {
	c.log = newLog(saved.base())
	c.members = newMembership(saved.Snapshot)
	limit := saved.HardState.Term
	if err := c.checkRun(c.log.base, nil, limit); err != nil {
		return err
	}
	for _, run := range saved.Stored {
		last := c.log.last
		if run.First != last.Index+1 || run.Last < run.First || run.Last > maxIndex || run.Term < last.Term || run.Term == 0 || run.Term > limit {
			return fmt.Errorf("%w: entries %d to %d of term %d after %v in term %d", ErrInvalidMessage, run.First, run.Last, run.Term, last, limit)
		}
		c.log.appendStored(run)
	}
	if err := c.readBackStored(saved); err != nil {
		return err
	}
	if err := c.checkRun(c.log.last, saved.Entries, limit); err != nil {
		return err
	}
	c.log.append(saved.Entries...)
	if !c.log.holds(saved.Snapshot.Last) {
		return fmt.Errorf("%w: a snapshot at %v beside a log from %v to %v", ErrInvalidMessage, saved.Snapshot.Last, c.log.base, c.log.last)
	}
	return c.readBackConfigurations(saved.Entries, saved.Snapshot.Last.Index)
}

// readBackStored puts the configurations of stored entries into effect.
func (c *Core) readBackStored(saved *Saved) error {
	var last Index
	for _, e := range saved.Configurations {
		if e.Index <= saved.Snapshot.Last.Index {
			continue
		}
		if e.Type != EntryConfiguration || e.Index <= last || !c.log.holds(Position{e.Index, e.Term}) {
			return fmt.Errorf("%w: entry %d@%d of type %d as a stored configuration", ErrInvalidMessage, e.Index, e.Term, e.Type)
		}
		last = e.Index
	}
	return c.readBackConfigurations(saved.Configurations, saved.Snapshot.Last.Index)
}

// readBackConfigurations puts the configurations among entries into effect, except for
// those that the snapshot stands for.
func (c *Core) readBackConfigurations(entries []Entry, snapshot Index) error {
	for _, e := range entries {
		if e.Type != EntryConfiguration || e.Index <= snapshot {
			continue
		}
		if err := c.members.push(e); err != nil {
			return fmt.Errorf("entry %d: %w", e.Index, err)
		}
	}
	return nil
}
