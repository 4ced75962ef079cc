package founding

import (
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

var long = flag.Bool("founding.long", false, "explore a hundred times as many orders of events")

// A scope is what may happen in an exploration.
type scope struct {
	rounds   int  // that the nodes begin, together
	silences bool // that a node takes another for silent
}

// TestNoOrderOfEventsMakesTwoClusters tries every order in which three nodes can begin
// rounds, choose, hear what any of them has ever said, again and again or never, and
// take each other for silent.
func TestNoOrderOfEventsMakesTwoClusters(t *testing.T) {
	scopes := []scope{{1, true}, {2, false}}
	switch {
	case *long:
		scopes = []scope{{2, true}}
	case testing.Short():
		scopes = []scope{{1, false}}
	}
	for _, s := range scopes {
		e := explorer{t: t, seen: map[[32]byte]struct{}{}}
		e.explore(newPosition(2, 3, s))
		t.Logf("%+v: %d positions, %d with a cluster", s, len(e.seen), e.founded)
		if e.founded == 0 {
			t.Errorf("%+v: no cluster was ever founded", s)
		}
	}
}

// A position is where a number of nodes stand, and what they have said until now.
type position struct {
	scope // what may still happen
	nodes []*Founder
	words []Heard
	// nodeKeys and wordKeys are the same in bytes, the latter sorted.
	nodeKeys, wordKeys []string
}

// longAgo is so many ticks after the start that a node may have been silent for long.
const longAgo = 1000

func newPosition(size, nodes int, s scope) *position {
	p := &position{scope: s}
	for i := range nodes {
		f, err := New(testConfig(raft.NodeID(rune('a'+i)), size))
		if err != nil {
			panic(err)
		}
		f.now = longAgo
		p.nodes = append(p.nodes, f)
		p.nodeKeys = append(p.nodeKeys, string(appendNode(nil, f)))
		p.say(f.word())
	}
	return p
}

// say adds to what was said, if it is new.
func (p *position) say(word Heard) {
	key := string(appendWord(nil, word))
	if i, said := slices.BinarySearch(p.wordKeys, key); !said {
		p.words = append(slices.Clip(p.words), word)
		p.wordKeys = slices.Insert(slices.Clip(p.wordKeys), i, key)
	}
}

// with is the position after a node has done something, nil if that changed nothing.
func (p *position) with(i int, act func(*Founder)) *position {
	f := *p.nodes[i]
	f.peers = slices.Clone(f.peers)
	f.schedule.chooseAt = math.MaxUint64
	act(&f)
	f.out = Update{}
	key := string(appendNode(nil, &f))
	if key == p.nodeKeys[i] {
		return nil
	}
	next := *p
	next.nodes, next.nodeKeys = slices.Clone(p.nodes), slices.Clone(p.nodeKeys)
	next.nodes[i], next.nodeKeys[i] = &f, key
	next.say(f.word())
	return &next
}

// moves lists all positions that may come next.
func (p *position) moves() []*position {
	var all []*position
	add := func(next *position) {
		if next != nil {
			all = append(all, next)
		}
	}
	for i, f := range p.nodes {
		if f.saved.State != Fresh {
			continue
		}
		if p.rounds > 0 {
			next := p.with(i, (*Founder).begin)
			next.rounds--
			add(next)
		}
		add(p.with(i, func(f *Founder) {
			f.schedule.chooseAt = 0
			f.propose()
		}))
		for _, w := range p.words {
			add(p.with(i, func(f *Founder) { f.Step(w) }))
		}
		for j := range f.peers {
			if !p.silences {
				break
			}
			add(p.with(i, func(f *Founder) { f.peers[j].heardAt = 0 }))
		}
	}
	return all
}

// key tells positions apart.
func (p *position) key() [32]byte {
	b := []byte{byte(p.rounds)}
	for _, key := range p.nodeKeys {
		b = append(b, key...)
	}
	for _, key := range p.wordKeys {
		b = append(b, key...)
	}
	return sha256.Sum256(b)
}

// appendNode writes all of a node that decides what it does next.
func appendNode(b []byte, f *Founder) []byte {
	b = append(b, byte(f.saved.State))
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

// An explorer goes from position to position and remembers where it has been.
type explorer struct {
	t       *testing.T
	seen    map[[32]byte]struct{}
	founded int
}

func (e *explorer) explore(p *position) {
	key := p.key()
	if _, been := e.seen[key]; been {
		return
	}
	e.seen[key] = struct{}{}
	if p.judge() {
		e.founded++
	}
	for _, next := range p.moves() {
		e.explore(next)
	}
}

// judge reports whether a cluster is known.
func (p *position) judge() bool {
	var cluster Charter
	for _, f := range p.nodes {
		c := f.Charter()
		if c.Voters == nil {
			continue
		}
		if cluster.Voters != nil && cluster.Cluster != c.Cluster {
			panic(fmt.Sprintf("two clusters: %v and %v", cluster.Voters, c.Voters))
		}
		cluster = c
	}
	return cluster.Voters != nil
}
