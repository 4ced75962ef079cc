package founding

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

func TestNodesOfDifferentSizesReportEachOtherOnceAndDoNotCount(t *testing.T) {
	l := newLab(t, 3, "ab")
	l.startSized("c", 5)
	l.run(200)
	l.want(Fresh, "abc")
	l.wantWaiting("a", "waiting for 1 more node (have a, b)")
	l.wantWaiting("c", "waiting for 4 more nodes (have c)")
	for id, others := range map[raft.NodeID]string{"a": "c", "b": "c", "c": "ab"} {
		var reported []raft.NodeID
		for _, p := range l.node(id).problems {
			var mismatch *SizeMismatchError
			if !errors.As(p, &mismatch) || mismatch.Ours != l.node(id).config.Size || mismatch.Theirs == mismatch.Ours {
				t.Fatalf("%s reports %v", id, p)
			}
			reported = append(reported, mismatch.Node)
		}
		slices.Sort(reported)
		if letters(reported) != others {
			t.Errorf("%s reports the sizes of %q, want those of %q", id, letters(reported), others)
		}
	}
}

func TestTwoClustersOfTwiceAsManyNodesAreReportedByAllOnce(t *testing.T) {
	l := newLab(t, 3, "abc")
	l.run(40)
	other := newLab(t, 3, "def")
	other.run(40)
	l.nodes = append(l.nodes, other.nodes...)
	l.judge = newJudge(3)
	l.judge.known = nil // that there are two is no fault here
	for range 200 {
		for _, n := range l.nodes {
			n.Step(Tick{})
			l.follow(n)
		}
	}
	for _, n := range l.nodes {
		var two *TwoClustersError
		if len(n.problems) != 1 || !errors.As(n.problems[0], &two) {
			t.Fatalf("%s reports %v, want one error", n.config.ID, n.problems)
		}
		if two.Ours != n.Charter().Cluster || two.Theirs == two.Ours {
			t.Errorf("%s of %v reports %v", n.config.ID, n.Charter().Cluster, two)
		}
		if n.State() != Member {
			t.Errorf("%s is a %v", n.config.ID, n.State())
		}
	}
}

func TestProblemsSayWhatIsWrong(t *testing.T) {
	abc, def := wire.ClusterID{0xab, 0xc0}, wire.ClusterID{0xde, 0xf0}
	for want, problem := range map[string]error{
		"founding: node anna (a) is for a cluster of 5, this node for one of 3: one of them was configured wrongly": &SizeMismatchError{
			Node: "a", Name: "anna", Ours: 3, Theirs: 5,
		},
		"founding: node d is of cluster def00000000000000000000000000000, this node of cluster abc00000000000000000000000000000 of the same name: stop the nodes of one of them": &TwoClustersError{
			Node: "d", Ours: abc, Theirs: def,
		},
	} {
		if got := problem.Error(); got != want {
			t.Errorf("%T says\n%s, want\n%s", problem, got, want)
		}
	}
}

func TestAnotherClusterIsReportedToStandbysToo(t *testing.T) {
	l := newLab(t, 1, "a")
	l.run(40)
	l.start("b")
	l.run(40)
	l.want(Standby, "b")
	other := newLab(t, 1, "c")
	other.run(40)
	b := l.node("b")
	for range 3 {
		b.Step(other.word("c"))
		l.follow(b)
	}
	if len(b.problems) != 1 {
		t.Errorf("the standby reports %v", b.problems)
	}
	l.want(Standby, "b")
}

func TestABoundedNumberOfOtherClustersIsReported(t *testing.T) {
	l := newLab(t, 1, "a")
	l.run(40)
	for i := range 2 * maxStanding {
		voters := []raft.NodeID{raft.NodeID(rune('b' + i))}
		l.hear("a", Heard{
			From: voters[0], Cluster: NewCharter("test", voters).Cluster,
			Hello: &wire.Hello{Size: 1, State: wire.Member, Charter: voters},
		})
	}
	if got := len(l.node("a").Update().Problems); got != maxStanding {
		t.Errorf("%d other clusters are reported, want %d", got, maxStanding)
	}
}

// A hello that no honest node says changes nothing.
func TestHellosThatMakeNoSenseAreIgnored(t *testing.T) {
	round := func(number uint64, proposer uint64) wire.ClusterID { return packRound(Round{number, proposer}) }
	ids := func(letters string) []raft.NodeID {
		var all []raft.NodeID
		for _, s := range strings.Split(letters, "") {
			all = append(all, raft.NodeID(s))
		}
		return all
	}
	fresh := func(pledge string, rounds ...wire.ClusterID) Heard {
		h := &wire.Hello{Size: 3, State: wire.Fresh, Abandoned: rounds}
		if pledge != "" {
			h.Pledge = ids(pledge)
		}
		return Heard{From: "z", Hello: h}
	}
	of := func(state wire.HelloState, cluster wire.ClusterID, voters string) Heard {
		return Heard{From: "z", Cluster: cluster, Hello: &wire.Hello{Size: 3, State: state, Charter: ids(voters)}}
	}
	for name, word := range map[string]Heard{
		"nothing":                               {From: "z"},
		"of nobody":                             {Hello: fresh("").Hello},
		"of itself":                             {From: "a", Hello: fresh("", round(9, 9)).Hello},
		"a pledge without a round":              fresh("xyz"),
		"a pledge and one round":                fresh("xyz", round(9, 9)),
		"a pledge in no round":                  fresh("xyz", round(9, 9), round(0, 0)),
		"a pledge in a round to come":           fresh("xyz", round(9, 9), round(10, 9)),
		"a round zero":                          fresh("", round(0, 0)),
		"a round that nobody can count to":      fresh("", round(maxRoundNumber+1, 9)),
		"three rounds":                          fresh("xyz", round(9, 9), round(9, 9), round(9, 9)),
		"two rounds and no pledge":              fresh("", round(9, 9), round(9, 9)),
		"a pledge to too few":                   fresh("xy", round(9, 9), round(9, 9)),
		"a pledge to too many":                  fresh("wxyz", round(9, 9), round(9, 9)),
		"a pledge to one twice":                 fresh("xxy", round(9, 9), round(9, 9)),
		"a pledge to a list that is no charter": fresh("zyx", round(9, 9), round(9, 9)),
		"a cluster with another id":             of(wire.Member, wire.ClusterID{1}, "xyz"),
		"a cluster of another name":             of(wire.Member, clusterID("other", ids("xyz")), "xyz"),
		"a cluster of too few":                  of(wire.Member, clusterID("test", ids("xy")), "xy"),
		"a cluster that names this node twice":  of(wire.Standby, clusterID("test", ids("aab")), "aab"),
		"a state that there is not":             of(7, clusterID("test", ids("xyz")), "xyz"),
	} {
		l := newLab(t, 3, "ab")
		l.run(10)
		a := l.node("a")
		before := a.saved
		a.Step(word)
		u := a.Update()
		if len(a.peers) != 1 || !sameSaved(a.saved, before) || u.Persist != nil || u.Activated != nil || u.Standby != nil || len(u.Problems) > 0 {
			t.Errorf("%s: the node knows %d others and saves %+v", name, len(a.peers), a.saved)
		}
	}
}

// A node with a disk goes on from what it has promised.
func TestARestoredNodeKeepsItsPromises(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.begin("d")
	early := l.word("d")
	l.propose("a", "bc")
	l.tell("a", "b")
	b := l.node("b")
	l.follow(b)
	if !b.durable.Pledge.made() {
		t.Fatal("the pledge was not to be made durable")
	}
	restored, err := Restore(b.config, b.durable)
	if err != nil {
		t.Fatal(err)
	}
	b.Founder = restored
	l.hear("b", early)
	l.wantPledge("abc", "b")
	if !sameSaved(b.saved, b.durable) {
		t.Errorf("after the restart %+v became %+v", b.durable, b.saved)
	}
	l.run(100)
	l.want(Member, "abc")
}

func TestARestoredMemberTellsOthersOfItsCluster(t *testing.T) {
	l := newLab(t, 3, "abc")
	l.run(40)
	a := l.node("a")
	restored, err := Restore(a.config, a.durable)
	if err != nil {
		t.Fatal(err)
	}
	l.start("d")
	a.Founder = restored
	u := a.Update()
	if u.Activated != nil || u.Persist != nil || u.Broadcast == nil {
		t.Fatalf("a restored member's first update is %+v", u)
	}
	l.hear("d", Heard{From: "a", Cluster: u.Cluster, Hello: u.Broadcast})
	l.want(Standby, "d")
	l.wantCharter("abc", "ad")
}

func TestWhatCannotHaveBeenSavedIsRefused(t *testing.T) {
	config := testConfig("a", 3)
	charter := NewCharter("test", []raft.NodeID{"a", "b", "c"})
	other := NewCharter("other", []raft.NodeID{"a", "b", "c"})
	r := Round{1, 1}
	for name, saved := range map[string]Saved{
		"a pledge in a later round":  {Round: r, Pledge: Pledge{Round{2, 1}, charter}},
		"a pledge of another name":   {Round: r, Pledge: Pledge{r, other}},
		"a charter of another name":  {State: Member, Charter: other},
		"a charter of another size":  {State: Member, Charter: NewCharter("test", []raft.NodeID{"a", "b"})},
		"a state that there is not":  {State: 9, Charter: charter},
		"a member without a charter": {State: Member},
	} {
		if _, err := Restore(config, saved); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if f, err := Restore(config, Saved{State: Member, Charter: charter}); err != nil || f.State() != Member || f.Update().Activated != nil {
		t.Errorf("a member is restored as %v, %v", f, err)
	}
}

func TestConfigurationsThatCannotBeAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no id":              func(c *Config) { c.ID = "" },
		"no name":            func(c *Config) { c.Cluster = "" },
		"size 0":             func(c *Config) { c.Size = 0 },
		"a size beyond all":  func(c *Config) { c.Size = raft.MaxMembers + 1 },
		"hellos of no time":  func(c *Config) { c.HelloTicks = -1 },
		"silence too soon":   func(c *Config) { c.SilentTicks = 1 },
		"rounds of no time":  func(c *Config) { c.RoundTicks = -1 },
		"quiet of less time": func(c *Config) { c.QuietTicks = -1 },
	} {
		c := testConfig("a", 3)
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestAProblemIsOverWhenNobodyWhoShowsItIsHeard(t *testing.T) {
	ids := func(id raft.NodeID) []raft.NodeID { return []raft.NodeID{id} }
	for name, shows := range map[string]Heard{
		"size":    {From: "b", Hello: &wire.Hello{Size: 5}},
		"cluster": {From: "b", Cluster: NewCharter("test", ids("b")).Cluster, Hello: &wire.Hello{Size: 1, State: wire.Member, Charter: ids("b")}},
		"copy":    {From: "b", Hello: &wire.Hello{Size: 1, Starts: 1, Nonce: 2}},
	} {
		l := newLab(t, 1, "a")
		l.run(40)
		a := l.node("a")
		a.Step(Heard{From: "b", Hello: &wire.Hello{Size: 1, Starts: 1, Nonce: 1}})
		silent := a.config.SilentTicks
		tick := func(ticks int) (u Update) {
			for range ticks {
				a.Step(Tick{})
			}
			return a.Update()
		}
		tick(1)
		a.Step(shows)
		u := a.Update()
		if len(u.Problems) != 1 || len(u.Solved) != 0 {
			t.Fatalf("%s: reported %v, solved %v", name, u.Problems, u.Solved)
		}
		first := u.Problems[0]
		for range 3 { // it is heard again and again
			u = tick(silent - 1)
			a.Step(shows)
			if again := a.Update(); len(u.Solved) > 0 || len(again.Problems) > 0 {
				t.Fatalf("%s: while it is there, reported %v, solved %v", name, again.Problems, u.Solved)
			}
		}
		if u = tick(silent - 1); len(u.Solved) > 0 {
			t.Fatalf("%s: solved %v too early", name, u.Solved)
		}
		if u = tick(1); len(u.Solved) != 1 || u.Solved[0].Error() != first.Error() {
			t.Fatalf("%s: solved %v, want %v", name, u.Solved, first)
		}
		a.Step(shows)
		if u = tick(1); len(u.Problems) != 1 || len(u.Solved) != 0 {
			t.Fatalf("%s: when it is back, reported %v, solved %v", name, u.Problems, u.Solved)
		}
	}
}
