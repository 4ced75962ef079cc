package founding

import (
	"encoding/binary"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A greeting is what a hello says, in the terms of this package. Its lists are the
// hello's.
type greeting struct {
	name       string
	state      State
	round      Round
	pledgeTo   []raft.NodeID
	pledgedIn  Round
	cluster    wire.ClusterID // of a member or standby
	foundedFor []raft.NodeID
}

// hello says where this node stands.
//
// The two rounds travel in Abandoned, since they are what the node has given up: the
// round that it takes part in, before which it will make no pledge, and the round of
// its pledge.
func (f *Founder) hello() *wire.Hello {
	h := &wire.Hello{
		Size:    uint32(f.config.Size),
		Name:    f.config.Name,
		State:   wire.HelloState(f.saved.State),
		Pledge:  f.saved.Pledge.Charter.Voters,
		Charter: f.saved.Charter.Voters,
	}
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
	h := e.Hello
	g := greeting{name: h.Name, state: State(h.State), pledgeTo: h.Pledge}
	if !g.readRounds(h.Abandoned) || len(h.Pledge) > 0 && !isCharter(h.Pledge, f.config.Size) {
		return g, false
	}
	if g.state == Fresh {
		return g, true
	}
	g.cluster, g.foundedFor = e.Cluster, h.Charter
	return g, isCharter(h.Charter, f.config.Size) && clusterID(f.config.Cluster, h.Charter) == e.Cluster
}

// readRounds reports whether the rounds go with each other and with the pledge.
func (g *greeting) readRounds(rounds []wire.ClusterID) bool {
	expected := 0
	switch {
	case len(g.pledgeTo) > 0:
		expected = 2
	case len(rounds) > 0:
		expected = 1
	}
	if len(rounds) != expected {
		return false
	}
	if expected > 0 {
		g.round = unpackRound(rounds[0])
	}
	if expected > 1 {
		g.pledgedIn = unpackRound(rounds[1])
	}
	return !g.pledgedIn.after(g.round)
}

func packRound(r Round) (b wire.ClusterID) {
	binary.BigEndian.PutUint64(b[:8], r.Number)
	binary.BigEndian.PutUint64(b[8:], r.Proposer)
	return b
}

func unpackRound(b wire.ClusterID) Round {
	return Round{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}
