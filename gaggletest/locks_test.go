package gaggletest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/gaggletest"
)

// A claim is an entry of the lock service: who wants a lock, or gives it back.
type claim struct {
	Lock, Who string
	GiveBack  bool
}

// locks is the state machine: who holds what.
type locks struct{ Holder map[string]string }

func newLocks() *locks { return &locks{map[string]string{}} }

// apply takes one claim and returns who holds the lock then.
func (l *locks) apply(c claim) string {
	switch holder := l.Holder[c.Lock]; {
	case holder == "" && !c.GiveBack:
		l.Holder[c.Lock] = c.Who
	case holder == c.Who && c.GiveBack:
		delete(l.Holder, c.Lock)
	}
	return l.Holder[c.Lock]
}

func (l *locks) snapshot() ([]byte, error) { return json.Marshal(l) }

func restoreLocks(data []byte) (*locks, error) {
	l := newLocks()
	return l, json.Unmarshal(data, l)
}

// A service is the program under test: one node of the lock service, for one user.
type service struct {
	node  *gaggle.Node[claim]
	locks *locks
	seen  gaggle.Index
}

func newService(n *gaggle.Node[claim]) *service { return &service{node: n, locks: newLocks()} }

// do appends a claim and returns who holds the lock once it has been applied.
func (s *service) do(ctx context.Context, c claim) (holder string, err error) {
	claimed, err := s.node.Append(ctx, c)
	if err != nil {
		return "", err
	}
	for e, err := range s.node.Entries(ctx, gaggle.From(s.seen+1), gaggle.Until(claimed.Index)) {
		if err != nil {
			return "", err
		}
		holder, s.seen = s.locks.apply(e.Value), e.Index
	}
	return holder, nil
}

// lock returns when it holds a lock.
func (s *service) lock(ctx context.Context, name, who string) error {
	for {
		holder, err := s.do(ctx, claim{Lock: name, Who: who})
		if err != nil || holder == who {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (s *service) unlock(ctx context.Context, name, who string) error {
	_, err := s.do(ctx, claim{Lock: name, Who: who, GiveBack: true})
	return err
}

func TestALockHasOneHolderInChaos(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[claim](t, 3)
		var mu sync.Mutex
		holder, rounds := "", 0
		enter := func(who string) {
			mu.Lock()
			defer mu.Unlock()
			if holder != "" && who != "" {
				t.Errorf("%s and %s hold the lock", holder, who)
			}
			holder, rounds = who, rounds+1
		}
		ctx, stop := context.WithCancel(t.Context())
		var users sync.WaitGroup
		for i, n := range c.Nodes() {
			s, who := newService(n), fmt.Sprint("user ", i)
			users.Go(func() {
				for ctx.Err() == nil {
					if s.lock(ctx, "gate", who) != nil {
						return
					}
					enter(who)
					time.Sleep(200 * time.Millisecond)
					enter("")
					if s.unlock(ctx, "gate", who) != nil {
						return
					}
				}
			})
		}
		c.Chaos(30 * time.Second)
		stop()
		users.Wait()
		c.Check()
		if rounds < 20 {
			t.Errorf("the lock was taken or given back %d times in half a minute", rounds)
		}
	}, gaggletest.Seeds(3))
}

func TestALockIsNotGrantedToWhomTheClusterIsLost(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[claim](t, 3)
		cutOff, other := newService(c.Leader()), newService(c.Followers()[0])
		c.Isolate(cutOff.node)
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		if err := cutOff.lock(ctx, "gate", "lost"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("locking without a majority ends with %v", err)
		}
		if err := other.lock(t.Context(), "gate", "found"); err != nil {
			t.Error(err)
		}
		c.Heal()
		if holder, err := cutOff.do(t.Context(), claim{Lock: "gate", Who: "lost"}); err != nil || holder != "found" {
			t.Errorf("%q holds the lock, %v", holder, err)
		}
		c.Check()
	})
}

func TestALockOutlivesTheNodeItWasTakenOn(t *testing.T) {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[claim](t, 3)
		leader := c.Leader()
		if err := newService(leader).lock(t.Context(), "gate", "gone"); err != nil {
			t.Fatal(err)
		}
		c.Restart(leader) // a standby comes in its place
		holder, err := newService(c.Leader()).do(t.Context(), claim{Lock: "gate", Who: "next"})
		if err != nil || holder != "gone" {
			t.Errorf("%q holds the lock, %v", holder, err)
		}
		c.Check()
	})
}

func TestLocksAreTheSameOnAllNodes(t *testing.T) {
	gaggletest.Check(t, lockMachine(), 1, 200)
}

func lockMachine() gaggletest.Machine[*locks, claim, string] {
	return gaggletest.Machine[*locks, claim, string]{
		New:   newLocks,
		Apply: (*locks).apply,
		Command: func(s *gaggletest.Source) claim {
			return claim{gaggletest.Pick(s, "gate", "pond"), gaggletest.Pick(s, "goose", "fox"), s.Bool()}
		},
		Snapshot: (*locks).snapshot,
		Restore:  restoreLocks,
	}
}
