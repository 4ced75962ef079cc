package gaggle_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/ben-ng/gaggle"
)

// A tally counts how often handlers ran for each call, and how often they may have.
type tally struct {
	mu  sync.Mutex
	ran map[string]int
	// must and mustNot are the calls of which the callers say so.
	must, mustNot []string
	number        int
}

func (t *tally) next() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.number++
	return fmt.Sprint("call ", t.number)
}

func (t *tally) note(call string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ran[call]++
}

func (t *tally) ended(call string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var remote *gaggle.RemoteError
	switch {
	case err == nil || errors.As(err, &remote):
		t.must = append(t.must, call)
	case !errors.Is(err, gaggle.ErrUncertain):
		t.mustNot = append(t.mustNot, call)
	}
}

// examine checks that each call ran as often as its caller was told.
func (t *tally) examine(l *lab) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for call, times := range t.ran {
		if times > 1 {
			l.errorf("%s ran %d times", call, times)
		}
	}
	for _, call := range t.must {
		if t.ran[call] != 1 {
			l.errorf("%s was answered, and ran %d times", call, t.ran[call])
		}
	}
	for _, call := range t.mustNot {
		if t.ran[call] != 0 {
			l.errorf("%s was refused, and ran", call)
		}
	}
}

// A claim is the argument of a call.
type claim struct {
	Call string
	// After was acknowledged before the call, so whoever runs it must have it.
	After gaggle.Index
	// Stubborn: the handler takes so long, whether its context ends or not, and then
	// appends all the same.
	Stubborn bool
	Long     time.Duration
}

// onLeader registers a handler that appends while its node leads, and returns a
// function that calls it from this node.
func (m *nemesis) onLeader(n *labNode) (call func(*rand.Rand) error) {
	claims := gaggle.OnLeader(n.Node, "claim", func(ctx context.Context, leader *gaggle.Leader[string], c claim) (labEntry, error) {
		m.calls.note(c.Call)
		if applied := n.Status().Applied; applied < c.After {
			m.errorf("a handler ran on %s, which had applied %d, and %d was acknowledged before the call", n.name, applied, c.After)
		}
		if c.Stubborn {
			ctx = context.WithoutCancel(ctx)
			time.Sleep(c.Long)
		}
		w := m.writer(n)
		value := w.begin()
		e, err := leader.Append(ctx, value)
		if err == nil && e.Term != leader.Term() {
			m.errorf("a handler called in term %d appended %v", leader.Term(), e)
		}
		w.end(ctx, value, e, err, gaggle.ErrNotLeader)
		return e, err
	})
	return func(r *rand.Rand) error {
		ctx, cancel := someContext(r)
		defer cancel()
		name := m.calls.next()
		e, err := claims(ctx, claim{name, m.judge.acknowledged().Index, r.IntN(4) == 0, time.Duration(r.IntN(3000)) * time.Millisecond})
		var remote *gaggle.RemoteError
		if !errors.As(err, &remote) {
			m.mayEnd(ctx, n, "call", err, gaggle.ErrUncertain)
		}
		m.calls.ended(name, err)
		if err == nil && n.Status().Applied < e.Index {
			_ = m.read(ctx, n) // what the handler acknowledged is here then
		}
		return err
	}
}
