package founding

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// savedSamples have all that a node may save, small and large.
func savedSamples() map[string]Saved {
	abc := NewCharter("test", []raft.NodeID{"a", "b", "c"})
	bcd := NewCharter("test", []raft.NodeID{"b", "c", "d"})
	var many []raft.NodeID
	for i := range raft.MaxMembers {
		many = append(many, raft.NodeID(strings.Repeat(string(rune('0'+i)), raft.MaxNodeIDLen)))
	}
	large := NewCharter("test", many)
	r := Round{3, 0x0102030405060708}
	return map[string]Saved{
		"nothing":        {},
		"a round":        {Round: r},
		"a pledge":       {Round: Round{4, 9}, Pledge: Pledge{r, abc}},
		"a member":       {Round: r, Pledge: Pledge{r, abc}, State: Member, Charter: bcd},
		"a late standby": {State: Standby, Charter: abc},
		"the largest": {
			Round: Round{math.MaxUint64, math.MaxUint64}, Pledge: Pledge{Round{math.MaxUint64, 0}, large},
			State: Member, Charter: large,
		},
	}
}

func mustSave(t testing.TB, s Saved) []byte {
	t.Helper()
	b, err := s.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sealSaved makes a checksum fit, so that what comes after it can be looked at.
func sealSaved(b []byte) []byte {
	end := len(b) - sumSize
	return binary.LittleEndian.AppendUint32(bytes.Clone(b[:end]), savedSum(b[:end]))
}

func TestWhatIsSavedIsReadAgain(t *testing.T) {
	for name, s := range savedSamples() {
		b := mustSave(t, s)
		with, err := s.AppendBinary([]byte("before"))
		if err != nil || string(with) != "before"+string(b) {
			t.Errorf("%s: %v, appended it is %x", name, err, with)
		}
		got := savedSamples()["a member"]
		if err := got.UnmarshalBinary(b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		clear(b)
		if !reflect.DeepEqual(got, s) {
			t.Errorf("%s: read as\n%+v, want\n%+v", name, got, s)
		}
	}
}

// A difference here is a change of the format, which needs a new version.
func TestTheEncodingIsThatOfVersion1(t *testing.T) {
	s := Saved{
		Round: Round{4, 9}, Pledge: Pledge{Round{3, 8}, Charter{wire.ClusterID{0xc0, 15: 1}, []raft.NodeID{"a", "bc"}}},
		State: Standby, Charter: Charter{wire.ClusterID{0xd0, 15: 2}, []raft.NodeID{"d"}},
	}
	want := "0102" + "0400000000000000" + "0900000000000000" + "0300000000000000" + "0800000000000000" +
		"c0000000000000000000000000000001" + "02" + "0161" + "026263" +
		"d0000000000000000000000000000002" + "01" + "0164"
	got := mustSave(t, s)
	if text := hex.EncodeToString(got[:len(got)-sumSize]); text != want {
		t.Errorf("it is\n%s, want\n%s", text, want)
	}
	if sum := hex.EncodeToString(got[len(got)-sumSize:]); sum != "db73e1bd" {
		t.Errorf("its checksum is %s", sum)
	}
}

func TestASavedBitThatIsAnotherIsFound(t *testing.T) {
	for name, s := range savedSamples() {
		if name == "the largest" {
			continue // 4096 times as many bits, and no other
		}
		b := mustSave(t, s)
		for bit := range len(b) * 8 {
			b[bit/8] ^= 1 << (bit % 8)
			got := savedSamples()["a round"]
			if err := got.UnmarshalBinary(b); err == nil || !reflect.DeepEqual(got, savedSamples()["a round"]) {
				t.Errorf("%s: bit %d: %v, %+v", name, bit, err, got)
			}
			b[bit/8] ^= 1 << (bit % 8)
		}
	}
}

func TestWhatIsSavedIsReadWholeOrNotAtAll(t *testing.T) {
	for name, s := range savedSamples() {
		if name == "the largest" {
			continue
		}
		b := mustSave(t, s)
		for n := range b {
			var got Saved
			if got.UnmarshalBinary(b[:n]) == nil {
				t.Errorf("%s: %d bytes of %d are taken", name, n, len(b))
			}
			if n >= sumSize && got.UnmarshalBinary(sealSaved(b[:n])) == nil {
				t.Errorf("%s: %d bytes of %d are taken, with their checksum", name, n, len(b))
			}
		}
		var got Saved
		if got.UnmarshalBinary(sealSaved(append(b, 0))) == nil {
			t.Errorf("%s: one more byte is taken", name)
		}
	}
}

func TestWhatNoNodeSavesIsNeitherWrittenNorRead(t *testing.T) {
	abc := NewCharter("test", []raft.NodeID{"a", "b", "c"})
	of := func(ids ...raft.NodeID) Charter { return Charter{abc.Cluster, ids} }
	long := raft.NodeID(strings.Repeat("x", raft.MaxNodeIDLen+1))
	many := make([]raft.NodeID, raft.MaxMembers+1)
	for i := range many {
		many[i] = raft.NodeID(rune('0' + i))
	}
	r := Round{1, 1}
	for name, s := range map[string]Saved{
		"a state that there is not":      {State: 3, Charter: abc},
		"a pledge in a later round":      {Round: r, Pledge: Pledge{Round{1, 2}, abc}},
		"a pledge to nothing":            {Round: r, Pledge: Pledge{Round: r}},
		"a charter without a pledge":     {Round: r, Pledge: Pledge{Charter: abc}},
		"a cluster without a pledge":     {Round: r, Pledge: Pledge{Charter: Charter{Cluster: abc.Cluster}}},
		"a member of nothing":            {State: Member},
		"a fresh node with a charter":    {Charter: abc},
		"a fresh node with a cluster":    {Charter: Charter{Cluster: abc.Cluster}},
		"voters that do not ascend":      {State: Member, Charter: of("b", "a")},
		"a voter twice":                  {State: Member, Charter: of("a", "a")},
		"a voter that is nobody":         {State: Member, Charter: of("", "a")},
		"a voter with a long id":         {State: Member, Charter: of(long)},
		"more voters than there can be":  {State: Member, Charter: of(many...)},
		"a pledge to a list of no order": {Round: r, Pledge: Pledge{r, of("b", "a")}},
	} {
		before := []byte("before")
		b, err := s.AppendBinary(before)
		if err == nil || string(b) != "before" {
			t.Errorf("%s is written: %v, %q", name, err, b)
		}
		var got Saved
		if err := got.UnmarshalBinary(unchecked(&s)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

// unchecked is AppendBinary without its check.
func unchecked(s *Saved) []byte {
	b := appendRound(appendRound([]byte{savedVersion, byte(s.State)}, s.Round), s.Pledge.Round)
	b = appendCharter(appendCharter(b, &s.Pledge.Charter), &s.Charter)
	return sealSaved(append(b, make([]byte, sumSize)...))
}

func TestAnotherVersionOfWhatIsSavedIsNamed(t *testing.T) {
	b := mustSave(t, Saved{})
	b[0] = 9
	var got Saved
	if err := got.UnmarshalBinary(sealSaved(b)); err == nil || !strings.Contains(err.Error(), "version 9") {
		t.Error(err)
	}
}

func TestWhatIsSavedByEveryNodeOfAClusterIsReadAgain(t *testing.T) {
	l := newLab(t, 3, "abcd")
	for range 60 {
		l.run(1)
		for _, n := range l.nodes {
			var got Saved
			if err := got.UnmarshalBinary(mustSave(t, n.durable)); err != nil || !sameSaved(got, n.durable) {
				t.Fatalf("%s saved %+v, read as %+v: %v", n.config.ID, n.durable, got, err)
			}
		}
	}
	l.want(Member, "abc")
}

func FuzzSaved(f *testing.F) {
	for _, s := range savedSamples() {
		f.Add(mustSave(f, s), true)
		f.Add(mustSave(f, s), false)
	}
	f.Fuzz(func(t *testing.T, b []byte, seal bool) {
		if seal && len(b) >= sumSize {
			b = sealSaved(b)
		}
		var s Saved
		if s.UnmarshalBinary(b) != nil {
			if !reflect.DeepEqual(s, Saved{}) {
				t.Fatalf("refused, and left %+v", s)
			}
			return
		}
		if again := mustSave(t, s); !bytes.Equal(again, b) {
			t.Fatalf("accepted\n%x, written as\n%x", b, again)
		}
	})
}
