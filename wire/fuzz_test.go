package wire

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// The bytes get the length and the checksums of a frame, unless they are to be taken
// as they are: hardly any would reach the parser.
func FuzzDecodeFrame(f *testing.F) {
	for _, b := range goldens(f) {
		f.Add(b[8:], true)
		f.Add(b, false)
	}
	f.Fuzz(func(t *testing.T, b []byte, fix bool) {
		if fix {
			b = wrap(b)
			sealEntries(b)
			seal(b)
		}
		_ = checkCanonical(t, b)
	})
}

func FuzzDecodeEntry(f *testing.F) {
	for _, e := range []raft.Entry{
		{Index: 1, Term: 1},
		{Index: 1 << 40, Term: 1 << 20, Data: []byte("command")},
		{Index: 7, Term: 2, Type: raft.EntryNoOp},
		{Index: 9, Term: 3, Type: raft.EntryConfiguration, Data: appendConfiguration(nil, raft.Configuration{
			Voters: []raft.NodeID{"a", "b"}, Outgoing: []raft.NodeID{"a", "c"},
			Learners: []raft.NodeID{"d"}, LearnersNext: []raft.NodeID{"c"},
		})},
	} {
		f.Add(append(AppendEntry(nil, &e), "more"...), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, fix bool) {
		if fix && len(b) >= EntryOverhead {
			b = bytes.Clone(b)
			sealEntry(b)
		}
		e, rest, err := DecodeEntry(b)
		if err != nil {
			if !isTyped(err) {
				t.Fatal(err)
			}
			return
		}
		n := len(b) - len(rest)
		if again := AppendEntry(nil, &e); n != EntrySize(&e) || !bytes.Equal(again, b[:n]) {
			t.Fatalf("accepted\n%x, written as\n%x", b[:n], again)
		}
		if err := CheckEntry(&e); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzFrameRoundTrip(f *testing.F) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		f.Add(randomSource(random, 600).b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := source{b}
		checkAgreement(t, s.frame())
	})
}
