package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// A refused is a frame that neither direction may accept.
type refused struct {
	name  string
	want  error
	where string // must be in the text of the error
	frame *Frame
	// unwritable: the format has no room for it, so only AppendFrame can be asked.
	unwritable bool
}

func frameOf(messages ...any) *Frame {
	return &Frame{From: "a", To: "b", Messages: messages}
}

func raftFrame(term raft.Term, body raft.Body) *Frame {
	return frameOf(&raft.Message{From: "a", To: "b", Term: term, Body: body})
}

func entriesFrame(prev raft.Position, term raft.Term, entries ...raft.Entry) *Frame {
	return raftFrame(term, &raft.AppendEntries{Prev: prev, Entries: entries})
}

func repeat[T any](v T, n int) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = v
	}
	return all
}

func envelopes() []refused {
	long := raft.NodeID(strings.Repeat("x", MaxNodeID+1))
	return []refused{
		{name: "no sender", want: ErrMalformed, where: "the sender", frame: &Frame{To: "b"}},
		{name: "a long sender", want: ErrTooLarge, where: "the sender: an id: 129, the limit is 128", frame: &Frame{From: long}},
		{name: "a long receiver", want: ErrTooLarge, where: "the receiver", frame: &Frame{From: "a", To: long}},
		{name: "too many messages", want: ErrTooLarge, where: "messages: 4097, the limit is 4096",
			frame: frameOf(repeat[any](&ReadIndex{}, MaxMessages+1)...)},
		{name: "too many bytes", want: ErrTooLarge, where: "the frame",
			frame: frameOf(repeat[any](&Call{Payload: make([]byte, MaxCallPayload)}, 4)...)},
		{name: "no message", want: ErrMalformed, where: "message 1", frame: frameOf(&ReadIndex{}, nil), unwritable: true},
		{name: "a raft message that is no pointer", want: ErrMalformed, where: "raft.Message",
			frame: frameOf(raft.Message{From: "a", To: "b", Term: 1, Body: &raft.TimeoutNow{}}), unwritable: true},
		{name: "a raft message without a body", want: ErrMalformed, frame: raftFrame(1, nil), unwritable: true},
		{name: "a raft message from another", want: ErrMalformed, where: `from "c"`,
			frame: frameOf(&raft.Message{From: "c", To: "b", Term: 1, Body: &raft.TimeoutNow{}}), unwritable: true},
		{name: "a raft message to another", want: ErrMalformed, where: `to "c"`,
			frame: frameOf(&raft.Message{From: "a", To: "c", Term: 1, Body: &raft.TimeoutNow{}}), unwritable: true},
		{name: "a raft message to all", want: ErrMalformed, where: "broadcast",
			frame: &Frame{From: "a", Messages: []any{&raft.Message{From: "a", Term: 1, Body: &raft.TimeoutNow{}}}}},
		{name: "a raft message of term 0", want: ErrMalformed, where: "message 0 (TimeoutNow)", frame: raftFrame(0, &raft.TimeoutNow{})},
	}
}

func raftBodies() []refused {
	at := func(i raft.Index, t raft.Term) raft.Entry { return raft.Entry{Index: i, Term: t} }
	prev := raft.Position{Index: 9, Term: 3}
	odd := func(e raft.Entry) *Frame { return entriesFrame(prev, 5, at(10, 3), e) }
	snapshot := func(meta raft.SnapshotMeta) *Frame { return raftFrame(5, &raft.InstallSnapshot{Meta: meta}) }
	conf := raft.NewConfiguration([]raft.NodeID{"a"}, nil)
	unsorted := raft.Configuration{Voters: []raft.NodeID{"b", "a"}}
	return []refused{
		{name: "prev without a term", want: ErrMalformed, frame: entriesFrame(raft.Position{Index: 9}, 5)},
		{name: "prev without an index", want: ErrMalformed, frame: entriesFrame(raft.Position{Term: 3}, 5)},
		{name: "prev of a later term", want: ErrMalformed, frame: entriesFrame(raft.Position{Index: 9, Term: 6}, 5)},
		{name: "too many entries", want: ErrTooLarge, where: "entries", frame: entriesFrame(prev, 5, make([]raft.Entry, MaxEntries+1)...)},
		{name: "a gap", want: ErrMalformed, where: "message 0 (AppendEntries): entry 1: 12@3 after 10@3", frame: odd(at(12, 3))},
		{name: "a repeated index", want: ErrMalformed, where: "entry 1", frame: odd(at(10, 3))},
		{name: "a first entry that does not follow", want: ErrMalformed, where: "entry 0", frame: entriesFrame(prev, 5, at(11, 3))},
		{name: "an index after the last", want: ErrMalformed, where: "entry 0",
			frame: entriesFrame(raft.Position{Index: math.MaxUint64, Term: 3}, 5, at(0, 3))},
		{name: "an entry of term 0", want: ErrMalformed, where: "entry 0", frame: entriesFrame(raft.Position{}, 5, at(1, 0))},
		{name: "a falling term", want: ErrMalformed, where: "entry 1", frame: odd(at(11, 2))},
		{name: "an entry of a later term", want: ErrMalformed, where: "entry 1", frame: odd(at(11, 6))},
		{name: "an unknown type of entry", want: ErrMalformed, where: "type 3", frame: odd(raft.Entry{Index: 11, Term: 3, Type: 3})},
		{name: "a no-op with data", want: ErrMalformed, frame: odd(raft.Entry{Index: 11, Term: 3, Type: raft.EntryNoOp, Data: []byte{0}})},
		{name: "too much data in an entry", want: ErrTooLarge, where: "entry 1", frame: odd(raft.Entry{Index: 11, Term: 3, Data: make([]byte, MaxEntryData+1)})},
		{name: "no configuration in an entry", want: ErrMalformed, where: "entry 1", frame: odd(raft.Entry{Index: 11, Term: 3, Type: raft.EntryConfiguration})},
		{name: "an invalid configuration in an entry", want: ErrMalformed, where: "entry 1",
			frame: odd(raft.Entry{Index: 11, Term: 3, Type: raft.EntryConfiguration, Data: appendConfiguration(nil, unsorted)})},
		{name: "a configuration that is too long in an entry", want: ErrMalformed, where: "entry 1",
			frame: odd(raft.Entry{Index: 11, Term: 3, Type: raft.EntryConfiguration, Data: []byte{0x81, 0, 1, 'a', 0, 0, 0}})},
		{name: "a snapshot of nothing", want: ErrMalformed, frame: snapshot(raft.SnapshotMeta{Last: raft.Position{Term: 1}, Configuration: conf})},
		{name: "a snapshot of no term", want: ErrMalformed, frame: snapshot(raft.SnapshotMeta{Last: raft.Position{Index: 1}, Configuration: conf})},
		{name: "a snapshot of a later term", want: ErrMalformed, frame: snapshot(raft.SnapshotMeta{Last: raft.Position{Index: 1, Term: 6}, Configuration: conf})},
		{name: "a snapshot before its configuration", want: ErrMalformed,
			frame: snapshot(raft.SnapshotMeta{Last: raft.Position{Index: 1, Term: 1}, Configuration: conf, ConfigurationIndex: 2})},
		{name: "a snapshot without a configuration", want: ErrMalformed, frame: snapshot(raft.SnapshotMeta{Last: raft.Position{Index: 1, Term: 1}})},
		{name: "a snapshot with an invalid configuration", want: ErrMalformed,
			frame: snapshot(raft.SnapshotMeta{Last: raft.Position{Index: 1, Term: 1}, Configuration: unsorted})},
	}
}

func otherBodies() []refused {
	ids := repeat[raft.NodeID]("a", MaxMembers+1)
	name := strings.Repeat("x", MaxName+1)
	return []refused{
		{name: "an unknown state", want: ErrMalformed, where: "state 3", frame: frameOf(&Hello{State: helloStates})},
		{name: "a long name", want: ErrTooLarge, where: "the name: 256, the limit is 255", frame: frameOf(&Hello{Name: name}), unwritable: true},
		{name: "too many in a pledge", want: ErrTooLarge, where: "65, the limit is 64", frame: frameOf(&Hello{Pledge: ids})},
		{name: "too many in a charter", want: ErrTooLarge, where: "65, the limit is 64", frame: frameOf(&Hello{Charter: ids})},
		{name: "nobody in a pledge", want: ErrMalformed, where: "the pledge", frame: frameOf(&Hello{Pledge: []raft.NodeID{""}})},
		{name: "nobody in a charter", want: ErrMalformed, where: "the charter", frame: frameOf(&Hello{Charter: []raft.NodeID{"a", ""}})},
		{name: "a long id", want: ErrTooLarge, where: "129", frame: frameOf(&Hello{Pledge: []raft.NodeID{raft.NodeID(name[:MaxNodeID+1])}})},
		{name: "too many abandoned charters", want: ErrTooLarge, where: "65, the limit is 64", frame: frameOf(&Hello{Abandoned: make([]ClusterID, MaxAbandoned+1)})},
		{name: "too many commands", want: ErrTooLarge, where: "commands", frame: frameOf(&Proposals{Entries: make([][]byte, MaxEntries+1)})},
		{name: "a large command", want: ErrTooLarge, where: "a command", frame: frameOf(&Proposals{Entries: [][]byte{nil, make([]byte, MaxEntryData+1)}})},
		{name: "an unknown reason", want: ErrMalformed, where: "reason 2", frame: frameOf(&ProposalsRefused{Reason: refusalReasons})},
		{name: "a long name of a handler", want: ErrTooLarge, where: "the name", frame: frameOf(&Call{Name: name}), unwritable: true},
		{name: "a large call", want: ErrTooLarge, where: "the payload", frame: frameOf(&Call{Payload: make([]byte, MaxCallPayload+1)})},
		{name: "too many claims", want: ErrTooLarge, where: "17, the limit is 16", frame: frameOf(&Hello{Contested: repeat(Claim{"a", 1, 1}, MaxContested+1)})},
		{name: "a claim of nobody", want: ErrMalformed, where: "a contested claim", frame: frameOf(&Hello{Contested: []Claim{{"", 1, 1}}})},
		{name: "a claim of a long id", want: ErrTooLarge, where: "a contested claim",
			frame: frameOf(&Hello{Contested: []Claim{{raft.NodeID(name[:MaxNodeID+1]), 1, 1}}})},
		{name: "a claim without a start", want: ErrMalformed, where: "without a disk", frame: frameOf(&Hello{Contested: []Claim{{"a", 0, 1}}})},
		{name: "an unknown status", want: ErrMalformed, where: "status 6", frame: frameOf(&CallReply{Status: callStatuses})},
		{name: "no index", want: ErrMalformed, where: "index 0", frame: frameOf(&Retired{})},
		{name: "a large reply", want: ErrTooLarge, where: "the payload", frame: frameOf(&CallReply{Payload: make([]byte, MaxCallPayload+1)})},
	}
}

func storageBodies() []refused {
	at := raft.Position{Index: 7, Term: 3}
	chunk := func(change func(c *SnapshotChunk)) *Frame {
		c := &SnapshotChunk{Term: 3, Last: at, Size: 100, Offset: 90, Data: make([]byte, 10)}
		change(c)
		return frameOf(c)
	}
	ask := func(p ...raft.Position) *Frame { return frameOf(&FetchEntries{Positions: p}) }
	give := func(e ...raft.Entry) *Frame { return frameOf(&FetchedEntries{Entries: e}) }
	outline := func(change func(*BackupOutline)) *Frame {
		x := &BackupOutline{
			Base: raft.Position{Index: 5, Term: 2}, Last: raft.Position{Index: 9, Term: 3}, Snapshot: at, Size: 100, Sum: 1,
			Configuration: raft.NewConfiguration([]raft.NodeID{"a"}, nil),
		}
		change(x)
		return frameOf(x)
	}
	return []refused{
		{name: "a chunk of a past term", want: ErrMalformed, where: "in term 2", frame: chunk(func(c *SnapshotChunk) { c.Term = 2 })},
		{name: "a chunk of nothing", want: ErrMalformed, where: "position 0@3", frame: chunk(func(c *SnapshotChunk) { c.Last.Index = 0 })},
		{name: "a chunk of no term", want: ErrMalformed, where: "position 7@0", frame: chunk(func(c *SnapshotChunk) { c.Last.Term = 0 })},
		{name: "a chunk of an empty file", want: ErrMalformed, where: "of 0",
			frame: chunk(func(c *SnapshotChunk) { c.Size, c.Offset, c.Data = 0, 0, nil })},
		{name: "a chunk past the end", want: ErrMalformed, where: "11 bytes", frame: chunk(func(c *SnapshotChunk) { c.Data = make([]byte, 11) })},
		{name: "a chunk that begins past the end", want: ErrMalformed, where: "byte 101",
			frame: chunk(func(c *SnapshotChunk) { c.Offset, c.Data = 101, nil })},
		{name: "a chunk past all numbers", want: ErrMalformed, where: "from byte 18446744073709551615",
			frame: chunk(func(c *SnapshotChunk) { c.Offset = math.MaxUint64 })},
		{name: "a large chunk", want: ErrTooLarge, where: "262145, the limit is 262144",
			frame: chunk(func(c *SnapshotChunk) { c.Size, c.Data = 1<<20, make([]byte, MaxChunkData+1) })},
		{name: "an unknown status of a snapshot", want: ErrMalformed, where: "status 3", frame: frameOf(&SnapshotReply{Last: at, Status: snapshotStatuses})},
		{name: "a reply about nothing", want: ErrMalformed, where: "position 0@0", frame: frameOf(&SnapshotReply{})},
		{name: "a question for nothing", want: ErrMalformed, where: "no positions", frame: ask()},
		{name: "a question for too many", want: ErrTooLarge, where: "positions: 65", frame: ask(make([]raft.Position, MaxFetch+1)...)},
		{name: "a question for no index", want: ErrMalformed, where: "position 0", frame: ask(raft.Position{Term: 1})},
		{name: "a question for no term", want: ErrMalformed, where: "position 1", frame: ask(at, raft.Position{Index: 8})},
		{name: "a question for one twice", want: ErrMalformed, where: "7@3 after 7@3", frame: ask(at, at)},
		{name: "a question for a falling term", want: ErrMalformed, where: "8@2 after 7@3", frame: ask(at, raft.Position{Index: 8, Term: 2})},
		{name: "too many fetched", want: ErrTooLarge, where: "entries: 65", frame: give(run(MaxFetch+1, raft.Entry{Term: 1})...)},
		{name: "one fetched twice", want: ErrMalformed, where: "entry 1: 7@3 after 7@3", frame: give(raft.Entry{Index: 7, Term: 3}, raft.Entry{Index: 7, Term: 3})},
		{name: "a falling term fetched", want: ErrMalformed, where: "entry 1", frame: give(raft.Entry{Index: 7, Term: 3}, raft.Entry{Index: 9, Term: 2})},
		{name: "no entry fetched", want: ErrMalformed, where: "entry 0", frame: give(raft.Entry{Index: 7, Term: 3, Type: 3})},
		{name: "more fetched than fits beside anything", want: ErrTooLarge, where: "the entries: 4193965, the limit is 4193964",
			frame: give(fetchable(1)...)},
		{name: "a backup of nothing", want: ErrMalformed, where: "position 0@0", frame: outline(func(x *BackupOutline) { x.Last = raft.Position{} })},
		{name: "a backup without a term", want: ErrMalformed, where: "position 5@0", frame: outline(func(x *BackupOutline) { x.Base.Term = 0 })},
		{name: "a backup that ends before it begins", want: ErrMalformed, where: "from 5@2 to 4@3", frame: outline(func(x *BackupOutline) { x.Last.Index = 4 })},
		{name: "a backup whose terms fall", want: ErrMalformed, where: "from 5@2 to 9@1", frame: outline(func(x *BackupOutline) { x.Last.Term = 1 })},
		{name: "a backup with an empty snapshot", want: ErrMalformed, where: "of 0 bytes", frame: outline(func(x *BackupOutline) { x.Size = 0 })},
		{name: "a backup without what its log begins with", want: ErrMalformed, where: "snapshot at 0@0",
			frame: outline(func(x *BackupOutline) { x.Snapshot, x.Size, x.Sum = raft.Position{}, 0, 0 })},
		{name: "a backup with the sum of no snapshot", want: ErrMalformed, where: "snapshot at 0@0",
			frame: outline(func(x *BackupOutline) { *x = BackupOutline{Last: x.Last, Sum: 1, Configuration: x.Configuration} })},
		{name: "a backup whose snapshot is too old", want: ErrMalformed, where: "snapshot at 4@3", frame: outline(func(x *BackupOutline) { x.Snapshot.Index = 4 })},
		{name: "a backup whose snapshot is too new", want: ErrMalformed, where: "snapshot at 10@3", frame: outline(func(x *BackupOutline) { x.Snapshot.Index = 10 })},
		{name: "a backup without a configuration", want: ErrMalformed, where: "", frame: outline(func(x *BackupOutline) { x.Configuration = raft.Configuration{} })},
		{name: "an unknown status of a backup", want: ErrMalformed, where: "status 3", frame: frameOf(&BackupPart{Status: backupStatuses})},
		{name: "a large part of a backup", want: ErrTooLarge, where: "2097153, the limit is 2097152", frame: frameOf(&BackupPart{Data: make([]byte, MaxBackupData+1)})},
		{name: "a hash of nothing", want: ErrMalformed, where: "index 0", frame: frameOf(&StateHash{Hash: 1})},
	}
}

// fetchable gives entries that take so many bytes more than EntriesCapacity.
func fetchable(more int) []raft.Entry {
	entries := run(4, raft.Entry{Term: 1, Data: make([]byte, 1<<20)})
	last := &entries[3]
	last.Data = last.Data[:len(last.Data)-(entriesSize(entries)-EntriesCapacity)+more]
	return entries
}

func TestNeitherDirectionAcceptsWhatNoCorrectNodeSends(t *testing.T) {
	for _, group := range [][]refused{envelopes(), raftBodies(), otherBodies(), storageBodies()} {
		for _, r := range group {
			t.Run(r.name, func(t *testing.T) {
				dst := []byte("before")
				got, err := AppendFrame(dst, r.frame)
				if !errors.Is(err, r.want) || !strings.Contains(err.Error(), r.where) {
					t.Errorf("AppendFrame: %v, want %v with %q", err, r.want, r.where)
				}
				if !bytes.Equal(got, dst) {
					t.Errorf("AppendFrame has left %q", got)
				}
				if r.unwritable {
					return
				}
				if err := decode(appendFrame(nil, r.frame)); !errors.Is(err, r.want) {
					t.Errorf("Decode: %v, want %v", err, r.want)
				}
			})
		}
	}
}

func manyPositions(n int) []raft.Position {
	positions := make([]raft.Position, n)
	for i := range positions {
		positions[i] = raft.Position{Index: raft.Index(2*i + 1), Term: raft.Term(i/3 + 1)}
	}
	return positions
}

func TestTheLargestIsAccepted(t *testing.T) {
	id := raft.NodeID(strings.Repeat("x", MaxNodeID))
	ids := repeat(id, MaxMembers)
	name := strings.Repeat("x", MaxName)
	for _, m := range []any{
		&Hello{Name: name, State: helloStates - 1, Pledge: ids, Charter: ids, Abandoned: make([]ClusterID, MaxAbandoned)},
		&Hello{Contested: repeat(Claim{id, math.MaxUint64, math.MaxUint64}, MaxContested)},
		&SnapshotChunk{
			Term: 1, Last: raft.Position{Index: 1, Term: 1}, Size: math.MaxUint64,
			Offset: math.MaxUint64 - MaxChunkData, Data: make([]byte, MaxChunkData),
		},
		&SnapshotChunk{Term: 1, Last: raft.Position{Index: 1, Term: 1}, Size: 5, Offset: 5},
		&FetchEntries{Positions: manyPositions(MaxFetch)},
		&FetchedEntries{Entries: fetchable(0)},
		&FetchedEntries{},
		&Proposals{Entries: make([][]byte, MaxEntries)},
		&Proposals{Entries: [][]byte{make([]byte, MaxEntryData)}},
		&ProposalsRefused{Reason: refusalReasons - 1},
		&Call{Name: name, Payload: make([]byte, MaxCallPayload)},
		&CallReply{Status: callStatuses - 1, Payload: make([]byte, MaxCallPayload)},
		&raft.Message{From: id, To: id, Term: 1, Body: &raft.AppendEntries{
			Entries: []raft.Entry{{Index: 1, Term: 1, Data: make([]byte, MaxEntryData)}},
		}},
	} {
		f := &Frame{From: id, To: id, Messages: []any{m}}
		if !checkAgreement(t, f) {
			_, err := AppendFrame(nil, f)
			t.Errorf("%T: %v", m, err)
		}
	}
	if f := (&Frame{From: id, To: id, Messages: repeat[any](&ReadIndex{}, MaxMessages)}); !checkAgreement(t, f) {
		t.Error("many messages")
	}
}

func TestAFrameMayHaveMaxFrameBytesAndNoMore(t *testing.T) {
	id := raft.NodeID(strings.Repeat("x", MaxNodeID))
	frame := func(last int) *Frame {
		data := make([]byte, MaxCallPayload)
		call := &Call{Payload: data}
		m := []any{call, call, call}
		size := 3*MessageSize(call) + MessageSize(&Call{})
		m = append(m, &Call{Payload: make([]byte, FrameCapacity-size+last)})
		return &Frame{From: id, To: id, Messages: m}
	}
	if b := mustAppend(t, frame(0)); len(b) != MaxFrame {
		t.Errorf("a frame of %d bytes", len(b))
	}
	if _, err := AppendFrame(nil, frame(1)); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

func TestEntriesOfEntriesCapacityFitIntoAFrame(t *testing.T) {
	id := raft.NodeID(strings.Repeat("x", MaxNodeID))
	frame := func(more int) *Frame {
		var entries []raft.Entry
		size := 0
		for size < EntriesCapacity {
			n := min(MaxEntryData, EntriesCapacity-size-EntryOverhead)
			e := raft.Entry{Index: raft.Index(len(entries) + 1), Term: 1, Data: make([]byte, n)}
			if e.Size() != EntrySize(&e) {
				t.Fatalf("raft counts %d bytes for an entry of %d", e.Size(), EntrySize(&e))
			}
			entries = append(entries, e)
			size += EntrySize(&e)
		}
		last := &entries[len(entries)-1]
		last.Data = append(last.Data, make([]byte, more)...)
		return &Frame{From: id, To: id, Messages: []any{
			&raft.Message{From: id, To: id, Term: 1, Body: &raft.AppendEntries{Entries: entries}},
		}}
	}
	if b := mustAppend(t, frame(0)); len(b) != MaxFrame {
		t.Errorf("a frame of %d bytes", len(b))
	}
	if _, err := AppendFrame(nil, frame(1)); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

func TestTheSizeOfWhatIsNoMessageIs0(t *testing.T) {
	for _, m := range []any{nil, 5, Hello{}, raft.Message{}, &raft.Message{}} {
		if n := MessageSize(m); n != 0 {
			t.Errorf("%T: %d", m, n)
		}
	}
}

func TestFrameLengthIsTheWholeLength(t *testing.T) {
	for name, b := range goldens(t) {
		if n, err := FrameLength(b[:LengthSize]); n != len(b) || err != nil {
			t.Errorf("%s: %d, %v, want %d", name, n, err, len(b))
		}
	}
}

func TestFrameLengthRefusesWhatNoFrameHas(t *testing.T) {
	for _, c := range []struct {
		length uint32
		want   error
	}{
		{0, ErrMalformed},
		{framePrefix - LengthSize - 1, ErrMalformed},
		{framePrefix - LengthSize, nil},
		{MaxFrame - LengthSize, nil},
		{MaxFrame - LengthSize + 1, ErrTooLarge},
		{1 << 31, ErrTooLarge},
		{math.MaxUint32, ErrTooLarge},
	} {
		if _, err := FrameLength(binary.LittleEndian.AppendUint32(nil, c.length)); !errors.Is(err, c.want) {
			t.Errorf("%d: %v, want %v", c.length, err, c.want)
		}
	}
	if _, err := FrameLength(make([]byte, LengthSize-1)); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
}
