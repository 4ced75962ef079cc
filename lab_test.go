package gaggle_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

// A lab is a cluster on a channel in memory, in simulated time: nodes are nothing but
// goroutines and time, so inside a bubble of testing/synctest minutes pass in
// milliseconds. Every node is closed when the test ends, and the bubble then fails the
// test if a goroutine is left ("deadlock: main bubble goroutine has exited but blocked
// goroutines remain"): that is the check for leaks, in every test.
//
// What is random follows from the seed: identities, election timeouts, faults, and what
// a test draws. Only the order in which goroutines run does not.
type lab struct {
	t      *testing.T
	seed   uint64
	random *rand.Rand
	ch     *memory.Channel
	judge  *judge
	// nodes are all that were joined, also those that were closed since.
	nodes   []*labNode
	writers atomic.Int64
}

// A labNode is a node, with what it has been heard to say.
type labNode struct {
	*gaggle.Node[string]
	name string
	// closing: Close was called, so that ErrClosed is right.
	closing atomic.Bool
	// listening are the goroutines that collect what follows.
	listening sync.WaitGroup
	mu        sync.Mutex
	entries   []labEntry
}

// inLab runs a test with nodes that look for each other.
func inLab(t *testing.T, seed uint64, size int, test func(*lab)) {
	t.Helper()
	cryptotest.SetGlobalRandom(t, seed)
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		l := &lab{
			t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)),
			ch: memory.New(memory.Seed(seed)), judge: newJudge(),
		}
		for range size {
			l.join(gaggle.Size(size))
		}
		test(l)
	})
}

// inCluster runs a test with nodes that have founded their cluster and have a leader,
// and judges what came of it.
func inCluster(t *testing.T, seed uint64, size int, test func(*lab)) {
	t.Helper()
	inLab(t, seed, size, func(l *lab) {
		l.leader()
		test(l)
		l.settle()
	})
}

func (l *lab) errorf(format string, args ...any) {
	l.t.Helper()
	l.t.Errorf("seed %d: %s", l.seed, fmt.Sprintf(format, args...))
}

func (l *lab) fatalf(format string, args ...any) {
	l.t.Helper()
	l.t.Fatalf("seed %d: %s", l.seed, fmt.Sprintf(format, args...))
}

// join adds a node.
func (l *lab) join(options ...gaggle.Option) *labNode {
	l.t.Helper()
	name := string(rune('a' + len(l.nodes)))
	node, err := gaggle.Join[string](l.t.Context(), l.ch, append(options, gaggle.ID(name))...)
	if err != nil {
		l.fatalf("join: %v", err)
	}
	n := &labNode{Node: node, name: name}
	l.t.Cleanup(func() {
		_ = n.Close()
		n.listening.Wait()
	})
	l.nodes = append(l.nodes, n)
	n.listening.Go(func() { l.collect(n) })
	events := n.Watch(context.Background())
	n.listening.Go(func() {
		for e := range events {
			if e, ok := e.(gaggle.LeaderElected); ok {
				l.judge.led(e.Term, e.Leader)
			}
		}
	})
	return n
}

// collect takes note of what a node says the log is, until it is closed.
func (l *lab) collect(n *labNode) {
	for e, err := range n.Entries(context.Background()) {
		if err != nil {
			if !n.closing.Load() || !errors.Is(err, gaggle.ErrClosed) {
				l.errorf("the entries of %s end: %v", n.name, err)
			}
			return
		}
		n.mu.Lock()
		n.entries = append(n.entries, e)
		n.mu.Unlock()
	}
}

// log is what the node has said so far.
func (n *labNode) log() []labEntry {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.entries)
}

func (n *labNode) Close() error {
	n.closing.Store(true)
	return n.Node.Close()
}

// members are the nodes that take part in the cluster.
func (l *lab) members() []*labNode {
	return slices.DeleteFunc(slices.Clone(l.nodes), func(n *labNode) bool {
		return n.Status().State != gaggle.Member
	})
}

// without is all members but some.
func (l *lab) without(some ...*labNode) []*labNode {
	return slices.DeleteFunc(l.members(), func(n *labNode) bool { return slices.Contains(some, n) })
}

func ids(nodes []*labNode) []gaggle.NodeID {
	ids := make([]gaggle.NodeID, len(nodes))
	for i, n := range nodes {
		ids[i] = n.ID()
	}
	return ids
}

// cutAll loses everything from some nodes to others, in that direction only.
func (l *lab) cutAll(from, to []*labNode) {
	for _, a := range from {
		for _, b := range to {
			l.ch.Cut(a.ID(), b.ID())
		}
	}
}

// longest is how long the world may take for what has to happen.
const longest = 10 * time.Minute

// await lets time pass until something is so.
func (l *lab) await(what string, isSo func() bool) {
	l.t.Helper()
	for end := time.Now().Add(longest); !isSo(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			for _, n := range l.nodes {
				l.t.Logf("%s: %+v", n.name, n.Status())
			}
			l.fatalf("it never came to it that %s", what)
		}
	}
}

// awaitAll lets time pass until all of a group have ended.
func (l *lab) awaitAll(what string, group *sync.WaitGroup) {
	l.t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		group.Wait()
	}()
	l.await(what, func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	})
}

// leaderOf waits until some nodes agree that one of them leads.
func (l *lab) leaderOf(nodes ...*labNode) (leader *labNode) {
	l.t.Helper()
	l.await("the nodes agree on a leader", func() bool {
		for _, leader = range nodes {
			if !slices.ContainsFunc(nodes, func(n *labNode) bool { return n.Status().Leader != leader.ID() }) {
				return true
			}
		}
		return false
	})
	return leader
}

// leader waits until all nodes that are not closed agree on a leader.
func (l *lab) leader() *labNode {
	l.t.Helper()
	return l.leaderOf(slices.DeleteFunc(slices.Clone(l.nodes), func(n *labNode) bool {
		s := n.Status().State
		return s == gaggle.Stopped || s == gaggle.Standby
	})...)
}

// settle ends all partitions, waits until everybody has everything, and judges.
func (l *lab) settle() {
	l.t.Helper()
	l.ch.Heal()
	l.ch.SetFaults(memory.Faults{})
	for _, n := range l.members() {
		l.mustAppend(n, 1)
	}
	last := l.judge.acknowledged()
	members := l.members()
	for _, n := range members {
		l.await(n.name+" has all entries", func() bool {
			log := n.log()
			return len(log) > 0 && log[len(log)-1].Index >= last.Index
		})
	}
	l.pronounce(members)
}

// pronounce judges the logs of all nodes. Those of some must be complete.
func (l *lab) pronounce(complete []*labNode) {
	l.t.Helper()
	var logs []nodeLog
	for _, n := range l.nodes {
		logs = append(logs, nodeLog{n.name, slices.Contains(complete, n), n.log()})
	}
	const enough = 10
	faults := l.judge.verdict(logs)
	for _, fault := range faults[:min(len(faults), enough)] {
		l.errorf("%s", fault)
	}
	if len(faults) > enough {
		l.errorf("and %d faults more", len(faults)-enough)
	}
}
