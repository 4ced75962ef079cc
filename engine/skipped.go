package engine

import (
	"encoding/binary"
	"errors"
	"slices"
	"sort"

	"github.com/ben-ng/gaggle/raft"
)

// skipped are the appends in the log that were not applied, since they repeat or overtake
// others. Whoever reads the log from the disk leaves them out by this list, as the session
// table that judged them has gone on since. It is a list of ranges that rise and do not
// touch: after a change of leader, thousands in a row may be repetitions.
type skipped struct {
	// from is the first index of which it is known whether it was left out. The disk may
	// have what is before it for longer, as the log is compacted by whole files.
	from   raft.Index
	ranges []indexRange
}

// An indexRange is the indexes from first to last.
type indexRange struct{ first, last raft.Index }

// add takes an index above all that are in it.
func (s *skipped) add(index raft.Index) {
	if n := len(s.ranges); n > 0 && s.ranges[n-1].last+1 == index {
		s.ranges[n-1].last = index
		return
	}
	s.ranges = append(s.ranges, indexRange{index, index})
}

// has reports whether the append at an index was left out.
func (s *skipped) has(index raft.Index) bool {
	i := sort.Search(len(s.ranges), func(i int) bool { return s.ranges[i].last >= index })
	return i < len(s.ranges) && s.ranges[i].first <= index
}

// forget removes what lies below an index.
func (s *skipped) forget(below raft.Index) {
	s.from = max(s.from, below)
	gone := sort.Search(len(s.ranges), func(i int) bool { return s.ranges[i].last >= below })
	s.ranges = slices.Delete(s.ranges, 0, gone)
}

func (s *skipped) clone() skipped { return skipped{s.from, slices.Clone(s.ranges)} }

// appendBinary appends from, the number of ranges and, for each, how far it is from the one
// before and how long: varints.
func (s *skipped) appendBinary(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(s.from))
	b = binary.AppendUvarint(b, uint64(len(s.ranges)))
	at := raft.Index(0)
	for _, r := range s.ranges {
		b = binary.AppendUvarint(b, uint64(r.first-at))
		b = binary.AppendUvarint(b, uint64(r.last-r.first))
		at = r.last
	}
	return b
}

var errNoSkipped = errors.New("what was left out of the log is malformed")

// decodeSkipped reads what appendBinary wrote, and returns what follows it.
func decodeSkipped(b []byte) (s skipped, rest []byte, err error) {
	from, b, err := uvarint(b)
	if err != nil {
		return skipped{}, nil, errNoSkipped
	}
	s.from = raft.Index(from)
	count, b, err := uvarint(b)
	if err != nil || count > uint64(len(b)) {
		return skipped{}, nil, errNoSkipped
	}
	at := raft.Index(0)
	for range count {
		var gap, length uint64
		if gap, b, err = uvarint(b); err != nil {
			return skipped{}, nil, err
		}
		if length, b, err = uvarint(b); err != nil {
			return skipped{}, nil, err
		}
		r := indexRange{first: at + raft.Index(gap)}
		r.last = r.first + raft.Index(length)
		if gap == 0 || r.first < at || r.last < r.first {
			return skipped{}, nil, errNoSkipped
		}
		s.ranges = append(s.ranges, r)
		at = r.last
	}
	return s, b, nil
}

// uvarint reads a number, and returns what follows it.
func uvarint(b []byte) (v uint64, rest []byte, err error) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, errors.New("a number is malformed")
	}
	return v, b[n:], nil
}
