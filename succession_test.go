package gaggle_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

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
		begun, alone := make(chan struct{}), make(chan struct{})
		call := gaggle.OnLeader(leader.Node, "append", func(_ context.Context, here *gaggle.Leader[string], _ int) (int, error) {
			close(begun)
			<-alone
			value := w.begin()
			e, err := here.Append(context.Background(), value)
			w.end(context.Background(), value, e, err)
			ended <- err
			return 0, err
		})
		go func() { _, _ = call(context.Background(), 0) }()
		<-begun
		l.ch.Isolate(leader.ID())
		close(alone)
		time.Sleep(50 * time.Millisecond) // it leads yet, and the value is in its log
		_ = leader.Close()
		if err := <-ended; !errors.Is(err, gaggle.ErrClosed) || !errors.Is(err, gaggle.ErrUncertain) {
			l.errorf("the handler's append ended with %v", err)
		}
	})
}

// The leader acknowledges an entry, and the others do not hear that it is committed. Who
// leads next must find that out before it runs a handler.
func TestANewLeaderRunsNoHandlerBeforeItHasWhatWasAcknowledged(t *testing.T) {
	for seed := range uint64(5) {
		inCluster(t, seed, 3, func(l *lab) {
			old := l.leader()
			l.mustAppendAll(l.nodes, 1)
			const trip = 20 * time.Millisecond
			l.ch.SetFaults(memory.Faults{MinDelay: trip, MaxDelay: trip})
			l.mustAppend(old, 1)
			l.ch.Isolate(old.ID()) // what it says of its commit index is on its way, and is lost
			after := l.judge.acknowledged().Index
			var calls sync.WaitGroup
			for _, n := range l.without(old) {
				if applied := n.Status().Applied; applied >= after {
					l.fatalf("%s has applied %d already", n.name, applied)
				}
				call := gaggle.OnLeader(n.Node, "applied", func(_ context.Context, leader *gaggle.Leader[string], _ int) (gaggle.Index, error) {
					return leader.Node().Status().Applied, nil
				})
				calls.Go(func() {
					applied, err := call(context.Background(), 0)
					for errors.Is(err, gaggle.ErrUncertain) { // the old leader was asked
						applied, err = call(context.Background(), 0)
					}
					if err != nil || applied < after {
						l.errorf("a handler ran when its node had applied %d, and %d was acknowledged: %v", applied, after, err)
					}
				})
			}
			l.awaitAll("the calls are answered", &calls)
		})
	}
}
