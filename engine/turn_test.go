package engine

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// encoded makes the bytes of a frame for a node.
func encoded(t *testing.T, f wire.Frame) []byte {
	t.Helper()
	bytes, err := wire.AppendFrame(nil, &f)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

func TestTicksComeBeforeAnyWork(t *testing.T) {
	_, leader, _ := leads(t, 1)
	before := leader.now
	seen := uint64(0)
	_ = leader.do(func() { seen = leader.now })
	propose(t, leader, "x")
	leader.Tick() // it comes last
	leader.Turn()
	if seen != before+1 {
		t.Errorf("the work was done at tick %d, want %d", seen, before+1)
	}
}

func TestANodeThatWasHeldUpMakesUpForFewTicks(t *testing.T) {
	_, leader, _ := leads(t, 1)
	before := leader.now
	for range 1000 {
		leader.Tick()
	}
	leader.Turn()
	if got := leader.now - before; got != maxTicksPerTurn {
		t.Errorf("after 1000 ticks the node made up for %d, want %d", got, maxTicksPerTurn)
	}
	leader.Turn()
	if got := leader.now - before; got != maxTicksPerTurn {
		t.Error("a turn without a tick lets time pass")
	}
}

func TestFramesThatAreNotForThisNodeAreRefusedAndCounted(t *testing.T) {
	_, leader, follower := leads(t, 3)
	r := receiver{leader}
	ask := []any{&wire.ReadIndex{Token: 1}}
	own := wire.Frame{Cluster: leader.cluster, From: follower.ID(), To: leader.ID(), Messages: ask}
	toOther, fromItself, ofGroup, ofCluster := own, own, own, own
	toOther.To, fromItself.From, ofGroup.Group, ofCluster.Cluster = "other", leader.ID(), 7, wire.ClusterID{1}
	for name, c := range map[string]struct {
		bytes     []byte
		malformed bool
	}{
		"a frame for another node":   {encoded(t, toOther), false},
		"a frame of its own":         {encoded(t, fromItself), false},
		"a frame of another group":   {encoded(t, ofGroup), false},
		"a frame of another cluster": {encoded(t, ofCluster), false},
		"noise":                      {[]byte("honk honk honk honk honk honk honk honk"), true},
		"nothing":                    {nil, true},
	} {
		s := spyOn(t, leader)
		before := leader.Status().Refused
		if err := r.Receive(c.bytes); (err != nil) != c.malformed {
			t.Errorf("%s: %v", name, err)
		}
		leader.Turn()
		leader.Turn()
		if got := leader.Status().Refused; got != before+1 {
			t.Errorf("%s: %d frames were counted as refused", name, got-before)
		}
		if got := taken[*wire.ReadIndexReply](s); len(got) > 0 {
			t.Errorf("%s was answered", name)
		}
	}
	before := leader.Status().Refused
	if err := r.Receive(encoded(t, own)); err != nil {
		t.Fatal(err)
	}
	leader.Turn()
	if leader.Status().Refused != before || len(leader.reader.sources) != 1 {
		t.Error("a frame for this node was not taken")
	}
}

func TestFramesBeyondTheLimitAreCountedAsDropped(t *testing.T) {
	_, leader, follower := leads(t, 3)
	before := leader.Status().Dropped
	bytes := encoded(t, wire.Frame{Cluster: leader.cluster, From: follower.ID(), To: leader.ID()})
	leader.inbox.frameBytes = maxInboxFrameBytes
	if err := (receiver{leader}).Receive(bytes); err != nil {
		t.Errorf("the channel was blamed: %v", err)
	}
	if got := leader.Status().Dropped - before; got != 1 {
		t.Errorf("%d were counted", got)
	}
}

func TestProposalsThatAreNoCommandsAreRefusedAsAWhole(t *testing.T) {
	_, leader, follower := leads(t, 3)
	last, refused := leader.core.Last(), leader.Status().Refused
	good := newAppend([]byte("x"))
	hear(leader, follower.ID(), &wire.Proposals{Entries: [][]byte{good, {77}, good}})
	if leader.core.Last() != last || leader.Status().Refused != refused+1 {
		t.Error("some were appended, or it was not counted")
	}
}

func TestANodeThatDoesNotLeadRefusesProposals(t *testing.T) {
	f, leader, follower := leads(t, 3)
	s := spyOn(t, follower)
	hear(follower, f.other(leader, follower).ID(), &wire.Proposals{Entries: [][]byte{newAppend(nil)}})
	if got := taken[*wire.ProposalsRefused](s); len(got) != 1 || got[0].Reason != wire.NotLeader {
		t.Errorf("the answers are %+v", got)
	}
	s = spyOn(t, leader)
	_ = leader.do(func() { leader.step(raft.TransferLeadership{To: follower.ID()}) })
	hear(leader, follower.ID(), &wire.Proposals{Entries: [][]byte{newAppend(nil)}})
	if got := taken[*wire.ProposalsRefused](s); len(got) != 1 || got[0].Reason != wire.Busy {
		t.Errorf("the answers of a leader that hands over are %+v", got)
	}
}

func TestAnEntryThatIsNoCommandIsSkipped(t *testing.T) {
	_, leader, _ := leads(t, 1)
	before := values(leader)
	_ = leader.do(func() {
		leader.step(raft.Propose{Entries: []raft.Entry{{Data: []byte{77}}, {Data: newOnce([]byte("after"))}}})
	})
	leader.Turn()
	if got := values(leader); !slices.Equal(got, append(before, "after")) || leader.failed != nil {
		t.Errorf("in the log are %q; the node failed: %v", got, leader.failed)
	}
}

// breakInvariant lets a node find that something is wrong with its state.
func breakInvariant(n *Node) {
	_ = n.do(func() { n.fail(fmt.Errorf("%w: a test says so", ErrInvariant)) })
	n.Turn()
}

func TestANodeThatFindsItsInvariantsBrokenStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, follower := leads(t, 3)
		s := spyOn(t, follower)
		w := follower.Watch()
		sent := propose(t, follower, "sent")
		follower.Turn()
		queued := propose(t, follower, "queued")
		read := make(chan error, 1)
		go func() { read <- follower.Read(t.Context()) }()
		synctest.Wait()
		s.sent = nil
		breakInvariant(follower)
		if _, err := wait(t, sent); !errors.Is(err, ErrUncertain) {
			t.Errorf("what was sent ended with %v", err)
		}
		if _, err := wait(t, queued); !errors.Is(err, ErrInvariant) || errors.Is(err, ErrUncertain) {
			t.Errorf("what was not sent ended with %v", err)
		}
		if err := <-read; !errors.Is(err, ErrInvariant) {
			t.Errorf("a read ended with %v", err)
		}
		if _, err := follower.Propose(nil); !errors.Is(err, ErrInvariant) {
			t.Errorf("a later append ended with %v", err)
		}
		pass(follower, 500)
		if len(s.sent) > 0 {
			t.Errorf("the node still speaks: %+v", s.sent)
		}
		for range 2 {
			if status := follower.Status(); status.State != Stopped || !errors.Is(status.Problem, ErrInvariant) {
				t.Errorf("the status is %+v", status)
			}
			if err := follower.Close(); err != nil { // it changes nothing
				t.Error(err)
			}
		}
		for e, ok := w.Next(t.Context()); ; e, ok = w.Next(t.Context()) {
			if !ok {
				t.Error("the watcher was not told that the node stopped")
				break
			}
			if e == (StateChanged{Stopped}) {
				break
			}
		}
	})
}

func TestANewNodesConfigurationIsChecked(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no id":         func(c *Config) { c.ID = "" },
		"no tick":       func(c *Config) { c.TickInterval = 0 },
		"no size":       func(c *Config) { c.Size = 0 },
		"too large":     func(c *Config) { c.Size = raft.MaxMembers + 1 },
		"no heartbeats": func(c *Config) { c.Raft.HeartbeatTicks = 0 },
	} {
		c := testConfig("a", 3)
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
