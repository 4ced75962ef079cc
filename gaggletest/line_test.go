package gaggletest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/memory"
)

// An ear is a receiver that remembers.
type ear struct {
	mu    sync.Mutex
	heard []string
}

func (e *ear) Receive(frame []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = append(e.heard, string(frame))
	return nil
}

func (e *ear) Unreachable(gaggle.NodeID) {}

func (e *ear) mustHave(t *testing.T, want ...string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if !slices.Equal(e.heard, want) {
		t.Errorf("heard %q, want %q", e.heard, want)
	}
}

// onLines connects two receivers, of which each has a line.
func onLines(t *testing.T) (ports [2]channel.Port, lines [2]*line, ears [2]*ear) {
	t.Helper()
	ch := memory.New()
	for i := range ports {
		lines[i], ears[i] = &line{Channel: ch}, &ear{}
		port, err := lines[i].Open(channel.Self{ID: gaggle.NodeID(fmt.Sprint(i)), Cluster: "c"}, ears[i])
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = port
	}
	return ports, lines, ears
}

func TestAHeldLineKeepsWhatComes(t *testing.T) {
	ports, lines, ears := onLines(t)
	_ = ports[0].Send("1", channel.Bulk, []byte("before"))
	lines[1].hold()
	_ = ports[0].Send("1", channel.Bulk, []byte("one"))
	_ = ports[0].Broadcast([]byte("two"))
	ears[1].mustHave(t, "before")
	lines[1].release()
	ears[1].mustHave(t, "before", "one", "two")
	_ = ports[0].Send("1", channel.Bulk, []byte("after"))
	ears[1].mustHave(t, "before", "one", "two", "after")
}

func TestAHeldLineKeepsNoMoreThanItsLimit(t *testing.T) {
	ports, lines, ears := onLines(t)
	lines[1].hold()
	for range maxHeld + 10 {
		_ = ports[0].Send("1", channel.Bulk, []byte("x"))
	}
	lines[1].release()
	if n := len(ears[1].heard); n != maxHeld {
		t.Errorf("%d frames were kept, want %d", n, maxHeld)
	}
}

func TestAHeldLineHoldsUpWhoSends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ports, lines, ears := onLines(t)
		lines[0].hold()
		var sending sync.WaitGroup
		sending.Go(func() { _ = ports[0].Send("1", channel.Bulk, []byte("late")) })
		time.Sleep(time.Hour)
		ears[1].mustHave(t)
		lines[0].release()
		sending.Wait()
		ears[1].mustHave(t, "late")
	})
}

func TestACutLineLosesAllAndHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ports, lines, ears := onLines(t)
		lines[0].hold()
		var sending sync.WaitGroup
		sending.Go(func() { _ = ports[0].Broadcast([]byte("never")) })
		_ = ports[1].Send("0", channel.Bulk, []byte("never"))
		synctest.Wait()
		lines[0].cut()
		sending.Wait()
		_ = ports[0].Send("1", channel.Bulk, []byte("never"))
		_ = ports[1].Send("0", channel.Bulk, []byte("never"))
		ears[0].mustHave(t)
		ears[1].mustHave(t)
	})
}
