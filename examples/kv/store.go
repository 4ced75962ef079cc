package main

import (
	"context"

	"github.com/ben-ng/gaggle"
)

// A Map is the replicated state: keys with their values.
type Map struct{ Values map[string]string }

// A Command changes the value of a key: to New, or to none if Delete is set; where Old is
// given, only if the value is that.
type Command struct {
	Key, New string
	Old      *string `json:",omitempty"`
	Delete   bool    `json:",omitempty"`
}

// A Result says what the key had before, and whether it was changed.
type Result struct {
	Before  string
	Existed bool
	Changed bool
}

// Apply does a command. All nodes do it alike.
func (m *Map) Apply(c Command) Result {
	before, existed := m.Values[c.Key]
	result := Result{Before: before, Existed: existed}
	switch {
	case c.Old != nil && (!existed || *c.Old != before):
	case c.Delete:
		delete(m.Values, c.Key)
		result.Changed = existed
	default:
		m.Values[c.Key] = c.New
		result.Changed = true
	}
	return result
}

// A Store is one node of a replicated map.
type Store struct {
	*gaggle.Replica[Map, Command, Result]
}

// Put sets the value of a key, and returns the one before.
func (s Store) Put(ctx context.Context, key, value string) (Result, error) {
	return s.Do(ctx, Command{Key: key, New: value})
}

// CompareAndSwap sets the value of a key if it is what the caller believes.
func (s Store) CompareAndSwap(ctx context.Context, key, old, value string) (swapped bool, err error) {
	r, err := s.Do(ctx, Command{Key: key, Old: &old, New: value})
	return r.Changed, err
}

// Delete removes a key, and says whether it was there.
func (s Store) Delete(ctx context.Context, key string) (deleted bool, err error) {
	r, err := s.Do(ctx, Command{Key: key, Delete: true})
	return r.Changed, err
}

// Get returns the value of a key, as of everything acknowledged before the call.
func (s Store) Get(ctx context.Context, key string) (value string, ok bool, err error) {
	err = s.Read(ctx, func(m *Map) { value, ok = m.Values[key] })
	return value, ok, err
}
