package gaggle_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/ben-ng/gaggle"
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
		for _, n := range first {
			if s := n.Status(); s.State != gaggle.Founding || s.Waiting != "waiting for 1 more node (have a, b)" {
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
			l.await("the standby says what it waits for, by name", func() bool {
				s := spare.Status()
				return s.Waiting == "waiting for a place in the cluster of a, b, c" && s.ClusterID == leader.Status().ClusterID
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

// What goes on when a leader is gone: the others elect, and every append that was begun
// before, on any of them, succeeds.
func TestWhenALeaderGoesTheOthersElectAndNoAppendIsLost(t *testing.T) {
	for name, remove := range map[string]func(*lab, *labNode){
		"closes":        func(_ *lab, n *labNode) { _ = n.Close() },
		"is cut off":    func(l *lab, n *labNode) { l.ch.Isolate(n.ID()) },
		"is not heard":  func(l *lab, n *labNode) { l.cutAll([]*labNode{n}, l.without(n)) },
		"hears nothing": func(l *lab, n *labNode) { l.cutAll(l.without(n), []*labNode{n}) },
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(10) {
				size := 3 + 2*int(seed%2)
				inCluster(t, seed, size, func(l *lab) {
					for range (size - 1) / 2 {
						leader := l.leaderOf(l.members()...)
						term := leader.Status().Term
						others := l.without(leader)
						l.ch.SetFaults(memory.Faults{MinDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond})
						batches := l.proposeAll(others, 100)
						l.propose(leader, 100)                             // of which only the judge knows what to make
						time.Sleep(time.Duration(seed) * time.Millisecond) // appends are on their way
						remove(l, leader)
						mustSucceed(batches)
						next := l.leaderOf(others...)
						if next.Status().Term <= term {
							l.errorf("%s led term %d, and %s term %d", leader.name, term, next.name, next.Status().Term)
						}
						l.mustAppendAll(others, 10)
						l.ch.Heal()
					}
				})
			}
		})
	}
}

func TestALeaderThatIsCutOffStepsDownAndCatchesUp(t *testing.T) {
	for seed := range uint64(5) {
		inCluster(t, seed, 3, func(l *lab) {
			old := l.leader()
			l.ch.Isolate(old.ID())
			pending := l.proposeAll([]*labNode{old}, 50) // in its log, and nowhere else
			l.mustAppendAll(l.without(old), 50)
			mustWait(pending, time.Minute)
			if s := old.Status(); s.Leader != "" || s.Role.String() == "leader" {
				l.errorf("who hears nobody is %+v", s)
			}
			l.ch.Heal()
			mustSucceed(pending)
		})
	}
}

func TestHalfAClusterAcknowledgesNothing(t *testing.T) {
	for _, size := range []int{2, 3, 4, 5} {
		inCluster(t, uint64(size), size, func(l *lab) {
			for range size - size/2 {
				_ = l.leaderOf(l.members()...).Close()
			}
			batches := l.proposeAll(l.members(), 10)
			mustWait(batches, time.Minute)
			for _, n := range l.members() {
				err := l.appendFor(n, time.Second)
				if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, gaggle.ErrQuorumLost) && !errors.Is(err, gaggle.ErrUncertain) {
					l.errorf("an append without a majority on %s: %v", n.name, err)
				}
				if err := n.Close(); err != nil { // which ends the batches
					l.errorf("close: %v", err)
				}
			}
			l.pronounce(nil)
		})
	}
}

// A handler may append with a context that never ends; closing must not wait for it.
func TestALeaderThatIsCutOffAndClosedAnswersItsHandlers(t *testing.T) {
	inCluster(t, 1, 3, func(l *lab) {
		leader := l.leader()
		w, ended := l.writer(leader), make(chan error, 1)
		call := gaggle.OnLeader(leader.Node, "append", func(_ context.Context, here *gaggle.Leader[string], _ int) (int, error) {
			value := w.begin()
			e, err := here.Append(context.Background(), value)
			w.end(context.Background(), value, e, err)
			ended <- err
			return 0, err
		})
		l.ch.Isolate(leader.ID())
		go func() { _, _ = call(context.Background(), 0) }()
		time.Sleep(50 * time.Millisecond) // it leads yet, and the value is in its log
		_ = leader.Close()
		if err := <-ended; !errors.Is(err, gaggle.ErrClosed) || !errors.Is(err, gaggle.ErrUncertain) {
			l.errorf("the handler's append ended with %v", err)
		}
	})
}
