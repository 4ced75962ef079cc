package gaggletest

import (
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

// longestCalm bounds the time between two faults of Chaos: more than it takes to replace a
// leader, so that both happens, that faults meet and that the cluster recovers.
const longestCalm = 1500 * time.Millisecond

// Chaos does harm to the network and the nodes for so long, one fault after the other, and
// then heals everything. It parts, isolates, cuts, delays, loses, repeats and reorders,
// pauses and resumes, and heals now and then; the test's log says what it did. It closes no
// node: use Crash for that. What is drawn follows from the seed of Run. Run what uses the
// nodes in other goroutines meanwhile, and Check afterwards.
func (c *Nodes[T]) Chaos(long time.Duration) {
	c.t.Helper()
	for end := time.Now().Add(long); ; c.harm() {
		calm := time.Duration(c.random.Int64N(int64(longestCalm)))
		if left := time.Until(end); calm >= left {
			time.Sleep(left)
			break
		}
		time.Sleep(calm)
	}
	c.Heal()
}

// harm draws one fault.
func (c *Nodes[T]) harm() {
	c.t.Helper()
	switch c.random.IntN(12) {
	case 0, 1:
		c.Partition(c.some(), c.some())
	case 2:
		c.Isolate(c.anyone())
	case 3:
		if leader := c.leading(); leader != nil {
			c.Isolate(leader)
		}
	case 4:
		c.Cut(c.anyone(), c.anyone())
	case 5:
		c.SlowLink(c.anyone(), c.anyone(), time.Duration(c.random.IntN(500))*time.Millisecond)
	case 6:
		c.Faults(c.weather())
	case 7:
		c.Pause(c.anyone())
	case 8:
		c.Resume(c.anyone())
	default:
		c.Heal()
	}
}

func (c *Nodes[T]) anyone() *gaggle.Node[T] { return c.Node(c.random.IntN(len(c.places))) }

// some draws a group.
func (c *Nodes[T]) some() (group []*gaggle.Node[T]) {
	for _, m := range c.places {
		if c.random.IntN(2) == 0 {
			group = append(group, m.Node)
		}
	}
	return group
}

// weather draws faults of all links. Each is absent half of the time.
func (c *Nodes[T]) weather() memory.Faults {
	some := func(most float64) float64 { return most * c.random.Float64() * float64(c.random.IntN(2)) }
	return memory.Faults{
		Drop: some(0.4), Duplicate: some(0.4), Reorder: some(0.4),
		MinDelay: time.Duration(some(20e6)), MaxDelay: time.Duration(some(100e6)),
	}
}
