package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// checkAgreement makes sure that both directions agree on a frame: what AppendFrame
// accepts comes back the same, and what it refuses, Decode refuses too.
func checkAgreement(t testing.TB, f *Frame) (accepted bool) {
	t.Helper()
	b, refused := AppendFrame(nil, f)
	if refused != nil {
		if !errors.Is(refused, ErrMalformed) && !errors.Is(refused, ErrTooLarge) {
			t.Fatalf("AppendFrame: %v", refused)
		}
		var got Frame
		if err := new(Decoder).Decode(appendFrame(nil, f), &got); err == nil {
			t.Fatalf("Decode accepts what AppendFrame refuses (%v):\n%+v", refused, f)
		}
		return false
	}
	got := mustDecode(t, b)
	if !reflect.DeepEqual(got, f) {
		t.Fatalf("got  %+v\nwant %+v", got, f)
	}
	size := frameHeader + len(f.From) + len(f.To)
	for _, m := range f.Messages {
		size += MessageSize(m)
	}
	if size != len(b) {
		t.Fatalf("a frame of %d bytes, its parts have %d", len(b), size)
	}
	return true
}

func TestBothDirectionsAgreeOnRandomFrames(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	accepted := make(map[kind]int)
	refused := 0
	for range 20000 {
		f := randomSource(random, 2000).frame()
		if !checkAgreement(t, f) {
			refused++
			continue
		}
		for _, m := range f.Messages {
			k, _, _ := open(m)
			accepted[k]++
		}
	}
	t.Logf("accepted %v, refused %d frames", accepted, refused)
	if refused < 1000 {
		t.Errorf("only %d were refused", refused)
	}
	for k := range layouts {
		if accepted[kind(k)] < 100 {
			t.Errorf("only %d of %v were accepted", accepted[kind(k)], kind(k))
		}
	}
}

func TestRandomEntriesSurviveTheTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		s := randomSource(random, 200)
		e := raft.Entry{Index: max(s.index(), 1), Term: max(raft.Term(s.u64()), 1), Data: s.data(s.below(100))}
		if s.one(4) {
			e.Type, e.Data = raft.EntryConfiguration, appendConfiguration(nil, raft.NewConfiguration([]raft.NodeID{"a"}, nil))
		}
		before, after := s.bytes(3), s.bytes(3)
		b := append(AppendEntry(before[:3:3], &e), after...)
		if len(b) != 6+EntrySize(&e) {
			t.Fatalf("%d bytes, EntrySize says %d", len(b)-6, EntrySize(&e))
		}
		if !bytes.Equal(b[:3], before) {
			t.Fatal("what was there before is gone")
		}
		if sum := EntryChecksum(new(EntryHead), &e); sum != binary.LittleEndian.Uint32(b[7:]) {
			t.Fatalf("EntryChecksum is %x, encoded is %x", sum, b[7:11])
		}
		got, rest, err := DecodeEntry(b[3:])
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, e) || !bytes.Equal(rest, after) {
			t.Fatalf("got %+v and %x, want %+v and %x", got, rest, e, after)
		}
	}
}
