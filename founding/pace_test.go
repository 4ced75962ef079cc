package founding

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// With the default times, three nodes found a cluster within a second.
func TestTheDefaultTimesFoundSoon(t *testing.T) {
	l := &lab{t: t, size: 3, judge: newJudge(3)}
	for _, id := range []raft.NodeID{"a", "b", "c"} {
		f, err := New(Config{ID: id, Cluster: "test", Size: 3, Seed: uint64(id[0])})
		if err != nil {
			t.Fatal(err)
		}
		l.nodes = append(l.nodes, &node{Founder: f})
	}
	l.run(100)
	l.wantOneCluster()
}

// A node that hears others who enter no round of its own gives them more and more time.
func TestRoundsThatFailTakeLongerUpTo16Times(t *testing.T) {
	l := newLab(t, 3, "abc")
	a := l.node("a")
	deaf := []Heard{l.word("b"), l.word("c")}
	var begun []uint64 // when
	for len(begun) < 12 && a.now < 10_000 {
		before := a.saved.Round
		l.hear("a", deaf...)
		a.Step(Tick{})
		if a.saved.Round.after(before) {
			begun = append(begun, a.now)
		}
	}
	if len(begun) < 12 {
		t.Fatalf("rounds began at %v only", begun)
	}
	ticks := uint64(a.config.RoundTicks)
	for i := range begun[1:] {
		took := begun[i+1] - begun[i]
		if atLeast := ticks << min(i, maxDoublings); took < atLeast || took > 2*atLeast {
			t.Errorf("round %d took %d ticks, want %d to %d", i+1, took, atLeast, 2*atLeast)
		}
	}
}

// Two nodes that always begin their rounds together, each before it hears of the other's,
// would disturb each other for ever.
func TestNodesOfDifferentSeedsBeginAtDifferentTimes(t *testing.T) {
	begins := func(seed uint64) []uint64 {
		config := testConfig("b", 3)
		config.Seed = seed
		f, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		l := newLab(t, 3, "cd")
		var at []uint64
		for range 1000 {
			before := f.saved.Round
			f.Step(l.word("c"))
			f.Step(l.word("d"))
			if f.Step(Tick{}); f.saved.Round.after(before) {
				at = append(at, f.now)
			}
		}
		return at
	}
	if one, other := begins(1), begins(2); slices.Equal(one, other) {
		t.Errorf("both begin rounds at %v", one)
	}
	if one, again := begins(1), begins(1); !slices.Equal(one, again) {
		t.Errorf("the same seed begins rounds at %v and %v", one, again)
	}
}

func TestTheLowestIdBeginsTheFirstRound(t *testing.T) {
	l := newLab(t, 3, "edcba")
	for _, id := range []raft.NodeID{"a", "b", "c", "d", "e"} {
		l.tell(id, "abcde")
	}
	for l.node("a").saved.Round == (Round{}) {
		l.run(1)
		for _, id := range []raft.NodeID{"b", "c", "d", "e"} {
			if r := l.node(id).saved.Round; r.Proposer == l.node(id).tag {
				t.Fatalf("%s began a round before a", id)
			}
		}
	}
}

// helloTimes are the ticks at which a node says hello.
func helloTimes(f *Founder, ticks int, hear ...Heard) []uint64 {
	var at []uint64
	for range ticks {
		for _, w := range hear {
			f.Step(w)
		}
		f.Step(Tick{})
		if f.Update().Broadcast != nil {
			at = append(at, f.now)
		}
	}
	return at
}

func TestAFreshNodeSaysHelloAtOnceAndOften(t *testing.T) {
	f, err := New(testConfig("a", 3))
	if err != nil {
		t.Fatal(err)
	}
	if f.Update().Broadcast == nil {
		t.Error("the first update says no hello")
	}
	if f.Update().Broadcast != nil {
		t.Error("the second update says hello again, although nothing happened")
	}
	if got, want := helloTimes(f, 8), []uint64{2, 4, 6, 8}; !slices.Equal(got, want) {
		t.Errorf("hellos at %v, want %v", got, want)
	}
}

func TestAMemberSaysHelloRarelyUnlessItHearsAFreshNode(t *testing.T) {
	l := newLab(t, 1, "b")
	l.run(40)
	l.want(Member, "b")
	f := l.node("b").Founder
	gaps := func(at []uint64) []uint64 {
		var all []uint64
		for i := range at[1:] {
			all = append(all, at[i+1]-at[i])
		}
		return all
	}
	if got := gaps(helloTimes(f, 40)); !slices.Equal(got, []uint64{10, 10, 10}) {
		t.Errorf("hellos with gaps of %v ticks, want 10", got)
	}
	l.start("a")
	if got := gaps(helloTimes(f, 10, l.word("a"))); len(got) < 4 || slices.Max(got) > 2 {
		t.Errorf("while a fresh node is heard, hellos with gaps of %v ticks, want 2", got)
	}
}

// However much happens, there is one hello a tick.
func TestNewsAreToldInTheNextTick(t *testing.T) {
	l := newLab(t, 3, "abc")
	f := l.node("a").Founder
	f.Update()
	l.begin("b")
	f.Step(l.word("b"))
	l.begin("c")
	f.Step(l.word("c"))
	if u := f.Update(); u.Persist == nil || u.Broadcast != nil {
		t.Errorf("in the same tick: %+v", u)
	}
	f.Step(Tick{})
	if u := f.Update(); u.Broadcast == nil || len(u.Broadcast.Abandoned) != 1 || unpackRound(u.Broadcast.Abandoned[0]) != l.node("c").saved.Round {
		t.Errorf("in the next tick: %+v", u)
	}
}

// A fresh node is answered soon, but what is news goes out before that.
func TestAnAnswerDoesNotDelayNews(t *testing.T) {
	l := newLab(t, 3, "abcd")
	late := l.word("d")
	l.propose("a", "bc")
	l.tell("a", "bc")
	c := l.node("c")
	c.Update() // says hello now
	l.tell("b", "c")
	l.want(Member, "c")
	c.Step(late)
	c.Step(Tick{})
	if u := c.Update(); u.Broadcast == nil || u.Broadcast.State != wire.Member {
		t.Errorf("a tick after it became a member: %+v", u)
	}
}

// Members hear fresh nodes that do not hear them.
func TestAMemberThatHearsFreshNodesBeginsNothing(t *testing.T) {
	l := newLab(t, 2, "ab")
	l.run(40)
	l.want(Member, "ab")
	l.start("cde")
	l.begin("c")
	before := l.node("a").saved
	for range 200 {
		l.hear("a", l.word("c"), l.word("d"), l.word("e"))
		l.node("a").Step(Tick{})
	}
	if after := l.node("a").saved; !sameSaved(after, before) {
		t.Errorf("the member went from %+v to %+v", before, after)
	}
}

func TestANodeRemembersABoundedNumberOfOthers(t *testing.T) {
	config := testConfig("a", 3)
	f, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxPeers + 10 {
		l := newLab(t, 3, "x")
		w := l.word("x")
		w.From = raft.NodeID(fmt.Sprintf("x%03d", i))
		f.Step(w)
	}
	if len(f.peers) != maxPeers || f.peers.get("x000") == nil {
		t.Fatalf("%d nodes are remembered, want the first %d", len(f.peers), maxPeers)
	}
	// A node that there is no room for is heeded if it knows a cluster.
	l := newLab(t, 3, "bcd")
	for range config.SilentTicks {
		f.Step(Tick{})
		for i := range f.peers {
			if f.peers[i].id != "x005" {
				f.peers[i].heardAt = f.now
			}
		}
	}
	l.begin("b")
	f.Step(l.word("b"))
	if f.peers.get("b") == nil || f.peers.get("x005") != nil || len(f.peers) != maxPeers {
		t.Error("a new node did not take the place of the one that was silent longest")
	}
	l.run(40)
	l.want(Member, "bcd")
	f.Step(l.word("c"))
	if f.peers.get("c") != nil {
		t.Error("a new node took the place of one that is there")
	}
	if f.State() != Standby {
		t.Errorf("a node that heard a member is %v", f.State())
	}
}

// Everything follows from the events and the seed.
func TestTheSameEventsGiveTheSameUpdates(t *testing.T) {
	tell := func() []Update {
		var said []Update
		l := newLab(t, 3, "abcd")
		for range 60 {
			for _, n := range l.nodes {
				n.Step(Tick{})
				u := n.Update()
				said = append(said, u)
				for _, to := range l.nodes {
					if to != n && u.Broadcast != nil {
						to.Step(Heard{From: n.config.ID, Cluster: u.Cluster, Hello: u.Broadcast})
					}
				}
			}
		}
		l.wantOneCluster()
		return said
	}
	if one, other := tell(), tell(); !reflect.DeepEqual(one, other) {
		t.Error("the same events gave other updates")
	}
}
