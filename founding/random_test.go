package founding

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

var seed = flag.Uint64("founding.seed", 0, "run this random history only")

// TestRandomHistoriesFoundOneCluster lets nodes start, crash and be partitioned at
// random while hellos are lost, late, repeated and out of order. There are fewer than
// twice as many nodes as the size, those included that have crashed, so there must never
// be two clusters. Once all hear each other again, everybody must know the cluster, if
// enough are left.
func TestRandomHistoriesFoundOneCluster(t *testing.T) {
	if *seed != 0 {
		newHistory(t, *seed).play()
		return
	}
	seeds := uint64(500)
	if testing.Short() {
		seeds = 200
	}
	outcomes := map[string]int{}
	for s := range seeds {
		outcomes[newHistory(t, s+1).play()]++
		if t.Failed() {
			return
		}
	}
	t.Logf("%d histories: %v", seeds, outcomes)
	if outcomes["founded"] < int(seeds)/2 {
		t.Errorf("only %d of %d histories founded a cluster", outcomes["founded"], seeds)
	}
}

// bound is the time, in ticks, in which nodes that hear each other know a cluster: some
// rounds, which may have come to take 16 times as long as the first, and the time in
// which the dead are forgotten.
const bound = 1500

// A history is one random course of events.
type history struct {
	*lab
	r    *rand.Rand
	seed uint64
	// crashes is how likely they are.
	crashes int
	// mail are the hellos on their way.
	mail []letter
	// unborn are the nodes that have not started yet.
	unborn []string
}

type letter struct {
	to    raft.NodeID
	word  Heard
	delay int
}

func newHistory(t *testing.T, seed uint64) *history {
	r := rand.New(rand.NewPCG(seed, 1))
	size := 1 + r.IntN(4)
	h := &history{lab: newLab(t, size, "a"), r: r, seed: seed, crashes: r.IntN(4)}
	for i := 1; i < 2*size-1; i++ {
		h.unborn = append(h.unborn, string(rune('a'+i)))
	}
	r.Shuffle(len(h.unborn), func(i, j int) { h.unborn[i], h.unborn[j] = h.unborn[j], h.unborn[i] })
	return h
}

// play runs the history and says how it ended.
func (h *history) play() string {
	for range 5 + h.r.IntN(8<<h.r.IntN(6)) {
		h.disturb()
		h.pass(true)
	}
	for range h.r.IntN(2 * h.size) {
		h.nodes[h.r.IntN(len(h.nodes))].down = true
	}
	for len(h.unborn) > 0 && h.alive() < h.size {
		h.bear()
	}
	h.partition()
	for range bound {
		h.pass(false)
	}
	return h.end()
}

func (h *history) alive() int {
	alive := 0
	for _, n := range h.nodes {
		if !n.down {
			alive++
		}
	}
	return alive
}

func (h *history) bear() {
	h.start(h.unborn[0])
	h.unborn = h.unborn[1:]
}

func (h *history) disturb() {
	switch x := h.r.IntN(100); {
	case x < 10 && len(h.unborn) > 0:
		h.bear()
	case x < 11+h.crashes && len(h.nodes) > 1:
		h.nodes[h.r.IntN(len(h.nodes))].down = true
	case x < 16:
		groups := []string{"", ""}
		for _, n := range h.nodes {
			g := h.r.IntN(len(groups))
			groups[g] += string(n.config.ID)
		}
		h.partition(groups...)
	case x < 20:
		h.partition()
	case x < 26:
		// The founders keep their places, so that those who wait are told of a member.
		n := h.nodes[h.r.IntN(len(h.nodes))]
		if n.State() != Fresh && !n.Charter().has(n.config.ID) {
			n.Step(Placed{n.State() == Standby})
			h.judge.placed[n.config.ID] = n.State()
			h.post(n, true)
		}
	case x < 29:
		n := h.nodes[h.r.IntN(len(h.nodes))]
		restored, err := Restore(n.config, n.durable)
		if err != nil {
			h.t.Fatalf("seed %d: %v", h.seed, err)
		}
		n.Founder = restored
	}
}

// pass lets a tick pass for all who are not held up, and delivers what is due.
func (h *history) pass(rough bool) {
	for _, n := range h.nodes {
		if n.down || rough && h.r.IntN(10) == 0 {
			continue
		}
		n.Step(Tick{})
		h.post(n, rough)
	}
	mail := h.mail
	h.mail = nil
	for _, l := range mail {
		if l.delay--; l.delay > 0 {
			h.mail = append(h.mail, l)
			continue
		}
		if n := h.node(l.to); !n.down {
			n.Step(l.word)
			h.post(n, rough)
		}
	}
	for _, n := range h.nodes {
		h.judge.look(n.Founder)
	}
	if h.judge.fault != nil {
		h.t.Fatalf("seed %d: %v", h.seed, h.judge.fault)
	}
}

// post sends what a node says to those it reaches.
func (h *history) post(n *node, rough bool) {
	u := n.Update()
	if u.Persist != nil {
		n.durable = *u.Persist
	}
	n.problems = append(n.problems, u.Problems...)
	h.judge.durable(n)
	if u.Broadcast == nil {
		return
	}
	for _, to := range h.nodes {
		if to == n || !h.connected(n.config.ID, to.config.ID) {
			continue
		}
		l := letter{to.config.ID, Heard{From: n.config.ID, Cluster: u.Cluster, Hello: u.Broadcast}, 1}
		copies := 1
		if rough {
			l.delay += h.r.IntN(10)
			copies = []int{0, 1, 1, 1, 2}[h.r.IntN(5)]
		}
		for range copies {
			h.mail = append(h.mail, l)
			l.delay += h.r.IntN(60)
		}
	}
}

// end says how the history ended, now that nothing is disturbed any more.
func (h *history) end() string {
	fresh := 0
	for _, n := range h.nodes {
		if len(n.problems) > 0 {
			h.t.Errorf("seed %d: %s reports %v", h.seed, n.config.ID, n.problems)
		}
		if !n.down && n.State() == Fresh {
			fresh++
		}
	}
	switch {
	case fresh == 0:
		return "founded"
	case h.alive() < h.size:
		return "too few live"
	case len(h.clinging()) > 0:
		return h.help()
	}
	for _, n := range h.nodes {
		if !n.down && n.State() == Fresh {
			h.t.Errorf("seed %d: %s waits without need: %s", h.seed, n.config.ID, n.Waiting())
		}
	}
	return "waiting"
}

// clinging are the living nodes that keep others from founding, since they know, or have
// pledged to, a cluster that has lost its quorum.
func (h *history) clinging() []*node {
	return slices.DeleteFunc(slices.Clone(h.nodes), func(n *node) bool {
		c := n.Charter()
		if n.State() == Fresh {
			c = n.saved.Pledge.Charter
		}
		living := slices.DeleteFunc(slices.Clone(c.Voters), func(id raft.NodeID) bool {
			voter := slices.IndexFunc(h.nodes, func(n *node) bool { return n.config.ID == id })
			return voter < 0 || h.nodes[voter].down
		})
		return n.down || c.Voters == nil || len(living) >= c.majority()
	})
}

// help does what a person is told to do by those who wait: it restarts nodes, which
// then have new ids. What was waited for is lost for good, so another cluster is no fault.
func (h *history) help() string {
	h.t.Logf("seed %d: %v", h.seed, h.waiting())
	for i, n := range h.clinging() {
		if !strings.Contains(fmt.Sprint(h.waiting()), string(n.config.ID)) {
			h.t.Errorf("seed %d: nobody names %s: %v", h.seed, n.config.ID, h.waiting())
		}
		n.down = true
		h.start(string(rune('A' + i)))
	}
	h.nodes = slices.DeleteFunc(h.nodes, func(n *node) bool { return n.down })
	h.judge, h.mail = newJudge(h.size), nil
	for range bound {
		h.pass(false)
	}
	if waiting := h.waiting(); len(waiting) > 0 {
		h.t.Errorf("seed %d: in spite of help, %v", h.seed, waiting)
	}
	return "founded with help"
}

// waiting are the words of those who have not founded.
func (h *history) waiting() []string {
	var all []string
	for _, n := range h.nodes {
		if !n.down && n.State() == Fresh {
			all = append(all, fmt.Sprintf("%s: %s", n.config.ID, n.Waiting()))
		}
	}
	return all
}
