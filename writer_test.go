package gaggle_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ben-ng/gaggle"
)

// A writer appends values through one node, each begun after the last, so that they
// have to be in the log in this order. One goroutine at a time may use it.
type writer struct {
	lab    *lab
	node   *labNode
	number int
	serial int
}

func (l *lab) writer(n *labNode) *writer {
	return &writer{lab: l, node: n, number: int(l.writers.Add(1))}
}

// begin makes a value that is about to be appended.
func (w *writer) begin() string {
	w.serial++
	return w.lab.judge.begin(w.number, w.serial)
}

func (w *writer) append(ctx context.Context) error {
	value := w.begin()
	e, err := w.node.Append(ctx, value)
	w.end(ctx, value, e, err)
	return err
}

// propose returns a function that waits for the outcome.
func (w *writer) propose() (wait func(context.Context) error, err error) {
	value := w.begin()
	p, err := w.node.Propose(value)
	if err != nil {
		w.end(context.Background(), value, labEntry{}, err, gaggle.ErrBusy)
		return nil, err
	}
	return func(ctx context.Context) error {
		e, err := p.Wait(ctx)
		w.end(ctx, value, e, err)
		return err
	}, nil
}

// end takes note of an outcome, and that it is one that the documentation allows.
func (w *writer) end(ctx context.Context, value string, e labEntry, err error, allowed ...error) {
	if err == nil && (e.Value != value || w.node.Status().Applied < e.Index) {
		w.lab.errorf("%s is acknowledged as %v when %s has applied %d", value, e, w.node.name, w.node.Status().Applied)
	}
	w.lab.mayEnd(ctx, w.node, "append", err, allowed...)
	w.lab.judge.end(value, e, err)
}

// mayEnd checks that an operation's error is of those that are documented, and why.
func (l *lab) mayEnd(ctx context.Context, n *labNode, what string, err error, allowed ...error) {
	switch {
	case err == nil,
		ctx.Err() != nil && errors.Is(err, ctx.Err()),
		n.closing.Load() && errors.Is(err, gaggle.ErrClosed),
		n.Status().State == gaggle.Standby && errors.Is(err, gaggle.ErrStandby):
		return
	}
	for _, target := range allowed {
		if errors.Is(err, target) {
			return
		}
	}
	l.errorf("%s on %s: %v", what, n.name, err)
}

// mustAppend appends through a node and fails the test if that takes for ever.
func (l *lab) mustAppend(n *labNode, count int) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	w := l.writer(n)
	for range count {
		if err := w.append(ctx); err != nil {
			l.fatalf("append on %s: %v", n.name, err)
		}
	}
}

// mustAppendAll appends through several nodes at once, one value after the other on each.
func (l *lab) mustAppendAll(nodes []*labNode, count int) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	var running sync.WaitGroup
	for _, n := range nodes {
		w := l.writer(n)
		running.Go(func() {
			for range count {
				if err := w.append(ctx); err != nil {
					l.errorf("append on %s: %v", n.name, err)
					return
				}
			}
		})
	}
	running.Wait()
	if l.t.Failed() {
		l.t.FailNow()
	}
}

// A batch is appends of one writer that are under way.
type batch struct {
	lab              *lab
	node             *labNode
	count            int
	acked, otherwise atomic.Int64
}

// propose begins a number of appends, and waits for none.
func (l *lab) propose(n *labNode, count int) *batch {
	b := &batch{lab: l, node: n, count: count}
	w := l.writer(n)
	var waits []func(context.Context) error
	for range count {
		wait, err := w.propose()
		if err != nil {
			b.otherwise.Add(1)
			continue
		}
		waits = append(waits, wait)
	}
	go func() {
		for _, wait := range waits {
			if wait(context.Background()) == nil {
				b.acked.Add(1)
			} else {
				b.otherwise.Add(1)
			}
		}
	}()
	return b
}

// proposeAll begins appends on several nodes.
func (l *lab) proposeAll(nodes []*labNode, count int) (batches []*batch) {
	for _, n := range nodes {
		batches = append(batches, l.propose(n, count))
	}
	return batches
}

// mustWait checks that after some time nothing of the batches was acknowledged, or
// ended at all.
func mustWait(batches []*batch, long time.Duration) {
	time.Sleep(long)
	for _, b := range batches {
		if acked, otherwise := b.acked.Load(), b.otherwise.Load(); acked+otherwise > 0 {
			b.lab.errorf("of %d appends on %s, %d succeeded and %d failed, and all had to wait", b.count, b.node.name, acked, otherwise)
		}
	}
}

// mustSucceed waits until all of the batches are acknowledged.
func mustSucceed(batches []*batch) {
	for _, b := range batches {
		b.lab.t.Helper()
		b.lab.await("the appends of "+b.node.name+" succeed", func() bool { return int(b.acked.Load()) == b.count })
	}
}

// read waits for a read barrier, and checks that it is one: that the node has what was
// acknowledged before.
func (l *lab) read(ctx context.Context, n *labNode) error {
	before := l.judge.acknowledged()
	if err := n.Read(ctx); err != nil {
		l.mayEnd(ctx, n, "read", err)
		return err
	}
	if applied := n.Status().Applied; applied < before.Index {
		l.errorf("a read returned when %s had applied %d, and %v was acknowledged before it", n.name, applied, before)
		return nil
	}
	for e, err := range n.Entries(ctx, gaggle.From(before.Index), gaggle.Until(before.Index)) {
		if err == nil && e != before {
			l.errorf("after a read, %s has %v where %v was acknowledged", n.name, e, before)
		}
	}
	return nil
}
