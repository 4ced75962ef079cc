package gaggle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/memory"
)

// appendFor appends one value through a node that may not be able to, for a while.
func (l *lab) appendFor(n *labNode, long time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	return l.writer(n).append(ctx)
}

func TestNodesFoundAClusterAndAgree(t *testing.T) {
	for _, size := range []int{1, 2, 3, 5} {
		for seed := range uint64(5) {
			inLab(t, seed, size, func(l *lab) {
				l.mustAppendAll(l.nodes, 20) // from before there is a cluster
				l.settle()
			})
		}
	}
}

func TestNodesFoundOneClusterThoughMessagesAreLostRepeatedAndReordered(t *testing.T) {
	for seed := range uint64(5) {
		inLab(t, seed, 5, func(l *lab) {
			l.ch.SetFaults(memory.Faults{Drop: 0.3, Duplicate: 0.2, Reorder: 0.2, MaxDelay: 50 * time.Millisecond})
			l.mustAppendAll(l.nodes, 5)
			for _, n := range l.nodes {
				if s := n.Status(); s.State != gaggle.Member || s.ClusterID != l.nodes[0].Status().ClusterID {
					l.errorf("%s is a %v of cluster %x", n.name, s.State, s.ClusterID)
				}
			}
			l.settle()
		})
	}
}

func TestAClusterIsNotFoundedBeforeAllAreThereAndTheLastGetsEverything(t *testing.T) {
	inLab(t, 1, 0, func(l *lab) {
		first := []*labNode{l.join(gaggle.Size(3)), l.join(gaggle.Size(3))}
		batches := l.proposeAll(first, 100)
		mustWait(batches, time.Minute)
		want := fmt.Sprintf("waiting for 1 more node (have %s, %s)", first[0].ID(), first[1].ID())
		for _, n := range first {
			if s := n.Status(); s.State != gaggle.Founding || s.Waiting != want {
				l.errorf("%s is %v, %s", n.name, s.State, s.Waiting)
			}
		}
		last := l.join(gaggle.Size(3))
		mustSucceed(batches)
		l.mustAppend(last, 1)
		l.settle()
		if got := len(last.log()); got < 201 {
			l.errorf("the last node has %d entries", got)
		}
	})
}

func TestAMemberThatWasCutOffFromTheBeginningGetsEverything(t *testing.T) {
	inCluster(t, 1, 3, func(l *lab) {
		late := l.without(l.leader())[0]
		l.ch.Isolate(late.ID())
		l.mustAppendAll(l.without(late), 2000)
		if got := len(late.log()); got > 0 {
			l.errorf("%s has %d entries though nobody reached it", late.name, got)
		}
		l.ch.Heal()
		l.await("the late node has all", func() bool { return len(late.log()) == 4000 })
		l.mustAppend(late, 100)
	})
}

func TestNodesBeyondTheSizeAreStandbysSayWhyAndDisturbNobody(t *testing.T) {
	inCluster(t, 1, 3, func(l *lab) {
		leader, term := l.leader(), l.leader().Status().Term
		for range 2 {
			spare := l.join(gaggle.Size(3))
			waits, err := l.writer(spare).propose() // from before it knows what it is
			if err != nil {
				l.fatalf("propose: %v", err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), longest)
			for range spare.Watch(ctx) {
				if spare.Status().State == gaggle.Standby {
					break
				}
			}
			if err := waits(ctx); !errors.Is(err, gaggle.ErrStandby) {
				l.errorf("an append that was waiting on a standby ended with %v", err)
			}
			cancel()
			if err := l.appendFor(spare, time.Minute); !errors.Is(err, gaggle.ErrStandby) {
				l.errorf("an append on a standby ended with %v", err)
			}
			members := leader.Status().Members
			want := fmt.Sprintf("waiting for a place in the cluster that %s, %s, %s founded", members[0].ID, members[1].ID, members[2].ID)
			l.await("the standby says what it waits for", func() bool {
				s := spare.Status()
				return s.Waiting == want && s.ClusterID == leader.Status().ClusterID
			})
		}
		l.mustAppendAll(l.members(), 50)
		time.Sleep(time.Minute)
		if s := leader.Status(); s.Term != term || s.Role.String() != "leader" || s.Problem != nil {
			l.errorf("the leader of term %d is now %+v", term, s)
		}
		if got := len(l.nodes[3].log()); got > 0 {
			l.errorf("a standby shows %d entries", got)
		}
	})
}

// A cluster of one name has one size: who comes with another one has no part in it, and
// both sides say so.
func TestANodeOfAnotherSizeIsToldAndHasNoPart(t *testing.T) {
	for _, size := range []int{1, 2, 5} {
		inCluster(t, uint64(size), 3, func(l *lab) {
			stranger := l.join(gaggle.Size(size))
			l.await("both sides know", func() bool {
				return !slices.ContainsFunc(l.nodes, func(n *labNode) bool { return !errors.Is(n.Status().Problem, gaggle.ErrSizeMismatch) })
			})
			if size > 1 { // which founds with itself alone before it hears anybody
				if err := l.appendFor(stranger, time.Minute); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, gaggle.ErrUncertain) {
					l.errorf("an append on a node of another size ended with %v", err)
				}
				if s := stranger.Status(); s.State != gaggle.Founding {
					l.errorf("a node of another size is %+v", s)
				}
			}
			_ = stranger.Close()
			l.mustAppendAll(l.without(stranger), 10)
		})
	}
}

func TestClustersOfTwoNamesOnOneNetworkDoNotMix(t *testing.T) {
	inLab(t, 1, 0, func(ducks *lab) {
		geese := &lab{t: ducks.t, seed: ducks.seed, random: ducks.random, ch: ducks.ch, judge: newJudge()}
		for range 3 {
			ducks.join(gaggle.Size(3), gaggle.Name("ducks"))
			geese.join(gaggle.Size(3), gaggle.Name("geese"))
		}
		batches := ducks.proposeAll(ducks.nodes, 50)
		geese.mustAppendAll(geese.nodes, 50)
		mustSucceed(batches)
		_ = ducks.leader().Close()
		ducks.settle() // each judge knows the values of its own cluster alone
		geese.settle()
		if got := len(geese.members()); got != 3 {
			geese.errorf("there are %d geese", got)
		}
	})
}

// A portCounter is a channel that knows how many ports of it are open.
type portCounter struct {
	*memory.Channel
	open atomic.Int64
}

type countedPort struct {
	channel.Port
	counter *portCounter
}

func (c *portCounter) Open(self channel.Self, r channel.Receiver) (channel.Port, error) {
	p, err := c.Channel.Open(self, r)
	if err == nil {
		c.open.Add(1)
	}
	return &countedPort{p, c}, err
}

func (p *countedPort) Close() error {
	p.counter.open.Add(-1)
	return p.Port.Close()
}

func TestANodeThatIsClosedLeavesItsChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ch := &portCounter{Channel: memory.New()}
		for range 3 {
			n, err := gaggle.Join[string](t.Context(), ch, gaggle.Size(1))
			if err != nil {
				t.Fatal(err)
			}
			if got := ch.open.Load(); got != 1 {
				t.Errorf("of a node that has joined, %d ports are open", got)
			}
			_, _ = n.Close(), n.Close()
			if got := ch.open.Load(); got != 0 {
				t.Errorf("of a node that is closed, %d ports are open", got)
			}
		}
	})
}
