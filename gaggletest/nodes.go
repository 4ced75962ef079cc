package gaggletest

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

// Nodes are the nodes of a cluster in one process, and what can be done to them. Make them
// with Cluster.
//
// A node's place is its number, from 0, in the order of joining. Faults take the nodes
// themselves. The methods are for the goroutine of the test: they end it if something
// fails. The nodes may be used by any.
type Nodes[T any] struct {
	t       testing.TB
	options []gaggle.Option
	channel *memory.Channel
	random  *rand.Rand
	began   time.Time
	// patience is how long anything may take that has to happen.
	patience time.Duration
	// latency is how long a frame takes if nothing else was said.
	latency time.Duration

	// places holds the node in each place, all also those that were there before.
	places, all []*member[T]
	record      *record[T]
}

// A member is a node with its way into the channel.
type member[T any] struct {
	*gaggle.Node[T]
	name string
	line *line
}

// What has to happen, happens within seconds. In simulated time, more costs nothing.
const (
	simulatedPatience = 10 * time.Minute
	realPatience      = 30 * time.Second
)

// simulatedLatency makes time pass when nodes talk: a program that appends in a loop would
// otherwise do so for ever at one moment.
const simulatedLatency = time.Millisecond

// Cluster makes a cluster of so many nodes on a channel in memory, waits until it has a
// leader, and closes all when the test ends. Options are those of gaggle.Join; Size and
// ID are set.
//
// Within Run, or a bubble of testing/synctest, the nodes live in simulated time, and have
// the default Timing, LAN, and a frame takes a millisecond at least. Elsewhere they live in
// real time, with Timing Local; there, nothing is seeded, and nobody looks for goroutines
// that are left.
//
// At the end of a test that has not failed, it is checked that the nodes agree, as Check
// does, but for what is still missing.
func Cluster[T any](t testing.TB, size int, options ...gaggle.Option) *Nodes[T] {
	t.Helper()
	if size < 1 {
		t.Fatalf("gaggletest: Cluster: the size is %d, and has to be 1 at least", size)
	}
	seed := drawSeed()
	c := &Nodes[T]{
		t: t, channel: memory.New(memory.Seed(seed)), random: rand.New(rand.NewPCG(seed, 0)),
		began: time.Now(), patience: realPatience, record: newRecord[T](),
	}
	timing := gaggle.Local()
	if simulated() {
		c.patience, c.latency, timing = simulatedPatience, simulatedLatency, gaggle.LAN()
	}
	c.channel.SetFaults(c.atLeast(memory.Faults{}))
	c.options = slices.Concat([]gaggle.Option{gaggle.WithCodec(c.record), timing}, options, []gaggle.Option{gaggle.Size(size)})
	t.Cleanup(c.end)
	for place := range size {
		c.places = append(c.places, c.join(place))
	}
	c.Leader()
	return c
}

// drawSeed draws from crypto/rand, which Run has seeded.
func drawSeed() uint64 {
	var b [8]byte
	_, _ = crand.Read(b[:]) // never fails: see crypto/rand
	return binary.LittleEndian.Uint64(b[:])
}

// join makes a node for a place.
func (c *Nodes[T]) join(place int) *member[T] {
	c.t.Helper()
	m := &member[T]{name: fmt.Sprint("n", place), line: &line{Channel: c.channel}}
	node, err := gaggle.Join[T](context.Background(), m.line, append(slices.Clip(c.options), gaggle.ID(m.name))...)
	if err != nil {
		c.t.Fatalf("gaggletest: %v", err)
	}
	m.Node = node
	c.all = append(c.all, m)
	return m
}

// end closes all nodes, and then looks at what they say, as far as they got.
func (c *Nodes[T]) end() {
	c.t.Helper()
	c.heal()
	for _, m := range c.all {
		_ = m.Close()
	}
	if !c.t.Failed() {
		c.report(c.record.verdict(c.logs(math.MaxUint64, nil)))
	}
}

// Node returns the node in a place.
func (c *Nodes[T]) Node(place int) *gaggle.Node[T] {
	c.t.Helper()
	c.mustBePlaces("Node", place)
	return c.places[place].Node
}

// mustBePlaces ends the test if a method was given a place that there is not.
func (c *Nodes[T]) mustBePlaces(method string, places ...int) {
	c.t.Helper()
	for _, place := range places {
		if place < 0 || place >= len(c.places) {
			c.t.Fatalf("gaggletest: %s: there is no place %d, as the places are 0 to %d", method, place, len(c.places)-1)
		}
	}
}

// Nodes returns the nodes in some places, or in all if none is given: a group for
// Partition.
func (c *Nodes[T]) Nodes(places ...int) []*gaggle.Node[T] {
	c.t.Helper()
	c.mustBePlaces("Nodes", places...)
	var nodes []*gaggle.Node[T]
	for place, m := range c.places {
		if len(places) == 0 || slices.Contains(places, place) {
			nodes = append(nodes, m.Node)
		}
	}
	return nodes
}

// Place returns the place that a node is in, or was before its Restart. It is for what a
// test keeps beside the nodes, such as the services that run on them.
func (c *Nodes[T]) Place(n *gaggle.Node[T]) int {
	c.t.Helper()
	name := c.member(n).name
	return slices.IndexFunc(c.places, func(m *member[T]) bool { return m.name == name })
}

// member finds what belongs to a node.
func (c *Nodes[T]) member(n *gaggle.Node[T]) *member[T] {
	c.t.Helper()
	i := slices.IndexFunc(c.all, func(m *member[T]) bool { return m.Node == n })
	if i < 0 {
		c.t.Fatal("gaggletest: the node is none of this cluster's")
	}
	return c.all[i]
}

// Leader waits until a node leads, and a majority of the members follows it and can be
// reached by it, and returns it. So after the leader was isolated, or stands still, it is
// the next one. The test fails if there is none in ten minutes of simulated time.
func (c *Nodes[T]) Leader() *gaggle.Node[T] {
	c.t.Helper()
	var leader *gaggle.Node[T]
	c.Eventually("a majority follows a leader", func() bool {
		leader = c.leading()
		return leader != nil
	})
	return leader
}

// Followers waits for a leader and returns the other members, in the order of places, also
// those that do not reach it.
func (c *Nodes[T]) Followers() []*gaggle.Node[T] {
	c.t.Helper()
	leader := c.Leader()
	var nodes []*gaggle.Node[T]
	for _, m := range c.members() {
		if m.Node != leader {
			nodes = append(nodes, m.Node)
		}
	}
	return nodes
}

// members are the nodes that take part in the cluster.
func (c *Nodes[T]) members() []*member[T] {
	return slices.DeleteFunc(slices.Clone(c.places), func(m *member[T]) bool {
		return m.Status().State != gaggle.Member
	})
}

// leading returns the leader that a majority follows, if there is one.
func (c *Nodes[T]) leading() *gaggle.Node[T] {
	for _, m := range c.members() {
		s, followers := m.Status(), 0
		for _, other := range c.members() {
			o := other.Status()
			if o.Leader == s.ID && o.Term == s.Term && c.reach(m, other) {
				followers++
			}
		}
		if s.Role == gaggle.RoleLeader && 2*followers > len(s.Configuration.Voters) {
			return m.Node
		}
	}
	return nil
}

// reach reports whether two nodes can talk.
func (c *Nodes[T]) reach(a, b *member[T]) bool {
	return !a.line.isHeld() && !b.line.isHeld() &&
		c.channel.Passes(a.ID(), b.ID()) && c.channel.Passes(b.ID(), a.ID())
}

// Eventually waits until something is so, and fails the test if it is not in ten minutes
// of simulated time, or half a minute of real time. The text completes "it never came to
// it that …".
func (c *Nodes[T]) Eventually(what string, isSo func() bool) {
	c.t.Helper()
	for end := time.Now().Add(c.patience); !isSo(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			c.describe()
			c.t.Fatalf("gaggletest: it never came to it that %s", what)
		}
	}
}

// describe logs how the nodes stand.
func (c *Nodes[T]) describe() {
	c.t.Helper()
	for _, m := range c.places {
		c.logf("%s", standing(m.Status(), m.line.isHeld()))
	}
}

// standing says how a node stands, and what is unusual about it only if it is so.
func standing(s gaggle.Status, held bool) string {
	leader := "nobody"
	if s.Leader != "" {
		leader = string(s.Leader)
	}
	text := fmt.Sprintf("%s is a %v %v of term %d, has applied %d, and follows %s", s.ID, s.State, s.Role, s.Term, s.Applied, leader)
	if held {
		text += "; it stands still"
	}
	if s.Problem != nil {
		text += fmt.Sprintf("; problem: %v", s.Problem)
	}
	return text
}

// logf logs something with the time since the cluster was made.
func (c *Nodes[T]) logf(format string, args ...any) {
	c.t.Helper()
	c.t.Logf("%7.3fs %s", time.Since(c.began).Seconds(), fmt.Sprintf(format, args...))
}

// Append appends a value through a node, and fails the test if that takes ten minutes of
// simulated time. Check then also looks for the entry that it returned.
func (c *Nodes[T]) Append(n *gaggle.Node[T], v T) gaggle.Entry[T] {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), c.patience)
	defer cancel()
	e, err := n.Append(ctx, v)
	if err != nil {
		c.describe()
		c.t.Fatalf("gaggletest: %v", err)
	}
	c.record.acknowledge(e)
	return e
}

// Rand is for what a test draws: it follows from the seed of Run. It must not be used by
// several goroutines at once.
func (c *Nodes[T]) Rand() *rand.Rand { return c.random }

// Channel is where the nodes meet, for faults that have no method here. Heal undoes them.
func (c *Nodes[T]) Channel() *memory.Channel { return c.channel }
