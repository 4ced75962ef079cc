package founding

import (
	"slices"
	"testing"
)

func TestNodesThatMeetFoundOneCluster(t *testing.T) {
	for size, ids := range []string{1: "a", 2: "ab", 3: "abc", 4: "abcd", 5: "abcde"} {
		if size == 0 {
			continue
		}
		l := newLab(t, size, ids)
		l.run(40)
		l.want(Member, ids)
		l.wantCharter(ids, ids)
	}
}

func TestNothingIsFoundedByFewerThanItsSize(t *testing.T) {
	l := newLab(t, 3, "ab")
	l.run(500)
	l.want(Fresh, "ab")
	l.wantWaiting("a", "waiting for 1 more node (have a, b)")
}

func TestTheLowestIdsFoundAndTheOthersStandBy(t *testing.T) {
	l := newLab(t, 3, "edcba")
	l.run(40)
	l.want(Member, "abc")
	l.want(Standby, "de")
	l.wantCharter("abc", "abcde")
}

func TestANodeThatDoesNotAnswerDelaysTheChoiceOnly(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.run(5)
	l.crash("a")
	l.run(40)
	l.want(Member, "bcd")
}

func TestANodeThatHearsNothingDelaysTheChoiceOnly(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.via = func(to *node, w Heard) {
		if to != l.node("a") {
			to.Step(w)
		}
	}
	l.run(100)
	l.want(Member, "bcd")
	l.want(Fresh, "a")
}

func TestAfterALoneNodeFoundedTheNextStandsBy(t *testing.T) {
	l := newLab(t, 1, "b")
	l.run(40)
	l.want(Member, "b")
	l.start("a")
	l.run(40)
	l.want(Standby, "a")
	l.wantCharter("b", "ab")
}

func TestTheFirstToCountEnoughNodesChoosesTheCharter(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.propose("c", "bd")
	l.wantPledge("bcd", "c")
	l.run(40)
	l.want(Member, "bcd")
	l.want(Standby, "a")
	l.wantCharter("bcd", "abcd")
}

func TestHalvesOfFourFreshNodesWaitForEachOther(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.partition("ab", "cd")
	l.run(500)
	l.want(Fresh, "abcd")
	l.partition()
	l.run(40)
	l.want(Member, "abc")
	l.want(Standby, "d")
}

func TestAMinorityWaitsUntilItHearsTheMember(t *testing.T) {
	l := newLab(t, 3, "abcde")
	l.partition("abc", "de")
	l.run(100)
	l.want(Member, "abc")
	l.want(Fresh, "de")
	l.partition()
	l.run(15)
	l.want(Standby, "de")
}

func TestANodeThatDiesBeforeItPledgesIsReplacedByAnyOther(t *testing.T) {
	l := newLab(t, 3, "abc")
	l.propose("a", "bc")
	l.crash("c")
	l.tell("a", "b")
	l.wantPledge("abc", "ab")
	l.run(200)
	l.wantWaiting("a", "waiting for 1 more node (have a, b)")
	// The charter may be in force for all that a and b know, so d cannot take c's
	// place in it. It can in deciding it.
	l.start("d")
	l.run(100)
	l.want(Member, "ab")
	l.want(Standby, "d")
	l.wantCharter("abc", "abd")
}

func TestANodeThatDiesAfterItPledgedHasFounded(t *testing.T) {
	l := newLab(t, 3, "abc")
	l.propose("a", "bc")
	l.tell("a", "bc")
	l.tell("c", "ab")
	l.crash("c")
	l.want(Fresh, "a")
	l.want(Member, "b")
	l.tell("b", "a")
	l.want(Member, "a")
	l.wantCharter("abc", "ab")
}

func TestANodeThatDiesBeforeAnythingIsChosenIsReplacedInTheCharter(t *testing.T) {
	l := newLab(t, 3, "abc")
	l.gather("bc", "a")
	l.begin("a")
	l.tell("a", "bc")
	l.crash("c")
	l.run(60)
	l.want(Fresh, "ab")
	l.start("d")
	l.run(100)
	l.want(Member, "abd")
	l.wantCharter("abd", "abd")
}

func TestWhoeverReplacesAFounderThatDiedStandsBy(t *testing.T) {
	l := newLab(t, 3, "abc")
	l.propose("a", "bc")
	l.tell("a", "bc")
	l.crash("c")
	l.start("d")
	l.run(100)
	l.want(Member, "ab")
	l.want(Standby, "d")
	l.wantCharter("abc", "abd")
}

func TestAProposerThatDiesIsFollowedByAnother(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.propose("a", "bcd")
	l.crash("a")
	l.want(Fresh, "bcd")
	// Nobody has heard of a's pledge, so the choice is free.
	l.run(200)
	l.want(Member, "bcd")
	l.wantCharter("bcd", "bcd")
}

func TestACharterThatMayBeInForceIsKept(t *testing.T) {
	l := newLab(t, 3, "abcde")
	l.propose("b", "cd")
	l.wantPledge("bcd", "b")
	// In the next round there are one node that has pledged and two that have not.
	l.propose("a", "bc")
	l.wantPledge("bcd", "a")
}

func TestTheLatestPledgeIsKept(t *testing.T) {
	l := newLab(t, 3, "abcde")
	l.propose("e", "cd")
	l.wantPledge("cde", "e")
	l.propose("b", "acd")
	l.wantPledge("abc", "b")
	l.begin("c") // so that it cannot pledge in b's round any more
	l.tell("c", "be")
	l.gather("be", "c")
	l.wantPledge("abc", "c")
	if r := l.node("c").saved.Pledge.Round.Number; r != 3 {
		t.Errorf("the pledge is of round %d", r)
	}
}

func TestWhoeverHearsAStandbyTakesNoPartInFounding(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.run(40)
	l.want(Standby, "d")
	l.crash("abc")
	l.start("efgh")
	standby := l.word("d")
	l.begin("e")
	l.tell("e", "fg")
	l.hear("eh", standby)
	l.tell("e", "h")
	l.gather("fg", "e")
	l.wantPledge("", "efgh")
	if r := l.node("h").saved.Round; r != (Round{}) {
		t.Errorf("h entered %v beside a standby", r)
	}
	l.run(500)
	l.want(Fresh, "efgh")
}

func TestNodesThatNeverPledgedChooseFreely(t *testing.T) {
	l := newLab(t, 3, "abcde")
	l.propose("b", "cd")
	l.propose("e", "acd")
	l.wantPledge("acd", "e")
	l.run(60)
	l.want(Member, "acd")
	l.wantCharter("acd", "abcde")
}

func TestPledgesThatCrossEndInOneCharter(t *testing.T) {
	l := newLab(t, 3, "abcde")
	l.partition("abd", "cde")
	l.begin("a")
	l.begin("c")
	l.tell("a", "bd")
	l.tell("b", "a")
	l.tell("c", "de") // d enters the later of the two rounds
	l.tell("e", "c")
	l.tell("d", "ac")
	l.partition()
	l.run(100)
	l.wantOneCluster()
}

func TestAVoterActivatesWhateverElseItHasPromised(t *testing.T) {
	l := newLab(t, 3, "abcde")
	l.propose("a", "bc")
	l.tell("a", "bc")
	l.tell("b", "ac")
	l.tell("c", "a")
	l.want(Member, "ac")
	l.want(Fresh, "b")
	late := l.word("a")
	// b enters a later round that can only end in the same charter, and hears of the
	// decision long after.
	l.begin("d")
	l.tell("d", "b")
	l.hear("b", late)
	l.want(Member, "b")
	l.wantCharter("abc", "b")
}

func TestAVoterActivatesWhenAStandbyNamesTheCharter(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.propose("a", "bc")
	l.tell("a", "bcd")
	l.tell("b", "d")
	l.tell("c", "d")
	l.want(Standby, "d")
	l.want(Fresh, "abc")
	l.tell("d", "abc")
	l.want(Member, "abc")
}

func TestOnlyAMembersWordMakesAStandby(t *testing.T) {
	l := newLab(t, 3, "abcd")
	l.run(40)
	l.want(Standby, "d")
	l.start("e")
	l.tell("d", "e")
	l.want(Fresh, "e")
	l.tell("a", "e")
	l.want(Standby, "e")
}

func TestAStandbyIgnoresHellosOfThePast(t *testing.T) {
	l := newLab(t, 3, "abcd")
	var past []Heard
	past = append(past, l.word("a"), l.word("b"), l.word("c"))
	l.propose("a", "bc")
	past = append(past, l.word("a"), l.word("b"), l.word("c"))
	l.run(40)
	l.want(Standby, "d")
	before := l.node("d").durable
	slices.Reverse(past)
	l.hear("d", past...)
	if p := l.node("d").peers.get("a"); p.state != Member || p.pledge.Round != l.node("a").saved.Pledge.Round || p.round != l.node("a").saved.Round {
		t.Errorf("the standby takes a member for %+v", p)
	}
	l.run(40)
	l.want(Standby, "d")
	if after := l.node("d").durable; after.Charter.Cluster != before.Charter.Cluster {
		t.Errorf("the standby went from %v to %v", before, after)
	}
}

func TestLateComersNeverFoundBesideALivingCluster(t *testing.T) {
	l := newLab(t, 3, "def")
	l.run(100)
	l.start("abc")
	l.run(40)
	l.want(Member, "def")
	l.want(Standby, "abc")
}
