package wire

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/ben-ng/gaggle/raft"
)

// A source makes values of bytes, which come from a fuzzer or a generator of random
// numbers. When they run out, it gives zeros.
//
// Most of what it makes is what correct nodes send, and some of it only nearly.
type source struct{ b []byte }

func randomSource(r *rand.Rand, n int) *source {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return &source{b}
}

func (s *source) bytes(n int) []byte {
	b := make([]byte, n)
	s.b = s.b[copy(b, s.b):]
	return b
}

func (s *source) u8() uint8         { return s.bytes(1)[0] }
func (s *source) u32() uint32       { return binary.LittleEndian.Uint32(s.bytes(4)) }
func (s *source) below(n int) int   { return int(s.u8()) % n }
func (s *source) one(in int) bool   { return s.below(in) == in-1 }
func (s *source) index() raft.Index { return raft.Index(s.u64()) }

// u64 gives small numbers, large ones, and those at the ends.
func (s *source) u64() uint64 {
	switch s.below(4) {
	case 0:
		return uint64(s.u8())
	case 1:
		return uint64(s.u32())
	case 2:
		return binary.LittleEndian.Uint64(s.bytes(8))
	}
	return -uint64(s.below(2))
}

func (s *source) position() raft.Position {
	return raft.Position{Index: s.index(), Term: raft.Term(s.u64())}
}

// data gives nil for no bytes, as Decode does.
func (s *source) data(n int) []byte {
	if n == 0 {
		return nil
	}
	return s.bytes(n)
}

func (s *source) id() raft.NodeID {
	if s.one(32) {
		return raft.NodeID(s.bytes(s.below(140)))
	}
	return raft.NodeID(s.bytes(1 + s.below(5)))
}

func (s *source) ids() []raft.NodeID {
	n := s.below(5)
	if s.one(32) {
		n = s.below(70)
	}
	var ids []raft.NodeID
	for range n {
		ids = append(ids, s.id())
	}
	return ids
}

func (s *source) configuration() raft.Configuration {
	if s.one(8) {
		return raft.Configuration{Voters: s.ids(), Outgoing: s.ids(), Learners: s.ids(), LearnersNext: s.ids()}
	}
	c := raft.NewConfiguration(append(s.ids(), s.id()), nil)
	if !s.one(4) {
		c.Outgoing = raft.NewConfiguration(s.ids(), nil).Voters
	}
	if len(c.Outgoing) == 0 {
		c.Outgoing = nil
	}
	c.Learners = nil
	return c
}

// entryPosition gives one that an entry may have, or nearly.
func (s *source) entryPosition() raft.Position {
	p := s.position()
	if !s.one(8) {
		p.Index, p.Term = max(p.Index, 1), max(p.Term, 1)
	}
	return p
}

// some gives some entries of a log, or nearly.
func (s *source) some() []raft.Entry {
	at := s.entryPosition()
	entries := s.entries(at, max(at.Term, 1<<20))
	gap := raft.Index(0)
	for i := range entries {
		gap += s.index() % 100
		entries[i].Index += gap
	}
	return entries
}

func (s *source) chunk() *SnapshotChunk {
	c := &SnapshotChunk{
		Term: raft.Term(s.u64()), Session: s.u64(), Last: s.entryPosition(),
		Size: s.u64(), Sum: s.u64(), Data: s.data(s.below(40)),
	}
	if !s.one(8) {
		c.Term = max(c.Term, c.Last.Term)
		c.Size = max(c.Size, 40)
	}
	c.Offset = s.u64() % max(c.Size, 1)
	if !s.one(8) {
		c.Offset = min(c.Offset, c.Size-uint64(len(c.Data)))
	}
	return c
}

// entries gives a run that follows prev, or nearly.
func (s *source) entries(prev raft.Position, term raft.Term) []raft.Entry {
	var entries []raft.Entry
	for range s.below(6) {
		prev.Index++
		if s.one(4) && prev.Term < term {
			prev.Term += raft.Term(s.u64() % uint64(term-prev.Term+1))
		}
		e := raft.Entry{Index: prev.Index, Term: prev.Term, Type: raft.EntryType(s.below(3))}
		switch e.Type {
		case raft.EntryNoOp:
		case raft.EntryNormal:
			e.Data = s.data(s.below(40))
		default:
			e.Data = appendConfiguration(nil, s.configuration())
		}
		if s.one(64) {
			e.Index, e.Term, e.Type = s.index(), raft.Term(s.u64()), raft.EntryType(s.u8())
		}
		if s.one(64) {
			e.Data = s.data(s.below(40))
		}
		entries = append(entries, e)
	}
	return entries
}

func (s *source) appendEntries(term raft.Term) *raft.AppendEntries {
	m := &raft.AppendEntries{Session: s.u64(), Prev: s.position(), Commit: s.index()}
	switch {
	case s.one(16):
	case s.one(4):
		m.Prev = raft.Position{}
	default:
		m.Prev.Index = max(m.Prev.Index, 1)
		m.Prev.Term = 1 + m.Prev.Term%max(term, 1)
	}
	from := m.Prev
	from.Term = max(from.Term, 1)
	m.Entries = s.entries(from, term)
	return m
}

func (s *source) raftBody(term raft.Term) raft.Body {
	switch s.below(9) {
	case 0:
		return &raft.RequestVote{PreVote: s.one(2), Transfer: s.one(2), Last: s.position()}
	case 1:
		return &raft.VoteReply{PreVote: s.one(2), Granted: s.one(2)}
	case 2:
		return &raft.AppendReply{Session: s.u64(), Index: s.index(), Rejected: s.one(2), Hint: s.position()}
	case 3:
		return &raft.Heartbeat{Session: s.u64(), Commit: s.index(), ReadSequence: s.u64()}
	case 4:
		return &raft.HeartbeatReply{Session: s.u64(), ReadSequence: s.u64()}
	case 5:
		m := &raft.InstallSnapshot{Session: s.u64(), Meta: raft.SnapshotMeta{Last: s.position(), Configuration: s.configuration()}}
		if !s.one(8) {
			m.Meta.Last.Index = max(m.Meta.Last.Index, 1)
			m.Meta.Last.Term = 1 + m.Meta.Last.Term%max(term, 1)
		}
		m.Meta.ConfigurationIndex = raft.Index(s.u8())
		return m
	case 6:
		return &raft.TimeoutNow{}
	}
	return s.appendEntries(term)
}

func (s *source) hello() *Hello {
	h := &Hello{
		Size: s.u32(), Name: string(s.bytes(s.below(256))), State: HelloState(s.below(int(helloStates) + 1)),
		Pledge: s.ids(), Charter: s.ids(),
	}
	for range s.below(4) {
		h.Abandoned = append(h.Abandoned, ClusterID(s.bytes(16)))
	}
	if s.one(16) {
		h.Abandoned = make([]ClusterID, s.below(70))
	}
	h.Starts, h.Nonce = s.u64(), s.u64()
	if s.one(4) {
		for range s.below(20) {
			h.Contested = append(h.Contested, Claim{s.id(), max(s.u64(), 1), s.u64()})
		}
	}
	if s.one(32) {
		h.Contested = append(h.Contested, Claim{ID: "a"})
	}
	if len(h.Abandoned) == 0 {
		h.Abandoned = nil
	}
	return h
}

func (s *source) proposals() *Proposals {
	p := &Proposals{}
	for range s.below(6) {
		p.Entries = append(p.Entries, s.data(s.below(40)))
	}
	return p
}

func (s *source) outline() *BackupOutline {
	x := &BackupOutline{Token: s.u64(), Last: s.entryPosition(), Configuration: s.configuration()}
	if s.one(2) {
		x.Snapshot, x.Size, x.Sum = s.entryPosition(), s.u64(), s.u64()
	}
	if s.one(2) {
		x.Base = s.entryPosition()
	}
	return x
}

func (s *source) message(from, to raft.NodeID) any {
	switch s.below(22) {
	case 0:
		return s.hello()
	case 1:
		return s.proposals()
	case 2:
		return &ProposalsRefused{Reason: RefusalReason(s.below(int(refusalReasons) + 1))}
	case 3:
		return &ReadIndex{Token: s.u64()}
	case 4:
		return &ReadIndexReply{Token: s.u64(), OK: s.one(2), Index: s.index()}
	case 5:
		return &Call{ID: s.u64(), Timeout: s.u64(), Name: string(s.bytes(s.below(256))), Payload: s.data(s.below(40))}
	case 7:
		return &Retired{Index: s.index()}
	case 13:
		return s.chunk()
	case 14:
		return &SnapshotReply{
			Session: s.u64(), Last: s.entryPosition(), Sum: s.u64(), Next: s.u64(),
			Status: SnapshotStatus(s.below(int(snapshotStatuses) + 1)),
		}
	case 15:
		m := &FetchEntries{}
		for _, e := range s.some() {
			m.Positions = append(m.Positions, raft.Position{Index: e.Index, Term: e.Term})
		}
		return m
	case 16:
		return &FetchedEntries{Entries: s.some()}
	case 17:
		return &StateHash{Index: s.index(), Hash: s.u64()}
	case 18:
		return &FetchBackup{Token: s.u64()}
	case 19:
		return s.outline()
	case 20:
		return &FetchBackupPart{Token: s.u64(), OfSnapshot: s.one(2), From: s.u64()}
	case 21:
		return &BackupPart{
			Token: s.u64(), OfSnapshot: s.one(2), From: s.u64(),
			Status: BackupStatus(s.below(int(backupStatuses) + 1)), Data: s.data(s.below(40)),
		}
	case 6:
		return &CallReply{ID: s.u64(), Status: CallStatus(s.below(int(callStatuses) + 1)), Payload: s.data(s.below(40))}
	}
	term := raft.Term(s.u64())
	if !s.one(16) {
		term = max(term, 1)
	}
	return &raft.Message{From: from, To: to, Term: term, Body: s.raftBody(term)}
}

// frame gives one whose parts all have room in the format, valid or not.
func (s *source) frame() *Frame {
	f := &Frame{Group: GroupID(s.u32()), From: s.id(), To: s.id()}
	if s.one(8) {
		f.To = raft.None
	}
	copy(f.Cluster[:], s.bytes(16))
	for range s.below(6) {
		f.Messages = append(f.Messages, s.message(f.From, f.To))
	}
	return f
}
