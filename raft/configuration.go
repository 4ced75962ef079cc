package raft

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// A Configuration says who the members of the cluster are. It is in the log, takes
// effect when it is appended, and goes when it is truncated (§4.1). All lists are
// sorted and without repetition. It is immutable once made.
//
// In a joint configuration (§4.3) Outgoing is not empty, and every decision needs a
// majority of Voters and a majority of Outgoing.
type Configuration struct {
	// Voters decide: the only ones, or, in a joint configuration, the new ones.
	Voters []NodeID
	// Outgoing are the voters of the configuration that is being left.
	Outgoing []NodeID
	// Learners receive the log and decide nothing (§4.2.1). Nobody in it is a voter.
	Learners []NodeID
	// LearnersNext are outgoing voters that will be learners when the joint
	// configuration is left.
	LearnersNext []NodeID
}

// Limits on a Configuration, so that one always fits into a message.
const (
	// MaxMembers is the most nodes that each list of a Configuration may hold.
	MaxMembers = 64
	// MaxNodeIDLen is the longest NodeID in a Configuration, in bytes.
	MaxNodeIDLen = 128
)

// Joint reports whether the configuration is a joint one.
func (c Configuration) Joint() bool { return len(c.Outgoing) > 0 }

// Voter reports whether a node has a vote, in either half.
func (c Configuration) Voter(id NodeID) bool {
	return slices.Contains(c.Voters, id) || slices.Contains(c.Outgoing, id)
}

// Member reports whether a node receives the log.
func (c Configuration) Member(id NodeID) bool {
	return c.Voter(id) || slices.Contains(c.Learners, id)
}

// Members lists everyone who receives the log, sorted. The list is the caller's.
func (c Configuration) Members() []NodeID {
	return sorted(slices.Concat(c.Voters, c.Outgoing, c.Learners))
}

// Clone is a copy that shares nothing.
func (c Configuration) Clone() Configuration {
	for _, list := range c.lists() {
		*list = slices.Clone(*list)
	}
	return c
}

// Equal reports whether two configurations say the same.
func (c Configuration) Equal(d Configuration) bool {
	return slices.Equal(c.Voters, d.Voters) && slices.Equal(c.Outgoing, d.Outgoing) &&
		slices.Equal(c.Learners, d.Learners) && slices.Equal(c.LearnersNext, d.LearnersNext)
}

// String is like "voters(a b c)" or, joint, "voters(a b d)+(a b c) learners(e)".
func (c Configuration) String() string {
	var b strings.Builder
	list := func(ids []NodeID) {
		b.WriteByte('(')
		for i, id := range ids {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(string(id))
		}
		b.WriteByte(')')
	}
	b.WriteString("voters")
	list(c.Voters)
	if c.Joint() {
		b.WriteByte('+')
		list(c.Outgoing)
	}
	if len(c.Learners) > 0 {
		b.WriteString(" learners")
		list(c.Learners)
	}
	if len(c.LearnersNext) > 0 {
		b.WriteString(" learners-next")
		list(c.LearnersNext)
	}
	return b.String()
}

// Validate reports whether the configuration is one that a cluster can be in.
func (c Configuration) Validate() error {
	for _, list := range c.lists() {
		if len(*list) > MaxMembers {
			return fmt.Errorf("%w: %d members, the most is %d", ErrInvalidConfiguration, len(*list), MaxMembers)
		}
		for i, id := range *list {
			if id == None || len(id) > MaxNodeIDLen {
				return fmt.Errorf("%w: a node id of %d bytes", ErrInvalidConfiguration, len(id))
			}
			if i > 0 && (*list)[i-1] >= id {
				return fmt.Errorf("%w: %q is not after %q", ErrInvalidConfiguration, id, (*list)[i-1])
			}
		}
	}
	if len(c.Voters) == 0 {
		return fmt.Errorf("%w: no voters", ErrInvalidConfiguration)
	}
	for _, id := range c.Learners {
		if c.Voter(id) {
			return fmt.Errorf("%w: %q is a voter and a learner", ErrInvalidConfiguration, id)
		}
	}
	for _, id := range c.LearnersNext {
		if !slices.Contains(c.Outgoing, id) || slices.Contains(c.Voters, id) {
			return fmt.Errorf("%w: %q is to become a learner but does not leave as a voter", ErrInvalidConfiguration, id)
		}
	}
	return nil
}

// joint is the configuration that leads from c, which is not joint, to target (§4.3).
func (c Configuration) joint(target Configuration) Configuration {
	j := Configuration{Voters: target.Voters, Outgoing: c.Voters}
	for _, id := range target.Learners {
		if slices.Contains(c.Voters, id) {
			j.LearnersNext = append(j.LearnersNext, id)
		} else {
			j.Learners = append(j.Learners, id)
		}
	}
	return j
}

// left is the configuration that follows c, which is joint.
func (c Configuration) left() Configuration {
	return Configuration{Voters: c.Voters, Learners: union(c.Learners, c.LearnersNext)}
}

// NewConfiguration makes a configuration, sorting its lists.
func NewConfiguration(voters, learners []NodeID) Configuration {
	return Configuration{Voters: sorted(voters), Learners: sorted(learners)}
}

func (c *Configuration) lists() [4]*[]NodeID {
	return [4]*[]NodeID{&c.Voters, &c.Outgoing, &c.Learners, &c.LearnersNext}
}

// AppendBinary appends the configuration's encoding: for each of Voters, Outgoing,
// Learners and LearnersNext, a count and then each id as a length and its bytes; all
// numbers are unsigned varints. The error is always nil.
func (c Configuration) AppendBinary(b []byte) ([]byte, error) {
	for _, list := range c.lists() {
		b = binary.AppendUvarint(b, uint64(len(*list)))
		for _, id := range *list {
			b = binary.AppendUvarint(b, uint64(len(id)))
			b = append(b, id...)
		}
	}
	return b, nil
}

// UnmarshalBinary is the inverse of AppendBinary. It refuses what Validate refuses,
// and whatever AppendBinary would have written differently.
func (c *Configuration) UnmarshalBinary(data []byte) error {
	var d Configuration
	number := func(limit uint64) (int, bool) {
		v, n := binary.Uvarint(data)
		padded := n > 1 && data[n-1] == 0
		if n <= 0 || v > limit || padded {
			return 0, false
		}
		data = data[n:]
		return int(v), true
	}
	bad := func(what string) error {
		return fmt.Errorf("%w: its encoding has a bad %s", ErrInvalidConfiguration, what)
	}
	for _, list := range d.lists() {
		count, ok := number(MaxMembers)
		if !ok {
			return bad("count")
		}
		for range count {
			length, ok := number(MaxNodeIDLen)
			if !ok || length > len(data) {
				return bad("id length")
			}
			*list = append(*list, NodeID(data[:length]))
			data = data[length:]
		}
	}
	if len(data) > 0 {
		return bad("end")
	}
	if err := d.Validate(); err != nil {
		return err
	}
	*c = d
	return nil
}

func sorted(ids []NodeID) []NodeID {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

func union(a, b []NodeID) []NodeID {
	if len(b) == 0 {
		return a
	}
	return sorted(append(slices.Clone(a), b...))
}
