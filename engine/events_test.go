package engine

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/ben-ng/gaggle/raft"
)

// watchedNode is a node that only emits events.
func watchedNode() *Node {
	n := &Node{}
	n.watchers.all = map[*Watcher]struct{}{}
	return n
}

func term(e Event) raft.Term { return e.(LeaderElected).Term }

func TestAWatcherGetsEventsInOrder(t *testing.T) {
	n := watchedNode()
	n.emit(LeaderElected{Term: 99}) // before anybody watched
	w, other := n.Watch(), n.Watch()
	for i := range raft.Term(100) {
		n.emit(LeaderElected{Term: i})
	}
	for i := range raft.Term(100) {
		for _, w := range []*Watcher{w, other} {
			if e, ok := w.Next(t.Context()); !ok || term(e) != i {
				t.Fatalf("event %d is %v, %v", i, e, ok)
			}
		}
	}
}

func TestASlowWatcherIsToldHowManyEventsItMissed(t *testing.T) {
	n := watchedNode()
	w := n.Watch()
	for i := range raft.Term(maxWatcherEvents + 7) {
		n.emit(LeaderElected{Term: i})
	}
	if len(w.events) != maxWatcherEvents {
		t.Fatalf("%d events are kept for a slow watcher, the limit is %d", len(w.events), maxWatcherEvents)
	}
	if e, ok := w.Next(t.Context()); !ok || e != (Missed{7}) {
		t.Fatalf("first the watcher gets %v, %v; want that it missed 7", e, ok)
	}
	for want := raft.Term(7); want < maxWatcherEvents+7; want++ {
		if e, ok := w.Next(t.Context()); !ok || term(e) != want {
			t.Fatalf("event %d is %v, %v", want, e, ok)
		}
	}
	n.emit(RoleChanged{Term: 1})
	if e, ok := w.Next(t.Context()); !ok || e != (RoleChanged{Term: 1}) {
		t.Errorf("after catching up the watcher gets %v, %v", e, ok)
	}
}

func TestOnlyTheLastOfManyCommitsWaitsForAWatcher(t *testing.T) {
	n := watchedNode()
	w := n.Watch()
	for _, e := range []Event{
		Committed{1}, Committed{2}, Committed{3}, LeaderElected{Term: 1}, Committed{4}, Committed{5},
	} {
		n.emit(e)
	}
	for _, want := range []Event{Committed{3}, LeaderElected{Term: 1}, Committed{5}} {
		if e, ok := w.Next(t.Context()); !ok || e != want {
			t.Errorf("the watcher gets %#v, %v; want %#v", e, ok, want)
		}
	}
}

func TestAWatcherWaitsForEventsUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := watchedNode()
		w := n.Watch()
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan Event)
		go func() {
			for e, ok := w.Next(ctx); ok; e, ok = w.Next(ctx) {
				got <- e
			}
			close(got)
		}()
		synctest.Wait()
		n.emit(Committed{4})
		if e := <-got; e != (Committed{4}) {
			t.Errorf("who waited got %v", e)
		}
		synctest.Wait()
		cancel()
		if e, open := <-got; open {
			t.Errorf("after its context's end the watcher got %v", e)
		}
		n.emit(Committed{5})
		if e, ok := w.Next(ctx); ok {
			t.Errorf("with an ended context the watcher got %v", e)
		}
	})
}

func TestAStoppedWatcherGetsNothingMore(t *testing.T) {
	n := watchedNode()
	w, other := n.Watch(), n.Watch()
	if !n.watchers.watched() {
		t.Error("nobody seems to watch")
	}
	w.Stop()
	w.Stop()
	n.emit(Committed{1})
	if e, ok := w.Next(t.Context()); ok {
		t.Errorf("the stopped watcher gets %v", e)
	}
	if e, ok := other.Next(t.Context()); !ok || e != (Committed{1}) {
		t.Errorf("the other watcher gets %v, %v", e, ok)
	}
	other.Stop()
	if n.watchers.watched() {
		t.Error("somebody seems to watch")
	}
}

func TestWatchersReadToTheEndOfTheNode(t *testing.T) {
	n := watchedNode()
	w := n.Watch()
	n.emit(Committed{1})
	n.emit(StateChanged{Stopped})
	n.watchers.end()
	n.emit(Committed{2}) // nobody is there any more
	for _, want := range []Event{Committed{1}, StateChanged{Stopped}} {
		if e, ok := w.Next(t.Context()); !ok || e != want {
			t.Errorf("the watcher gets %v, %v; want %v", e, ok, want)
		}
	}
	for range 2 {
		if e, ok := w.Next(t.Context()); ok {
			t.Errorf("after the end the watcher gets %v", e)
		}
	}
	late := n.Watch()
	if e, ok := late.Next(t.Context()); ok {
		t.Errorf("who watches after the end gets %v", e)
	}
	w.Stop()
	late.Stop()
}
