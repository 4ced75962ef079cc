package founding

import (
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// A lab has nodes of one name, whose hellos come at once and are heard by all, unless
// a test says otherwise. Nodes are called by one letter.
type lab struct {
	t     *testing.T
	size  int
	nodes []*node
	judge *judge
	// groups are the nodes that hear each other, if not all do.
	groups []string
	// via delivers hellos, if they do not come at once.
	via func(to *node, w Heard)
}

// A node of a lab and all that it has reported.
type node struct {
	*Founder
	down     bool
	problems []error
	hellos   int
	// durable is what the node's disk would hold.
	durable Saved
}

// testConfig has short times: tests count ticks, not seconds.
func testConfig(id raft.NodeID, size int) Config {
	return Config{
		ID: id, Cluster: "test", Size: size, Seed: uint64(id[0]),
		HelloTicks: 2, MemberHelloTicks: 10, QuietTicks: 6, RoundTicks: 8, SilentTicks: 40,
	}
}

func newLab(t *testing.T, size int, ids string) *lab {
	t.Helper()
	l := &lab{t: t, size: size, judge: newJudge(size)}
	l.start(ids)
	return l
}

// start adds one node for each letter.
func (l *lab) start(ids string) {
	l.t.Helper()
	for _, id := range strings.Split(ids, "") {
		l.startSized(raft.NodeID(id), l.size)
	}
}

func (l *lab) startSized(id raft.NodeID, size int) {
	l.t.Helper()
	f, err := New(testConfig(id, size))
	if err != nil {
		l.t.Fatal(err)
	}
	l.nodes = append(l.nodes, &node{Founder: f})
}

func (l *lab) node(id raft.NodeID) *node {
	l.t.Helper()
	for _, n := range l.nodes {
		if n.config.ID == id {
			return n
		}
	}
	l.t.Fatalf("there is no node %s", id)
	return nil
}

// crash ends nodes for good.
func (l *lab) crash(ids string) {
	for _, id := range strings.Split(ids, "") {
		l.node(raft.NodeID(id)).down = true
	}
}

// partition lets nodes hear only those of their own group. Nodes in no group hear
// nobody. Without groups, all hear each other.
func (l *lab) partition(groups ...string) { l.groups = groups }

func (l *lab) connected(a, b raft.NodeID) bool {
	return len(l.groups) == 0 || slices.ContainsFunc(l.groups, func(g string) bool {
		return strings.Contains(g, string(a)) && strings.Contains(g, string(b))
	})
}

// place lets nodes that know a cluster learn whether they have a place in it.
func (l *lab) place(member bool, ids string) {
	l.t.Helper()
	for _, id := range strings.Split(ids, "") {
		n := l.node(raft.NodeID(id))
		n.Step(Placed{member})
		l.judge.placed[n.config.ID] = n.State()
		l.follow(n)
	}
	l.check()
}

// run lets time pass for all.
func (l *lab) run(ticks int) {
	l.t.Helper()
	for range ticks {
		for _, n := range l.nodes {
			if !n.down {
				n.Step(Tick{})
				l.follow(n)
			}
		}
	}
	l.check()
}

// follow carries out what a node's update says.
func (l *lab) follow(n *node) {
	u := n.Update()
	if u.Persist != nil {
		n.durable = *u.Persist
	}
	n.problems = append(n.problems, u.Problems...)
	l.judge.durable(n)
	if u.Broadcast == nil {
		return
	}
	n.hellos++
	for _, to := range l.nodes {
		if to != n && !to.down && l.connected(n.config.ID, to.config.ID) {
			l.deliver(to, Heard{From: n.config.ID, Cluster: u.Cluster, Hello: u.Broadcast})
		}
	}
}

func (l *lab) deliver(to *node, w Heard) {
	if l.via != nil {
		l.via(to, w)
		return
	}
	to.Step(w)
}

// tell lets each of some nodes hear what one node would say now, in their order.
func (l *lab) tell(from raft.NodeID, to string) {
	l.t.Helper()
	l.hear(to, l.word(from))
}

// word is what a node would say now.
func (l *lab) word(from raft.NodeID) Heard {
	l.t.Helper()
	return l.node(from).word()
}

// word is what the node would say now.
func (f *Founder) word() Heard {
	return Heard{From: f.config.ID, Cluster: f.saved.Charter.Cluster, Hello: f.hello()}
}

// hear lets some nodes hear something, which may have been said long ago.
func (l *lab) hear(to string, words ...Heard) {
	l.t.Helper()
	for _, id := range strings.Split(to, "") {
		for _, w := range words {
			l.node(raft.NodeID(id)).Step(w)
		}
	}
	l.check()
}

// begin has a node begin rounds, without waiting for its turn, until it is in a later
// one than all others.
func (l *lab) begin(id raft.NodeID) {
	l.t.Helper()
	n := l.node(id)
	n.begin()
	for _, other := range l.nodes {
		for other.saved.Round.after(n.saved.Round) {
			n.begin()
		}
	}
	l.check()
}

// propose has a node hear some others, begin a round that they enter, and choose its
// charter.
func (l *lab) propose(id raft.NodeID, others string) {
	l.t.Helper()
	l.gather(others, id)
	l.begin(id)
	l.tell(id, others)
	l.gather(others, id)
}

// gather lets one node hear what each of some nodes would say now.
func (l *lab) gather(from string, to raft.NodeID) {
	l.t.Helper()
	for _, id := range strings.Split(from, "") {
		l.tell(raft.NodeID(id), string(to))
	}
}

func (l *lab) check() {
	l.t.Helper()
	for _, n := range l.nodes {
		if n.config.Size == l.size {
			l.judge.look(n.Founder)
		}
	}
	if l.judge.fault != nil {
		l.t.Fatal(l.judge.fault)
	}
}

// want fails unless these nodes are in this state.
func (l *lab) want(s State, ids string) {
	l.t.Helper()
	for _, id := range strings.Split(ids, "") {
		if n := l.node(raft.NodeID(id)); n.State() != s {
			l.t.Errorf("%s is a %v (%s), want a %v", id, n.State(), n.Waiting(), s)
		}
	}
}

// wantCharter fails unless these nodes know the cluster of these voters.
func (l *lab) wantCharter(voters, ids string) {
	l.t.Helper()
	for _, id := range strings.Split(ids, "") {
		if got := letters(l.node(raft.NodeID(id)).Charter().Voters); got != voters {
			l.t.Errorf("%s knows the cluster of %q, want %q", id, got, voters)
		}
	}
}

// wantOneCluster fails unless all living nodes know the same cluster, and its voters are
// its members.
func (l *lab) wantOneCluster() {
	l.t.Helper()
	var cluster Charter
	for _, n := range l.nodes {
		if n.down {
			continue
		}
		if n.State() == Fresh {
			l.t.Errorf("%s is fresh: %s", n.config.ID, n.Waiting())
			continue
		}
		if cluster.Voters == nil {
			cluster = n.Charter()
		}
		if c := n.Charter(); c.Cluster != cluster.Cluster || c.has(n.config.ID) != (n.State() == Member) {
			l.t.Errorf("%s is a %v of the cluster of %v, another is of that of %v", n.config.ID, n.State(), c.Voters, cluster.Voters)
		}
	}
}

func (l *lab) wantPledge(voters, ids string) {
	l.t.Helper()
	for _, id := range strings.Split(ids, "") {
		if got := letters(l.node(raft.NodeID(id)).saved.Pledge.Charter.Voters); got != voters {
			l.t.Errorf("%s has pledged to %q, want %q", id, got, voters)
		}
	}
}

func (l *lab) wantWaiting(id raft.NodeID, words string) {
	l.t.Helper()
	if got := l.node(id).Waiting(); got != words {
		l.t.Errorf("%s says %q, want %q", id, got, words)
	}
}

func letters(ids []raft.NodeID) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(string(id))
	}
	return b.String()
}
