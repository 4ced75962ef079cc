// Package state makes bytes of the states of replicated state machines, and states of
// bytes, in the way that fits the state's type:
//
//	Snapshot and Restore             as the state itself says
//	MarshalBinary, UnmarshalBinary   the same, all at once
//	neither                          JSON, if that leaves nothing out
package state

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"sync"
)

// A Snapshotter is a state that knows how to write and read itself.
type Snapshotter interface {
	Snapshot() (write func(io.Writer) error, err error)
	Restore(r io.Reader) error
}

// A Form is how states of a type are written and read.
type Form[S any] struct {
	streams   bool
	marshal   func(*S) ([]byte, error)
	unmarshal func([]byte, *S) error
}

// Of finds the form of a state, of which it changes nothing. An error says that there is
// none in which the state survives, and what to do.
func Of[S any](initial *S) (Form[S], error) {
	switch any(initial).(type) {
	case Snapshotter:
		return Form[S]{streams: true}, nil
	case interface {
		encoding.BinaryMarshaler
		encoding.BinaryUnmarshaler
	}:
		f := Form[S]{marshal: marshalBinary[S], unmarshal: unmarshalBinary[S]}
		_, err := f.roundTrip(initial)
		return f, err
	}
	f := Form[S]{marshal: marshalJSON[S], unmarshal: unmarshalJSON[S]}
	if fault := jsonFault(reflect.TypeFor[S](), "", map[reflect.Type]bool{}); fault != "" {
		return f, fmt.Errorf("a snapshot of the %v would be JSON, and %s; %s", reflect.TypeFor[*S](), fault, f.advice())
	}
	again, err := f.roundTrip(initial)
	if err != nil {
		return f, err
	}
	if !reflect.DeepEqual(initial, again) {
		return f, fmt.Errorf("a snapshot of the %v would be JSON, and what is restored from it differs%s; %s",
			reflect.TypeFor[*S](), differing(initial, again), f.advice())
	}
	return f, nil
}

// advice says what to do about a state that JSON does not carry.
func (Form[S]) advice() string {
	return fmt.Sprintf("export what belongs to the state, tag what does not with `json:\"-\"` (it is zero when the state was restored), "+
		"or give the %v methods of its own: those of gaggle.Snapshotter, or MarshalBinary and UnmarshalBinary", reflect.TypeFor[*S]())
}

// roundTrip makes a state of the bytes of another.
func (f Form[S]) roundTrip(s *S) (*S, error) {
	data, err := f.marshal(s)
	if err != nil {
		return nil, fmt.Errorf("a snapshot of the %v cannot be written: %w", reflect.TypeFor[*S](), err)
	}
	again := new(S)
	if err := f.unmarshal(data, again); err != nil {
		return nil, fmt.Errorf("a snapshot of the %v cannot be read: %w", reflect.TypeFor[*S](), err)
	}
	return again, nil
}

// differing names the first field that differs, if it can be told.
func differing[S any](a, b *S) string {
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	if x.Kind() != reflect.Struct {
		return ""
	}
	for i := range x.NumField() {
		// Copies in structs of their own can be compared, exported or not.
		only := reflect.StructOf([]reflect.StructField{{Name: "X", Type: x.Type().Field(i).Type}})
		p, q := reflect.New(only).Elem(), reflect.New(only).Elem()
		p.Field(0).Set(readable(x, i))
		q.Field(0).Set(readable(y, i))
		if !reflect.DeepEqual(p.Interface(), q.Interface()) {
			return " in " + x.Type().Field(i).Name
		}
	}
	return ""
}

// readable is a field that may be looked at though it is not exported.
func readable(s reflect.Value, i int) reflect.Value {
	f := s.Field(i)
	return reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem()
}

// Capture captures a state that nothing changes meanwhile, and returns what writes it,
// which may be used later, and once.
func (f Form[S]) Capture(s *S) (write func(io.Writer) error, err error) {
	if f.streams {
		return any(s).(Snapshotter).Snapshot()
	}
	data, err := f.marshal(s)
	if err != nil {
		return nil, err
	}
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}, nil
}

// Restore makes a state what was written, and holds the lock when it changes it. After an
// error a Snapshotter may be anything; others are what they were.
func (f Form[S]) Restore(s *S, r io.Reader, lock sync.Locker) error {
	if f.streams {
		lock.Lock()
		defer lock.Unlock()
		return any(s).(Snapshotter).Restore(r)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	fresh := new(S)
	if err := f.unmarshal(data, fresh); err != nil {
		return err
	}
	lock.Lock()
	defer lock.Unlock()
	*s = *fresh
	return nil
}

func marshalBinary[S any](s *S) ([]byte, error) {
	return any(s).(encoding.BinaryMarshaler).MarshalBinary()
}

func unmarshalBinary[S any](data []byte, s *S) error {
	return any(s).(encoding.BinaryUnmarshaler).UnmarshalBinary(data)
}

func marshalJSON[S any](s *S) ([]byte, error)      { return json.Marshal(s) }
func unmarshalJSON[S any](data []byte, s *S) error { return json.Unmarshal(data, s) }
