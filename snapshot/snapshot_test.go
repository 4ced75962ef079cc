package snapshot

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wire"
)

var ours, theirs = wire.ClusterID{1}, wire.ClusterID{2}

func metaAt(index raft.Index) raft.SnapshotMeta {
	return raft.SnapshotMeta{
		Last:               raft.Position{Index: index, Term: 3},
		Configuration:      raft.NewConfiguration([]raft.NodeID{"a", "b", "c"}, []raft.NodeID{"d"}),
		ConfigurationIndex: index / 2,
	}
}

// content is bytes that look like nothing, and the same for the same seed.
func content(size int, seed uint64) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 7}).Read(b)
	return b
}

func open(t testing.TB, dir vfs.Dir) *Store {
	t.Helper()
	s, err := Open(dir, ours)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func write(s *Store, meta raft.SnapshotMeta, data []byte) (Info, error) {
	w, err := s.Create(meta)
	if err != nil {
		return Info{}, err
	}
	if _, err := w.Write(data); err != nil {
		return Info{}, err
	}
	return w.Commit()
}

func mustWrite(t testing.TB, s *Store, index raft.Index, data []byte) Info {
	t.Helper()
	info, err := write(s, metaAt(index), data)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func read(s *Store, info Info) ([]byte, error) {
	r, err := s.Open(info)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(struct{ io.Reader }{r})
}

func raw(t testing.TB, s *Store, info Info) []byte {
	t.Helper()
	b, err := readRaw(s, info)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readRaw reads the bytes of a snapshot's file, in pieces of odd lengths.
func readRaw(s *Store, info Info) ([]byte, error) {
	r, err := s.Open(info)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	file, piece := []byte{}, make([]byte, chunkSize-1)
	for {
		n, err := r.ReadRaw(piece, int64(len(file)))
		file = append(file, piece[:n]...)
		if errors.Is(err, io.EOF) && int64(len(file)) == info.Size {
			return file, nil
		}
		if err != nil {
			return file, err
		}
	}
}

func names(t testing.TB, d vfs.Dir) []string {
	t.Helper()
	list, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

var sizes = []int{0, 1, 511, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize, 3*chunkSize + 12345}

func TestWhatIsWrittenIsReadAfterARestart(t *testing.T) {
	for _, size := range sizes {
		d := newDisk()
		data := content(size, 1)
		wrote := mustWrite(t, open(t, d), 7, data)
		s := open(t, d)
		info, ok := s.Latest()
		if !ok || info.Identity() != wrote.Identity() || info.Cluster != ours || info.Content != int64(size) {
			t.Fatalf("size %d: latest is %+v, %v", size, info, ok)
		}
		if m := metaAt(7); info.Meta.Last != m.Last || info.Meta.ConfigurationIndex != m.ConfigurationIndex || !info.Meta.Configuration.Equal(m.Configuration) {
			t.Fatalf("meta is %+v", info.Meta)
		}
		if got, err := read(s, info); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("size %d: read %d bytes, %v", size, len(got), err)
		}
		if err := s.Verify(info); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheSameContentIsTheSameBytesHoweverItIsWritten(t *testing.T) {
	data := content(2*chunkSize+99, 1)
	s, other := open(t, newDisk()), open(t, newDisk())
	a := mustWrite(t, s, 7, data)
	w, err := other.Create(metaAt(7))
	if err != nil {
		t.Fatal(err)
	}
	for piece := range slices.Chunk(data, 1001) {
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	b, err := w.Commit()
	if err != nil || a.Identity() != b.Identity() || !bytes.Equal(raw(t, s, a), raw(t, other, b)) {
		t.Fatalf("%+v, %+v, %v", a, b, err)
	}
	if c := mustWrite(t, open(t, newDisk()), 7, content(len(data), 2)); c.Sum == a.Sum {
		t.Fatal("other content has the same sum")
	}
}

func TestRawBytesAreReadInPiecesOfAnyLength(t *testing.T) {
	s := open(t, newDisk())
	info := mustWrite(t, s, 7, content(2*chunkSize+99, 1))
	want := raw(t, s, info)
	r, err := s.Open(info)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, end := range []int{len(want), len(want) - 5, 3} { // the last chunk first
		for range 30 {
			begin := max(0, end-rnd.IntN(chunkSize+10))
			p := make([]byte, end-begin)
			if n, err := r.ReadRaw(p, int64(begin)); n != len(p) || err != nil || !bytes.Equal(p, want[begin:end]) {
				t.Fatalf("%d to %d: %d, %v", begin, end, n, err)
			}
			end = max(1, begin)
		}
	}
	if n, err := r.ReadRaw(make([]byte, 10), info.Size-4); n != 4 || !errors.Is(err, io.EOF) {
		t.Fatalf("at the end: %d, %v", n, err)
	}
	if n, err := r.ReadRaw(make([]byte, 10), -1); n != 0 || !errors.Is(err, ErrOffset) {
		t.Fatalf("before the beginning: %d, %v", n, err)
	}
}

func TestTheNewestTwoAreKept(t *testing.T) {
	d := newDisk()
	s := open(t, d)
	for i := range raft.Index(4) {
		mustWrite(t, s, 10*(i+1), content(100, uint64(i)))
	}
	want := []string{wholeName(metaAt(30).Last), wholeName(metaAt(40).Last)}
	if got := names(t, d); !slices.Equal(got, want) {
		t.Fatalf("there are %q", got)
	}
	if l := s.List(); len(l) != 2 || l[0].Meta.Last.Index != 40 || l[1].Meta.Last.Index != 30 {
		t.Fatalf("listed are %v", l)
	}
	if err := s.Keep(3); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, s, 50, nil)
	if len(s.List()) != 3 {
		t.Fatal("three were to be kept")
	}
	if err := s.Keep(0); err != nil || len(s.List()) != 1 || len(names(t, d)) != 1 {
		t.Fatalf("one was to be kept: %v, %v", names(t, d), err)
	}
}

func TestARemovedSnapshotIsReadToItsEnd(t *testing.T) {
	s := open(t, newDisk())
	data := content(2*chunkSize, 1)
	info := mustWrite(t, s, 7, data)
	r, err := s.Open(info)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(info.Name); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if _, ok := s.Latest(); ok {
		t.Fatal("a removed snapshot is the latest")
	}
	if _, err := s.Open(info); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("it can be opened: %v", err)
	}
	if err := s.Remove("log-0000"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("another's file: %v", err)
	}
}

func TestASnapshotThatIsNotNewIsRefused(t *testing.T) {
	s := open(t, newDisk())
	w, err := s.Create(metaAt(7))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(metaAt(7)); !errors.Is(err, ErrBusy) {
		t.Fatalf("twice at once: %v", err)
	}
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(metaAt(7)); !errors.Is(err, ErrObsolete) {
		t.Fatalf("again: %v", err)
	}
	if _, err := w.Write([]byte("x")); !errors.Is(err, ErrClosed) {
		t.Fatalf("more after the end: %v", err)
	}
	late, err := s.Create(metaAt(8))
	if err != nil {
		t.Fatal(err)
	}
	if err := late.Abort(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(metaAt(8)); err != nil {
		t.Fatalf("after an abort: %v", err)
	}
}

func TestAnInvalidMetaIsRefused(t *testing.T) {
	s := open(t, newDisk())
	ahead, nobody := metaAt(7), metaAt(7)
	ahead.ConfigurationIndex = 8
	nobody.Configuration = raft.Configuration{}
	for _, m := range []raft.SnapshotMeta{{}, ahead, nobody} {
		if _, err := s.Create(m); err == nil {
			t.Errorf("%+v is taken", m)
		}
	}
	none, err := Open(newDisk(), wire.ClusterID{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Create(metaAt(7)); !errors.Is(err, ErrForeign) {
		t.Errorf("of no cluster: %v", err)
	}
}

func TestTheLargestConfigurationFits(t *testing.T) {
	list := func(prefix string) (ids []raft.NodeID) {
		for i := range raft.MaxMembers {
			ids = append(ids, raft.NodeID(prefix+strings.Repeat("x", raft.MaxNodeIDLen-2)+string(rune('0'+i))))
		}
		return ids
	}
	m := metaAt(7)
	m.Configuration = raft.Configuration{Voters: list("a"), Outgoing: list("b"), Learners: list("c"), LearnersNext: list("b")}
	d := newDisk()
	if _, err := write(open(t, d), m, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, ok := open(t, d).Latest(); !ok || !info.Meta.Configuration.Equal(m.Configuration) {
		t.Fatalf("damaged: %v", open(t, d).Damaged())
	}
}
