package raft

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// randomConfiguration is any valid one: each of a few nodes is in some of the lists.
func randomConfiguration(r *rand.Rand) Configuration {
	var c Configuration
	joint := r.IntN(2) == 0
	for _, id := range []NodeID{"a", "b", "c", "d", NodeID(strings.Repeat("e", MaxNodeIDLen)), "f", "ü"} {
		switch x := r.IntN(6); {
		case x < 2:
			c.Voters = append(c.Voters, id)
			if joint && x == 0 {
				c.Outgoing = append(c.Outgoing, id)
			}
		case x == 2 && joint:
			c.Outgoing = append(c.Outgoing, id)
		case x == 3 && joint:
			c.Outgoing = append(c.Outgoing, id)
			c.LearnersNext = append(c.LearnersNext, id)
		case x == 4:
			c.Learners = append(c.Learners, id)
		}
	}
	if len(c.Voters) == 0 {
		c.Voters = []NodeID{"zz"}
	}
	return c
}

func TestAConfigurationIsReadAsItIsWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	for range 2000 {
		c := randomConfiguration(r)
		if err := c.Validate(); err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		data, err := c.AppendBinary([]byte("x"))
		if err != nil || data[0] != 'x' {
			t.Fatalf("%v: %q, %v", c, data, err)
		}
		var d Configuration
		if err := d.UnmarshalBinary(data[1:]); err != nil || !c.Equal(d) {
			t.Fatalf("%v was read as %v: %v", c, d, err)
		}
	}
}

func TestAMalformedConfigurationIsRefusedAndChangesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 1))
	before := NewConfiguration([]NodeID{"before"}, nil)
	refused := func(data []byte) {
		t.Helper()
		c := before
		if err := c.UnmarshalBinary(data); !errors.Is(err, ErrInvalidConfiguration) || !c.Equal(before) {
			t.Fatalf("%q: %v, %v", data, err, c)
		}
	}
	for range 300 {
		data, _ := randomConfiguration(r).AppendBinary(nil)
		for end := range data {
			refused(data[:end])
		}
		refused(append(slices.Clone(data), 0))
		// Whatever is accepted is what would have been written.
		data[r.IntN(len(data))] ^= byte(1 << r.IntN(8))
		var c Configuration
		if c.UnmarshalBinary(data) == nil {
			if again, _ := c.AppendBinary(nil); string(again) != string(data) {
				t.Fatalf("%q was read as %v, which is written as %q", data, c, again)
			}
		}
	}
	refused([]byte{0x81, 0x00, 1, 'a', 0, 0, 0}) // a count that is longer than it need be
}

func TestAConfigurationThatNoClusterCanBeInIsInvalid(t *testing.T) {
	long := NodeID(strings.Repeat("x", MaxNodeIDLen+1))
	var many []NodeID
	for i := range MaxMembers + 1 {
		many = append(many, NodeID(rune('A'+i)))
	}
	for name, c := range map[string]Configuration{
		"no voters":                          {Learners: []NodeID{"a"}},
		"an empty id":                        {Voters: []NodeID{""}},
		"an id that is too long":             {Voters: []NodeID{long}},
		"not sorted":                         {Voters: []NodeID{"b", "a"}},
		"twice":                              {Voters: []NodeID{"a", "a"}},
		"too many":                           {Voters: many},
		"a voter and a learner":              {Voters: []NodeID{"a"}, Learners: []NodeID{"a"}},
		"an outgoing voter and a learner":    {Voters: []NodeID{"a"}, Outgoing: []NodeID{"b"}, Learners: []NodeID{"b"}},
		"a next learner that does not leave": {Voters: []NodeID{"a"}, Outgoing: []NodeID{"b"}, LearnersNext: []NodeID{"c"}},
		"a next learner that stays a voter":  {Voters: []NodeID{"a"}, Outgoing: []NodeID{"a"}, LearnersNext: []NodeID{"a"}},
	} {
		if err := c.Validate(); !errors.Is(err, ErrInvalidConfiguration) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever the target, the joint configuration is valid, has both halves, and is left
// for the target (§4.3).
func TestAJointConfigurationIsLeftForItsTarget(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	for range 2000 {
		from, target := randomConfiguration(r).left(), randomConfiguration(r).left()
		// Learners of before that the target makes voters are voters of the new half.
		j := from.joint(target)
		if err := j.Validate(); err != nil {
			t.Fatalf("from %v to %v by %v: %v", from, target, j, err)
		}
		if !slices.Equal(j.Voters, target.Voters) || !slices.Equal(j.Outgoing, from.Voters) || !j.left().Equal(target) {
			t.Fatalf("from %v to %v by %v, left for %v", from, target, j, j.left())
		}
	}
}

func TestAChangeWithTooManyNewcomersIsRefused(t *testing.T) {
	var learners, voters []NodeID
	for i := range MaxMembers {
		learners = append(learners, NodeID("learner"+string(rune('A'+i))))
	}
	for i := range 3 {
		voters = append(voters, NodeID("voter"+string(rune('A'+i))))
	}
	c := stage(t, "a", NewConfiguration([]NodeID{"a"}, learners))
	c.stand(false)
	c.Update()
	for w := uint64(1); w <= 2; w++ {
		if err := c.Step(Persisted{w}); err != nil {
			t.Fatal(err)
		}
		c.Update()
	}
	before := c.Status()
	if err := c.Step(ChangeConfiguration{Voters: append(voters, "a")}); !errors.Is(err, ErrInvalidConfiguration) {
		t.Errorf("error %v, as %v at %d", err, before.Role, before.Commit)
	}
	if after := c.Status(); after.Last != before.Last {
		t.Errorf("the log went from %v to %v", before.Last, after.Last)
	}
}

// Whoever asks may sort, cut and append to what they get.
func TestWhatAStatusSaysIsTheCallers(t *testing.T) {
	saved, err := Found([]NodeID{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(DefaultConfig("a", 1), saved)
	if err != nil {
		t.Fatal(err)
	}
	want := "voters(a b c)"
	conf := c.Status().Configuration
	clear(conf.Members())
	if conf.String() != want {
		t.Errorf("the members are the configuration's own: %v", conf)
	}
	clear(conf.Voters)
	if now := c.Status().Configuration; now.String() != want {
		t.Errorf("the configuration is the core's own: %v", now)
	}
}
