package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/memory"
)

func TestWhatIsShownIsNotHeldBackByTheClustersOwnEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := startDemo(t, 3)
		survivor := d.nodes[0]
		if survivor.Status().Leader == survivor.ID() {
			survivor = d.nodes[1]
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		showing, goOn, paused := make(chan gaggle.Index), make(chan struct{}), make(chan gaggle.Index, 100)
		var follower sync.WaitGroup
		follower.Go(func() {
			_ = follow(ctx, survivor.Node, func(e gaggle.Entry[demoLine]) {
				showing <- e.Index
				<-goOn
			}, func(shown gaggle.Index) error {
				paused <- shown
				return nil
			})
		})
		if _, err := survivor.Append(t.Context(), demoLine{0, "x"}); err != nil {
			t.Fatal(err)
		}
		last := <-showing
		// While the line is being shown, a new leader commits an entry of its own.
		if err := d.killLeader(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := survivor.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		if applied := survivor.Status().Applied; applied <= last {
			t.Fatalf("index %d is applied, which is not above that of the line, %d", applied, last)
		}
		goOn <- struct{}{}
		for shown := gaggle.Index(0); shown < last; {
			select {
			case shown = <-paused:
			case <-time.After(patience):
				t.Fatal("the line is not said to be shown")
			}
		}
		cancel()
		follower.Wait()
	})
}

func TestFollowingEndsWithTheFirstError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := startDemo(t, 1).nodes[0]
		if _, err := n.Append(t.Context(), demoLine{0, "x"}); err != nil {
			t.Fatal(err)
		}
		show := func(gaggle.Entry[demoLine]) {}
		full := errors.New("full")
		if err := follow(t.Context(), n.Node, show, func(gaggle.Index) error { return full }); !errors.Is(err, full) {
			t.Errorf("the error is %v, want that of the output", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		goOn := func(gaggle.Index) error { cancel(); return nil }
		if err := follow(ctx, n.Node, show, goOn); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v, want that of the context", err)
		}
		goOn = func(gaggle.Index) error { return n.Close() }
		if err := follow(t.Context(), n.Node, show, goOn); !errors.Is(err, gaggle.ErrClosed) {
			t.Errorf("the error is %v, want that the node is closed", err)
		}
	})
}

// heard counts the frames that arrive.
type heard struct{ frames int }

func (h *heard) Receive([]byte) error      { h.frames++; return nil }
func (h *heard) Unreachable(gaggle.NodeID) {}

func TestNothingPassesAPlugThatIsPulled(t *testing.T) {
	meeting := memory.New()
	way := &plug{Channel: meeting}
	var here, there heard
	inside, err := way.Open(channel.Self{ID: "inside"}, &here)
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	outside, err := meeting.Open(channel.Self{ID: "outside"}, &there)
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	exchange := func() {
		for _, err := range []error{
			inside.Send("outside", channel.Urgent, nil), inside.Broadcast(nil),
			outside.Send("inside", channel.Urgent, nil), outside.Broadcast(nil),
		} {
			if err != nil {
				t.Error(err)
			}
		}
	}
	exchange()
	way.pull()
	exchange()
	if here.frames != 2 || there.frames != 2 {
		t.Errorf("%d frames came in and %d went out, want the 2 from before it was pulled", here.frames, there.frames)
	}
}
