package sim

import "time"

// left is a node that hears nothing, or is down, while the others append so much that they
// compact what it needs. It is sent a snapshot then, and perhaps the power goes meanwhile, its
// own or the leader's.
func left(g *generator) {
	n := uint8(g.below(g.schedule.Setup.Nodes))
	down := g.one(2)
	if down {
		g.add(0, Op{Kind: Crash, Node: n})
	} else {
		g.add(0, Op{Kind: Isolate, Node: n})
	}
	for range g.between(3, 7) {
		g.add(g.between(20, 120), Op{Kind: Propose, Node: Leader, Amount: 32})
	}
	if g.one(2) {
		g.add(0, Op{Kind: PowerCut, Node: n, Amount: uint32(2*g.below(20) + 1)})
	}
	if g.one(4) {
		g.add(0, Op{Kind: PowerCut, Node: Leader, Amount: uint32(2*g.below(60) + 1)})
	}
	if down {
		g.add(g.below(50), Op{Kind: Restart, Node: n})
	}
	g.add(0, Op{Kind: Mend})
	g.add(g.between(20, 400), Op{Kind: Restart, Node: n})
}

// heavy appends so much that there is a checkpoint, about.
func heavy(g *generator) Op {
	return Op{Kind: Propose, Node: g.node(), Amount: uint32(g.between(16, 32))}
}

// machines are engines on real logs, with a state machine, which take snapshots, compact
// their logs and send snapshots; or, in some runs, plain logs that are compacted. In some the
// machine of one node comes to another state.
func machines(g *generator) {
	g.live()
	s := &g.schedule.Setup
	if g.one(6) {
		s.Retain = g.between(1, 80)
	} else {
		s.Machine = true
	}
	if g.one(2) {
		s.WorkDelay = time.Duration(g.between(1, 40)) * time.Millisecond
	}
	lives := []choice{
		{4, nil, bounce}, {4, nil, left}, {3, upTo(PowerCut, 60), nil}, {5, at(Restart), nil},
		{4, upTo(Damage, 4000), nil}, {4, at(HealDisk), nil},
	}
	if s.Machine && s.Nodes > 1 && g.one(4) {
		lives = append(lives, choice{1, func(*generator) Op { return Op{Kind: Diverge, Node: uint8(s.Seed % uint64(s.Nodes))} }, nil})
	}
	sets := [][]choice{requests, {{8, heavy, nil}}, lives}
	for _, set := range [][]choice{cuts, badDisks, badNetwork, staleness} {
		if g.one(3) {
			sets = append(sets, set)
		}
	}
	g.play(g.between(40, 150), g.between(10, 100), sets...)
	if g.one(2) {
		left(g) // and nobody appends any more, so that there is no newer snapshot
	}
}
