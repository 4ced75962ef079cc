package memory

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

func TestDropLosesItsShareOfFrames(t *testing.T) {
	for _, test := range []struct {
		drop     float64
		min, max int // arriving of 1000
	}{{0, 1000, 1000}, {0.3, 650, 750}, {1, 0, 0}} {
		t.Run(fmt.Sprint(test.drop), func(t *testing.T) {
			c := New(Seed(1))
			a, b := join(t, c, "a"), join(t, c, "b")
			c.SetFaults(Faults{Drop: test.drop})
			a.send(t, "b", 1000)
			if n := len(b.got()); n < test.min || n > test.max {
				t.Fatalf("%d of 1000 frames arrived, want %d to %d", n, test.min, test.max)
			}
		})
	}
}

func TestDuplicateDeliversAFrameTwice(t *testing.T) {
	c := New()
	a, b := join(t, c, "a"), join(t, c, "b")
	c.SetFaults(Faults{Duplicate: 1})
	a.send(t, "b", 2)
	wantFrames(t, b, "1", "1", "2", "2")
}

func TestAFrameThatIsLostIsNotDuplicated(t *testing.T) {
	c := New()
	a, b := join(t, c, "a"), join(t, c, "b")
	c.SetFaults(Faults{Drop: 1, Duplicate: 1})
	a.send(t, "b", 10)
	wantFrames(t, b)
}

func TestLinksHaveDecisionsOfTheirOwn(t *testing.T) {
	c := New()
	a, b, d := join(t, c, "a"), join(t, c, "b"), join(t, c, "d")
	ab, bd := join(t, c, "ab"), join(t, c, "bd")
	c.SetFaults(Faults{Drop: 0.5})
	known := make(map[string]string)
	for _, link := range [][2]*member{{a, b}, {b, a}, {d, b}, {a, d}, {a, bd}, {ab, d}} {
		from, to := link[0], link[1]
		way := string(from.id + ">" + to.id)
		decisions := ""
		for range 64 {
			if hears(t, from, to) {
				decisions += "+"
			} else {
				decisions += "-"
			}
		}
		if other := known[decisions]; other != "" {
			t.Errorf("%s and %s have the same decisions", way, other)
		}
		known[decisions] = way
	}
}

func TestBroadcastsHaveFaultsOnEachLink(t *testing.T) {
	c := New()
	a, b, d := join(t, c, "a"), join(t, c, "b"), join(t, c, "d")
	c.SetLink("a", "b", Faults{Drop: 1})
	if err := a.Broadcast([]byte("all")); err != nil {
		t.Fatal(err)
	}
	wantFrames(t, b)
	wantFrames(t, d, "all")
}

func TestSetLinkAffectsOneDirectionOfOneLink(t *testing.T) {
	c := New()
	a, b, d := join(t, c, "a"), join(t, c, "b"), join(t, c, "d")
	c.SetLink("a", "b", Faults{Drop: 1})
	if hears(t, a, b) {
		t.Error("a reaches b")
	}
	if !hears(t, b, a) || !hears(t, a, d) || !hears(t, d, b) {
		t.Error("another link is affected")
	}
}

func TestSetLinkGoesBeforeSetFaults(t *testing.T) {
	c := New()
	a, b, d := join(t, c, "a"), join(t, c, "b"), join(t, c, "d")
	c.SetFaults(Faults{Drop: 1})
	c.SetLink("a", "b", Faults{})
	if !hears(t, a, b) || hears(t, a, d) {
		t.Fatal("the link's own faults do not go before the general ones")
	}
	c.SetFaults(Faults{Drop: 1})
	if hears(t, a, b) {
		t.Fatal("SetFaults did not replace what SetLink set")
	}
}

func TestPartitionSeparatesTheGroups(t *testing.T) {
	c := New()
	a, b, d, e := join(t, c, "a"), join(t, c, "b"), join(t, c, "d"), join(t, c, "e")
	c.Partition([]raft.NodeID{"a", "b"}, []raft.NodeID{"d", "e"})
	wantLinks(t, []*member{a, b, d, e}, "ab", "ba", "de", "ed")
}

func TestNodesInNoGroupAreAGroup(t *testing.T) {
	c := New()
	a, b, d := join(t, c, "a"), join(t, c, "b"), join(t, c, "d")
	c.Partition([]raft.NodeID{"a"})
	late := join(t, c, "z")
	wantLinks(t, []*member{a, b, d, late}, "bd", "db", "bz", "zb", "dz", "zd")
}

func TestANodeInTwoGroupsIsABridge(t *testing.T) {
	c := New()
	a, b, d := join(t, c, "a"), join(t, c, "b"), join(t, c, "d")
	c.Partition([]raft.NodeID{"a", "b"}, []raft.NodeID{"b", "d"})
	wantLinks(t, []*member{a, b, d}, "ab", "ba", "bd", "db")
}

func TestAPartitionReplacesTheLast(t *testing.T) {
	c := New()
	a, b, d := join(t, c, "a"), join(t, c, "b"), join(t, c, "d")
	c.Partition([]raft.NodeID{"a"})
	c.Partition([]raft.NodeID{"d"})
	wantLinks(t, []*member{a, b, d}, "ab", "ba")
	c.Partition()
	wantLinks(t, []*member{a, b, d}, "ab", "ad", "ba", "bd", "da", "db")
}

func TestCutIsOneWay(t *testing.T) {
	c := New()
	a, b, d := join(t, c, "a"), join(t, c, "b"), join(t, c, "d")
	c.Cut("a", "b")
	wantLinks(t, []*member{a, b, d}, "ad", "ba", "bd", "da", "db")
}

func TestIsolateCutsBothWays(t *testing.T) {
	c := New()
	a, b, d := join(t, c, "a"), join(t, c, "b"), join(t, c, "d")
	c.Isolate("a")
	wantLinks(t, []*member{a, b, d}, "bd", "db")
}

func TestHealUndoesPartitionCutAndIsolateOnly(t *testing.T) {
	c := New()
	a, b, d := join(t, c, "a"), join(t, c, "b"), join(t, c, "d")
	c.SetLink("d", "a", Faults{Drop: 1})
	c.Partition([]raft.NodeID{"a"})
	c.Cut("b", "d")
	c.Isolate("d")
	c.Heal()
	wantLinks(t, []*member{a, b, d}, "ab", "ad", "ba", "bd", "db")
}

func TestPassesSaysWhatIsLostAltogether(t *testing.T) {
	for name, c := range map[string]struct {
		harm        func(*Channel)
		there, back bool
	}{
		"nothing":   {func(*Channel) {}, true, true},
		"partition": {func(c *Channel) { c.Partition([]raft.NodeID{"a"}) }, false, false},
		"isolate":   {func(c *Channel) { c.Isolate("b") }, false, false},
		"cut":       {func(c *Channel) { c.Cut("a", "b") }, false, true},
		"some lost": {func(c *Channel) { c.SetFaults(Faults{Drop: 0.9}) }, true, true},
		"heal":      {func(c *Channel) { c.Isolate("b"); c.Heal() }, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			ch := New()
			c.harm(ch)
			if there, back := ch.Passes("a", "b"), ch.Passes("b", "a"); there != c.there || back != c.back {
				t.Errorf("there %v, back %v, want %v, %v", there, back, c.there, c.back)
			}
		})
	}
}

// wantLinks checks which nodes hear which: "ab" is from a to b.
func wantLinks(t *testing.T, nodes []*member, want ...string) {
	t.Helper()
	var got []string
	for _, from := range nodes {
		for _, to := range nodes {
			if from != to && hears(t, from, to) {
				got = append(got, string(from.id+to.id))
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("open links %v, want %v", got, want)
	}
}

// outcome sends on a lossy channel and returns what arrives at b from a.
func outcome(t *testing.T, seed uint64, others bool) []string {
	t.Helper()
	c := New(Seed(seed))
	a, b, d := join(t, c, "a"), join(t, c, "b"), join(t, c, "d")
	c.SetFaults(Faults{Drop: 0.4, Duplicate: 0.3})
	for i := range 100 {
		a.sendFrame(t, "b", fmt.Sprint(i))
		if others {
			b.sendFrame(t, "d", "noise")
			d.sendFrame(t, "a", "noise")
			a.sendFrame(t, "d", "noise")
		}
	}
	return b.got()
}

func TestTheSameSeedGivesTheSameDecisions(t *testing.T) {
	if x, y := outcome(t, 7, false), outcome(t, 7, false); !slices.Equal(x, y) {
		t.Fatalf("twice seed 7:\n%v\n%v", x, y)
	}
}

func TestAnotherSeedGivesOtherDecisions(t *testing.T) {
	if x, y := outcome(t, 7, false), outcome(t, 8, false); slices.Equal(x, y) {
		t.Fatalf("seeds 7 and 8 both give %v", x)
	}
}

func TestDecisionsOnOneLinkDoNotDependOnOthers(t *testing.T) {
	if x, y := outcome(t, 7, false), outcome(t, 7, true); !slices.Equal(x, y) {
		t.Fatalf("without and with other traffic:\n%v\n%v", x, y)
	}
}
