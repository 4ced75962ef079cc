package raft

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

// A set of the nodes a to g, one bit for each.
type nodeSet uint8

const setNodes = 7

func (s nodeSet) has(id NodeID) bool { return s>>(id[0]-'a')&1 == 1 }

func (s nodeSet) ids() []NodeID {
	var ids []NodeID
	for i := range setNodes {
		if s>>i&1 == 1 {
			ids = append(ids, NodeID(rune('a'+i)))
		}
	}
	return ids
}

// naiveQuorum is the definition: in each half, more are in the set than are not.
func naiveQuorum(set, voters, outgoing nodeSet) bool {
	more := func(half nodeSet) bool {
		return bits.OnesCount8(uint8(set&half)) > bits.OnesCount8(uint8(half&^set))
	}
	return more(voters) && (outgoing == 0 || more(outgoing))
}

// eachConfiguration calls do with every configuration of up to limit voters in each half.
func eachConfiguration(limit int, do func(voters, outgoing nodeSet, c *Configuration)) {
	for v := nodeSet(1); v < 1<<setNodes; v++ {
		for o := nodeSet(0); o < 1<<setNodes; o++ {
			if bits.OnesCount8(uint8(v)) <= limit && bits.OnesCount8(uint8(o)) <= limit {
				do(v, o, &Configuration{Voters: v.ids(), Outgoing: o.ids()})
			}
		}
	}
}

func TestAQuorumIsMoreThanHalfOfEachHalf(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	eachConfiguration(5, func(voters, outgoing nodeSet, c *Configuration) {
		for range 16 {
			set := nodeSet(r.UintN(1 << setNodes))
			if quorum(c, set.has) != naiveQuorum(set, voters, outgoing) {
				t.Fatalf("%v: is %v a quorum? %v", c, set.ids(), quorum(c, set.has))
			}
		}
	})
}

func TestWhatAQuorumHasReachedIsTheHighestValueThatAQuorumHas(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	eachConfiguration(5, func(voters, outgoing nodeSet, c *Configuration) {
		var values [setNodes]Index
		for i := range values {
			values[i] = Index(r.UintN(5))
		}
		got := quorumReached(c, func(id NodeID) Index { return values[id[0]-'a'] })
		want := Index(0)
		for v := Index(1); v < 5; v++ {
			var set nodeSet
			for i, has := range values {
				if has >= v {
					set |= 1 << i
				}
			}
			if naiveQuorum(set, voters, outgoing) {
				want = v
			}
		}
		if got != want {
			t.Fatalf("%v: values %v give %d, want %d", c, values, got, want)
		}
	})
}

// stage makes a core that has a configuration in effect and entries of these terms after
// it. It is of no cluster: its state is set by hand.
func stage(t *testing.T, self NodeID, conf Configuration, terms ...Term) *Core {
	t.Helper()
	data, err := conf.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	saved := Saved{HardState: HardState{Term: 1}, Entries: []Entry{{Index: 1, Term: 1, Type: EntryConfiguration, Data: data}}}
	for i, term := range terms {
		saved.Entries = append(saved.Entries, Entry{Index: Index(i + 2), Term: term})
		saved.HardState.Term = term
	}
	c, err := New(DefaultConfig(self, 1), saved)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAnElectionIsWonByAQuorumAndLostWhenNoneIsPossible(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	eachConfiguration(3, func(voters, outgoing nodeSet, conf *Configuration) {
		if r.IntN(4) != 0 {
			return
		}
		c := stage(t, "z", *conf)
		c.role = PreCandidate
		var granted, answered nodeSet
		for _, i := range r.Perm(setNodes) {
			if c.role != PreCandidate {
				break
			}
			yes := r.IntN(2) == 0
			answered |= 1 << i
			if yes {
				granted |= 1 << i
			}
			c.countVote(NodeID(rune('a'+i)), yes)
			want := PreCandidate
			switch {
			case naiveQuorum(granted, voters, outgoing):
				want = Candidate
			case !naiveQuorum(granted|^answered, voters, outgoing):
				want = Follower
			}
			// Strangers decide nothing, so what they answer cannot change the role.
			if c.role != want {
				t.Fatalf("%v: granted %v of %v: %v, want %v", conf, granted.ids(), answered.ids(), c.role, want)
			}
		}
	})
}

func TestALeaderCommitsTheLastOwnEntryThatAQuorumHas(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 4))
		voters := nodeSet(1 + r.UintN(1<<setNodes-1))
		outgoing := nodeSet(r.UintN(1 << setNodes))
		if r.IntN(2) == 0 {
			outgoing = 0
		}
		conf := Configuration{Voters: voters.ids(), Outgoing: outgoing.ids()}
		c := stage(t, "a", conf, 1, 2, 2, 3)
		c.stand(false)
		c.becomeLeader()
		c.appendOwn(Entry{})
		c.appendOwn(Entry{})
		c.persist.durable = Index(r.UintN(9))
		match := func(id NodeID) Index { return c.durableOn(id) }
		for _, p := range c.lead.peers {
			p.match = Index(r.UintN(9))
		}
		want := Index(0)
		for i := c.lead.firstIndex; i <= c.log.last.Index; i++ {
			var set nodeSet
			for _, id := range nodeSet(1<<setNodes - 1).ids() {
				if match(id) >= i {
					set |= 1 << (id[0] - 'a')
				}
			}
			if naiveQuorum(set, voters, outgoing) {
				want = i
			}
		}
		c.advanceCommit()
		if c.commit != want {
			t.Fatalf("seed %d, %v: commit %d, want %d", seed, conf, c.commit, want)
		}
	}
}
