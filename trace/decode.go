package trace

import (
	"encoding/binary"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A decoder takes values from the front of b. It keeps its first error; from then on nothing is
// left, and all it gives is zero.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.b = nil
}

func (d *decoder) u8() int {
	if len(d.b) == 0 {
		d.fail(malformed("a record ends too early"))
		return 0
	}
	v := d.b[0]
	d.b = d.b[1:]
	return int(v)
}

func (d *decoder) number() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail(malformed("a number ends too early, or not in time"))
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) bool() bool {
	v := d.u8()
	if v > 1 {
		d.fail(malformed("a bool of %d", v))
	}
	return v == 1
}

// count is how many of something follow, each of which takes a byte at least.
func (d *decoder) count() int {
	n := d.number()
	if n > uint64(len(d.b)) {
		d.fail(malformed("%d are announced, %d bytes are there", n, len(d.b)))
		return 0
	}
	return int(n)
}

// several reads as many as are announced. They are not made room for in advance, so that what
// is not there costs nothing.
func several[T any](d *decoder, one func() T) []T {
	var all []T
	for n := d.count(); n > 0 && d.err == nil; n-- {
		all = append(all, one())
	}
	return all
}

func (d *decoder) bytes() []byte {
	n := d.count()
	b := d.b[:n:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) id() raft.NodeID   { return raft.NodeID(d.bytes()) }
func (d *decoder) index() raft.Index { return raft.Index(d.number()) }
func (d *decoder) term() raft.Term   { return raft.Term(d.number()) }

func (d *decoder) position() raft.Position { return raft.Position{Index: d.index(), Term: d.term()} }

func (d *decoder) ids() []raft.NodeID { return several(d, d.id) }

func (d *decoder) hard() raft.HardState { return raft.HardState{Term: d.term(), VotedFor: d.id()} }

func (d *decoder) snapshot() raft.SnapshotMeta {
	s := raft.SnapshotMeta{Last: d.position(), ConfigurationIndex: d.index()}
	if b := d.bytes(); len(b) > 0 {
		if err := s.Configuration.UnmarshalBinary(b); err != nil {
			d.fail(malformed("%v", err))
		}
	}
	return s
}

func (d *decoder) failure() error {
	number := d.u8()
	if number == noError {
		return nil
	}
	e := &recordedError{text: string(d.bytes())}
	if number >= firstKnown {
		known := knownErrors()
		if number-firstKnown >= len(known) {
			d.fail(malformed("an error of number %d", number))
			return nil
		}
		e.is = known[number-firstKnown]
	}
	return e
}

func (d *decoder) entry() raft.Entry {
	e, rest, err := wire.DecodeEntry(d.b)
	if err != nil {
		d.fail(malformed("%v", err))
		return raft.Entry{}
	}
	d.b = rest
	return e
}

func (d *decoder) entries() []raft.Entry { return several(d, d.entry) }

func (d *decoder) runs() [][]raft.Entry { return several(d, d.entries) }

func (d *decoder) message() raft.Message {
	m, rest, err := wire.DecodeRaft(d.b)
	if err != nil {
		d.fail(malformed("%v", err))
		return raft.Message{}
	}
	d.b = rest
	return *m
}

func (d *decoder) termRun() raft.TermRun {
	return raft.TermRun{First: d.index(), Last: d.index(), Term: d.term()}
}

func (d *decoder) saved() *raft.Saved {
	return &raft.Saved{
		HardState: d.hard(), Snapshot: d.snapshot(), Compacted: d.position(),
		Stored: several(d, d.termRun), Configurations: d.entries(), Entries: d.entries(),
		Impaired: d.bool(), Damaged: d.index(),
	}
}

func (d *decoder) load() raft.Load {
	return raft.Load{To: d.id(), Session: d.number(), First: d.index(), Last: d.index(), MaxBytes: int(d.number())}
}

func (d *decoder) event() raft.Event {
	switch kind := d.u8(); kind {
	case eventTick:
		return raft.Tick{}
	case eventReceive:
		m := d.message()
		return raft.Receive{Message: &m}
	case eventPropose:
		return raft.Propose{Entries: several(d, func() raft.Entry { return raft.Entry{Data: d.bytes()} })}
	case eventPersisted:
		return raft.Persisted{Write: d.number()}
	case eventApplied:
		return raft.Applied{Index: d.index()}
	case eventRead:
		return raft.Read{Token: d.number()}
	case eventChangeConfiguration:
		return raft.ChangeConfiguration{Voters: d.ids(), Learners: d.ids()}
	case eventTransferLeadership:
		return raft.TransferLeadership{To: d.id()}
	case eventRetire:
		return raft.Retire{Index: d.index()}
	default:
		return d.rareEvent(kind)
	}
}

// rareEvent decodes what is not said of messages and proposals.
func (d *decoder) rareEvent(kind int) raft.Event {
	switch kind {
	case eventUnreachable:
		return raft.Unreachable{Node: d.id()}
	case eventSnapshotTaken:
		return raft.SnapshotTaken{Index: d.index(), CompactTo: d.index()}
	case eventSnapshotSent:
		return raft.SnapshotSent{Node: d.id(), Failed: d.bool()}
	case eventSnapshotFetched:
		return raft.SnapshotFetched{Term: d.term(), Meta: d.snapshot()}
	case eventLoaded:
		return raft.Loaded{Load: d.load(), Entries: d.entries(), Err: d.failure()}
	case eventUnload:
		return raft.Unload{UpTo: d.index()}
	case eventRepaired:
		return raft.Repaired{}
	}
	d.fail(malformed("an event of number %d", kind))
	return nil
}

func (d *decoder) update() *raft.Update {
	var u raft.Update
	if d.bool() {
		u.Write = d.write()
	}
	u.Messages = several(d, d.message)
	u.CommittedStored = raft.Range{First: d.index(), Last: d.index()}
	u.Committed = d.runs()
	if d.bool() {
		s := d.snapshot()
		u.Restore = &s
	}
	u.Reads = several(d, func() raft.ReadResult {
		return raft.ReadResult{Token: d.number(), Index: d.index(), Err: d.failure()}
	})
	u.Changes = several(d, func() raft.ChangeResult { return raft.ChangeResult{Err: d.failure()} })
	u.SendSnapshots = several(d, func() raft.SendSnapshot {
		return raft.SendSnapshot{To: d.id(), Term: d.term(), Session: d.number()}
	})
	u.Loads = several(d, d.load)
	return &u
}

func (d *decoder) write() *raft.Write {
	w := &raft.Write{Number: d.number()}
	if d.bool() {
		s := d.snapshot()
		w.Snapshot = &s
	}
	if d.bool() {
		h := d.hard()
		w.HardState = &h
	}
	w.Truncate = d.index()
	w.Entries = d.runs()
	return w
}

func (d *decoder) effect() raft.Effect {
	e := raft.Effect{Kind: raft.EffectKind(d.u8())}
	switch e.Kind {
	case raft.Entered:
		e.HardState = d.hard()
	case raft.Became:
		e.Role = raft.Role(d.u8())
	case raft.Said, raft.Withheld, raft.Released:
		e.Message = d.message()
	case raft.Appended:
		e.Entries = d.entries()
	case raft.Committed:
		e.Index = d.index()
	case raft.Restored:
		e.Meta, e.Index = d.snapshot(), d.index()
	case raft.ReadOpened:
		e.Token, e.Index = d.number(), d.index()
	case raft.ReadAnswered:
		e.Token = d.number()
	default:
		d.fail(malformed("an effect of kind %d", e.Kind))
	}
	return e
}

func (d *decoder) state() raft.TraceState {
	return raft.TraceState{
		Role: raft.Role(d.u8()), HardState: d.hard(), Leader: d.id(), Commit: d.index(), Durable: d.index(),
		Last: d.position(), Snapshot: d.position(), Whole: d.index(), Matched: d.index(), Impaired: d.bool(),
	}
}
