package state

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

type inner struct{ N int }

type plain struct {
	Items map[string]inner
	List  []inner
	At    time.Time
	Any   any
	inner
	cache map[string]int `json:"-"`
}

type hidden struct{ items map[string]int } //nolint:unused // it is there to be found

type unexportedInside struct{ Deep []map[string]hidden }

type function struct{ F func() }

type writer struct{ W io.Writer }

type keys struct{ M map[inner]int }

type onlyWritten struct{ X half }

type half struct{ s string } //nolint:unused // it is there to be lost

func (half) MarshalText() ([]byte, error) { return nil, nil }

type emptied struct {
	Items map[string]int `json:",omitempty"`
}

type binary struct{ data string }

func (b *binary) MarshalBinary() ([]byte, error) { return []byte(b.data), nil }

func (b *binary) UnmarshalBinary(data []byte) error {
	if string(data) == "broken" {
		return errors.New("it is broken")
	}
	b.data = string(data)
	return nil
}

type stream struct{ data string }

func (s *stream) Snapshot() (func(io.Writer) error, error) {
	data := s.data
	return func(w io.Writer) error {
		_, err := io.WriteString(w, data)
		return err
	}, nil
}

func (s *stream) Restore(r io.Reader) error {
	data, err := io.ReadAll(r)
	s.data = string(data)
	return err
}

// refused checks that a state has no form, and that the error says why.
func refused[S any](t *testing.T, s *S, why string) {
	t.Helper()
	if _, err := Of(s); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("%T: %v, want something about %q", s, err, why)
	}
}

func TestAStateThatJSONDoesNotCarryIsRefusedAndTheErrorSaysWhatToDo(t *testing.T) {
	refused(t, &hidden{}, "its items is not exported")
	refused(t, &hidden{}, "gaggle.Snapshotter")
	refused(t, &unexportedInside{}, "its Deep[…][…].items is not exported")
	refused(t, &function{}, "its F is a func()")
	refused(t, &writer{}, "its W is an interface, io.Writer")
	refused(t, &keys{}, "its M has keys of type state.inner")
	refused(t, &onlyWritten{}, "its X is a state.half, which has a method to write it")
	refused(t, &emptied{map[string]int{}}, "differs in Items")
	refused(t, &plain{cache: map[string]int{}}, "differs in cache")
	refused(t, &struct{ Any any }{make(chan int)}, "cannot be written")
	refused(t, &binary{"broken"}, "it is broken")
}

// survives checks that a state is what is restored of it, also later.
func survives[S any](t *testing.T, s, changed *S) {
	t.Helper()
	form, err := Of(s)
	if err != nil {
		t.Errorf("%T: %v", s, err)
		return
	}
	now := *s
	write, err := form.Capture(s)
	if err != nil {
		t.Fatal(err)
	}
	*s = *changed
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	if err := form.Restore(s, &b, new(sync.Mutex)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*s, now) {
		t.Errorf("%T: restored is %+v, want %+v", s, *s, now)
	}
}

func TestAStateSurvivesItsSnapshot(t *testing.T) {
	survives(t, &plain{}, &plain{Any: 1})
	survives(t, &plain{map[string]inner{"x": {1}}, []inner{{2}}, time.Unix(1, 0).UTC(), "y", inner{3}, nil}, &plain{Items: map[string]inner{"z": {}}})
	survives(t, &map[string]int{"x": 1}, &map[string]int{"y": 2})
	survives(t, &binary{"x"}, &binary{"y"})
	survives(t, &stream{"x"}, &stream{"y"})
}

func TestASnapshotThatIsMalformedChangesNothing(t *testing.T) {
	s := &plain{Items: map[string]inner{"x": {1}}}
	form, err := Of(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "{", `{"Items":{"y":{"N":1}},"List":3}`, "{} {}"} {
		if form.Restore(s, strings.NewReader(bad), new(sync.Mutex)) == nil || len(s.Items) != 1 || s.Items["x"].N != 1 {
			t.Errorf("after restoring %q, it is %+v", bad, s)
		}
	}
}

// A lock that a test can look at.
type lock struct{ held, taken bool }

func (l *lock) Lock()   { l.held, l.taken = true, true }
func (l *lock) Unlock() { l.held = false }

type slow struct {
	*lock
	t *testing.T
}

func (s slow) Read([]byte) (int, error) {
	if s.held {
		s.t.Error("the lock is held while bytes are read")
	}
	return 0, io.EOF
}

func TestTheLockIsHeldWhereTheStateChanges(t *testing.T) {
	l := &lock{}
	form, err := Of(&plain{})
	if err != nil {
		t.Fatal(err)
	}
	if err := form.Restore(&plain{}, io.MultiReader(slow{l, t}, strings.NewReader("{}")), l); err != nil || !l.taken || l.held {
		t.Errorf("%v; it was taken: %v, and is held: %v", err, l.taken, l.held)
	}
}
