//go:build unix

package main

import (
	"context"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"
)

// A kind is a kind of fault.
type kind string

const (
	kindKill     kind = "kill"      // a process, which is started again later
	kindKillMore kind = "kill-more" // a process, several times, as it starts
	kindKillAll  kind = "kill-all"  // all processes at once
	kindPause    kind = "pause"     // a process, which then goes on
	kindCut      kind = "cut"       // connections between two groups of nodes
	kindCutOne   kind = "cut-one"   // connections from one group to the other
	kindHold     kind = "hold"      // what two groups say to each other, until it is over
	kindHoldOne  kind = "hold-one"  // what one group says to the other
	kindDelay    kind = "delay"     // what is said on some ways
	kindFull     kind = "full"      // a disk, until there is room again
)

func allKinds() []kind {
	return []kind{kindKill, kindKillMore, kindKillAll, kindPause, kindCut, kindCutOne, kindHold, kindHoldOne, kindDelay, kindFull}
}

func joinKinds(kinds []kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ",")
}

// Faults last from a moment, which elections outlive, to longer than the patience of clients
// and of the elections of every node.
const (
	holdLeast = 50 * time.Millisecond
	holdMost  = 4 * time.Second
)

// fault is one fault from its beginning to its end, which comes early if the context does.
// It reports false if there was nobody for it. An error is one of this program.
func (m *nemesis) fault(ctx context.Context, k kind, r *rand.Rand) (bool, error) {
	switch k {
	case kindKill:
		return m.kill(ctx, r, 1)
	case kindKillMore:
		return m.kill(ctx, r, 2+r.IntN(3))
	case kindKillAll:
		return m.killAll(ctx, r)
	case kindPause:
		return m.pause(ctx, r)
	case kindCut, kindCutOne:
		return m.part(ctx, r, k == kindCut, func(l *link, by int) { l.cut += by })
	case kindHold, kindHoldOne:
		return m.part(ctx, r, k == kindHold, func(l *link, by int) { l.held += by })
	case kindDelay:
		return m.delay(ctx, r)
	case kindFull:
		return m.fill(ctx, r)
	}
	return false, nil
}

func (m *nemesis) kill(ctx context.Context, r *rand.Rand, times int) (bool, error) {
	n := m.claimOne(r)
	if n == nil {
		return false, nil
	}
	defer m.release(n)
	for i := range times {
		n.kill()
		m.note("killed %s", n.config.Name)
		if i == 0 {
			m.hold(ctx, r)
		}
		if err := n.start(); err != nil {
			return true, err
		}
		m.note("started %s", n.config.Name)
		if i < times-1 {
			wait(ctx, time.Duration(r.Int64N(int64(againMost))))
		}
	}
	return true, nil
}

// againMost is how long after its start a process may be killed again: about as long as it
// takes to read its directory and to be heard.
const againMost = 300 * time.Millisecond

func (m *nemesis) killAll(ctx context.Context, r *rand.Rand) (bool, error) {
	var mine []*node
	for _, n := range m.nodes {
		if m.claim(n) {
			defer m.release(n)
			mine = append(mine, n)
		}
	}
	killTogether(mine)
	m.note("killed %d at once", len(mine))
	wait(ctx, time.Duration(r.Int64N(int64(againMost))))
	for _, n := range mine {
		if err := n.start(); err != nil {
			return true, err
		}
	}
	m.note("started %d", len(mine))
	return true, nil
}

// killTogether kills processes with nothing in between.
func killTogether(nodes []*node) {
	var doomed []*process
	for _, n := range nodes {
		if p := n.condemn(); p != nil {
			doomed = append(doomed, p)
		}
	}
	for _, p := range doomed {
		_ = p.signal(syscall.SIGKILL) // it may have ended
	}
	for _, n := range nodes {
		n.kill()
	}
}

func (m *nemesis) pause(ctx context.Context, r *rand.Rand) (bool, error) {
	n := m.claimOne(r)
	if n == nil {
		return false, nil
	}
	defer m.release(n)
	if err := n.signal(syscall.SIGSTOP); err != nil {
		return true, err
	}
	m.note("paused %s", n.config.Name)
	m.hold(ctx, r)
	m.note("%s goes on", n.config.Name)
	return true, n.signal(syscall.SIGCONT)
}

// part parts the nodes into two groups, and changes the links from the first, or, both ways.
func (m *nemesis) part(ctx context.Context, r *rand.Rand, both bool, change func(l *link, by int)) (bool, error) {
	order := r.Perm(len(m.nodes))
	if l := m.sometimesLeader(r); l != nil {
		order = m.first(order, l)
	}
	size := 1 + r.IntN(len(order)-1)
	var pairs []pair
	for _, from := range order[:size] {
		for _, to := range order[size:] {
			pairs = append(pairs, pair{from, to})
			if both {
				pairs = append(pairs, pair{to, from})
			}
		}
	}
	m.note("no way from %v to %v, both %t", order[:size], order[size:], both)
	m.onLinks(ctx, r, pairs, change)
	m.note("ways from %v to %v", order[:size], order[size:])
	return true, nil
}

// onLinks changes links, and back again.
func (m *nemesis) onLinks(ctx context.Context, r *rand.Rand, pairs []pair, change func(l *link, by int)) {
	for _, p := range pairs {
		m.network.change(p, func(l *link) { change(l, 1) })
	}
	m.hold(ctx, r)
	for _, p := range pairs {
		m.network.change(p, func(l *link) { change(l, -1) })
	}
}

// delayMost is the longest delay: near to the time after which followers look for another
// leader.
const delayMost = 300 * time.Millisecond

func (m *nemesis) delay(ctx context.Context, r *rand.Rand) (bool, error) {
	var pairs []pair
	for from := range m.nodes {
		for to := range m.nodes {
			if from != to && r.IntN(2) == 0 {
				pairs = append(pairs, pair{from, to})
			}
		}
	}
	by := time.Duration(r.Int64N(int64(delayMost)))
	m.note("%v later on %v", by, pairs)
	m.onLinks(ctx, r, pairs, func(l *link, times int) { l.delay += time.Duration(times) * by })
	m.note("not later on %v", pairs)
	return true, nil
}

const (
	// fullPatience is how long a disk is full at most without its node finding out.
	fullPatience = 15 * time.Second
	// fullPoll is the time between two questions whether it has.
	fullPoll = 20 * time.Millisecond
)

// fill fills a disk, has clients append large values until the node has found out, and makes
// room again.
func (m *nemesis) fill(ctx context.Context, r *rand.Rand) (bool, error) {
	if !m.filling.CompareAndSwap(false, true) {
		return false, nil
	}
	defer m.filling.Store(false)
	n := m.onMemory[r.IntN(len(m.onMemory))]
	if err := n.disk.fill(); err != nil {
		return true, err
	}
	m.note("the disk of %s is full", n.config.Name)
	m.heavy.Add(1)
	noticed := false
	for deadline := time.Now().Add(fullPatience); !noticed && ctx.Err() == nil && time.Now().Before(deadline); {
		wait(ctx, fullPoll)
		a, err := n.ask(request{Do: doStatus}, statusPatience)
		noticed = err == nil && a.Status.DiskFull
	}
	m.heavy.Add(-1)
	if noticed {
		m.noticed.Add(1)
		m.note("%s knows", n.config.Name)
	}
	m.hold(ctx, r)
	m.note("the disk of %s has room", n.config.Name)
	return true, n.disk.free()
}
