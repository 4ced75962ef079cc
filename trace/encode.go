package trace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// An encoder appends to b. It keeps its first error.
type encoder struct {
	b   []byte
	err error
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

func (e *encoder) u8(v int)        { e.b = append(e.b, byte(v)) }
func (e *encoder) number(v uint64) { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) count(n int)     { e.number(uint64(n)) }

func (e *encoder) bool(v bool) bool {
	if v {
		e.u8(1)
	} else {
		e.u8(0)
	}
	return v
}

func (e *encoder) text(s string) {
	e.count(len(s))
	e.b = append(e.b, s...)
}

func (e *encoder) id(id raft.NodeID)        { e.text(string(id)) }
func (e *encoder) index(i raft.Index)       { e.number(uint64(i)) }
func (e *encoder) position(p raft.Position) { e.index(p.Index); e.number(uint64(p.Term)) }

func (e *encoder) ids(ids []raft.NodeID) {
	e.count(len(ids))
	for _, id := range ids {
		e.id(id)
	}
}

func (e *encoder) hard(h raft.HardState) {
	e.number(uint64(h.Term))
	e.id(h.VotedFor)
}

func (e *encoder) snapshot(s *raft.SnapshotMeta) {
	e.position(s.Last)
	e.index(s.ConfigurationIndex)
	if len(s.Configuration.Voters) == 0 {
		e.text("")
		return
	}
	b, _ := s.Configuration.AppendBinary(nil) // which documents that it never fails
	e.text(string(b))
}

func (e *encoder) failure(err error) {
	if err == nil {
		e.u8(noError)
		return
	}
	number := otherError
	for i, known := range knownErrors() {
		if errors.Is(err, known) {
			number = firstKnown + i
			break
		}
	}
	e.u8(number)
	text := err.Error()
	e.text(text[:min(len(text), maxErrorText)])
}

// hashOf stands for the data of a user.
func hashOf(data []byte) []byte {
	h := fnv.New64a()
	_, _ = h.Write(data) // never fails: see hash.Hash
	return binary.LittleEndian.AppendUint64(nil, h.Sum64())
}

// withoutData is an entry in which the data of a user are replaced by their hash.
func withoutData(entry raft.Entry) raft.Entry {
	if entry.Type == raft.EntryNormal {
		entry.Data = hashOf(entry.Data)
	}
	return entry
}

func (e *encoder) entries(entries []raft.Entry) {
	e.count(len(entries))
	for _, entry := range entries {
		entry = withoutData(entry)
		if err := wire.CheckEntry(&entry); err != nil {
			e.fail(err)
			return
		}
		e.b = wire.AppendEntry(e.b, &entry)
	}
}

func (e *encoder) runs(runs [][]raft.Entry) {
	e.count(len(runs))
	for _, run := range runs {
		e.entries(run)
	}
}

func (e *encoder) message(m *raft.Message) {
	if a, ok := m.Body.(*raft.AppendEntries); ok && len(a.Entries) > 0 {
		body := *a
		body.Entries = make([]raft.Entry, len(a.Entries))
		for i, entry := range a.Entries {
			body.Entries[i] = withoutData(entry)
		}
		m = &raft.Message{From: m.From, To: m.To, Term: m.Term, Body: &body}
	}
	b, err := wire.AppendRaft(e.b, m)
	if err != nil {
		e.fail(err)
	}
	e.b = b
}

func (e *encoder) saved(s *raft.Saved) {
	e.hard(s.HardState)
	e.snapshot(&s.Snapshot)
	e.position(s.Compacted)
	e.count(len(s.Stored))
	for _, run := range s.Stored {
		e.index(run.First)
		e.index(run.Last)
		e.number(uint64(run.Term))
	}
	e.entries(s.Configurations)
	e.entries(s.Entries)
	e.bool(s.Impaired)
	e.index(s.Damaged)
}

func (e *encoder) load(l *raft.Load) {
	e.id(l.To)
	e.number(l.Session)
	e.index(l.First)
	e.index(l.Last)
	e.count(l.MaxBytes)
}

func (e *encoder) event(event raft.Event) {
	switch v := event.(type) {
	case raft.Tick:
		e.u8(eventTick)
	case raft.Receive:
		e.u8(eventReceive)
		e.message(v.Message)
	case raft.Propose:
		e.u8(eventPropose)
		e.count(len(v.Entries))
		for i := range v.Entries {
			e.text(string(hashOf(v.Entries[i].Data)))
		}
	case raft.Persisted:
		e.u8(eventPersisted)
		e.number(v.Write)
	case raft.Applied:
		e.u8(eventApplied)
		e.index(v.Index)
	case raft.Read:
		e.u8(eventRead)
		e.number(v.Token)
	case raft.ChangeConfiguration:
		e.u8(eventChangeConfiguration)
		e.ids(v.Voters)
		e.ids(v.Learners)
	case raft.TransferLeadership:
		e.u8(eventTransferLeadership)
		e.id(v.To)
	case raft.Retire:
		e.u8(eventRetire)
		e.index(v.Index)
	default:
		e.rareEvent(event)
	}
}

// rareEvent encodes what is not said of messages and proposals.
func (e *encoder) rareEvent(event raft.Event) {
	switch v := event.(type) {
	case raft.Unreachable:
		e.u8(eventUnreachable)
		e.id(v.Node)
	case raft.SnapshotTaken:
		e.u8(eventSnapshotTaken)
		e.index(v.Index)
		e.index(v.CompactTo)
	case raft.SnapshotSent:
		e.u8(eventSnapshotSent)
		e.id(v.Node)
		e.bool(v.Failed)
	case raft.SnapshotFetched:
		e.u8(eventSnapshotFetched)
		e.number(uint64(v.Term))
		e.snapshot(&v.Meta)
	case raft.Loaded:
		e.u8(eventLoaded)
		e.load(&v.Load)
		e.entries(v.Entries)
		e.failure(v.Err)
	case raft.Unload:
		e.u8(eventUnload)
		e.index(v.UpTo)
	case raft.Repaired:
		e.u8(eventRepaired)
	default:
		e.fail(fmt.Errorf("trace: an event %T is not known", event))
	}
}

func (e *encoder) update(u *raft.Update) {
	if e.bool(u.Write != nil) {
		e.write(u.Write)
	}
	e.count(len(u.Messages))
	for i := range u.Messages {
		e.message(&u.Messages[i])
	}
	e.index(u.CommittedStored.First)
	e.index(u.CommittedStored.Last)
	e.runs(u.Committed)
	if e.bool(u.Restore != nil) {
		e.snapshot(u.Restore)
	}
	e.count(len(u.Reads))
	for _, r := range u.Reads {
		e.number(r.Token)
		e.index(r.Index)
		e.failure(r.Err)
	}
	e.count(len(u.Changes))
	for _, c := range u.Changes {
		e.failure(c.Err)
	}
	e.count(len(u.SendSnapshots))
	for _, s := range u.SendSnapshots {
		e.id(s.To)
		e.number(uint64(s.Term))
		e.number(s.Session)
	}
	e.count(len(u.Loads))
	for i := range u.Loads {
		e.load(&u.Loads[i])
	}
}

func (e *encoder) write(w *raft.Write) {
	e.number(w.Number)
	if e.bool(w.Snapshot != nil) {
		e.snapshot(w.Snapshot)
	}
	if e.bool(w.HardState != nil) {
		e.hard(*w.HardState)
	}
	e.index(w.Truncate)
	e.runs(w.Entries)
}

func (e *encoder) effects(effects []raft.Effect) {
	e.count(len(effects))
	for i := range effects {
		v := &effects[i]
		e.u8(int(v.Kind))
		switch v.Kind {
		case raft.Entered:
			e.hard(v.HardState)
		case raft.Became:
			e.u8(int(v.Role))
		case raft.Said, raft.Withheld, raft.Released:
			e.message(&v.Message)
		case raft.Appended:
			e.entries(v.Entries)
		case raft.Committed:
			e.index(v.Index)
		case raft.Restored:
			e.snapshot(&v.Meta)
			e.index(v.Index)
		case raft.ReadOpened:
			e.number(v.Token)
			e.index(v.Index)
		case raft.ReadAnswered:
			e.number(v.Token)
		default:
			e.fail(fmt.Errorf("trace: an effect of kind %d is not known", v.Kind))
		}
	}
}

func (e *encoder) state(s *raft.TraceState) {
	e.u8(int(s.Role))
	e.hard(s.HardState)
	e.id(s.Leader)
	e.index(s.Commit)
	e.index(s.Durable)
	e.position(s.Last)
	e.position(s.Snapshot)
	e.index(s.Whole)
	e.index(s.Matched)
	e.bool(s.Impaired)
}
