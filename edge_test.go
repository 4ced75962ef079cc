package gaggle_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

// An edgeFlock is the nodes of one cluster in this process, in simulated time. The
// nodes are closed when the test ends.
type edgeFlock[T any] struct {
	t     *testing.T
	ch    *memory.Channel
	nodes []*gaggle.Node[T]
}

// edgeCluster runs a test with a cluster that has a leader, in simulated time.
func edgeCluster[T any](t *testing.T, size int, test func(*testing.T, *edgeFlock[T]), options ...gaggle.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &edgeFlock[T]{t: t, ch: memory.New()}
		for range size {
			f.join(append(options, gaggle.Size(size))...)
		}
		f.ready()
		test(t, f)
	})
}

// edgeAlone runs a test with one node of three, which has nobody to found a cluster with.
func edgeAlone(t *testing.T, test func(*testing.T, *edgeFlock[string])) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &edgeFlock[string]{t: t, ch: memory.New()}
		f.join(gaggle.Size(3))
		test(t, f)
	})
}

func (f *edgeFlock[T]) join(options ...gaggle.Option) *gaggle.Node[T] {
	f.t.Helper()
	n, err := gaggle.Join[T](f.t.Context(), f.ch, options...)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = n.Close() })
	f.nodes = append(f.nodes, n)
	return n
}

func (f *edgeFlock[T]) ready() {
	f.t.Helper()
	for _, n := range f.nodes {
		if err := n.Ready(f.t.Context()); err != nil {
			f.t.Fatal(err)
		}
	}
}

// leader returns the node that leads, and one that does not if there is one.
func (f *edgeFlock[T]) leader() (leader, follower *gaggle.Node[T]) {
	f.t.Helper()
	f.await("a node leads", func() bool {
		leader, follower = nil, nil
		for _, n := range f.nodes {
			switch s := n.Status(); {
			case s.Leader == n.ID():
				leader = n
			case s.State == gaggle.Member:
				follower = n
			}
		}
		return leader != nil
	})
	return leader, follower
}

// await lets time pass until something is so, at most an hour.
func (f *edgeFlock[T]) await(what string, isSo func() bool) {
	f.t.Helper()
	for end := time.Now().Add(time.Hour); !isSo(); {
		if time.Now().After(end) {
			f.t.Fatalf("it never came to it that %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// entries returns everything that is committed, as a node has it.
func edgeEntries[T any](t *testing.T, n *gaggle.Node[T]) []T {
	t.Helper()
	if err := n.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := []T{}
	for e, err := range n.Entries(t.Context(), gaggle.Until(n.Status().Applied)) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e.Value)
	}
	return all
}

// edgeAppend appends values through a node.
func edgeAppend[T any](t *testing.T, n *gaggle.Node[T], values ...T) (entries []gaggle.Entry[T]) {
	t.Helper()
	for _, v := range values {
		e, err := n.Append(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	return entries
}

// edgeIs reports whether an error is each of some, and none of others.
func edgeIs(err error, some []error, others ...error) bool {
	is := func(target error) bool { return errors.Is(err, target) }
	return err != nil && !slices.ContainsFunc(others, is) &&
		!slices.ContainsFunc(some, func(target error) bool { return !is(target) })
}

// edgeEnded returns a context that has ended.
func edgeEnded() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// edgeOperations are all calls that wait for something, on one node. Each returns its
// error.
func edgeOperations(n *gaggle.Node[string], call func(context.Context, string) (string, error)) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"Append": func(ctx context.Context) error {
			_, err := n.Append(ctx, "edge")
			return err
		},
		"Propose": func(ctx context.Context) error {
			p, err := n.Propose("edge")
			if err == nil {
				_, err = p.Wait(ctx)
			}
			return err
		},
		"Read":  n.Read,
		"Ready": n.Ready,
		"a call": func(ctx context.Context) error {
			_, err := call(ctx, "edge")
			return err
		},
		"Entries": func(ctx context.Context) error {
			for _, err := range n.Entries(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// edgeEcho registers a handler that returns its argument, on all nodes, and counts.
func (f *edgeFlock[T]) edgeEcho(name string, ran chan<- string) (calls []func(context.Context, string) (string, error)) {
	for _, n := range f.nodes {
		calls = append(calls, gaggle.OnLeader(n, name, func(_ context.Context, _ *gaggle.Leader[T], arg string) (string, error) {
			ran <- arg
			return arg, nil
		}))
	}
	return calls
}
