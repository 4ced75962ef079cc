package snapshot

import (
	"bytes"
	"errors"
	"testing"
)

// forge makes a file of chunks of these lengths, each checksum right.
func forge(footerOf func(footer) footer, lengths ...int) []byte {
	h := newHeader(ours, metaAt(7))
	file, f := bytes.Clone(h.encoded), footer{sum: h.chainStart()}
	for number, length := range lengths {
		chunk := append(make([]byte, frameSize), content(length, uint64(number))...)
		h.seal(chunk, int64(number))
		file = append(file, chunk...)
		f = footer{f.content + int64(length), chained(f.sum, chunk)}
	}
	return append(file, h.encodeFooter(footerOf(f))...)
}

func TestRightChecksumsOfAWrongFileAreNotEnough(t *testing.T) {
	same := func(f footer) footer { return f }
	if _, err := Verify(bytes.NewReader(forge(same, chunkSize, 10))); err != nil {
		t.Fatalf("what is right: %v", err)
	}
	otherSum := func(f footer) footer { f.sum++; return f }
	otherLength := func(f footer) footer { f.content++; return f }
	for name, file := range map[string][]byte{
		"another sum":                 forge(otherSum, 10),
		"another sum, without chunks": forge(otherSum),
		"another length":              forge(otherLength, 10),
		"a negative length":           forge(func(f footer) footer { f.content = -1; return f }, 10),
		"a short chunk before a full": forge(same, 10, chunkSize),
		"two short chunks":            forge(same, 10, 10),
		"a chunk too long":            forge(same, chunkSize+1),
	} {
		data := append(content(chunkSize, 0), content(chunkSize, 1)...)
		if err := trust(file, file, data); err != nil && name != "a short chunk before a full" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Verify(bytes.NewReader(file)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFooterOfAnotherFileIsFoundAtOnce(t *testing.T) {
	s := open(t, newDisk())
	a := raw(t, s, mustWrite(t, s, 7, content(100, 1)))
	b := raw(t, s, mustWrite(t, s, 8, content(100, 1)))
	d := newDisk()
	place(d, wholeName(metaAt(7).Last), append(a[:len(a)-footerSize], b[len(b)-footerSize:]...))
	if _, ok := open(t, d).Latest(); ok {
		t.Fatal("it is usable")
	}
}

func TestAnotherFileOfTheSamePositionIsNotTheOneThatWasListed(t *testing.T) {
	s := open(t, newDisk())
	first := mustWrite(t, s, 7, content(100, 1))
	if err := s.Remove(first.Name); err != nil {
		t.Fatal(err)
	}
	second := mustWrite(t, s, 7, content(100, 2))
	if _, err := s.Open(first); !errors.Is(err, ErrDamaged) {
		t.Fatalf("the first: %v", err)
	}
	if err := s.Verify(second); err != nil {
		t.Fatalf("the second: %v", err)
	}
	if latest, _ := s.Latest(); latest.Identity() != second.Identity() {
		t.Fatalf("the latest is %+v", latest)
	}
}

func TestOneOfTheSamePositionIsNotReplaced(t *testing.T) {
	sent, id := another(t, 40)
	s := open(t, newDisk())
	w, err := s.Create(metaAt(40))
	if err != nil {
		t.Fatal(err)
	}
	in := mustReceive(t, s, id)
	if err := send(in, sent); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(); !errors.Is(err, ErrObsolete) {
		t.Fatalf("the second: %v", err)
	}
	if got := names(t, s.dir); len(got) != 1 {
		t.Fatalf("there are %q", got)
	}
	if latest, _ := s.Latest(); latest.Identity() != id || s.Verify(latest) != nil {
		t.Fatalf("the latest is %+v", latest)
	}
}

func TestAReceiveThatIsCompleteIsNotTakenAway(t *testing.T) {
	sent, id := another(t, 40)
	s := open(t, newDisk())
	in := mustReceive(t, s, id)
	if err := send(in, sent); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, s, 41, nil)
	if _, err := in.Commit(); err != nil || len(s.List()) != 2 {
		t.Fatalf("%v, listed are %v", err, s.List())
	}
}

func TestWhatIsBehindAnInterruptedReceiveIsCutOff(t *testing.T) {
	sent, id := another(t, 40)
	d := newDisk()
	place(d, incomingName(id), append(bytes.Clone(sent[:1000]), make([]byte, 2*len(sent))...))
	if _, err := receive(d, sent, id); err != nil {
		t.Fatal(err)
	}
	if latest, ok := open(t, d).Latest(); !ok || latest.Identity() != id {
		t.Fatalf("after a restart: %+v", latest)
	}
}

func TestAnotherPositionIsRefusedWithItsHeader(t *testing.T) {
	sent, id := another(t, 40)
	id.Last.Index++
	d := newDisk()
	in := mustReceive(t, open(t, d), id)
	if _, err := in.WriteAt(sent[:1000], 0); !errors.Is(err, ErrDamaged) || len(names(t, d)) > 0 {
		t.Fatalf("%v", err)
	}
}

func TestASyncThatFailsInTheMiddleIsFinal(t *testing.T) {
	d := newDisk()
	s := open(t, d)
	w, err := s.Create(metaAt(7))
	if err != nil {
		t.Fatal(err)
	}
	syncs := 0
	d.fail = func(op, _ string) error {
		if op == "sync" {
			if syncs++; syncs == 1 {
				return errBroken
			}
		}
		return nil
	}
	if _, err := w.Write(make([]byte, syncEvery+chunkSize)); !errors.Is(err, errBroken) {
		t.Fatalf("write: %v", err)
	}
	if _, err := w.Commit(); !errors.Is(err, errBroken) || syncs != 1 || len(names(t, d)) > 0 {
		t.Fatalf("commit: %v, %d syncs, left are %q", err, syncs, names(t, d))
	}
}

func TestWhatIsDamagedAndNewerStays(t *testing.T) {
	d := newDisk()
	place(d, wholeName(metaAt(99).Last), []byte("nothing"))
	s := open(t, d)
	mustWrite(t, s, 10, nil)
	mustWrite(t, s, 20, nil)
	if len(s.Damaged()) != 1 || len(names(t, d)) != 3 {
		t.Fatalf("there are %q", names(t, d))
	}
	// It goes with the one that takes its place, though that is given up in the end.
	d.fail = func(op, name string) error {
		if op == "sync" && name == "." {
			return errBroken
		}
		return nil
	}
	if _, err := write(s, metaAt(99), nil); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	if len(s.Damaged()) != 0 || len(names(t, d)) != 2 {
		t.Fatalf("damaged are %v, there are %q", s.Damaged(), names(t, d))
	}
}

func TestTheLastBytesCanBeReadFirst(t *testing.T) {
	s := open(t, newDisk())
	info := mustWrite(t, s, 7, content(chunkSize+10, 1))
	want := raw(t, s, info)
	r, err := s.Open(info)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := make([]byte, 5)
	for _, begin := range []int64{info.Size - footerSize - 5, info.Size - footerSize - 100, 100} {
		if _, err := r.ReadRaw(p, begin); err != nil || !bytes.Equal(p, want[begin:begin+5]) {
			t.Fatalf("at %d: %v", begin, err)
		}
	}
}
