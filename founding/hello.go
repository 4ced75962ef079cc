package founding

import (
	"encoding/binary"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A greeting is what a hello says, in the terms of this package. Its lists are the
// hello's.
type greeting struct {
	name   string
	state  State
	origin origin
	// What a fresh node says.
	round     Round
	pledgeTo  []raft.NodeID
	pledgedIn Round
	// What members and standbys say.
	cluster wire.ClusterID
	voters  []raft.NodeID
}

// hello says where this node stands: what it has promised while it founds, and
// afterwards which nodes founded its cluster.
//
// The two rounds travel in Abandoned, since they are what the node has given up: the
// round that it takes part in, before which it will make no pledge, and the round of
// its pledge.
func (f *Founder) hello() *wire.Hello {
	h := &wire.Hello{
		Size:  uint32(f.config.Size),
		Name:  f.config.Name,
		State: wire.HelloState(f.saved.State),

		Starts: f.config.Starts, Nonce: f.config.Nonce, Contested: f.contested(),
	}
	if f.saved.State != Fresh {
		h.Charter = f.saved.Charter.Voters
		return h
	}
	h.Pledge = f.saved.Pledge.Charter.Voters
	if f.saved.Round != (Round{}) {
		h.Abandoned = append(h.Abandoned, packRound(f.saved.Round))
	}
	if f.saved.Pledge.made() {
		h.Abandoned = append(h.Abandoned, packRound(f.saved.Pledge.Round))
	}
	return h
}

// readHello understands a hello of a node with the same size as this one, and reports
// whether it makes sense. One that does not is of another cluster name, or damaged.
func (f *Founder) readHello(e Heard) (greeting, bool) {
	g := greeting{name: e.Hello.Name, state: State(e.Hello.State), origin: originOf(e.Hello)}
	switch g.state {
	case Fresh:
		return g, g.readPromises(e.Hello, f.config.Size)
	case Member, Standby:
		g.cluster, g.voters = e.Cluster, e.Hello.Charter
		return g, isCharter(g.voters, f.config.Size) && clusterID(f.config.Cluster, g.voters) == g.cluster
	}
	return g, false
}

// maxRoundNumber is beyond what any node reaches by counting. It keeps the number of
// the next round from being less than that of the last.
const maxRoundNumber = 1 << 62

func (g *greeting) readPromises(h *wire.Hello, size int) bool {
	rounds := h.Abandoned
	if len(rounds) == 0 {
		return len(h.Pledge) == 0
	}
	g.round = unpackRound(rounds[0])
	if g.round == (Round{}) || g.round.Number > maxRoundNumber {
		return false
	}
	if len(rounds) == 1 {
		return len(h.Pledge) == 0
	}
	g.pledgedIn, g.pledgeTo = unpackRound(rounds[1]), h.Pledge
	return len(rounds) == 2 && g.pledgedIn != Round{} && !g.pledgedIn.after(g.round) && isCharter(g.pledgeTo, size)
}

func packRound(r Round) (b wire.ClusterID) {
	binary.BigEndian.PutUint64(b[:8], r.Number)
	binary.BigEndian.PutUint64(b[8:], r.Proposer)
	return b
}

func unpackRound(b wire.ClusterID) Round {
	return Round{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}
