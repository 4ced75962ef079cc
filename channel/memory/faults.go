package memory

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/ben-ng/gaggle/raft"
)

// Faults says how a link misbehaves. The zero value is a perfect link.
// Probabilities are per frame, from 0, never, to 1, always.
type Faults struct {
	// Drop is the probability that a frame is lost.
	Drop float64
	// Duplicate is the probability that a frame arrives twice. The copy has its own
	// delay and no place in the order.
	Duplicate float64
	// Reorder is the probability that a frame is held back for ReorderDelay, while
	// those sent after it go on.
	Reorder float64
	// MinDelay and MaxDelay bound the time that a frame is on its way, drawn evenly
	// between them. Frames on one link arrive in the order they were sent all the
	// same, unless Reorder says otherwise. A MaxDelay below MinDelay counts as
	// MinDelay.
	MinDelay, MaxDelay time.Duration
}

// ReorderDelay is how long a frame that Faults.Reorder picks is held back: long
// enough for others to pass it, short beside an election timeout.
const ReorderDelay = 10 * time.Millisecond

// asynchronous reports whether frames need the courier.
func (f Faults) asynchronous() bool {
	return f.Reorder > 0 || f.MinDelay > 0 || f.MaxDelay > 0
}

// SetFaults sets the faults of every link, replacing those that SetLink set.
// Frames on their way already are not affected. While frames are delayed, at most
// 16384 frames and 64 MiB are on their way to any one node; Send returns ErrBusy
// beyond that.
func (c *Channel) SetFaults(f Faults) {
	c.faults.change(func(s *faults) {
		s.general = f
		s.special = nil
	})
}

// SetLink sets the faults of the link from one node to another, in that direction
// only, whether or not the nodes are attached yet.
func (c *Channel) SetLink(from, to raft.NodeID, f Faults) {
	c.faults.change(func(s *faults) {
		if s.special == nil {
			s.special = make(map[link]Faults)
		}
		s.special[link{from, to}] = f
	})
}

// Partition lets nodes hear each other only if some group holds both, or none holds
// either: nodes in no group, also those that come later, are a group of their own. A
// node in two groups is a bridge between them. It replaces an earlier Partition and
// leaves Cut and Isolate alone. Frames on their way between groups are lost.
func (c *Channel) Partition(groups ...[]raft.NodeID) {
	sets := make([]map[raft.NodeID]bool, len(groups))
	for i, group := range groups {
		sets[i] = make(map[raft.NodeID]bool, len(group))
		for _, id := range group {
			sets[i][id] = true
		}
	}
	c.faults.change(func(s *faults) { s.groups = sets })
}

// Cut loses everything from one node to another, in that direction only, also what
// is on its way.
func (c *Channel) Cut(from, to raft.NodeID) {
	c.faults.change(func(s *faults) {
		if s.cuts == nil {
			s.cuts = make(map[link]bool)
		}
		s.cuts[link{from, to}] = true
	})
}

// Isolate loses everything from and to a node, also what is on its way.
func (c *Channel) Isolate(id raft.NodeID) {
	c.faults.change(func(s *faults) {
		if s.isolated == nil {
			s.isolated = make(map[raft.NodeID]bool)
		}
		s.isolated[id] = true
	})
}

// Heal undoes every Partition, Cut and Isolate. The faults that SetFaults and
// SetLink set remain.
func (c *Channel) Heal() {
	c.faults.change(func(s *faults) {
		s.groups, s.cuts, s.isolated = nil, nil, nil
	})
}

// Passes reports whether anything gets from one node to another: false if a Partition, Cut
// or Isolate loses it all. Whether the nodes are attached, it does not say.
func (c *Channel) Passes(from, to raft.NodeID) bool { return !c.faults.cut(link{from, to}) }

// A link is a direction between two nodes.
type link struct{ from, to raft.NodeID }

// faults is all that is wrong with a channel.
type faults struct {
	seed uint64
	// active is false if nothing is wrong, which is all that Send looks at then.
	active atomic.Bool

	mu       sync.Mutex
	general  Faults
	special  map[link]Faults
	groups   []map[raft.NodeID]bool
	cuts     map[link]bool
	isolated map[raft.NodeID]bool
	streams  map[link]*stream
}

func (s *faults) change(edit func(*faults)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit(s)
	s.active.Store(s.general != Faults{} ||
		len(s.special)+len(s.groups)+len(s.cuts)+len(s.isolated) > 0)
}

// cut reports whether nothing passes on a link.
func (s *faults) cut(l link) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.severed(l)
}

// decide draws what happens to the next frame on a link.
func (s *faults) decide(l link) fate {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.severed(l) {
		return fate{}
	}
	f, own := s.special[l]
	if !own {
		f = s.general
	}
	return s.stream(l).next(f)
}

// forget drops what is remembered of a node's links.
func (s *faults) forget(id raft.NodeID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.streams {
		if l.from == id || l.to == id {
			delete(s.streams, l)
		}
	}
}

func (s *faults) severed(l link) bool {
	return s.cuts[l] || s.isolated[l.from] || s.isolated[l.to] || !s.sameGroup(l)
}

func (s *faults) sameGroup(l link) bool {
	outside := true
	for _, group := range s.groups {
		if group[l.from] && group[l.to] {
			return true
		}
		outside = outside && !group[l.from] && !group[l.to]
	}
	return outside
}

func (s *faults) stream(l link) *stream {
	if known := s.streams[l]; known != nil {
		return known
	}
	if s.streams == nil {
		s.streams = make(map[link]*stream)
	}
	fresh := newStream(s.seed, l)
	s.streams[l] = fresh
	return fresh
}
