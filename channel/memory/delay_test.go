package memory

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

// pass lets fake time pass and everything happen that is due by then.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestDelayedFramesArriveWithinTheBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		c.SetFaults(Faults{MinDelay: 10 * time.Millisecond, MaxDelay: 30 * time.Millisecond})
		a, b := join(t, c, "a"), join(t, c, "b")
		arrivals := make(map[int]bool)
		for i := range 100 {
			a.send(t, "b", 1)
			took := 0
			for ; len(b.got()) == i; took++ {
				pass(time.Millisecond)
			}
			if took < 10 || took > 30 {
				t.Fatalf("a frame took %d ms, want 10 to 30", took)
			}
			arrivals[took] = true
		}
		if len(arrivals) < 15 {
			t.Fatalf("100 frames took %d different times, want nearly 20", len(arrivals))
		}
	})
}

func TestDelayedFramesKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		c.SetFaults(Faults{MaxDelay: 30 * time.Millisecond})
		a, b := join(t, c, "a"), join(t, c, "b")
		a.send(t, "b", 100)
		pass(30 * time.Millisecond)
		wantFrames(t, b, numbers(100)...)
	})
}

func TestAMaxDelayBelowMinDelayCountsAsMinDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		c.SetFaults(Faults{MinDelay: time.Second})
		a, b := join(t, c, "a"), join(t, c, "b")
		a.send(t, "b", 1)
		pass(time.Second - 1)
		wantFrames(t, b)
		pass(1)
		wantFrames(t, b, "1")
	})
}

func TestAReorderedFrameIsOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		a, b := join(t, c, "a"), join(t, c, "b")
		c.SetFaults(Faults{Reorder: 1})
		a.sendFrame(t, "b", "first")
		c.SetFaults(Faults{})
		a.sendFrame(t, "b", "second")
		wantFrames(t, b, "second")
		pass(ReorderDelay)
		wantFrames(t, b, "second", "first")
	})
}

func TestReorderPicksItsShareOfFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		c.SetFaults(Faults{Reorder: 0.2})
		a, b := join(t, c, "a"), join(t, c, "b")
		a.send(t, "b", 100)
		pass(ReorderDelay - 1)
		if n := len(b.got()); n < 65 || n > 95 {
			t.Fatalf("%d of 100 frames kept their place, want about 80", n)
		}
		pass(1)
		got := b.got()
		slices.Sort(got)
		want := numbers(100)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want each frame once", got)
		}
	})
}

func TestACopyHasItsOwnDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		c.SetFaults(Faults{Duplicate: 1, MaxDelay: time.Second})
		a, b := join(t, c, "a"), join(t, c, "b")
		a.send(t, "b", 1)
		for len(b.got()) == 0 {
			pass(time.Millisecond)
		}
		wantFrames(t, b, "1")
		pass(time.Second)
		wantFrames(t, b, "1", "1")
	})
}

func TestACutLosesWhatIsOnItsWay(t *testing.T) {
	cuts := map[string]func(*Channel){
		"Cut":       func(c *Channel) { c.Cut("a", "b") },
		"Isolate":   func(c *Channel) { c.Isolate("b") },
		"Partition": func(c *Channel) { c.Partition([]raft.NodeID{"a"}) },
	}
	for name, cut := range cuts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := New()
				c.SetFaults(Faults{MinDelay: time.Second})
				a, b := join(t, c, "a"), join(t, c, "b")
				a.send(t, "b", 1)
				cut(c)
				pass(time.Second)
				wantFrames(t, b)
			})
		})
	}
}

func TestNoMoreThanTheLimitIsOnItsWay(t *testing.T) {
	for name, size := range map[string]int{"frames": 0, "bytes": channel.MaxFrame} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				room := maxDelayedFrames
				if size > 0 {
					room = maxDelayedBytes / size
				}
				c := New()
				c.SetFaults(Faults{MinDelay: time.Second})
				a, b := join(t, c, "a"), join(t, c, "b")
				frame := make([]byte, size)
				for i := range room {
					if err := a.Send("b", channel.Bulk, frame); err != nil {
						t.Fatalf("frame %d of %d: %v", i, room, err)
					}
				}
				if err := a.Send("b", channel.Bulk, frame); !errors.Is(err, channel.ErrBusy) {
					t.Fatalf("one frame too many: %v, want ErrBusy", err)
				}
				pass(time.Second)
				if err := a.Send("b", channel.Bulk, frame); err != nil {
					t.Fatalf("when all had arrived: %v", err)
				}
				if n := len(b.got()); n != room {
					t.Fatalf("%d frames arrived, want %d", n, room)
				}
			})
		})
	}
}

func TestCloseCancelsWhatIsOnItsWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
		c.SetFaults(Faults{MinDelay: time.Second})
		a, b := join(t, c, "a"), join(t, c, "b")
		a.send(t, "b", 10)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		again := join(t, c, "b")
		if b.Port.(*port).delayed.waiting != nil {
			t.Error("frames for the closed node are kept")
		}
		pass(time.Second)
		wantFrames(t, b)
		wantFrames(t, again)
	})
}

func TestADeliveryIsOverBeforeTheNextBegins(t *testing.T) {
	var steps []string
	var c courier
	c.deliver = func(d delivery) {
		steps = append(steps, "begin "+string(d.frame))
		c.run() // as a timer does that was set again when it had fired
		steps = append(steps, "end "+string(d.frame))
	}
	due := time.Now().Add(time.Hour)
	for _, frame := range []string{"1", "2"} {
		if err := c.add(delivery{frame: []byte(frame), due: due}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range c.waiting {
		c.waiting[i].due = time.Time{}
	}
	c.run()
	if want := []string{"begin 1", "end 1", "begin 2", "end 2"}; !slices.Equal(steps, want) {
		t.Errorf("%v, want %v", steps, want)
	}
	c.close()
}

func TestNothingIsOnItsWayToAClosedNode(t *testing.T) {
	var c courier
	c.close()
	d := delivery{frame: []byte("late"), due: time.Now().Add(time.Hour)}
	if err := c.add(d); !errors.Is(err, channel.ErrUnknownPeer) || len(c.waiting) > 0 {
		t.Errorf("%v, and %d frames wait", err, len(c.waiting))
	}
}

// numbers returns what member.send sends.
func numbers(n int) []string {
	var frames []string
	for i := range n {
		frames = append(frames, fmt.Sprint(i+1))
	}
	return frames
}
