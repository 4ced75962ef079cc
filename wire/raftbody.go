package wire

import (
	"encoding/binary"

	"github.com/ben-ng/gaggle/raft"
)

// Raft's bodies under names of this package, which can have methods.
type (
	requestVote     raft.RequestVote
	voteReply       raft.VoteReply
	appendEntries   raft.AppendEntries
	appendReply     raft.AppendReply
	heartbeat       raft.Heartbeat
	heartbeatReply  raft.HeartbeatReply
	installSnapshot raft.InstallSnapshot
	timeoutNow      raft.TimeoutNow
)

func (*requestVote) size() int             { return 1 + 1 + 16 }
func (*requestVote) check(raft.Term) error { return nil }

func (m *requestVote) encode(b []byte) []byte {
	b = appendBool(b, m.PreVote)
	b = appendBool(b, m.Transfer)
	return appendPosition(b, m.Last)
}

func (m *requestVote) decode(r *reader) {
	m.PreVote = r.bool()
	m.Transfer = r.bool()
	m.Last = r.position()
}

func (*voteReply) size() int             { return 1 + 1 }
func (*voteReply) check(raft.Term) error { return nil }

func (m *voteReply) encode(b []byte) []byte {
	b = appendBool(b, m.PreVote)
	return appendBool(b, m.Granted)
}

func (m *voteReply) decode(r *reader) {
	m.PreVote = r.bool()
	m.Granted = r.bool()
}

// appendEntriesSize is the size of one without entries.
const appendEntriesSize = 8 + 16 + 8 + 4

func (m *appendEntries) size() int { return appendEntriesSize + entriesSize(m.Entries) }

// check makes sure that the entries can be a part of one log, which begins at prev
// and was made in terms up to that of the message.
func (m *appendEntries) check(term raft.Term) error {
	if (m.Prev.Index == 0) != (m.Prev.Term == 0) || m.Prev.Term > term {
		return malformed("entries after %v in term %d", m.Prev, term)
	}
	if err := atMost("entries", len(m.Entries), MaxEntries); err != nil {
		return err
	}
	prev := m.Prev
	for i := range m.Entries {
		e := &m.Entries[i]
		if err := CheckEntry(e); err != nil {
			return within(err, "entry %d", i)
		}
		if e.Index != prev.Index+1 || e.Term < prev.Term || e.Term > term {
			return malformed("entry %d: %d@%d after %v in term %d", i, e.Index, e.Term, prev, term)
		}
		prev = raft.Position{Index: e.Index, Term: e.Term}
	}
	return nil
}

func (m *appendEntries) encode(b []byte) []byte {
	b = appendU64(b, m.Session)
	b = appendPosition(b, m.Prev)
	b = appendU64(b, uint64(m.Commit))
	b = appendU32(b, uint32(len(m.Entries)))
	return appendAll(b, m.Entries)
}

func (m *appendEntries) decode(r *reader) {
	m.Session = r.u64()
	m.Prev = r.position()
	m.Commit = r.index()
	m.Entries = r.entries(r.u32(), MaxEntries)
}

func (*appendReply) size() int             { return 8 + 8 + 1 + 16 }
func (*appendReply) check(raft.Term) error { return nil }

func (m *appendReply) encode(b []byte) []byte {
	b = appendU64(b, m.Session)
	b = appendU64(b, uint64(m.Index))
	b = appendBool(b, m.Rejected)
	return appendPosition(b, m.Hint)
}

func (m *appendReply) decode(r *reader) {
	m.Session = r.u64()
	m.Index = r.index()
	m.Rejected = r.bool()
	m.Hint = r.position()
}

func (*heartbeat) size() int             { return 8 + 8 + 8 }
func (*heartbeat) check(raft.Term) error { return nil }

func (m *heartbeat) encode(b []byte) []byte {
	b = appendU64(b, m.Session)
	b = appendU64(b, uint64(m.Commit))
	return appendU64(b, m.ReadSequence)
}

func (m *heartbeat) decode(r *reader) {
	m.Session = r.u64()
	m.Commit = r.index()
	m.ReadSequence = r.u64()
}

func (*heartbeatReply) size() int             { return 8 + 8 }
func (*heartbeatReply) check(raft.Term) error { return nil }

func (m *heartbeatReply) encode(b []byte) []byte {
	b = appendU64(b, m.Session)
	return appendU64(b, m.ReadSequence)
}

func (m *heartbeatReply) decode(r *reader) {
	m.Session = r.u64()
	m.ReadSequence = r.u64()
}

func (m *installSnapshot) size() int {
	// It is sent rarely, so that to encode it twice is better than to count it.
	return 8 + 16 + 8 + len(appendConfiguration(nil, m.Meta.Configuration))
}

func (m *installSnapshot) check(term raft.Term) error {
	last := m.Meta.Last
	if last.Index == 0 || last.Term == 0 || last.Term > term || m.Meta.ConfigurationIndex > last.Index {
		return malformed("a snapshot at %v in term %d, its configuration from %d", last, term, m.Meta.ConfigurationIndex)
	}
	if err := m.Meta.Configuration.Validate(); err != nil {
		return malformed("%v", err)
	}
	return nil
}

func (m *installSnapshot) encode(b []byte) []byte {
	b = appendU64(b, m.Session)
	b = appendPosition(b, m.Meta.Last)
	b = appendU64(b, uint64(m.Meta.ConfigurationIndex))
	return appendConfiguration(b, m.Meta.Configuration)
}

func (m *installSnapshot) decode(r *reader) {
	m.Session = r.u64()
	m.Meta.Last = r.position()
	m.Meta.ConfigurationIndex = r.index()
	m.Meta.Configuration = r.configuration()
}

func (*timeoutNow) size() int              { return 0 }
func (*timeoutNow) check(raft.Term) error  { return nil }
func (*timeoutNow) encode(b []byte) []byte { return b }
func (*timeoutNow) decode(*reader)         {}

func appendU32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }
func appendU64(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendPosition(b []byte, p raft.Position) []byte {
	return appendU64(appendU64(b, uint64(p.Index)), uint64(p.Term))
}
