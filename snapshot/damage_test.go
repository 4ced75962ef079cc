package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/wire"
)

// place puts bytes into a directory under the name of a snapshot.
func place(d *disk, at string, b []byte) {
	d.names[at] = &inode{slices.Clone(b), slices.Clone(b)}
	d.durable[at] = d.names[at]
}

// trust reads a file in every way there is, and reports if bytes that are not those of the
// snapshot are handed out, or if nobody complains.
func trust(file, good, data []byte) error {
	if _, err := Verify(bytes.NewReader(file)); !isBad(err) {
		return fmt.Errorf("verify: %w", err)
	}
	fresh := newDisk()
	s, _ := Open(fresh, ours)
	if _, err := s.Import(bytes.NewReader(file)); !isBad(err) || len(fresh.names) > 0 {
		return fmt.Errorf("import: %w, left are %d files", err, len(fresh.names))
	}
	d := newDisk()
	place(d, wholeName(metaAt(7).Last), file)
	s, err := Open(d, ours)
	if err != nil {
		return err
	}
	info, ok := s.Latest()
	if !ok {
		if len(s.Damaged()) != 1 || !isBad(s.Damaged()[0].Err) {
			return fmt.Errorf("it is not usable, and not said to be damaged: %v", s.Damaged())
		}
		return nil
	}
	if got, err := read(s, info); !isBad(err) || !bytes.HasPrefix(data, got) {
		return fmt.Errorf("read: %d bytes, %w", len(got), err)
	}
	if _, ok := s.Latest(); ok {
		return errors.New("it is still the latest")
	}
	if got, err := readRaw(s, info); !isBad(err) || !bytes.HasPrefix(good, got) {
		return fmt.Errorf("read raw: %d bytes, %w", len(got), err)
	}
	return nil
}

func isBad(err error) bool { return errors.Is(err, ErrDamaged) || errors.Is(err, ErrVersion) }

func TestRotAtAnyBitIsFound(t *testing.T) {
	data := content(100, 1)
	s := open(t, newDisk())
	good := raw(t, s, mustWrite(t, s, 7, data))
	for at := range good {
		for bit := range 8 {
			file := slices.Clone(good)
			file[at] ^= 1 << bit
			if err := trust(file, good, data); err != nil {
				t.Fatalf("byte %d, bit %d: %v", at, bit, err)
			}
		}
	}
}

func TestAFileOfAnotherLengthIsFound(t *testing.T) {
	for _, size := range []int{0, 100} {
		data := content(size, 1)
		s := open(t, newDisk())
		good := raw(t, s, mustWrite(t, s, 7, data))
		for length := range good {
			if err := trust(good[:length], good, data); err != nil {
				t.Fatalf("cut at %d: %v", length, err)
			}
		}
		for _, more := range [][]byte{{0}, make([]byte, 512), good, good[len(good)-footerSize:]} {
			if err := trust(append(slices.Clone(good), more...), good, data); err != nil {
				t.Fatalf("%d bytes more: %v", len(more), err)
			}
		}
	}
}

func TestChunksInTheWrongPlaceAreFound(t *testing.T) {
	data := content(3*chunkSize, 1)
	s := open(t, newDisk())
	good := raw(t, s, mustWrite(t, s, 7, data))
	other := raw(t, s, mustWrite(t, s, 8, data)) // the same data, with another header
	begin := len(good) - footerSize - 3*(frameSize+chunkSize)
	chunk := func(file []byte, number int) []byte {
		return file[begin+number*(frameSize+chunkSize):][:frameSize+chunkSize]
	}
	swapped, doubled, foreign, missing := slices.Clone(good), slices.Clone(good), slices.Clone(good), slices.Clone(good)
	copy(chunk(swapped, 0), chunk(good, 1))
	copy(chunk(swapped, 1), chunk(good, 0))
	copy(chunk(doubled, 1), chunk(good, 0))
	copy(chunk(foreign, 1), chunk(other, 1))
	missing = slices.Delete(missing, begin, begin+frameSize+chunkSize)
	for name, file := range map[string][]byte{"swapped": swapped, "doubled": doubled, "foreign": foreign, "missing": missing} {
		if err := trust(file, good, data); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func TestDamageIsFoundBeforeAnythingOfItsChunkIsHandedOut(t *testing.T) {
	data := content(3*chunkSize, 1)
	d := newDisk()
	s := open(t, d)
	info := mustWrite(t, s, 7, data)
	good := raw(t, s, info)
	begin := len(good) - footerSize - 3*(frameSize+chunkSize)
	d.rot(info.Name, begin+2*(frameSize+chunkSize)-1, 1) // the last byte of the second chunk
	got, err := read(s, info)
	var where *DamagedError
	if !errors.As(err, &where) || where.Offset != int64(begin+frameSize+chunkSize) || where.Name != info.Name {
		t.Fatalf("%v", err)
	}
	if !bytes.Equal(got, data[:chunkSize]) {
		t.Fatalf("%d bytes were handed out", len(got))
	}
	r, err := s.Open(info)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := make([]byte, len(good))
	if n, err := r.ReadRaw(p, 0); n != begin+frameSize+chunkSize || !errors.Is(err, ErrDamaged) {
		t.Fatalf("raw: %d, %v", n, err)
	}
	third := int64(begin + 2*(frameSize+chunkSize))
	if n, err := r.ReadRaw(p[:100], third); n != 100 || err != nil || !bytes.Equal(p[:100], good[third:third+100]) {
		t.Fatalf("what is not damaged: %d, %v", n, err)
	}
}

func TestADamagedNewestFallsBackToTheOneBefore(t *testing.T) {
	d := newDisk()
	s := open(t, d)
	mustWrite(t, s, 10, content(100, 1))
	newest := mustWrite(t, s, 20, content(100, 2))
	d.rot(newest.Name, int(newest.Size)-footerSize-1, 4)
	if info, _ := s.Latest(); info.Name != newest.Name {
		t.Fatal("nobody has read it yet")
	}
	if err := s.Verify(newest); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	if info, _ := s.Latest(); info.Meta.Last.Index != 10 {
		t.Fatalf("the latest is %+v", info)
	}
	d.rot(newest.Name, int(newest.Size)-1, 4)
	s = open(t, d)
	if info, _ := s.Latest(); info.Meta.Last.Index != 10 || len(s.Damaged()) != 1 {
		t.Fatalf("after a restart, the latest is %+v", info)
	}
	// One of the same position takes its place.
	again := mustWrite(t, s, 20, content(100, 2))
	if len(s.Damaged()) != 0 || len(s.List()) != 2 {
		t.Fatalf("damaged: %v, listed: %v", s.Damaged(), s.List())
	}
	if err := s.Verify(again); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedFilesGoWhenTwoNewerOnesAreThere(t *testing.T) {
	d := newDisk()
	place(d, wholeName(metaAt(5).Last), []byte("nothing"))
	place(d, "log-0000000000000001", nil)
	s := open(t, d)
	mustWrite(t, s, 10, nil)
	if len(s.Damaged()) != 1 {
		t.Fatal("it went too early")
	}
	mustWrite(t, s, 20, nil)
	if len(s.Damaged()) != 0 || len(names(t, d)) != 3 {
		t.Fatalf("there are %q", names(t, d))
	}
}

func TestAFileUnderAnotherNameIsDamaged(t *testing.T) {
	d := newDisk()
	info := mustWrite(t, open(t, d), 7, nil)
	place(d, wholeName(metaAt(8).Last), d.names[info.Name].data)
	s := open(t, d)
	if latest, _ := s.Latest(); latest.Name != info.Name || len(s.Damaged()) != 1 {
		t.Fatalf("the latest is %+v", latest)
	}
}

func TestAnotherVersionIsNotDamage(t *testing.T) {
	s := open(t, newDisk())
	file := raw(t, s, mustWrite(t, s, 7, nil))
	file[8]++
	if _, err := Verify(bytes.NewReader(file)); !errors.Is(err, ErrVersion) || errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
}

func TestWhatIsOfAnotherClusterIsRefused(t *testing.T) {
	d := newDisk()
	s := open(t, d)
	info := mustWrite(t, s, 7, content(100, 1))
	file := raw(t, s, info)
	other, err := Open(d, theirs)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := other.Latest(); ok || len(other.Damaged()) != 1 || !errors.Is(other.Damaged()[0].Err, ErrForeign) {
		t.Fatalf("it is usable: %v", other.Damaged())
	}
	fresh := newDisk()
	other, _ = Open(fresh, theirs)
	in, err := other.Receive(info.Identity())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.WriteAt(file, 0); !errors.Is(err, ErrForeign) || len(names(t, fresh)) > 0 {
		t.Fatalf("receive: %v, left are %q", err, names(t, fresh))
	}
	if anybody, _ := Open(fresh, wire.ClusterID{}); anybody != nil {
		if _, err := anybody.Import(bytes.NewReader(file)); !errors.Is(err, ErrForeign) || len(names(t, fresh)) > 0 {
			t.Fatalf("a store of no cluster: %v, left are %q", err, names(t, fresh))
		}
	}
	got, err := other.Import(bytes.NewReader(file))
	if err != nil || got.Cluster != theirs || !reflect.DeepEqual(got.Meta, info.Meta) {
		t.Fatalf("imported, it is %+v, %v", got, err)
	}
	if b, err := read(other, got); err != nil || !bytes.Equal(b, content(100, 1)) {
		t.Fatalf("imported, it holds %d bytes, %v", len(b), err)
	}
}

func TestInspectChangesNothing(t *testing.T) {
	d := newDisk()
	mustWrite(t, open(t, d), 7, nil)
	place(d, wholeName(metaAt(9).Last), nil)
	place(d, wholeName(metaAt(9).Last)+asideSuffix, nil)
	place(d, incomingName(Identity{Last: metaAt(2).Last, Size: 9}), nil)
	before, ops := names(t, d), d.ops
	usable, unusable, err := Inspect(d)
	if err != nil || len(usable) != 1 || len(unusable) != 1 || d.ops != ops || !slices.Equal(before, names(t, d)) {
		t.Fatalf("%v, %v, %v", usable, unusable, err)
	}
	open(t, d)
	if got := names(t, d); !slices.Equal(got, []string{wholeName(metaAt(7).Last), wholeName(metaAt(9).Last)}) {
		t.Fatalf("after opening: %q", got)
	}
}

func TestAReaderThatFailsIsNotAnEnd(t *testing.T) {
	s := open(t, newDisk())
	file := raw(t, s, mustWrite(t, s, 7, content(1000, 1)))
	d := newDisk()
	broken := io.MultiReader(bytes.NewReader(file[:500]), brokenReader{})
	if _, err := open(t, d).Import(broken); !errors.Is(err, errBroken) || len(names(t, d)) > 0 {
		t.Fatalf("%v, left are %q", err, names(t, d))
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }
