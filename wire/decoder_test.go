package wire

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

func TestWhatWasDecodedStaysWhenTheFrameIsUsedAgain(t *testing.T) {
	var d Decoder
	var f Frame
	first := mustAppend(t, frameOf(&ReadIndex{Token: 1}, &ReadIndex{Token: 2}))
	second := mustAppend(t, frameOf(&ReadIndex{Token: 3}))
	if err := d.Decode(first, &f); err != nil {
		t.Fatal(err)
	}
	one, two := f.Messages[0].(*ReadIndex), f.Messages[1].(*ReadIndex)
	slots := f.Messages
	if err := d.Decode(second, &f); err != nil {
		t.Fatal(err)
	}
	if one.Token != 1 || two.Token != 2 {
		t.Errorf("tokens 1 and 2 have become %d and %d", one.Token, two.Token)
	}
	if &slots[0] != &f.Messages[0] {
		t.Error("Messages was made anew")
	}
	if slots[1] != nil {
		t.Error("an old message is kept from being collected")
	}
}

func TestNothingIsLeftOfAFrameAfterAnError(t *testing.T) {
	var d Decoder
	var f Frame
	good := mustAppend(t, frameOf(&ReadIndex{Token: 1}, &ReadIndex{Token: 2}))
	if err := d.Decode(good, &f); err != nil {
		t.Fatal(err)
	}
	slots := f.Messages
	last := messagesAt(good)[1]
	good[last] = 0
	seal(good)
	if err := d.Decode(good, &f); err == nil {
		t.Fatal("no error")
	}
	if len(f.Messages) > 0 || f.From != "" || slots[0] != nil || slots[1] != nil {
		t.Errorf("%+v, %v", f, slots)
	}
	if err := d.Decode(mustAppend(t, frameOf(&ReadIndex{Token: 4})), &f); err != nil {
		t.Errorf("the next frame: %v", err)
	}
}

// bytesOf lists all that Decode does not copy.
func bytesOf(f *Frame) [][]byte {
	var all [][]byte
	for _, m := range f.Messages {
		switch m := m.(type) {
		case *raft.Message:
			if b, ok := m.Body.(*raft.AppendEntries); ok {
				for i := range b.Entries {
					all = append(all, b.Entries[i].Data)
				}
			}
		case *Proposals:
			all = append(all, m.Entries...)
		case *Call:
			all = append(all, m.Payload)
		case *CallReply:
			all = append(all, m.Payload)
		case *SnapshotChunk:
			all = append(all, m.Data)
		case *FetchedEntries:
			for i := range m.Entries {
				all = append(all, m.Entries[i].Data)
			}
		}
	}
	return all
}

func TestPayloadsAreTheFramesOwnBytes(t *testing.T) {
	found := 0
	for _, b := range goldens(t) {
		f := mustDecode(t, b)
		before := make([]string, 0, 8)
		for _, p := range bytesOf(f) {
			before = append(before, string(p))
		}
		for i := range b {
			b[i] ^= 0xff
		}
		for i, p := range bytesOf(f) {
			found++
			if len(p) > 0 && string(p) == before[i] {
				t.Errorf("%q is a copy", p)
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d were found", found)
	}
}

func TestAppendingToAPayloadLeavesTheFrameAlone(t *testing.T) {
	for name, b := range goldens(t) {
		before := bytes.Clone(b)
		for _, p := range bytesOf(mustDecode(t, b[:len(b):len(b)])) {
			_ = append(p, "overwritten"...)
		}
		if !bytes.Equal(before, b) {
			t.Errorf("%s has changed", name)
		}
	}
}

func TestAppendingToAnEntrysDataLeavesTheNextAlone(t *testing.T) {
	b := AppendEntry(nil, &raft.Entry{Index: 1, Term: 1, Data: []byte("one")})
	b = AppendEntry(b, &raft.Entry{Index: 2, Term: 1, Data: []byte("two")})
	one, rest, err := DecodeEntry(b)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(one.Data, 1, 2, 3)
	two, rest, err := DecodeEntry(rest)
	if err != nil || string(two.Data) != "two" || len(rest) > 0 {
		t.Errorf("%+v, %d bytes, %v", two, len(rest), err)
	}
}

func TestNamesAreTheDecodersOwnBytes(t *testing.T) {
	for name, b := range goldens(t) {
		f := mustDecode(t, b)
		before := fmt.Sprint(namesOf(f))
		clear(b)
		if after := fmt.Sprint(namesOf(f)); after != before {
			t.Errorf("%s: %s has become %s", name, before, after)
		}
	}
}

// namesOf lists all ids and names.
func namesOf(f *Frame) []any {
	all := []any{f.From, f.To}
	for _, m := range f.Messages {
		switch m := m.(type) {
		case *raft.Message:
			all = append(all, m.From, m.To)
			if b, ok := m.Body.(*raft.InstallSnapshot); ok {
				all = append(all, b.Meta.Configuration)
			}
		case *Hello:
			all = append(all, m.Name, m.Pledge, m.Charter, m.Abandoned)
		case *Call:
			all = append(all, m.Name)
		}
	}
	return all
}

func TestManySendersAreAllRead(t *testing.T) {
	// More than the decoder remembers, several times.
	var d Decoder
	var f Frame
	for i := range 200 {
		want := raft.NodeID(fmt.Sprint("node-", i%50))
		b := mustAppend(t, &Frame{From: want, To: "b"})
		if err := d.Decode(b, &f); err != nil || f.From != want || f.To != "b" {
			t.Fatalf("from %q to %q, %v, want %q", f.From, f.To, err, want)
		}
	}
}

// appendOf is a frame with n entries of a size.
func appendOf(n, size int) *Frame {
	entries := run(n, raft.Entry{Term: 3, Data: bytes.Repeat([]byte{0x5a}, size)})
	return entriesFrame(raft.Position{}, 7, entries...)
}

func TestEncodingAllocatesNothing(t *testing.T) {
	frames := []*Frame{appendOf(256, 16)}
	for _, s := range samples() {
		switch s.name {
		case "InstallSnapshot", "AppendEntries", "BackupOutline": // configurations are looked into
		default:
			frames = append(frames, &s.frame)
		}
	}
	dst := make([]byte, 0, 1<<16)
	for _, f := range frames {
		if n := testing.AllocsPerRun(100, func() { dst, _ = AppendFrame(dst[:0], f) }); n > 0 {
			t.Errorf("%v allocations for %+v", n, f)
		}
	}
	entry := raft.Entry{Index: 1, Term: 1, Data: []byte("data")}
	if n := testing.AllocsPerRun(100, func() { dst = AppendEntry(dst[:0], &entry) }); n > 0 {
		t.Errorf("%v allocations for an entry", n)
	}
}

func TestDecodingAllocatesOnlyWhatItGives(t *testing.T) {
	raftOf := func(b raft.Body) *Frame { return raftFrame(7, b) }
	for _, c := range []struct {
		name string
		want float64
		f    *Frame
	}{
		{"the envelope", 0, frameOf()},
		{"a body and its entries, with the message around it", 2, appendOf(256, 16)},
		{"a body with the message around it", 1, raftOf(&raft.Heartbeat{Session: 1})},
		{"the message around an empty body", 1, raftOf(&raft.TimeoutNow{})},
		{"commands and the list of them", 2, frameOf(&Proposals{Entries: repeat([]byte("x"), 100)})},
		{"a call", 1, frameOf(&Call{Name: "handler", Payload: []byte("x")})},
		{"its reply", 1, frameOf(&CallReply{Payload: []byte("x")})},
		{"a chunk", 1, frameOf(&SnapshotChunk{Term: 1, Last: raft.Position{Index: 1, Term: 1}, Size: 9, Data: []byte("x")})},
		{"positions and the list of them", 2, frameOf(&FetchEntries{Positions: manyPositions(MaxFetch)})},
		{"fetched entries and the list of them", 2, frameOf(&FetchedEntries{Entries: run(9, raft.Entry{Term: 1})})},
		{"a read", 1, frameOf(&ReadIndex{Token: 1})},
	} {
		b := mustAppend(t, c.f)
		var d Decoder
		var f Frame
		var err error
		n := testing.AllocsPerRun(100, func() { err = d.Decode(b, &f) })
		if n != c.want || err != nil {
			t.Errorf("%s: %v allocations, want %v, %v", c.name, n, c.want, err)
		}
	}
	b := AppendEntry(nil, &raft.Entry{Index: 1, Term: 1, Data: []byte("data")})
	var err error
	if n := testing.AllocsPerRun(100, func() { _, _, err = DecodeEntry(b) }); n > 0 || err != nil {
		t.Errorf("an entry: %v allocations, %v", n, err)
	}
}
