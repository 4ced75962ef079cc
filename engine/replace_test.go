package engine

import (
	"errors"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/raft"
)

// testReplaceAfter is more than elections take.
const testReplaceAfter = 200

// A rota is a flock with nodes that stand by, which looks after its members. At every tick,
// their number is what it was, and no change is of more than one of them.
type rota struct {
	*flock
	size int
}

func newRota(t *testing.T, size, spares int) *rota {
	t.Helper()
	r := &rota{&flock{t: t, ch: memory.New(), replaceAfter: testReplaceAfter}, size}
	for i := range size {
		r.join(string(rune('a'+i)), size)
	}
	r.until("one node leads", func() bool { return r.leader() != nil })
	for i := range spares {
		r.join(string(rune('a'+size+i)), size)
	}
	r.until("the others stand by", func() bool {
		return len(r.leading().founder.Standbys()) == spares
	})
	return r
}

// leading is the node that leads the latest term, nil if none does.
func (r *rota) leading() *Node {
	var leader *Node
	for _, n := range r.nodes {
		if n.core == nil || !n.core.LeadsSettled() {
			continue
		}
		if leader == nil || n.core.Status().Term > leader.core.Status().Term {
			leader = n
		}
	}
	return leader
}

// node is the one of this id.
func (r *rota) node(id string) *Node {
	r.t.Helper()
	i := slices.IndexFunc(r.nodes, func(n *Node) bool { return n.ID() == raft.NodeID(id) })
	if i < 0 {
		r.t.Fatalf("there is no node %s", id)
	}
	return r.nodes[i]
}

// kill ends a node for good.
func (r *rota) kill(n *Node) {
	r.t.Helper()
	if err := n.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.nodes = slices.DeleteFunc(r.nodes, func(o *Node) bool { return o == n })
}

func (r *rota) await(what string, isSo func() bool) {
	r.t.Helper()
	r.until(what, func() bool {
		for _, n := range r.nodes {
			r.check(n)
		}
		return isSo()
	})
}

func (r *rota) pass(ticks int) {
	r.t.Helper()
	for range ticks {
		r.tick()
		for _, n := range r.nodes {
			r.check(n)
		}
	}
}

func (r *rota) check(n *Node) {
	r.t.Helper()
	if n.core == nil {
		return
	}
	s := n.core.Status()
	c := s.Configuration
	if len(c.Voters) != r.size {
		r.t.Fatalf("%s is in %v", n.ID(), c)
	}
	left := slices.DeleteFunc(slices.Clone(c.Outgoing), func(id raft.NodeID) bool { return slices.Contains(c.Voters, id) })
	if len(left) > 1 {
		r.t.Fatalf("%s is in %v, which takes the places of %v", n.ID(), c, left)
	}
	if role := n.Status().Role; role != raft.Follower && n.Status().State != Member {
		r.t.Fatalf("%s stands by, and is a %v", n.ID(), role)
	}
	if standing := s.Role != raft.Follower && !n.sessions.members.Member(n.ID()) && !c.Member(n.ID()); standing && s.Role != raft.Leader {
		r.t.Fatalf("%s stands for election, and is no member of %v", n.ID(), c)
	}
}

// voters are those that a leader knows, when no change is under way and nobody learns.
func (r *rota) voters() string {
	l := r.leading()
	if l == nil {
		return ""
	}
	s := l.core.Status()
	if s.Configuration.Joint() || len(s.Configuration.Learners) > 0 || s.ConfigurationIndex > s.Commit {
		return ""
	}
	text := ""
	for _, id := range s.Configuration.Voters {
		text += string(id)
	}
	return text
}

func (r *rota) mustAppend(n *Node, value string) {
	r.t.Helper()
	p := propose(r.t, n, value)
	r.await(value+" is there", func() bool { return len(p.ready) > 0 })
	if _, err := wait(r.t, p); err != nil {
		r.t.Fatalf("%s appends %q: %v", n.ID(), value, err)
	}
}

func (r *rota) followers() []*Node {
	return slices.DeleteFunc(slices.Clone(r.nodes), func(n *Node) bool {
		return n == r.leading() || n.Status().State != Member
	})
}

// mustAgree lets all members apply the same, and shows it to be these values.
func (r *rota) mustAgree(want ...string) {
	r.t.Helper()
	for _, n := range r.nodes {
		if n.Status().State != Member {
			continue
		}
		r.await("all is applied", func() bool { return n.applied == r.leading().applied })
		if got := values(n); !slices.Equal(got, want) {
			r.t.Errorf("%s has %v, want %v", n.ID(), got, want)
		}
	}
}

func TestASilentMemberIsReplacedByAStandby(t *testing.T) {
	r := newRota(t, 3, 1)
	leader, gone, spare := r.leading(), r.followers()[0], r.node("d")
	r.mustAppend(leader, "before")
	cluster := leader.Status().ClusterID
	events := leader.Watch()
	spareEvents := spare.Watch()
	r.kill(gone)
	r.pass(testReplaceAfter - leader.config.Raft.ElectionTicksMax)
	if c := leader.Status().Configuration; !c.Voter(gone.ID()) || c.Member(spare.ID()) {
		t.Errorf("too early, the configuration is %v", c)
	}
	r.await("the standby has its place", func() bool { return leader.Status().Configuration.Voter(spare.ID()) && r.voters() != "" })
	if c := leader.Status().Configuration; c.Member(gone.ID()) || len(c.Voters) != 3 {
		t.Errorf("the configuration is %v", c)
	}
	r.await("it is a member", func() bool { return spare.Status().State == Member && spare.Status().Leader == leader.ID() })
	if s := spare.Status(); s.ClusterID != cluster || s.Waiting != "" || len(s.Members) != 3 {
		t.Errorf("its status is %+v", s)
	}
	if got := eventsOf[MemberReplaced](events); !slices.Equal(got, []MemberReplaced{{Member: gone.ID(), By: spare.ID()}}) {
		t.Errorf("the leader tells of %+v", got)
	}
	if got := eventsOf[StateChanged](spareEvents); !slices.Equal(got, []StateChanged{{Member}}) {
		t.Errorf("the standby tells of %+v", got)
	}
	r.mustAppend(spare, "after")
	r.mustAgree("before", "after")
	if len(leader.sessions.byNode) != 2 || leader.sessions.byNode[gone.ID()] != nil {
		t.Errorf("the sessions are %v", leader.sessions.byNode)
	}
}

// eventsOf takes the events of one type that a watcher has been told.
func eventsOf[E Event](w *Watcher) []E {
	var of []E
	for e, ok := w.take(); ok; e, ok = w.take() {
		if e, ok := e.(E); ok {
			of = append(of, e)
		}
	}
	return of
}

func TestALeaderThatDiesIsReplacedByItsSuccessor(t *testing.T) {
	r := newRota(t, 3, 1)
	gone := r.leading()
	r.mustAppend(gone, "before")
	r.kill(gone)
	r.await("the standby has its place", func() bool {
		l := r.leading()
		return l != nil && r.voters() != "" && !l.Status().Configuration.Member(gone.ID())
	})
	r.mustAppend(r.node("d"), "after")
	r.mustAgree("before", "after")
}

func TestAClusterOutlivesAllItsFounders(t *testing.T) {
	r := newRota(t, 3, 2)
	want := []string{}
	for i := range 6 {
		value := number(i)
		r.mustAppend(r.leading(), value)
		want = append(want, value)
		gone := r.leading()
		r.kill(gone)
		r.await("its place is taken", func() bool {
			l := r.leading()
			return l != nil && r.voters() != "" && !l.Status().Configuration.Member(gone.ID())
		})
		r.join(string(rune('p'+i)), 3)
	}
	r.mustAgree(want...)
}

func TestOfTwoSilentMembersOneIsReplacedAfterTheOther(t *testing.T) {
	r := newRota(t, 5, 2)
	dead := r.followers()[:2]
	for _, n := range dead {
		r.kill(n)
	}
	r.await("both places are taken", func() bool {
		c := r.leading().Status().Configuration
		return c.Voter("f") && c.Voter("g") && r.voters() != ""
	})
	for _, n := range r.nodes {
		r.mustAppend(n, string(n.ID()))
	}
}

func TestMembersThatAreHeardKeepTheirPlaces(t *testing.T) {
	r := newRota(t, 3, 1)
	leader := r.leading()
	index := leader.core.Status().ConfigurationIndex
	for range 5 {
		r.ch.Isolate(r.followers()[0].ID())
		r.pass(testReplaceAfter - leader.config.Raft.ElectionTicksMax)
		r.ch.Heal()
		r.pass(leader.config.Raft.ElectionTicksMax)
	}
	if now := r.leading().core.Status(); now.ConfigurationIndex != index {
		t.Errorf("the configuration went from %d to %d, %v", index, now.ConfigurationIndex, now.Configuration)
	}
}

func TestNobodyIsReplacedByWhoIsAloneOrNeverAsked(t *testing.T) {
	for name, after := range map[string]int{"without a majority": testReplaceAfter, "never": 0} {
		t.Run(name, func(t *testing.T) {
			r := newRota(t, 3, 2)
			for _, n := range r.nodes {
				n.config.ReplaceAfterTicks = after
			}
			index := r.leading().core.Status().ConfigurationIndex
			dead := r.followers()
			if after == 0 {
				dead = dead[:1]
			}
			for _, n := range dead {
				r.kill(n)
			}
			r.pass(5 * testReplaceAfter)
			for _, n := range r.nodes {
				if n.core != nil && n.core.Status().ConfigurationIndex != index {
					t.Errorf("%s is in %v", n.ID(), n.core.Status().Configuration)
				}
			}
		})
	}
}

func TestWithoutAStandbyASilentMemberKeepsItsPlaceUntilOneComes(t *testing.T) {
	r := newRota(t, 3, 0)
	gone := r.followers()[0]
	r.kill(gone)
	r.pass(3 * testReplaceAfter)
	if c := r.leading().Status().Configuration; !c.Voter(gone.ID()) {
		t.Errorf("the configuration is %v", c)
	}
	r.join("z", 3)
	r.await("it is replaced", func() bool { return r.leading().Status().Configuration.Voter("z") && r.voters() != "" })
}

func TestAStandbyThatDoesNotCatchUpGivesWayToTheNext(t *testing.T) {
	r := newRota(t, 3, 2)
	leader := r.leading()
	gone := r.followers()[0]
	for _, n := range r.nodes {
		r.ch.Cut(n.ID(), "d") // which is heard, and hears nothing
	}
	events := leader.Watch()
	r.kill(gone)
	r.await("the other has the place", func() bool { return leader.Status().Configuration.Voter("e") && r.voters() != "" })
	want := []MemberReplaced{{gone.ID(), "d", raft.ErrCatchUp}, {gone.ID(), "e", nil}}
	if got := eventsOf[MemberReplaced](events); !slices.Equal(got, want) {
		t.Errorf("the leader tells of %+v", got)
	}
	if s := r.node("d").Status(); s.State != Standby {
		t.Errorf("who did not get the place is %+v", s)
	}
}

func TestALearnerThatIsNotNeededIsAStandbyAgain(t *testing.T) {
	r := newRota(t, 3, 2)
	leader, gone := r.leading(), r.followers()[0]
	events := leader.Watch()
	r.kill(gone)
	r.replaced(gone)
	spare := r.node("e")
	leader.config.ReplaceAfterTicks = 0 // it does not look after the members for a while
	if err := leader.core.Step(raft.ChangeConfiguration{Voters: leader.core.Status().Configuration.Voters, Learners: []raft.NodeID{"e"}}); err != nil {
		t.Fatal(err)
	}
	r.await("it learns", func() bool { return spare.Status().State == Member })
	leader.config.ReplaceAfterTicks = testReplaceAfter
	voters := leader.core.Status().Configuration.Voters
	r.await("it stands by", func() bool { return spare.Status().State == Standby })
	if c := leader.core.Status().Configuration; len(c.Learners) > 0 || !slices.Equal(c.Voters, voters) {
		t.Errorf("the configuration is %v", c)
	}
	if got := eventsOf[MemberReplaced](events); !slices.Equal(got, []MemberReplaced{{gone.ID(), "d", nil}}) {
		t.Errorf("the leader tells of %+v", got)
	}
}

func TestALearnerWaitsForItsPlaceWhileAVoterIsSilent(t *testing.T) {
	r := newRota(t, 3, 1)
	leader, back := r.leading(), r.followers()[0]
	for _, n := range r.nodes {
		r.ch.Cut(n.ID(), "d") // it is heard, and does not catch up
	}
	r.ch.Isolate(back.ID())
	r.await("it is given up", func() bool { return leader.replacer.tried == "d" })
	r.pass(testReplaceAfter)
	if c := leader.core.Status().Configuration; !slices.Equal(c.Learners, []raft.NodeID{"d"}) {
		t.Errorf("the configuration is %v", c)
	}
}

func TestWhoIsSilentLongestIsReplacedFirst(t *testing.T) {
	r := newRota(t, 5, 0)
	first, second := r.followers()[0], r.followers()[1]
	r.kill(first)
	r.pass(2 * testConfig("a", 5).Raft.HeartbeatTicks)
	r.kill(second)
	r.pass(3 * testReplaceAfter)
	leader := r.leading()
	if leader.complaints.made[complaint{"a member is silent, and no standby is there to take its place", first.ID()}] == nil {
		t.Error("nobody says that a standby is needed")
	}
	events := leader.Watch()
	r.join("z", 5)
	r.await("a place is taken", func() bool { return leader.Status().Configuration.Voter("z") && r.voters() != "" })
	if got := eventsOf[MemberReplaced](events); !slices.Equal(got, []MemberReplaced{{first.ID(), "z", nil}}) {
		t.Errorf("the leader tells of %+v", got)
	}
}

func TestTheNextStandbyIsOneThatIsThereAndWasNotTriedLast(t *testing.T) {
	r := newRota(t, 3, 3)
	leader := r.leading()
	s := &raft.Status{Configuration: raft.NewConfiguration([]raft.NodeID{"a", "b", "c"}, []raft.NodeID{"e", "x"})}
	s.Peers = []raft.PeerStatus{{ID: "b"}, {ID: "e", SilentTicks: testReplaceAfter}, {ID: "x"}}
	for _, want := range []raft.NodeID{"x", "d", "f", "x"} { // e learns, and does not answer
		got := leader.nextStandby(s)
		if got != want {
			t.Fatalf("after %q comes %q, want %q", leader.replacer.tried, got, want)
		}
		leader.replacer.tried = got
	}
}

func TestAPatienceShorterThanAnElectionIsRefused(t *testing.T) {
	for after, good := range map[int]bool{-1: false, 0: true, 1: false, 50: false, 51: true} {
		config := testConfig("a", 3)
		config.ReplaceAfterTicks = after
		if _, err := New(config); (err == nil) != good {
			t.Errorf("%d ticks: %v", after, err)
		}
	}
}

// wantErrors shows of which kinds an error is, and of which it is not.
func wantErrors(t *testing.T, err error, is, isNot error) {
	t.Helper()
	if !errors.Is(err, is) || isNot != nil && errors.Is(err, isNot) {
		t.Errorf("the error is %v", err)
	}
}
