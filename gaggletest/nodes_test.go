package gaggletest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/gaggletest"
)

// soon is longer than it takes to elect a leader, and to notice that there is none.
const soon = 5 * time.Second

// values reads what a node has.
func values[T any](t *testing.T, n *gaggle.Node[T]) (values []T) {
	t.Helper()
	for e, err := range n.Entries(t.Context(), gaggle.Until(n.Status().Applied)) {
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, e.Value)
	}
	return values
}

// mustFail checks that nothing is appended through a node for a while.
func mustFail(t *testing.T, n *gaggle.Node[string], want error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if _, err := n.Append(ctx, "in vain"); !errors.Is(err, want) {
		t.Errorf("append at %s: %v, want %v", n.ID(), err, want)
	}
}

func TestAClusterHasALeaderAndMinutesTakeNoTime(t *testing.T) {
	began := time.Now()
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		if leader := c.Leader(); !slices.Contains(c.Nodes(), leader) || leader.Status().Role != gaggle.RoleLeader {
			t.Errorf("%v leads", leader.Status())
		}
		time.Sleep(time.Minute)
		c.Append(c.Followers()[0], "a minute later")
		c.Check()
	})
	if took := time.Since(began); took > time.Minute/2 {
		t.Errorf("it took %v", took)
	}
}

func TestItWorksInRealTimeToo(t *testing.T) {
	c := gaggletest.Cluster[string](t, 3)
	c.Append(c.Node(0), "really")
	c.Check()
}

func TestItWorksInABubbleOfOnesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 1)
		c.Append(c.Leader(), "alone")
		c.Check()
	})
}

func TestAMajorityGoesOnWithoutTheOthers(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 5)
		leader := c.Leader()
		others := c.Followers()
		c.Partition([]*gaggle.Node[string]{leader, others[0]}, others[1:])
		next := c.Leader()
		if !slices.Contains(others[1:], next) {
			t.Fatalf("%s leads, and is in the smaller part", next.ID())
		}
		c.Append(next, "by the majority")
		mustFail(t, leader, context.DeadlineExceeded)
		c.Check() // those that are cut off may lack the end
		if got := values(t, others[0]); len(got) != 0 {
			t.Errorf("%s has %v through a partition", others[0].ID(), got)
		}
		c.Heal()
		c.Check()
		if got := values(t, others[0]); len(got) == 0 {
			t.Errorf("%s has nothing after it was healed", others[0].ID())
		}
	})
}

func TestANodeThatIsIsolatedIsReplaced(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		old := c.Leader()
		c.Isolate(old)
		if next := c.Leader(); next == old {
			t.Errorf("%s is isolated and leads", old.ID())
		}
	})
}

func TestACutIsInOneDirection(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		follower := c.Followers()[0]
		for _, n := range c.Nodes() {
			if n != follower {
				c.Cut(n, follower)
			}
		}
		e := c.Append(c.Leader(), "not heard")
		time.Sleep(soon)
		if applied := follower.Status().Applied; applied >= e.Index {
			t.Errorf("a node that hears nobody has applied %d", applied)
		}
		c.Heal()
		c.Check()
	})
}

func TestASlowLinkIsSlowInItsDirection(t *testing.T) {
	const slow = 200 * time.Millisecond
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 2)
		leader, follower := c.Leader(), c.Followers()[0]
		took := func() time.Duration {
			began := time.Now()
			c.Append(leader, "x")
			return time.Since(began)
		}
		before := took()
		c.SlowLink(leader, follower, slow)
		there := took()
		c.Heal()
		time.Sleep(slow) // what is on its way keeps its place
		after := took()
		if before > slow/2 || there < slow || there > 3*slow/2 || after > slow/2 {
			t.Errorf("an append takes %v, over a slow link %v, and then %v", before, there, after)
		}
	})
}

// Otherwise a program that never waits for anything but nodes would stop the time.
func TestTimePassesWhenNodesTalk(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		for _, harm := range []func(){func() {}, func() { c.Faults(memory.Faults{}) }, func() { c.SlowLink(c.Node(0), c.Node(1), 0) }, c.Heal} {
			harm()
			began := time.Now()
			c.Append(c.Followers()[0], "x")
			if took := time.Since(began); took < 2*time.Millisecond {
				t.Errorf("an append takes %v", took)
			}
		}
	})
}

func TestFaultsAreOfEveryLink(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		c.Faults(memory.Faults{Drop: 1})
		mustFail(t, c.Node(0), context.DeadlineExceeded)
		c.Heal()
		c.Check()
	})
}

func TestACrashedLeaderHandsNothingOver(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		leader := c.Leader()
		term := leader.Status().Term
		began := time.Now()
		c.Crash(leader)
		if s := leader.Status().State; s != gaggle.Stopped {
			t.Errorf("the crashed node is a %v", s)
		}
		next := c.Leader()
		if took := time.Since(began); took < gaggle.LAN().ElectionMin {
			t.Errorf("the next leader was there after %v, as if the crashed one had said farewell", took)
		}
		if got := next.Status().Term; got <= term {
			t.Errorf("the next leader is of term %d, after %d", got, term)
		}
		c.Append(next, "without it")
		c.Check()
	})
}

func TestWhatACrashedLeaderHadOnlyItselfIsGone(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		leader := c.Leader()
		c.Append(leader, "to some")
		c.Isolate(leader)
		p, err := leader.Propose("to nobody")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
		c.Crash(leader)
		if _, err := p.Wait(t.Context()); !errors.Is(err, gaggle.ErrClosed) || !errors.Is(err, gaggle.ErrUncertain) {
			t.Errorf("the append ends with %v", err)
		}
		c.Append(c.Leader(), "to all")
		c.Check()
		if got := values(t, c.Leader()); !slices.Equal(got, []string{"to some", "to all"}) {
			t.Errorf("the log is %q", got)
		}
	})
}

func TestARestartedNodeIsANewOneInItsPlace(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		old := c.Followers()[0]
		place := c.Place(old)
		fresh := c.Restart(old)
		if c.Node(place) != fresh || c.Place(fresh) != place || c.Place(old) != place || old.Status().State != gaggle.Stopped {
			t.Errorf("%s is in place %d, and %s in %d", fresh.ID(), c.Place(fresh), old.ID(), c.Place(old))
		}
		c.Eventually("the new node is a standby", func() bool { return fresh.Status().State == gaggle.Standby })
		mustFail(t, fresh, gaggle.ErrStandby)
		c.Append(c.Leader(), "without it")
		if again := c.Restart(fresh); again == fresh || c.Node(place) != again {
			t.Error("the second restart left the node as it was")
		}
		c.Check()
		if n := len(c.Followers()); n != 1 {
			t.Errorf("%d follow, want 1", n)
		}
	})
}

func TestAPausedLeaderIsReplacedAndComesBack(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		old := c.Leader()
		c.Pause(old)
		next := c.Leader()
		if next == old {
			t.Fatal("a node that stands still leads")
		}
		c.Append(next, "meanwhile")
		time.Sleep(soon)
		if s := old.Status(); s.Role != gaggle.RoleLeader {
			t.Errorf("a leader that stood still is a %v of term %d: its clock went on", s.Role, s.Term)
		}
		mustFail(t, old, context.DeadlineExceeded)
		c.Resume(old)
		c.Check()
		if got := values(t, old); !slices.Contains(got, "meanwhile") {
			t.Errorf("after it went on, it has %q", got)
		}
	})
}

func TestAPausedFollowerMissesNothing(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		follower := c.Followers()[1]
		c.Pause(follower)
		e := c.Append(c.Leader(), "meanwhile")
		time.Sleep(soon)
		if applied := follower.Status().Applied; applied >= e.Index {
			t.Errorf("a node that stands still has applied %d", applied)
		}
		c.Heal() // resumes it
		c.Check()
	})
}

func TestANodeThatStandsStillIsClosedAtTheEndAllTheSame(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		for _, n := range c.Nodes() {
			c.Pause(n)
		}
		time.Sleep(soon)
	})
}

func TestANodeThatStandsStillMayCrash(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		leader := c.Leader()
		c.Pause(leader)
		time.Sleep(soon)
		c.Crash(leader)
		c.Append(c.Leader(), "without it")
		c.Check()
	})
}

// The seeds decide who is who, who leads, and what Chaos does.
func TestASeedRepeatsItsFaults(t *testing.T) {
	story := func(seed uint64) (story string) {
		gaggletest.Run(t, func(t *testing.T) {
			c := gaggletest.Cluster[string](t, 3)
			for _, n := range c.Nodes() {
				story += fmt.Sprint(n.ID(), " ")
			}
			story += fmt.Sprint(c.Leader().ID(), c.Rand().Uint64())
		}, gaggletest.Seed(seed))
		return story
	}
	if a, b := story(7), story(7); a != b {
		t.Errorf("twice the same seed:\n%s\n%s", a, b)
	}
	if a, b := story(7), story(8); a == b {
		t.Errorf("two seeds, and both times %s", a)
	}
}

func TestSeedsRunsOneTestASeed(t *testing.T) {
	var names []string
	gaggletest.Run(t, func(t *testing.T) { names = append(names, t.Name()) }, gaggletest.Seeds(3))
	want := []string{t.Name() + "/seed=1", t.Name() + "/seed=2", t.Name() + "/seed=3"}
	if !slices.Equal(names, want) {
		t.Errorf("the tests are %v, want %v", names, want)
	}
}

func TestChaosLeavesAClusterThatAgrees(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		ctx, stop := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		for i, n := range c.Nodes() {
			clients.Go(func() {
				for serial := 0; ctx.Err() == nil; serial++ {
					_, _ = n.Append(ctx, fmt.Sprint(i, "-", serial))
					time.Sleep(50 * time.Millisecond)
				}
			})
		}
		c.Chaos(30 * time.Second)
		stop()
		clients.Wait()
		c.Check()
		if n := len(values(t, c.Leader())); n < 10 {
			t.Errorf("in half a minute of chaos, %d entries were committed", n)
		}
	}, gaggletest.Seeds(3))
}

func TestOptionsAreThoseOfJoin(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 1, gaggle.Name("geese"), gaggle.Size(5), gaggle.Local())
		if s := c.Leader().Status(); s.Cluster != "geese" || s.Size != 1 {
			t.Errorf("the status is %+v", s)
		}
	})
}
