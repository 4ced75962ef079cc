package snapshot

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

func mustReceive(t testing.TB, s *Store, id Identity) *Incoming {
	t.Helper()
	in, err := s.Receive(id)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestTheReceiverEndsWithTheSameFile(t *testing.T) {
	sent, id := another(t, 50)
	for _, size := range []int{1, 100, 4096, 256 << 10, len(sent)} {
		if size < 100 && len(sent) > 10_000 {
			sent, id = another(t, 40)
		}
		d := newDisk()
		s := open(t, d)
		in := mustReceive(t, s, id)
		for piece := range slices.Chunk(sent, size) {
			if _, err := in.Commit(); !errors.Is(err, ErrIncomplete) {
				t.Fatalf("commit too early: %v", err)
			}
			if n, err := in.WriteAt(piece, in.Offset()); n != len(piece) || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
		}
		if _, ok := s.Latest(); ok {
			t.Fatal("it is seen before the commit")
		}
		info, err := in.Commit()
		if err != nil || info.Identity() != id || !bytes.Equal(raw(t, s, info), sent) {
			t.Fatalf("pieces of %d: %+v, %v", size, info, err)
		}
		if latest, _ := open(t, d).Latest(); latest.Identity() != id {
			t.Fatalf("after a restart: %+v", latest)
		}
	}
}

func TestAReceiveGoesOnWhereItWasAfterARestart(t *testing.T) {
	sent, id := another(t, 50)
	for _, stopped := range []int{0, 10, 200, 100_000, chunkSize, chunkSize + 120, len(sent) - 1, len(sent)} {
		d := newDisk()
		in := mustReceive(t, open(t, d), id)
		if _, err := in.WriteAt(sent[:stopped], 0); err != nil {
			t.Fatal(err)
		}
		s := open(t, d) // nobody closed anything
		in = mustReceive(t, s, id)
		if lost := stopped - int(in.Offset()); lost < 0 || lost > chunkSize+frameSize || stopped == len(sent) && lost > 0 {
			t.Fatalf("stopped at %d, goes on at %d", stopped, in.Offset())
		}
		if err := send(in, sent); err != nil {
			t.Fatal(err)
		}
		info, err := in.Commit()
		if err != nil || !bytes.Equal(raw(t, s, info), sent) {
			t.Fatalf("stopped at %d: %v", stopped, err)
		}
	}
}

func TestWhatRottedOfAnInterruptedReceiveIsReceivedAgain(t *testing.T) {
	sent, id := another(t, 50)
	for _, at := range []int{0, 9, 60, 200, chunkSize + 120, len(sent) - 60} {
		d := newDisk()
		in := mustReceive(t, open(t, d), id)
		if _, err := in.WriteAt(sent[:len(sent)-1], 0); err != nil {
			t.Fatal(err)
		}
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
		d.rot(incomingName(id), at, 8)
		s := open(t, d)
		in = mustReceive(t, s, id)
		if in.Offset() > int64(at) {
			t.Fatalf("byte %d is damaged, it goes on at %d", at, in.Offset())
		}
		if err := send(in, sent); err != nil {
			t.Fatal(err)
		}
		if info, err := in.Commit(); err != nil || !bytes.Equal(raw(t, s, info), sent) {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
}

func TestDamageIsFoundWhileReceiving(t *testing.T) {
	sent, id := another(t, 40)
	for at := range sent {
		if at > 300 && at < len(sent)-300 && at%chunkSize > 2 {
			continue
		}
		bad := slices.Clone(sent)
		bad[at] ^= 16
		d := newDisk()
		in := mustReceive(t, open(t, d), id)
		err := send(in, bad)
		if err == nil {
			_, err = in.Commit()
		}
		if !isBad(err) || len(names(t, d)) > 0 {
			t.Fatalf("byte %d: %v, left are %q", at, err, names(t, d))
		}
		if _, again := in.WriteAt(nil, 0); !errors.Is(again, err) {
			t.Fatalf("it goes on: %v", again)
		}
	}
}

func TestWhatIsNotWhatWasOfferedIsRefused(t *testing.T) {
	sent, id := another(t, 40)
	other := func(change func(*Identity)) Identity {
		o := id
		change(&o)
		return o
	}
	for _, offered := range []Identity{
		other(func(o *Identity) { o.Last.Index++ }),
		other(func(o *Identity) { o.Last.Term++ }),
		other(func(o *Identity) { o.Sum++ }),
		other(func(o *Identity) { o.Size++ }),
		other(func(o *Identity) { o.Size-- }),
	} {
		d := newDisk()
		in := mustReceive(t, open(t, d), offered)
		err := send(in, sent)
		if err == nil && offered.Size > id.Size {
			_, err = in.WriteAt([]byte{0}, in.Offset())
		}
		if err == nil {
			_, err = in.Commit()
		}
		if !errors.Is(err, ErrDamaged) || len(names(t, d)) > 0 {
			t.Fatalf("%+v: %v, left are %q", offered, err, names(t, d))
		}
	}
	for _, nothing := range []Identity{{}, {Last: id.Last}, {Size: 100}} {
		if _, err := open(t, newDisk()).Receive(nothing); !errors.Is(err, ErrMeta) {
			t.Fatalf("%+v: %v", nothing, err)
		}
	}
}

func TestAPieceOutOfOrderIsNotFinal(t *testing.T) {
	sent, id := another(t, 40)
	in := mustReceive(t, open(t, newDisk()), id)
	if _, err := in.WriteAt(sent[:1000], 0); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{0, 999, 1001, -1} {
		if n, err := in.WriteAt(sent[:10], offset); n != 0 || !errors.Is(err, ErrOffset) {
			t.Fatalf("%d: %d, %v", offset, n, err)
		}
	}
	if err := send(in, sent); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Commit(); err != nil {
		t.Fatal(err)
	}
}

func TestAnotherReceiveTakesThePlaceOfTheFirst(t *testing.T) {
	sent, id := another(t, 40)
	_, later := another(t, 50)
	d := newDisk()
	s := open(t, d)
	first := mustReceive(t, s, id)
	if _, err := first.WriteAt(sent[:1000], 0); err != nil {
		t.Fatal(err)
	}
	if same := mustReceive(t, s, id); same != first || same.Offset() != 1000 {
		t.Fatal("the same one is not continued")
	}
	second := mustReceive(t, s, later)
	if got := names(t, d); !slices.Equal(got, []string{incomingName(later)}) {
		t.Fatalf("there are %q", got)
	}
	if _, err := first.WriteAt(sent[1000:], 1000); !errors.Is(err, ErrClosed) {
		t.Fatalf("the first goes on: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	mustReceive(t, open(t, d), id) // and one that is not open
	if got := names(t, d); !slices.Equal(got, []string{incomingName(id)}) {
		t.Fatalf("there are %q", got)
	}
}

func TestAnObsoleteReceiveIsRemoved(t *testing.T) {
	sent, id := another(t, 40)
	for _, index := range []raft.Index{40, 41} {
		d := newDisk()
		s := open(t, d)
		in := mustReceive(t, s, id)
		if _, err := in.WriteAt(sent[:1000], 0); err != nil {
			t.Fatal(err)
		}
		mustWrite(t, s, index, nil)
		if _, err := in.WriteAt(sent[1000:], 1000); !errors.Is(err, ErrObsolete) {
			t.Fatalf("it goes on: %v", err)
		}
		if got := names(t, d); len(got) != 1 {
			t.Fatalf("there are %q", got)
		}
		if _, err := s.Receive(id); !errors.Is(err, ErrObsolete) {
			t.Fatalf("it begins again: %v", err)
		}

		d = newDisk()
		s = open(t, d)
		if err := mustReceive(t, s, id).Close(); err != nil {
			t.Fatal(err)
		}
		place(d, incomingName(Identity{Last: metaAt(99).Last, Size: 1}), nil)
		mustWrite(t, s, index, nil)
		if got := names(t, d); len(got) != 2 {
			t.Fatalf("of one that is not open: there are %q", got)
		}
		place(d, incomingName(id), sent[:100])
		open(t, d)
		if got := names(t, d); len(got) != 2 {
			t.Fatalf("after a restart: there are %q", got)
		}
	}
}

func TestASnapshotIsWrittenWhileOthersAreReadAndReceived(t *testing.T) {
	sent, id := another(t, 50)
	s := open(t, newDisk())
	old := mustWrite(t, s, 10, contentAt(10))
	failed := make(chan error, 1)
	go func() {
		var err error
		for index := raft.Index(11); index < 49 && err == nil; index++ {
			_, err = write(s, metaAt(index), contentAt(index))
		}
		failed <- err
	}()
	r, err := s.Open(old)
	if err == nil {
		defer r.Close()
	}
	if err := send(mustReceive(t, s, id), sent); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if info, ok := s.Latest(); ok {
			_ = s.Verify(info) // which may be gone again
		}
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if _, err := mustReceive(t, s, id).Commit(); err != nil {
		t.Fatal(err)
	}
	if info, _ := s.Latest(); info.Identity() != id || len(s.Damaged()) > 0 {
		t.Fatalf("the latest is %+v, damaged are %v", info, s.Damaged())
	}
}
