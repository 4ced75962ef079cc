package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wire"
)

var testCluster = wire.ClusterID{7}

// member is a source whose parts are as a test says.
type member struct {
	outline wire.BackupOutline
	file    []byte
	entries []raft.Entry
	// pieces is how many bytes, or entries, a part has.
	pieces int
	// spoil changes a part.
	spoil func(ofSnapshot bool, part []byte) ([]byte, error)
}

// newMember has a log of so many entries after a base, and a snapshot at an index, if it is not 0.
func newMember(t testing.TB, base, snapshotAt, last raft.Index) *member {
	t.Helper()
	m := &member{pieces: 3, spoil: func(_ bool, part []byte) ([]byte, error) { return part, nil }}
	m.outline.Base = positionOf(base)
	m.outline.Last = positionOf(last)
	m.outline.Configuration = raft.NewConfiguration([]raft.NodeID{"a", "b"}, nil)
	for i := base + 1; i <= last; i++ {
		m.entries = append(m.entries, raft.Entry{Index: i, Term: positionOf(i).Term, Data: fmt.Append(nil, "entry ", i)})
	}
	if snapshotAt == 0 {
		return m
	}
	store, err := snapshot.Open(vfs.NewDisk(), testCluster)
	if err != nil {
		t.Fatal(err)
	}
	w, err := store.Create(raft.SnapshotMeta{Last: positionOf(snapshotAt), Configuration: m.outline.Configuration})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprintf(w, "the state at %d", snapshotAt)
	info, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	m.outline.Snapshot, m.outline.Size, m.outline.Sum = info.Meta.Last, uint64(info.Size), info.Sum
	r, err := store.Open(info)
	if err != nil {
		t.Fatal(err)
	}
	m.file = make([]byte, info.Size)
	if _, err := r.ReadRaw(m.file, 0); err != nil {
		t.Fatal(err)
	}
	return m
}

// positionOf gives every ten entries a term.
func positionOf(index raft.Index) raft.Position {
	if index == 0 {
		return raft.Position{}
	}
	return raft.Position{Index: index, Term: raft.Term(index/10 + 1)}
}

// Outline is part of Source.
func (m *member) Outline(context.Context) (wire.ClusterID, *wire.BackupOutline, error) {
	return testCluster, &m.outline, nil
}

// Part is part of Source.
func (m *member) Part(_ context.Context, ofSnapshot bool, from uint64) ([]byte, error) {
	if ofSnapshot {
		return m.spoil(true, slices.Clone(m.file[from:min(from+uint64(m.pieces)*10, uint64(len(m.file)))]))
	}
	var part []byte
	at := int(from) - int(m.outline.Base.Index) - 1
	for _, e := range m.entries[at:min(at+m.pieces, len(m.entries))] {
		part = wire.AppendEntry(part, &e)
	}
	return m.spoil(false, part)
}

func mustTake(t testing.TB, m *member) ([]byte, Info) {
	t.Helper()
	var b bytes.Buffer
	info, err := Take(context.Background(), m, "herd", &b)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), info
}

func members(t testing.TB) map[string]*member {
	return map[string]*member{
		"a log":                         newMember(t, 0, 0, 25),
		"the end of a log, and a state": newMember(t, 12, 17, 25),
		"a state and what follows":      newMember(t, 17, 17, 25),
		"nothing but a state":           newMember(t, 25, 25, 25),
	}
}

func TestWhatWasTakenIsRead(t *testing.T) {
	for name, m := range members(t) {
		file, info := mustTake(t, m)
		got, err := Verify(bytes.NewReader(file))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(info) || got.Size != int64(len(file)) || got.Name != "herd" || got.Cluster != testCluster {
			t.Fatalf("%s: %+v, %v, want %+v", name, got, err, info)
		}
		r, err := NewReader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		var state bytes.Buffer
		if _, err := state.ReadFrom(r.Snapshot()); err != nil || !bytes.Equal(state.Bytes(), m.file) {
			t.Fatalf("%s: a snapshot of %d bytes, %v, want %d", name, state.Len(), err, len(m.file))
		}
		var entries []raft.Entry
		for {
			run, err := r.Next()
			if err != nil {
				break
			}
			entries = append(entries, run...)
		}
		if fmt.Sprint(entries) != fmt.Sprint(m.entries) {
			t.Errorf("%s: %v, want %v", name, entries, m.entries)
		}
	}
}

func TestAnyByteThatIsAnotherIsFound(t *testing.T) {
	for name, m := range members(t) {
		file, _ := mustTake(t, m)
		for i := range file {
			file[i] ^= 1 << (i % 8)
			if _, err := Verify(bytes.NewReader(file)); !isBad(err) {
				t.Errorf("%s, byte %d of %d: %v", name, i, len(file), err)
			}
			file[i] ^= 1 << (i % 8)
		}
		for n := range file {
			if _, err := Verify(bytes.NewReader(file[:n])); !isBad(err) {
				t.Errorf("%s, %d bytes of %d: %v", name, n, len(file), err)
			}
		}
		if _, err := Verify(bytes.NewReader(append(file, 0))); !isBad(err) {
			t.Errorf("%s, and a byte more: %v", name, err)
		}
	}
}

func isBad(err error) bool {
	return errors.Is(err, ErrDamaged) || errors.Is(err, ErrVersion) || errors.Is(err, ErrNotBackup)
}

func TestWhatDoesNotFitTogetherIsNoBackup(t *testing.T) {
	errBroken := errors.New("broken")
	for name, change := range map[string]func(m *member){
		"entries before others":    func(m *member) { m.entries[4], m.entries[5] = m.entries[5], m.entries[4] },
		"an entry of another term": func(m *member) { m.entries[7].Term = 9 },
		"an entry too many":        func(m *member) { m.outline.Last = positionOf(23) },
		"another term at the end":  func(m *member) { m.outline.Last.Term++ },
		"a part without entries":   func(m *member) { m.spoil = func(bool, []byte) ([]byte, error) { return nil, nil } },
		"half an entry": func(m *member) {
			m.spoil = func(_ bool, part []byte) ([]byte, error) { return part[:len(part)-1], nil }
		},
		"a source that fails":    func(m *member) { m.spoil = func(bool, []byte) ([]byte, error) { return nil, errBroken } },
		"an end before the base": func(m *member) { m.outline.Last = positionOf(3) },
		"a term behind which none is": func(m *member) {
			m.entries[len(m.entries)-1].Term, m.outline.Last.Term = math.MaxUint64, math.MaxUint64
		},
		"a snapshot beyond the end": func(m *member) { m.outline.Snapshot = positionOf(26) },
	} {
		m := newMember(t, 12, 17, 25)
		change(m)
		var b bytes.Buffer
		info, err := Take(context.Background(), m, "herd", &b)
		if err == nil {
			t.Errorf("%s: taken is %+v", name, info)
		}
		if _, err := Verify(bytes.NewReader(b.Bytes())); !isBad(err) {
			t.Errorf("%s: verified, it is %v", name, err)
		}
	}
}

func TestASnapshotThatIsAnotherIsFoundThoughTheSumIsRight(t *testing.T) {
	m, other := newMember(t, 12, 17, 25), newMember(t, 12, 16, 25)
	copy(m.file, other.file)
	file, _ := mustTake(t, m)
	if _, err := Verify(bytes.NewReader(file)); !isBad(err) {
		t.Error(err)
	}
	m = newMember(t, 12, 17, 25)
	m.file[len(m.file)/2] ^= 1
	file, _ = mustTake(t, m)
	if _, err := Verify(bytes.NewReader(file)); !isBad(err) {
		t.Error(err)
	}
}

// failing is a writer with little room.
type failing struct{ room int }

var errNoRoom = errors.New("no room")

func (f *failing) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errNoRoom
	}
	return len(p), nil
}

func TestAWriterThatFailsEndsIt(t *testing.T) {
	file, _ := mustTake(t, newMember(t, 12, 17, 25))
	for room := range len(file) {
		if _, err := Take(context.Background(), newMember(t, 12, 17, 25), "herd", &failing{room}); !errors.Is(err, errNoRoom) {
			t.Fatalf("with room for %d bytes of %d it is %v", room, len(file), err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	for _, m := range members(f) {
		file, _ := mustTake(f, m)
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		info, err := Verify(bytes.NewReader(file))
		if err != nil && !isBad(err) {
			t.Fatal(err)
		}
		if err == nil && info.Size != int64(len(file)) {
			t.Fatalf("%+v of %d bytes", info, len(file))
		}
	})
}
