package wire

import "github.com/ben-ng/gaggle/raft"

// FetchEntries asks another node for entries that this node has in its log, but whose
// data are damaged on its disk. Two logs that have an entry at the same position
// have the same there, so that anybody may be asked.
type FetchEntries struct {
	// Positions are 1 to MaxFetch, and in the order of a log: their indexes ascend, and
	// their terms do not fall.
	Positions []raft.Position
}

func (m *FetchEntries) size() int { return 1 + len(m.Positions)*16 }

func (m *FetchEntries) check(raft.Term) error {
	if err := atMost("positions", len(m.Positions), MaxFetch); err != nil {
		return err
	}
	if len(m.Positions) == 0 {
		return malformed("no positions")
	}
	var prev raft.Position
	for i, p := range m.Positions {
		if err := checkOrder(prev, p); err != nil {
			return within(err, "position %d", i)
		}
		prev = p
	}
	return nil
}

func (m *FetchEntries) encode(b []byte) []byte {
	b = append(b, byte(len(m.Positions)))
	for _, p := range m.Positions {
		b = appendPosition(b, p)
	}
	return b
}

func (m *FetchEntries) decode(r *reader) { m.Positions = r.positions() }

// FetchedEntries answers FetchEntries. A node that has compacted them may offer a snapshot
// instead: see SnapshotChunk.
type FetchedEntries struct {
	// Entries are those that the sender has at the positions asked for, undamaged, as
	// far as there was room: at most MaxFetch, which take at most EntriesCapacity
	// together, by EntrySize. They are in the order of a log, which may have others
	// between them.
	Entries []raft.Entry
}

func (m *FetchedEntries) size() int { return 1 + entriesSize(m.Entries) }

func (m *FetchedEntries) check(raft.Term) error {
	if err := atMost("entries", len(m.Entries), MaxFetch); err != nil {
		return err
	}
	var prev raft.Position
	for i := range m.Entries {
		e := &m.Entries[i]
		err := CheckEntry(e)
		at := raft.Position{Index: e.Index, Term: e.Term}
		if err == nil {
			err = checkOrder(prev, at)
		}
		if err != nil {
			return within(err, "entry %d", i)
		}
		prev = at
	}
	return atMost("the entries", entriesSize(m.Entries), EntriesCapacity)
}

func (m *FetchedEntries) encode(b []byte) []byte {
	b = append(b, byte(len(m.Entries)))
	return appendAll(b, m.Entries)
}

func (m *FetchedEntries) decode(r *reader) { m.Entries = r.entries(uint32(r.u8()), MaxFetch) }

// checkOrder makes sure that an entry can be somewhere after another in a log.
func checkOrder(prev, next raft.Position) error {
	if err := checkPosition(next); err != nil {
		return err
	}
	if next.Index <= prev.Index || next.Term < prev.Term {
		return malformed("%v after %v", next, prev)
	}
	return nil
}
