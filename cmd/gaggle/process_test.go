//go:build unix

package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// feederWindow is how many lines of a feeder may wait to be committed.
const feederWindow = 20

// feed gives a process numbered lines, a few at a time, until it is told to stop or the
// process ends. It returns how many.
func (c *child) feed(stop <-chan struct{}) int {
	for fed := 0; ; {
		ended, changed := c.out.state()
		if ended {
			return fed
		}
		if fed-c.out.givenBy(c.name) < feederWindow {
			if _, err := fmt.Fprintf(c.in, "%s:%d\n", c.name, fed+1); err != nil {
				return fed
			}
			fed++
			changed = nil
		}
		select {
		case <-stop:
			return fed
		default:
		}
		if changed == nil {
			continue
		}
		select {
		case <-changed:
		case <-stop:
			return fed
		}
	}
}

// feeding is a cluster whose nodes are all given lines.
type feeding struct {
	t     *testing.T
	nodes []*child
	fed   []int // by node, when it is over
	stop  chan struct{}
	group sync.WaitGroup
}

func feedAll(t *testing.T, nodes []*child) *feeding {
	f := &feeding{t: t, nodes: nodes, fed: make([]int, len(nodes)), stop: make(chan struct{})}
	for i, c := range nodes {
		f.group.Go(func() { f.fed[i] = c.feed(f.stop) })
	}
	t.Cleanup(f.end)
	return f
}

// end stops the feeding.
func (f *feeding) end() {
	select {
	case <-f.stop:
	default:
		close(f.stop)
	}
	f.group.Wait()
}

// awaitMore waits until a node has shown so many more lines of each of some nodes.
func (f *feeding) awaitMore(watcher *child, count int, of ...*child) {
	f.t.Helper()
	target := map[*child]int{}
	for _, c := range of {
		target[c] = watcher.out.givenBy(c.name) + count
	}
	for _, c := range of {
		watcher.await(&watcher.out, fmt.Sprintf("%d more lines of %s", count, c.name), func() bool {
			return watcher.out.givenBy(c.name) >= target[c]
		})
	}
}

// check ends the feeding and checks that all nodes but the killed ones committed all of
// their own lines, once and in their order, with the same in between; and that what a
// killed node had shown is there, too.
func (f *feeding) check(killed ...*child) {
	f.t.Helper()
	f.end()
	var survivors []*child
	var last []string
	for i, c := range f.nodes {
		if !slices.Contains(killed, c) {
			survivors = append(survivors, c)
			last = append(last, fmt.Sprintf("%s:%d", c.name, f.fed[i]))
		}
	}
	for _, c := range survivors {
		c.awaitCommitted(last...)
	}
	reference := survivors[0].log()
	f.checkOrder(reference, killed)
	for _, c := range slices.Concat(survivors, killed) {
		// Lines of a killed node may still have come to one and not yet to the other.
		log := c.log()
		common := min(len(log), len(reference))
		if !slices.Equal(log[:common], reference[:common]) {
			f.t.Errorf("%s and %s committed different entries: %.500v and %.500v", c.name, survivors[0].name, log, reference)
		}
		if slices.Contains(killed, c) && common < len(log) {
			f.t.Errorf("%s, which was killed, had committed %v, which %s has not", c.name, log[common:], survivors[0].name)
		}
	}
}

// checkOrder checks that the lines of each node are in the log in their order, none is
// left out and none is there twice.
func (f *feeding) checkOrder(log []place, killed []*child) {
	f.t.Helper()
	seen := map[string]int{}
	for _, p := range log {
		name, number, _ := strings.Cut(p.value, ":")
		if number != strconv.Itoa(seen[name]+1) {
			f.t.Errorf("%q comes after %d lines of %s", p.value, seen[name], name)
			return
		}
		seen[name]++
	}
	for i, c := range f.nodes {
		if seen[c.name] > f.fed[i] || seen[c.name] < f.fed[i] && !slices.Contains(killed, c) {
			f.t.Errorf("%d lines of %s are committed, it was given %d", seen[c.name], c.name, f.fed[i])
		}
	}
}

// split returns the node that leads and the others, as one of them sees it.
func split(t *testing.T, nodes []*child) (leader *child, others []*child) {
	t.Helper()
	named := func(s event) func(*child) bool {
		return func(c *child) bool { return strings.HasPrefix(s.Leader, c.name+"#") }
	}
	s := nodes[0].awaitStatus("a leader among those that are there", func(s event) bool {
		return slices.ContainsFunc(nodes, named(s))
	})
	i := slices.IndexFunc(nodes, named(s))
	return nodes[i], slices.Concat(nodes[:i], nodes[i+1:])
}

func TestProcessesAgreeThoughTheLeaderIsKilledAndTheNextOnePaused(t *testing.T) {
	t.Parallel()
	_, nodes := startCluster(t, 5)
	f := feedAll(t, nodes)
	f.awaitMore(nodes[0], 50, nodes...)

	first, others := split(t, nodes)
	first.signal(syscall.SIGKILL)
	first.awaitExit(-1)
	f.awaitMore(others[0], 50, others...)

	second, rest := split(t, others)
	second.pause()
	f.awaitMore(rest[0], 50, rest...)

	second.signal(syscall.SIGCONT)
	f.awaitMore(rest[0], 50, others...)
	f.awaitMore(second, 50, others...)
	f.check(first)
}

func TestThreeProcessesGoOnWhileOneIsPaused(t *testing.T) {
	t.Parallel()
	_, nodes := startCluster(t, 3)
	f := feedAll(t, nodes)
	f.awaitMore(nodes[0], 50, nodes...)
	leader, others := split(t, nodes)
	leader.pause()
	f.awaitMore(others[0], 50, others...)
	leader.signal(syscall.SIGCONT)
	f.awaitMore(leader, 50, nodes...)
	f.check()
}

func TestNothingIsCommittedWithoutAMajorityAndAllOfItAfterwards(t *testing.T) {
	t.Parallel()
	_, nodes := startCluster(t, 3)
	killed, paused, alone := nodes[0], nodes[1], nodes[2]
	killed.say("n1:1")
	alone.awaitCommitted("n1:1")
	killed.signal(syscall.SIGKILL)
	killed.awaitExit(-1)
	alone.say("n3:1")
	alone.awaitCommitted("n3:1")

	paused.pause()
	if _, err := io.WriteString(alone.in, "n3:2\nn3:3\n"); err != nil {
		t.Fatal(err)
	}
	alone.awaitStatus("the word that nobody leads", func(s event) bool { return s.Leader == "" })
	if log := alone.log(); len(log) != 2 {
		t.Errorf("one node of three committed %v", log)
	}
	paused.signal(syscall.SIGCONT)
	paused.say("n2:1")
	f := &feeding{t: t, nodes: nodes, fed: []int{1, 1, 3}, stop: make(chan struct{})}
	f.check(killed)
}
