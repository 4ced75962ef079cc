package gaggletest

import (
	"strings"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

// Partition divides the network: nodes hear each other only within a group. Those in no
// group are a group of their own, so that Partition(c.Followers()) parts them from their
// leader. It replaces an earlier Partition.
func (c *Nodes[T]) Partition(groups ...[]*gaggle.Node[T]) {
	c.t.Helper()
	ids, names := make([][]gaggle.NodeID, len(groups)), make([]string, len(groups))
	for i, group := range groups {
		var members []string
		for _, n := range group {
			ids[i] = append(ids[i], n.ID())
			members = append(members, c.member(n).name)
		}
		names[i] = strings.Join(members, " ")
	}
	c.logf("partition: %s", strings.Join(names, " | "))
	c.channel.Partition(ids...)
}

// Isolate loses everything from and to a node.
func (c *Nodes[T]) Isolate(n *gaggle.Node[T]) {
	c.t.Helper()
	c.logf("isolate %s", c.member(n).name)
	c.channel.Isolate(n.ID())
}

// Cut loses everything from one node to another, in that direction only.
func (c *Nodes[T]) Cut(from, to *gaggle.Node[T]) {
	c.t.Helper()
	c.logf("cut %s to %s", c.member(from).name, c.member(to).name)
	c.channel.Cut(from.ID(), to.ID())
}

// SlowLink makes everything from one node to another take so long, in that direction only.
// Frames stay in order, so after Heal, those that were on their way come first.
func (c *Nodes[T]) SlowLink(from, to *gaggle.Node[T], delay time.Duration) {
	c.t.Helper()
	c.logf("%s to %s takes %v", c.member(from).name, c.member(to).name, delay)
	c.channel.SetLink(from.ID(), to.ID(), c.atLeast(memory.Faults{MinDelay: delay, MaxDelay: delay}))
}

// Faults makes every link lose, repeat, reorder or delay frames at random. It replaces
// what SlowLink set.
func (c *Nodes[T]) Faults(f memory.Faults) {
	c.t.Helper()
	c.logf("faults %+v", f)
	c.channel.SetFaults(c.atLeast(f))
}

// atLeast makes frames take the time that they take when nothing is wrong.
func (c *Nodes[T]) atLeast(f memory.Faults) memory.Faults {
	f.MinDelay, f.MaxDelay = max(f.MinDelay, c.latency), max(f.MaxDelay, c.latency)
	return f
}

// Pause makes a node stand still, as a process does that is suspended or collects garbage
// for too long: nothing comes in, and it stops at the first thing that it has to send. For
// a leader that is the next heartbeat. What a follower has to send first may be the
// candidacy that it decides on when it has heard no leader for its election timeout; up to
// then its own clock goes on. From then on the clock stands too, and appends, reads and
// calls at the node wait, and so does its Close. What the test itself runs beside the node
// does not stand still.
//
// Resume lets it go on where it was. It then gets what was sent to it meanwhile, 4,096
// frames at most, and the others what it was about to send.
func (c *Nodes[T]) Pause(n *gaggle.Node[T]) {
	c.t.Helper()
	m := c.member(n)
	c.logf("pause %s", m.name)
	m.line.hold()
}

// Resume ends a Pause.
func (c *Nodes[T]) Resume(n *gaggle.Node[T]) {
	c.t.Helper()
	m := c.member(n)
	c.logf("resume %s", m.name)
	m.line.release()
}

// Heal undoes all that was done to the network, and resumes all nodes that stand still.
// Nodes that crashed stay as they are.
func (c *Nodes[T]) Heal() {
	c.t.Helper()
	c.logf("heal")
	c.heal()
}

func (c *Nodes[T]) heal() {
	c.channel.Heal()
	c.channel.SetFaults(c.atLeast(memory.Faults{}))
	for _, m := range c.all {
		m.line.release()
	}
}

// Crash stops a node at once, as when its process is killed: nothing comes or goes any
// more, and a leader does not hand over. When it returns, the node is closed, so what
// waits there has ended, with gaggle.ErrUncertain and gaggle.ErrClosed where it may have
// happened. For a leader that takes up to Timing.ElectionMin.
//
// Nodes keep their logs in memory, so the node is gone, and its cluster goes on as long as
// a majority of the members lives.
func (c *Nodes[T]) Crash(n *gaggle.Node[T]) {
	c.t.Helper()
	m := c.member(n)
	c.logf("crash %s", m.name)
	m.line.cut()
	_ = m.Close()
}

// Restart crashes a node, unless it has stopped already, and puts a new one in its place,
// which it returns. The new one is of the same name, and has nothing of what the other
// knew. It becomes a standby: it votes on nothing, and its calls return gaggle.ErrStandby,
// until it takes the place of a member that was silent for gaggle.DefaultReplaceAfter, such as
// the one that it was. The state is Founding until it has heard of the
// cluster.
func (c *Nodes[T]) Restart(n *gaggle.Node[T]) *gaggle.Node[T] {
	c.t.Helper()
	place := c.Place(n)
	if m := c.places[place]; m.Status().State != gaggle.Stopped {
		c.Crash(m.Node)
	}
	c.logf("restart %s", c.places[place].name)
	c.places[place] = c.join(place)
	return c.places[place].Node
}
