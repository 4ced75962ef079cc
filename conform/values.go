package conform

import (
	"hash/maphash"

	"github.com/ben-ng/gaggle/raft"
)

// hashes are of what was said and what entries say, in one process.
var seed = maphash.MakeSeed()

// value is what an entry says, as a number.
func (c *Checker) value(e *raft.Entry) uint64 {
	v := maphash.Bytes(seed, e.Data)*2 + uint64(e.Type)*7
	if e.Type == raft.EntryConfiguration {
		if _, known := c.configurations[v]; !known {
			var conf raft.Configuration
			if conf.UnmarshalBinary(e.Data) == nil {
				c.configurations[v] = conf
			}
		}
	}
	return v
}

// A sum is a hash of numbers.
type sum uint64

func (s *sum) add(values ...uint64) {
	h := uint64(*s)
	for _, v := range values {
		h ^= v
		h *= 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	*s = sum(h)
}

func yes(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// sumOf is a hash of what a message says.
func (c *Checker) sumOf(m *raft.Message) uint64 {
	var s sum
	s.add(c.number(m.From), c.number(m.To), uint64(m.Term))
	switch b := m.Body.(type) {
	case *raft.RequestVote:
		s.add(1, yes(b.PreVote), yes(b.Transfer), uint64(b.Last.Index), uint64(b.Last.Term))
	case *raft.VoteReply:
		s.add(2, yes(b.PreVote), yes(b.Granted))
	case *raft.AppendEntries:
		s.add(3, b.Session, uint64(b.Prev.Index), uint64(b.Prev.Term), uint64(b.Commit))
		for i := range b.Entries {
			s.add(uint64(b.Entries[i].Term), c.value(&b.Entries[i]))
		}
	case *raft.AppendReply:
		s.add(4, b.Session, uint64(b.Index), yes(b.Rejected), uint64(b.Hint.Index), uint64(b.Hint.Term))
	case *raft.Heartbeat:
		s.add(5, b.Session, uint64(b.Commit), b.ReadSequence)
	case *raft.HeartbeatReply:
		s.add(6, b.Session, b.ReadSequence)
	case *raft.InstallSnapshot:
		return sumOfSnapshot(c.number(m.From), term(m.Term), here(b.Meta.Last))
	case *raft.TimeoutNow:
		s.add(8)
	}
	return uint64(s)
}

// wasSaid reports whether somebody has said a message. A refusal may be an owner's word of the
// term that a node is in, and a snapshot one that the receiver has, newer than the one that was sent.
func (c *Checker) wasSaid(m *raft.Message) bool {
	if b, ok := m.Body.(*raft.AppendReply); ok && b.Rejected && c.state.current.Set(c.number(m.From)).Max() >= term(m.Term) {
		return true
	}
	h := c.sumOf(m)
	if _, ok := c.messages[h]; ok {
		return true
	}
	if _, ok := c.said[h]; ok {
		return true
	}
	b, ok := m.Body.(*raft.InstallSnapshot)
	if ok {
		_, ok = c.olderSent(m, b)
	}
	return ok
}

// quorum is the members of a configuration for whom has is true, as a thing of the specification;
// ok is false if they are no quorum of it: a majority of its voters and, if it is joint, one of
// those that go.
func (c *Checker) quorum(conf *raft.Configuration, has func(number uint64) bool) (q uint64, ok bool) {
	mask := uint64(0)
	majority := func(ids []raft.NodeID) bool {
		count := 0
		for _, id := range ids {
			if n := c.number(id); has(n) && n < 64 {
				mask |= 1 << n
				count++
			}
		}
		return 2*count > len(ids)
	}
	ok = majority(conf.Voters)
	if len(conf.Outgoing) > 0 {
		ok = majority(conf.Outgoing) && ok
	}
	if !ok {
		return 0, false
	}
	q, known := c.quorums[mask]
	if !known {
		q = uint64(len(c.quorums))
		c.quorums[mask] = q
		for n := uint64(0); n < 64; n++ {
			if mask&(1<<n) != 0 {
				c.run.Set("in_quorum", n, q)
			}
		}
	}
	return q, true
}

// sumOfSnapshot is a hash of a leader's snapshot, in the numbers of the specification. To whom it is
// sent, and in which session, does not matter.
func sumOfSnapshot(from, term uint64, at raft.Position) uint64 {
	var s sum
	s.add(7, from, term, uint64(at.Index), uint64(at.Term))
	return uint64(s)
}
