package founding

import (
	"fmt"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

func TestANodeSaysForWhomItWaits(t *testing.T) {
	l := newLab(t, 3, "a")
	l.wantWaiting("a", "waiting for 2 more nodes (have a)")
	l.start("bc")
	l.tell("c", "a")
	l.wantWaiting("a", "waiting for 1 more node (have a, c)")
	l.tell("b", "a")
	l.wantWaiting("a", "waiting a moment for others to say hello (have a, b, c)")
	l.begin("a")
	l.wantWaiting("a", "waiting for agreement on the founding nodes (have a, b, c)")
	l.run(40)
	l.wantWaiting("a", "")
	l.start("d")
	l.run(40)
	l.wantWaiting("d", "waiting for a place in the cluster that a, b, c founded")
}

func TestTheSilentAreWaitedForAgain(t *testing.T) {
	l := newLab(t, 3, "abc")
	l.gather("bc", "a")
	l.crash("c")
	l.partition("ab")
	l.run(testConfig("a", 3).SilentTicks)
	l.wantWaiting("a", "waiting for 1 more node (have a, b)")
}

func TestNodesAreListedByTheirIdsAndNamedWhereOneIsMeant(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.node("a").config.Name = "anna"
	l.node("b").config.Name = "bert"
	l.tell("b", "a")
	l.wantWaiting("a", "waiting for 1 more node (have a, b)")
	l.run(40)
	l.wantWaiting("d", "waiting for a place in the cluster that a, b, c founded")
	l.start("e")
	l.node("d").config.Name = "dora"
	l.tell("d", "e")
	l.wantWaiting("e", fmt.Sprintf("waiting to hear a member of cluster %v, which node dora (d) knows; "+
		"if that cluster is lost for good, restart dora (d)", l.node("a").Charter().Cluster))
	l.node("b").config.Name = "b"
	l.startSized("f", 2)
	l.tell("b", "f")
	l.wantWaiting("f", "not founding a cluster of 2: node b is in one of 3 under this name")
}

// deadVoters has a and d pledged to the charter of a, b and c, and b and c silent. In
// the round that e begins nobody can pledge to what was pledged before.
func deadVoters(t *testing.T) *lab {
	t.Helper()
	l := newLab(t, 3, "abcde")
	l.gather("bc", "d")
	l.gather("bc", "e")
	l.propose("a", "bc")
	l.tell("a", "d")
	l.wantPledge("abc", "ad")
	l.crash("bc")
	l.partition("a", "d", "e")
	l.run(60)
	l.begin("e")
	l.partition()
	l.run(500)
	l.want(Fresh, "ade")
	l.wantWaiting("e", "waiting for b, c: the cluster of a, b, c may exist; if they are lost for good, restart a, d")
	return l
}

func TestACharterThatLostItsVotersIsKeptIfTheyComeBack(t *testing.T) {
	l := deadVoters(t)
	l.node("b").down = false
	l.run(100)
	l.want(Member, "ab")
	l.want(Standby, "de")
	l.wantCharter("abc", "abde")
}

func TestACharterThatLostItsVotersIsReplacedIfAPersonRestartsWhoPledged(t *testing.T) {
	l := deadVoters(t)
	l.crash("ad")
	l.start("fg")
	l.run(100)
	l.want(Member, "efg")
	l.wantCharter("efg", "efg")
}

func TestACharterThatLostItsVotersIsReplacedByEnoughWhoNeverPledged(t *testing.T) {
	l := deadVoters(t)
	l.start("f")
	l.run(500)
	l.want(Fresh, "adef")
	l.start("g")
	l.run(300)
	l.want(Member, "efg")
	l.want(Standby, "ad")
	l.wantCharter("efg", "adefg")
}

func TestNobodyPledgesToACharterThatLostItsVoters(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.propose("a", "bc")
	l.crash("bc")
	l.tell("a", "d")
	l.wantPledge("", "d")
	if r := l.node("d").saved.Round; r != l.node("a").saved.Round {
		t.Errorf("d is in the round %v", r)
	}
	l.tell("b", "d")
	l.tell("a", "d")
	l.wantPledge("abc", "d")
}

func TestAStandbyOfALostClusterHoldsUpFoundingUntilItIsRestarted(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.run(40)
	l.want(Standby, "d")
	cluster := l.node("d").Charter().Cluster
	l.crash("abc")
	l.start("ef")
	l.run(500)
	l.start("g")
	l.run(500)
	l.want(Fresh, "efg")
	l.wantWaiting("e", fmt.Sprintf("waiting to hear a member of cluster %v, which node d knows; "+
		"if that cluster is lost for good, restart d", cluster))
	l.crash("d")
	l.start("h")
	l.judge = newJudge(3)
	l.nodes = l.nodes[4:] // the lost cluster is none that counts
	l.run(100)
	l.wantOneCluster()
}

func TestAClusterOfAnotherSizeHoldsUpFounding(t *testing.T) {
	l := newLab(t, 1, "a")
	l.run(40)
	l.want(Member, "a")
	for _, id := range []raft.NodeID{"b", "c"} {
		l.startSized(id, 2)
	}
	l.run(500)
	l.want(Fresh, "bc")
	l.wantWaiting("b", "not founding a cluster of 2: node a is in one of 1 under this name")
	l.crash("a")
	l.run(100)
	l.want(Member, "bc")
}
