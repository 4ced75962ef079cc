//go:build unix

package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A nemesis injects faults.
type nemesis struct {
	kinds    []kind
	nodes    []*node
	onMemory []*node // those whose disks can be filled
	network  *network
	random   *rand.Rand
	note     func(format string, args ...any)
	// heavy is more than 0 while clients are to append large values.
	heavy atomic.Int32
	// filling: a disk is full.
	filling atomic.Bool
	// noticed is how many full disks were noticed by their nodes.
	noticed atomic.Int32

	mu    sync.Mutex
	taken map[*node]bool // nodes whose processes a fault is busy with
	count map[kind]int
	err   error
}

const (
	// maxFaults is how many faults there are at a time.
	maxFaults = 3
	// gapMost is the longest time until another one begins, if there may be one: some do
	// when the one before has been overcome, and some before.
	gapMost = 2 * time.Second
)

// run injects faults until the context ends, and returns when all of them are over.
func (m *nemesis) run(ctx context.Context) error {
	places := make(chan struct{}, maxFaults)
	var work sync.WaitGroup
	for ctx.Err() == nil {
		if m.heavy.Load() > 0 {
			wait(ctx, fullPoll) // what fills a log takes a cluster that gets on
			continue
		}
		k := m.kinds[m.random.IntN(len(m.kinds))]
		r := rand.New(rand.NewPCG(m.random.Uint64(), m.random.Uint64()))
		gap := time.Duration(m.random.Int64N(int64(gapMost)))
		select {
		case places <- struct{}{}:
			work.Go(func() {
				defer func() { <-places }()
				m.account(k, func() (bool, error) { return m.fault(ctx, k, r) })
			})
		case <-ctx.Done():
		}
		wait(ctx, gap)
	}
	work.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

// account counts a fault that there was.
func (m *nemesis) account(k kind, fault func() (bool, error)) {
	happened, err := fault()
	m.mu.Lock()
	defer m.mu.Unlock()
	if happened {
		m.count[k]++
	}
	if m.err == nil {
		m.err = err
	}
}

// claim reports whether a node's process is nobody else's, until release.
func (m *nemesis) claim(n *node) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	free := !m.taken[n]
	m.taken[n] = true
	return free
}

func (m *nemesis) release(n *node) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.taken, n)
}

// claimOne claims a node, often the leader; nil if all are taken.
func (m *nemesis) claimOne(r *rand.Rand) *node {
	order := r.Perm(len(m.nodes))
	if l := m.sometimesLeader(r); l != nil {
		order = m.first(order, l)
	}
	for _, i := range order {
		if m.claim(m.nodes[i]) {
			return m.nodes[i]
		}
	}
	return nil
}

// sometimesLeader is the leader half of the time.
func (m *nemesis) sometimesLeader(r *rand.Rand) *node {
	if r.IntN(2) == 0 {
		return nil
	}
	return leader(m.nodes)
}

// first puts a node first in an order of nodes.
func (m *nemesis) first(order []int, n *node) []int {
	rest := slices.DeleteFunc(order, func(i int) bool { return i == n.number })
	return append([]int{n.number}, rest...)
}

// hold waits as long as a fault lasts: short ones are as many as long ones.
func (m *nemesis) hold(ctx context.Context, r *rand.Rand) {
	span := float64(holdMost-holdLeast) * r.Float64() * r.Float64()
	wait(ctx, holdLeast+time.Duration(span))
}

// wait waits until a time has passed or the context ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
