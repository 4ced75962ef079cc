package founding

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// With the default, 540,000 positions are explored in 2 seconds, or 5 under the race
// detector. With 2, they are 54 million: this takes 7 minutes and 4 GB.
var rounds = flag.Int("founding.rounds", 1, "explore all that can happen in so many rounds, and part of it in one more")

// A scope is what may happen in an exploration, beside that nodes choose charters and
// hear, early, late, repeatedly or never, what any of them has ever said.
type scope struct {
	rounds   int  // that the nodes begin, together
	silences bool // that a node takes another for silent
	restarts bool // that a node goes on from what it saved, and forgets all it heard
}

// TestNoOrderOfEventsMakesTwoClusters tries every order of events among three nodes that
// found a cluster of two: the most nodes for which there is a promise.
func TestNoOrderOfEventsMakesTwoClusters(t *testing.T) {
	scopes := []scope{{*rounds, true, true}, {*rounds + 1, false, false}}
	if testing.Short() {
		scopes = []scope{{1, true, false}}
	}
	for _, s := range scopes {
		e := newExplorer(s)
		if err := e.explore(); err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
		t.Logf("%+v: %d positions, %d with a cluster; %d states of nodes, %d words",
			s, len(e.seen), e.founded, len(e.states), len(e.words))
		if e.founded == 0 {
			t.Errorf("%+v: no cluster was ever founded", s)
		}
	}
}

const explorers = 3 // nodes

// A position is where the nodes stand, and what they have said until now, by the numbers
// that an explorer gives them.
type position struct {
	nodes  [explorers]uint16
	rounds uint8 // that may still begin
	words  [3]uint64
}

// An explorer goes from position to position and remembers where it has been.
type explorer struct {
	scope
	// states are all that nodes have been in, words all that they have said; said has
	// what each state says.
	states []*Founder
	words  []Heard
	said   []uint16
	// numbers are those of states and words, by what tells them apart.
	numbers map[string]uint16
	// taken are the steps that were tried. What a node does depends on its state
	// alone, so this is done once, however many positions it is part of.
	taken map[step]uint16

	seen    map[position]struct{}
	ahead   []position
	founded int
}

// A step is that a node of some state hears a word, if the deed is the number of one, or
// does something else.
type step struct{ state, deed uint16 }

const (
	toBegin uint16 = math.MaxUint16 - iota
	toChoose
	toRestart
	toSilence // its first peer; those of the others come before
)

func newExplorer(s scope) *explorer {
	return &explorer{
		scope: s, numbers: map[string]uint16{}, taken: map[step]uint16{}, seen: map[position]struct{}{},
	}
}

// longAgo is so many ticks after the start that a node may have been silent for long.
const longAgo = 1000

func (e *explorer) explore() error {
	start := position{rounds: uint8(e.rounds)}
	for i := range explorers {
		f, err := New(testConfig(raft.NodeID(rune('a'+i)), (explorers+1)/2))
		if err != nil {
			return err
		}
		f.now = longAgo
		start.put(i, e.number(f), e)
	}
	e.visit(start)
	for len(e.ahead) > 0 {
		p := e.ahead[len(e.ahead)-1]
		e.ahead = e.ahead[:len(e.ahead)-1]
		known, err := e.judge(&p)
		if err != nil {
			return err
		}
		if known {
			e.founded++
		}
		e.leave(p)
	}
	return nil
}

func (e *explorer) visit(p position) {
	if _, been := e.seen[p]; !been {
		e.seen[p] = struct{}{}
		e.ahead = append(e.ahead, p)
	}
}

// put has a node be in a state, and say what it says then.
func (p *position) put(node int, state uint16, e *explorer) {
	p.nodes[node] = state
	p.words[e.said[state]/64] |= 1 << (e.said[state] % 64)
}

// leave visits all positions that may come next.
func (e *explorer) leave(p position) {
	for i, state := range p.nodes {
		if e.states[state].saved.State != Fresh {
			continue
		}
		try := func(deed uint16) {
			if after := e.take(step{state, deed}); after != state {
				next := p
				if deed == toBegin {
					next.rounds--
				}
				next.put(i, after, e)
				e.visit(next)
			}
		}
		if p.rounds > 0 {
			try(toBegin)
		}
		try(toChoose)
		if e.restarts {
			try(toRestart)
		}
		for j := range e.states[state].peers {
			if e.silences {
				try(toSilence - uint16(j))
			}
		}
		for w := range e.words {
			if p.words[w/64]&(1<<(w%64)) != 0 {
				try(uint16(w))
			}
		}
	}
}

// take is the state after a step.
func (e *explorer) take(s step) uint16 {
	after, ok := e.taken[s]
	if !ok {
		after = e.number(e.try(s))
		e.taken[s] = after
	}
	return after
}

func (e *explorer) try(s step) *Founder {
	f := *e.states[s.state]
	f.peers = slices.Clone(f.peers)
	f.schedule.chooseAt = math.MaxUint64
	switch {
	case s.deed == toBegin:
		f.begin()
	case s.deed == toChoose:
		f.schedule.chooseAt = 0
		f.propose()
	case s.deed == toRestart:
		restored, err := Restore(f.config, f.saved)
		if err != nil {
			panic(err)
		}
		restored.now = f.now
		f = *restored
	case int(s.deed) < len(e.words):
		f.Step(e.words[s.deed])
	default:
		f.peers[toSilence-s.deed].heardAt = 0
	}
	f.out = Update{}
	return &f
}

// number gives a state its number, and one to what it says.
func (e *explorer) number(f *Founder) uint16 {
	key := string(appendNode(nil, f))
	n, ok := e.numbers[key]
	if !ok {
		n = uint16(len(e.states))
		e.numbers[key] = n
		e.states = append(e.states, f)
		e.said = append(e.said, e.wordNumber(f.word()))
	}
	return n
}

func (e *explorer) wordNumber(w Heard) uint16 {
	key := string(appendWord([]byte("says "), w))
	n, ok := e.numbers[key]
	if !ok {
		n = uint16(len(e.words))
		e.numbers[key] = n
		e.words = append(e.words, w)
	}
	if int(n) >= 64*len(position{}.words) || len(e.states) > math.MaxUint16/2 {
		panic("the scope is too large for the numbers of states and words")
	}
	return n
}

// appendNode writes all of a node that decides what it does next.
func appendNode(b []byte, f *Founder) []byte {
	b = append(append(b, f.config.ID...), byte(f.saved.State))
	b = append(b, f.saved.Charter.Cluster[:4]...)
	b = appendPromises(b, f.saved.Round, f.saved.Pledge)
	for i := range f.peers {
		p := &f.peers[i]
		b = append(append(b, p.id...), byte(p.state))
		b = appendPromises(b, p.round, p.pledge)
		if f.there(p) {
			b = append(b, '!')
		}
	}
	return b
}

func appendPromises(b []byte, r Round, p Pledge) []byte {
	for _, r := range []Round{r, p.Round} {
		b = binary.BigEndian.AppendUint64(append(b, byte(r.Number)), r.Proposer)
	}
	return append(b, p.Charter.Cluster[:4]...)
}

func appendWord(b []byte, w Heard) []byte {
	b = fmt.Appendf(b, "%s%d%s%s", w.From, w.Hello.State, letters(w.Hello.Pledge), letters(w.Hello.Charter))
	for _, r := range w.Hello.Abandoned {
		b = append(b, r[:]...)
	}
	return b
}

// judge reports whether a cluster is known, and fails if there are two.
func (e *explorer) judge(p *position) (known bool, err error) {
	var cluster Charter
	for _, state := range p.nodes {
		c := e.states[state].Charter()
		if c.Voters == nil {
			continue
		}
		if cluster.Voters != nil && cluster.Cluster != c.Cluster {
			return true, fmt.Errorf("two clusters: %v and %v", cluster.Voters, c.Voters)
		}
		cluster = c
	}
	return cluster.Voters != nil, nil
}
