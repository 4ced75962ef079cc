package memory

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/raft"
)

// A history is a random run of some nodes on a channel with faults.
type history struct {
	t       *testing.T
	random  *rand.Rand
	channel *Channel
	nodes   []*member // some are closed
	open    []bool
	sent    map[string]bool // frames, each of which says from whom to whom it is
	serial  uint32
}

// runHistory plays a history and returns what each node got, in order.
func runHistory(t *testing.T, seed uint64) (record []string) {
	synctest.Test(t, func(t *testing.T) {
		h := &history{
			t:       t,
			random:  rand.New(rand.NewPCG(seed, 0)),
			channel: New(Seed(seed)),
			sent:    make(map[string]bool),
		}
		for i := range 4 {
			h.nodes = append(h.nodes, join(t, h.channel, raft.NodeID('a'+rune(i))))
			h.open = append(h.open, true)
		}
		for range 2000 {
			h.step()
		}
		h.check()
		h.settle()
		for _, n := range h.nodes {
			record = append(record, fmt.Sprint(n.id, ": ", n.got()))
		}
	})
	return record
}

func (h *history) step() {
	from, to := h.random.IntN(len(h.nodes)), h.random.IntN(len(h.nodes))
	a, b := h.nodes[from], h.nodes[to]
	switch kind := h.random.IntN(100); {
	case kind < 60:
		h.send(from, to)
	case kind < 70:
		h.broadcast(from)
	case kind < 85:
		pass(time.Duration(h.random.Int64N(int64(20 * time.Millisecond))))
	case kind < 88:
		h.channel.SetFaults(h.faults())
	case kind < 91:
		h.channel.SetLink(a.id, b.id, h.faults())
	case kind < 92:
		h.channel.Partition([]raft.NodeID{a.id, b.id})
	case kind < 93:
		h.channel.Cut(a.id, b.id)
	case kind < 94:
		h.channel.Isolate(a.id)
	case kind < 98:
		h.channel.Heal()
	default:
		h.toggle(from)
	}
}

func (h *history) faults() Faults {
	some := func() float64 { return h.random.Float64() * h.random.Float64() }
	least := time.Duration(h.random.Int64N(int64(10 * time.Millisecond)))
	return Faults{
		Drop:      some(),
		Duplicate: some(),
		Reorder:   some(),
		MinDelay:  least,
		MaxDelay:  least + time.Duration(h.random.Int64N(int64(30*time.Millisecond))),
	}
}

func (h *history) frame(from int, to string) []byte {
	h.serial++
	frame := fmt.Sprintf("%d %s>%s", h.serial, h.nodes[from].id, to)
	h.sent[frame] = true
	return []byte(frame)
}

func (h *history) send(from, to int) {
	err := h.nodes[from].Send(h.nodes[to].id, channel.Bulk, h.frame(from, string(h.nodes[to].id)))
	var want error
	switch {
	case !h.open[from]:
		want = channel.ErrClosed
	case !h.open[to] || from == to:
		want = channel.ErrUnknownPeer
	}
	if !errors.Is(err, want) {
		h.t.Fatalf("%s to %s: %v, want %v", h.nodes[from].id, h.nodes[to].id, err, want)
	}
}

func (h *history) broadcast(from int) {
	err := h.nodes[from].Broadcast(h.frame(from, "*"))
	if h.open[from] != (err == nil) {
		h.t.Fatalf("%s broadcasts: %v", h.nodes[from].id, err)
	}
}

// toggle closes a node, or has it come back as a new member of the same ID.
func (h *history) toggle(i int) {
	if h.open[i] {
		if err := h.nodes[i].Close(); err != nil {
			h.t.Fatal(err)
		}
	} else {
		again := join(h.t, h.channel, h.nodes[i].id)
		again.frames = h.nodes[i].got() // its own record goes on
		h.nodes[i] = again
	}
	h.open[i] = !h.open[i]
}

// check looks at what every node got.
func (h *history) check() {
	for _, n := range h.nodes {
		copies := make(map[string]int)
		for _, frame := range n.got() {
			copies[frame]++
			_, way, _ := strings.Cut(frame, " ")
			from, to, _ := strings.Cut(way, ">")
			if !h.sent[frame] || from == string(n.id) || to != string(n.id) && to != "*" {
				h.t.Fatalf("%s got %q", n.id, frame)
			}
			if copies[frame] > maxCopies {
				h.t.Fatalf("%s got %q %d times", n.id, frame, copies[frame])
			}
		}
	}
}

// settle ends all faults and checks that all is well then.
func (h *history) settle() {
	h.channel.Heal()
	h.channel.SetFaults(Faults{})
	pass(time.Second) // more than any delay
	for i := range h.nodes {
		if !h.open[i] {
			h.toggle(i)
		}
	}
	for _, from := range h.nodes {
		for _, to := range h.nodes {
			if from != to && !hears(h.t, from, to) {
				h.t.Fatalf("%s does not reach %s when all is well", from.id, to.id)
			}
		}
	}
	for _, n := range h.nodes {
		if waiting := n.Port.(*port).delayed.waiting; len(waiting) > 0 {
			h.t.Fatalf("%d frames are still on their way to %s", len(waiting), n.id)
		}
		_ = n.Close()
	}
}

func TestFaultsInventNothingAndLeaveNothing(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { runHistory(t, seed) })
	}
}

func TestAHistoryCanBeReplayed(t *testing.T) {
	for seed := range uint64(5) {
		if x, y := runHistory(t, seed), runHistory(t, seed); !slices.Equal(x, y) {
			t.Fatalf("twice seed %d:\n%v\n%v", seed, x, y)
		}
	}
}
