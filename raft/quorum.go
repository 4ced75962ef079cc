package raft

// majority is how many of n make a majority.
func majority(n int) int { return n/2 + 1 }

// majorityReached returns the highest value that a majority of ids has reached.
func majorityReached[T Index | uint64](ids []NodeID, reached func(NodeID) T) T {
	var buf [MaxMembers]T
	values := buf[:0]
	for _, id := range ids {
		// Insertion keeps values sorted, highest first; there are few.
		v := reached(id)
		values = append(values, v)
		i := len(values) - 1
		for ; i > 0 && values[i-1] < v; i-- {
			values[i] = values[i-1]
		}
		values[i] = v
	}
	return values[majority(len(ids))-1]
}

// quorumReached returns the highest value that a quorum of the configuration has
// reached: in a joint configuration, a majority of each half (§4.3).
func quorumReached[T Index | uint64](c *Configuration, reached func(NodeID) T) T {
	v := majorityReached(c.Voters, reached)
	if c.Joint() {
		v = min(v, majorityReached(c.Outgoing, reached))
	}
	return v
}

// quorum reports whether those for whom has is true are a quorum.
func quorum(c *Configuration, has func(NodeID) bool) bool {
	return majorityHas(c.Voters, has) && (!c.Joint() || majorityHas(c.Outgoing, has))
}

func majorityHas(ids []NodeID, has func(NodeID) bool) bool {
	n := 0
	for _, id := range ids {
		if has(id) {
			n++
		}
	}
	return n >= majority(len(ids))
}
