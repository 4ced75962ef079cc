package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

func TestALineWaitsWhileItsNodeHasTooMuchUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		meeting := memory.New()
		join := func() *gaggle.Node[[]byte] {
			n, err := gaggle.Join[[]byte](t.Context(), meeting, gaggle.Size(2))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = n.Close() })
			return n
		}
		j := newJoined(join(), newOutput(io.Discard, true), newOutput(io.Discard, true))
		go func() { _ = j.show(t.Context()) }()
		in, typed := io.Pipe()
		appended := make(chan error, 1)
		go func() { appended <- j.appendAll(t.Context(), in) }()

		// Nothing is committed as long as the node is alone, so these stay, and x has the
		// last room.
		for range 1<<16 - 1 {
			if _, err := j.node.Propose(nil); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = fmt.Fprintln(typed, "x")
		synctest.Wait()
		if _, err := j.node.Propose(nil); !errors.Is(err, gaggle.ErrBusy) {
			t.Fatalf("the node takes more: %v", err)
		}
		_, _ = fmt.Fprint(typed, "y\nz\n")
		_ = typed.Close()
		synctest.Wait()
		select {
		case err := <-appended:
			t.Fatalf("the lines are not waited for: %v", err)
		default:
		}

		join()
		if err := <-appended; err != nil {
			t.Fatal(err)
		}
		var lines []string
		for e, err := range j.node.Entries(t.Context(), gaggle.Until(j.node.Status().Applied)) {
			if err != nil {
				t.Fatal(err)
			}
			if len(e.Value) > 0 {
				lines = append(lines, string(e.Value))
			}
		}
		if !slices.Equal(lines, []string{"x", "y", "z"}) {
			t.Errorf("the lines are %q", lines)
		}
	})
}

func TestAMemberMakesNoTroubleOfItsFirstElection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 3
		meeting := memory.New()
		ctx, stop := context.WithCancel(t.Context())
		var others sync.WaitGroup
		defer others.Wait()
		defer stop()
		var nodes []*gaggle.Node[[]byte]
		var said [size]stream
		for i := range size {
			n, err := gaggle.Join[[]byte](ctx, meeting, gaggle.Size(size))
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			j, changed := &joined{node: n, errs: newOutput(&said[i], false)}, make(chan struct{}, 1)
			others.Go(func() { j.watch(ctx, changed) })
			others.Go(func() { j.showStatus(ctx, nil, changed, false) })
			nodes = append(nodes, n)
		}
		for i, n := range nodes {
			if err := n.Ready(ctx); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if s := said[i].String(); !strings.Contains(s, `, leader "`) || strings.Contains(s, "nothing is committed") {
				t.Errorf("it says %q", s)
			}
		}
	})
}

// An interrupt may come when a line is committed, and written out, and who waits for it does not know
// yet.
func TestALineThatIsCommittedWhenItsNodeIsInterruptedIsNotCalledLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, err := gaggle.Join[[]byte](t.Context(), memory.New(), gaggle.Size(1))
		if err != nil {
			t.Fatal(err)
		}
		j := newJoined(n, newOutput(io.Discard, true), newOutput(io.Discard, true))
		if err := j.proposeAll(t.Context(), strings.NewReader("x\ny\nz\n")); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Append(t.Context(), []byte("after them")); err != nil {
			t.Fatal(err)
		}
		interrupted, interrupt := context.WithCancel(t.Context())
		j.next(t.Context()) // x is waited for, and the others are not yet
		interrupt()
		_ = n.Close()
		if open := j.settle(interrupted); open != 0 {
			t.Errorf("%d lines that are committed are called lost", open)
		}
	})
}

func TestALineThatIsNotCommittedWhenItsNodeIsInterruptedMayBeLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, err := gaggle.Join[[]byte](t.Context(), memory.New(), gaggle.Size(2))
		if err != nil {
			t.Fatal(err)
		}
		j := newJoined(n, newOutput(io.Discard, true), newOutput(io.Discard, true))
		if err := j.proposeAll(t.Context(), strings.NewReader("x\ny\n")); err != nil {
			t.Fatal(err)
		}
		interrupted, interrupt := context.WithCancel(t.Context())
		interrupt()
		_ = n.Close()
		if open := j.settle(interrupted); open != 2 {
			t.Errorf("%d lines may be lost, want 2", open)
		}
	})
}
