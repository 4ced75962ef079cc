package gaggletest

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/ben-ng/gaggle"
)

// A record is the codec of all nodes of a cluster, JSON, which remembers what it encoded:
// whatever is in the log went through it. It is not asked if the test has a codec of its
// own, nor for values of type []byte.
type record[T any] struct {
	gaggle.Codec

	mu sync.Mutex
	// encoded are the values that were to be appended, as bytes. Arguments of leader calls
	// are among them if they are of the same type.
	encoded [][]byte
	// decoded: a node took values apart by this codec.
	decoded      bool
	acknowledged []gaggle.Entry[T]
}

func newRecord[T any]() *record[T] { return &record[T]{Codec: gaggle.JSON()} }

// Marshal is part of gaggle.Codec.
func (r *record[T]) Marshal(v any) ([]byte, error) {
	data, err := r.Codec.Marshal(v)
	if _, ok := v.(T); ok && err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.encoded = append(r.encoded, data)
	}
	return data, err
}

// Unmarshal is part of gaggle.Codec.
func (r *record[T]) Unmarshal(data []byte, v any) error {
	if _, ok := v.(*T); ok {
		r.mu.Lock()
		r.decoded = true
		r.mu.Unlock()
	}
	return r.Codec.Unmarshal(data, v)
}

func (r *record[T]) acknowledge(e gaggle.Entry[T]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acknowledged = append(r.acknowledged, e)
}

// A nodeLog is what a node says the log is; complete, if it ought to be all of it.
type nodeLog[T any] struct {
	node     string
	complete bool
	entries  []gaggle.Entry[T]
}

// verdict lists what is wrong with the logs.
func (r *record[T]) verdict(logs []nodeLog[T]) (faults []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	longest := longestOf(logs)
	for _, log := range logs {
		compare(log, longest, fault)
	}
	inOrder(longest, fault)
	r.appended(longest, fault)
	r.present(longest, fault)
	return faults
}

func longestOf[T any](logs []nodeLog[T]) (longest nodeLog[T]) {
	for _, log := range logs {
		if len(log.entries) >= len(longest.entries) {
			longest = log
		}
	}
	return longest
}

// compare finds where a log is not the beginning of the longest.
func compare[T any](log, longest nodeLog[T], fault func(string, ...any)) {
	for i, e := range log.entries {
		if !reflect.DeepEqual(e, longest.entries[i]) {
			fault("%s has %+v where %s has %+v", log.node, e, longest.node, longest.entries[i])
			return
		}
	}
	if log.complete && len(log.entries) < len(longest.entries) {
		fault("%s has %d entries where %s has %d", log.node, len(log.entries), longest.node, len(longest.entries))
	}
}

// inOrder finds entries that are twice in a place, or out of place.
func inOrder[T any](log nodeLog[T], fault func(string, ...any)) {
	var last gaggle.Entry[T]
	for _, e := range log.entries {
		if e.Index <= last.Index || e.Term < last.Term {
			fault("%s has %+v after %+v", log.node, e, last)
		}
		last = e
	}
}

// appended finds entries that nobody appended, or not as often as they are there. Values
// are compared as what comes out when they are encoded, decoded, and encoded again, since
// not every value survives the first time unchanged.
func (r *record[T]) appended(log nodeLog[T], fault func(string, ...any)) {
	if _, raw := any(new(T)).(*[]byte); raw || !r.decoded {
		return
	}
	times := map[string]int{}
	for _, data := range r.encoded {
		var v T
		if err := r.Codec.Unmarshal(data, &v); err == nil {
			times[r.canonical(v)]++
		}
	}
	seen := map[string]int{}
	for _, e := range log.entries {
		value := r.canonical(e.Value)
		switch seen[value]++; {
		case times[value] == 0:
			fault("%s has %+v, which was never appended", log.node, e)
		case seen[value] > times[value]:
			fault("%s has %+v for the %dth time, and it was appended %d times", log.node, e, seen[value], times[value])
		}
	}
}

func (r *record[T]) canonical(v T) string {
	data, err := r.Codec.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// present finds what was acknowledged to Append and is lost.
func (r *record[T]) present(log nodeLog[T], fault func(string, ...any)) {
	there := map[gaggle.Index]gaggle.Entry[T]{}
	for _, e := range log.entries {
		there[e.Index] = e
	}
	for _, e := range r.acknowledged {
		if found, ok := there[e.Index]; !ok || found.Term != e.Term {
			fault("%+v was acknowledged, and %s has not got it", e, log.node)
		}
	}
}
