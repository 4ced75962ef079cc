package memory

import (
	"container/heap"
	"sync"
	"time"

	"github.com/ben-ng/gaggle/channel"
)

// Limits of what may be on its way to one node. They are far above what a test has
// in flight; they are there so that a fault cannot eat the memory.
const (
	maxDelayedFrames = 16384
	maxDelayedBytes  = 64 << 20
)

// A delivery is a frame that arrives later.
type delivery struct {
	way   link
	frame []byte
	due   time.Time
	turn  uint64 // among those due at the same time, the first sent comes first
}

// A courier holds back the frames for one node until they are due. It has a
// goroutine only while it delivers.
type courier struct {
	deliver func(delivery)

	mu      sync.Mutex
	waiting deliveries
	bytes   int
	turns   uint64
	timer   *time.Timer
	running bool // a goroutine is in run and will set the timer when it is done
	closed  bool
}

// add takes a frame to deliver at d.due, or ErrBusy if too much is waiting.
func (c *courier) add(d delivery) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return channel.ErrUnknownPeer
	}
	if len(c.waiting) >= maxDelayedFrames || c.bytes+len(d.frame) > maxDelayedBytes {
		return channel.ErrBusy
	}
	c.turns++
	d.turn = c.turns
	c.bytes += len(d.frame)
	heap.Push(&c.waiting, d)
	if !c.running && c.waiting[0].turn == d.turn {
		c.setTimer()
	}
	return nil
}

// close forgets all that is waiting. A delivery may still be in progress.
func (c *courier) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.waiting = nil
	if c.timer != nil {
		c.timer.Stop()
	}
}

// setTimer waits for the first delivery.
func (c *courier) setTimer() {
	wait := time.Until(c.waiting[0].due)
	if c.timer == nil {
		c.timer = time.AfterFunc(wait, c.run)
	} else {
		c.timer.Reset(wait)
	}
}

// run delivers what is due, in order, one at a time.
func (c *courier) run() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running {
		return
	}
	c.running = true
	for len(c.waiting) > 0 && !c.waiting[0].due.After(time.Now()) {
		d := heap.Pop(&c.waiting).(delivery)
		c.bytes -= len(d.frame)
		c.mu.Unlock()
		c.deliver(d)
		c.mu.Lock()
	}
	c.running = false
	if len(c.waiting) > 0 {
		c.setTimer()
	}
}

// deliveries is a heap.Interface.
type deliveries []delivery

func (d deliveries) Len() int      { return len(d) }
func (d deliveries) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d deliveries) Less(i, j int) bool {
	if d[i].due.Equal(d[j].due) {
		return d[i].turn < d[j].turn
	}
	return d[i].due.Before(d[j].due)
}

func (d *deliveries) Push(x any) { *d = append(*d, x.(delivery)) }

func (d *deliveries) Pop() any {
	last := len(*d) - 1
	x := (*d)[last]
	(*d)[last] = delivery{} // let go of the frame
	*d = (*d)[:last]
	return x
}
