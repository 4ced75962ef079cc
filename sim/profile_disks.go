package sim

import "time"

// returns is a process that crashes and is back with part of its log on disk only, and
// perhaps damaged.
func returns(g *generator) {
	n := uint8(g.below(g.schedule.Setup.Nodes))
	g.add(0, Op{Kind: Crash, Node: n, Amount: uint32(g.below(3))})
	if g.one(3) {
		g.add(0, Op{Kind: Damage, Node: n, Amount: uint32(g.below(200))})
	}
	g.add(g.below(200), Op{Kind: Restart, Node: n, Amount: uint32(g.between(20, 110))})
}

// lagging is a node that hears nothing for a while, in which the others drop from memory
// what it will need.
func lagging(g *generator) {
	n := uint8(g.below(g.schedule.Setup.Nodes))
	g.add(0, Op{Kind: Isolate, Node: n})
	for range g.between(1, 4) {
		g.add(g.below(60), Op{Kind: Propose, Node: Leader, Amount: uint32(g.between(1, 8))})
	}
	for i := range g.schedule.Setup.Nodes {
		g.add(g.below(20), Op{Kind: Unload, Node: uint8(i), Amount: uint32(g.below(2))})
	}
	g.add(g.below(300), Op{Kind: Mend})
}

// hungLeader is a leader whose disk hangs with something to write, for longer than a leader may
// be silent, mostly.
func hungLeader(g *generator) {
	g.add(0, Op{Kind: HangDisk, Node: Leader})
	g.add(g.below(20), Op{Kind: Propose, Node: Leader, Amount: 1})
	g.add(g.between(20, 800), Op{Kind: Propose, Node: Leader, Amount: 1})
	for i := range g.schedule.Setup.Nodes {
		g.add(0, Op{Kind: HealDisk, Node: uint8(i)})
	}
}

// forgets is a node that crashes, and the end of whose log rots before it is back.
func forgets(g *generator) { rots(g, endOfLog) }

// garbles is a node that crashes, and a bit of what it wrote last rots before it is back.
func garbles(g *generator) { rots(g, lastBytes+8*g.below(endBytes)) }

func rots(g *generator, amount int) {
	n := uint8(g.schedule.Setup.Seed % uint64(g.schedule.Setup.Nodes))
	g.add(0, Op{Kind: Crash, Node: n})
	g.add(0, Op{Kind: Damage, Node: n, Amount: uint32(amount)})
	g.add(g.below(100), Op{Kind: Restart, Node: n})
}

// stutters is a node that begins again and again, and has something to append each time, for which
// it needs a session, while what it asked for before may be under way.
func stutters(g *generator) {
	n := uint8(g.below(g.schedule.Setup.Nodes))
	for range 3 {
		g.add(0, Op{Kind: Crash, Node: n})
		g.add(g.below(4), Op{Kind: Restart, Node: n})
		g.add(0, Op{Kind: Propose, Node: n, Amount: 1})
		g.add(g.between(10, 60), Op{Kind: Propose, Node: n, Amount: 1})
	}
}

// live has engines live in directories.
func (g *generator) live() {
	s := &g.schedule.Setup
	s.Layer, s.Durable = Engines, true
	s.WriteDelay = time.Duration(g.between(1, 5)) * time.Millisecond
	g.add(2000, Op{Kind: Mend}) // time to found a cluster
	if g.one(2) {
		s.Faults = Faults{Late: uint8(g.below(60)), SlowWrites: uint8(g.below(40))}
	}
}

// homes are engines that live on real logs: they crash and come back, their syncs fail, their
// disks fill up, hang and, of one of them, rot.
func homes(g *generator) {
	g.live()
	lives := []choice{{6, nil, bounce}, {2, at(Crash), nil}, {6, at(Restart), nil}, {4, upTo(Damage, 4000), nil}, {3, at(HealDisk), nil}, {3, nil, garbles}, {1, nil, stutters}, {2, upTo(PowerCut, 60), nil}}
	if g.one(3) {
		lives = append(lives, choice{1, nil, forgets})
	}
	sets := [][]choice{requests, requests, lives}
	for _, set := range [][]choice{cuts, badDisks, badNetwork, staleness} {
		if g.one(2) {
			sets = append(sets, set)
		}
	}
	g.play(g.between(60, 300), g.between(10, 120), sets...)
}

func stalls(g *generator) {
	s := &g.schedule.Setup
	s.HangLeader = true
	s.WriteDelay = time.Duration(g.between(1, 20)) * time.Millisecond
	g.play(200, 80, requests, badDisks, []choice{{8, nil, hungLeader}}, operators[1:2])
}

func storedLog(g *generator) {
	s := &g.schedule.Setup
	s.Small = g.one(2)
	s.Faults = Faults{Lost: uint8(g.below(40)), SlowWrites: uint8(g.below(60))}
	g.play(300, 60, requests, storedLogs, storedLogs, operators[1:], badDisks, cuts)
}

// tampering is a node that crashes, and in whose directory somebody is at work before it is back.
func tampering(g *generator) {
	n := uint8(g.schedule.Setup.Seed % uint64(g.schedule.Setup.Nodes))
	g.add(0, Op{Kind: Crash, Node: n, Amount: uint32(g.below(3))})
	g.add(g.below(50), Op{Kind: Tamper, Node: n, Amount: uint32(g.below(tampers))})
	g.add(g.below(50), Op{Kind: Restart, Node: n})
}

// replaced is a node that is down for so long that another gets its place, and in whose directory
// somebody is at work when it stands by.
func replaced(g *generator) {
	s := &g.schedule.Setup
	n := uint8(s.Seed % uint64(s.Nodes))
	patience := int(time.Duration(s.ReplaceAfter) * s.Tick / time.Millisecond)
	g.add(0, Op{Kind: Mend})
	g.add(0, Op{Kind: Crash, Node: n})
	g.add(2*patience, Op{Kind: Restart, Node: n})
	g.add(patience, Op{Kind: Mend})
	tampering(g)
}

// lies is a disk that lies, or writes elsewhere, for a while until the power goes.
func lies(g *generator) {
	n := uint8(g.schedule.Setup.Seed % uint64(g.schedule.Setup.Nodes))
	if g.one(2) {
		g.add(0, Op{Kind: Lie, Node: n})
	} else {
		g.add(0, Op{Kind: Misdirect, Node: n, Amount: uint32(g.below(strays * 40))})
	}
	for range g.below(6) {
		g.add(g.below(100), Op{Kind: Propose, Node: Leader, Amount: uint32(g.between(1, 8))})
	}
	if g.one(3) { // the others go on while it is down
		g.add(0, Op{Kind: Mend})
		g.add(g.below(20), Op{Kind: Crash, Node: n})
		g.add(g.below(1000), Op{Kind: Restart, Node: n})
	} else {
		g.add(g.below(20), Op{Kind: Crash, Node: n})
		g.add(g.below(20), Op{Kind: Restart, Node: n})
	}
}

// older is a directory that is copied, and after a while put in the place of what became of it.
func older(g *generator) {
	n := uint8(g.schedule.Setup.Seed % uint64(g.schedule.Setup.Nodes))
	g.add(0, Op{Kind: Tamper, Node: n, Amount: tamperKeep})
	g.play(g.below(20), 50, requests, bounces)
	g.add(0, Op{Kind: Crash, Node: n})
	g.add(0, Op{Kind: Tamper, Node: n, Amount: tamperOlder})
	g.add(g.below(1000), Op{Kind: Restart, Node: n})
}

// liars are engines on real logs, of which the disk of one does not keep what it said it had,
// or is an older one.
func liars(g *generator) {
	s := &g.schedule.Setup
	s.Layer, s.Durable = Engines, true
	s.WriteDelay = time.Duration(g.between(1, 5)) * time.Millisecond
	mayReplace(g)
	g.add(2000, Op{Kind: Mend}) // time to found a cluster
	sets := [][]choice{requests, requests, {{4, nil, bounce}, {2, at(Restart), nil}, {3, nil, lies}, {1, nil, older}}}
	for _, set := range [][]choice{cuts, badDisks, badNetwork, staleness} {
		if g.one(3) {
			sets = append(sets, set)
		}
	}
	g.play(g.between(60, 200), g.between(10, 120), sets...)
}

// directories are engines on real logs, with whose directories people do what they should not.
func directories(g *generator) {
	s := &g.schedule.Setup
	s.Layer, s.Durable = Engines, true
	s.WriteDelay = time.Duration(g.between(1, 5)) * time.Millisecond
	mayReplace(g)
	g.add(2000, Op{Kind: Mend}) // time to found a cluster
	deeds := []choice{{6, nil, bounce}, {2, at(Restart), nil}, {4, nil, tampering}, {2, upTo(Tamper, tampers), nil}}
	if s.ReplaceAfter > 0 {
		deeds = append(deeds, choice{1, nil, replaced})
	}
	sets := [][]choice{requests, requests, deeds}
	for _, set := range [][]choice{cuts, badDisks, badNetwork, staleness} {
		if g.one(3) {
			sets = append(sets, set)
		}
	}
	g.play(g.between(60, 200), g.between(10, 120), sets...)
}

// dies is a node that is gone for good, and perhaps comes back as a new one.
func dies(g *generator) {
	n := uint8(g.below(g.schedule.Setup.Nodes + g.schedule.Setup.Spares))
	g.add(0, Op{Kind: Crash, Node: n, Amount: uint32(g.below(3))})
	if g.one(2) {
		return
	}
	g.add(g.below(1000), Op{Kind: Wipe, Node: n})
}

// absent is a node that is down, cut off or paused for long enough to be replaced, and comes
// back as it was.
func absent(g *generator) {
	n := uint8(g.below(g.schedule.Setup.Nodes + g.schedule.Setup.Spares))
	leave, back := Crash, Restart
	switch g.below(3) {
	case 0:
		leave, back = Isolate, Mend
	case 1:
		leave, back = Pause, Resume
	}
	g.add(0, Op{Kind: leave, Node: n})
	for range g.below(6) {
		g.add(g.below(400), Op{Kind: Propose, Node: g.node(), Amount: 1})
	}
	g.add(g.between(200, 2000), Op{Kind: back, Node: n})
}

// replacements are engines with spare ones, which take the places of those that are silent.
func replacements(g *generator) {
	s := &g.schedule.Setup
	s.Layer, s.Durable = Engines, !g.one(3)
	s.ReplaceAfter = g.between(21, 80)
	s.Spares = g.between(1, s.Nodes/2)
	s.WriteDelay = time.Duration(g.between(1, 5)) * time.Millisecond
	g.add(2000, Op{Kind: Mend}) // time to found a cluster
	if g.one(2) {
		s.Faults = Faults{Late: uint8(g.below(60)), Lost: uint8(g.below(10))}
	}
	lives := []choice{{4, nil, dies}, {6, nil, absent}, {4, nil, bounce}, {4, at(Restart), nil}, {2, at(Wipe), nil}, {4, at(Mend), nil}}
	sets := [][]choice{requests, lives}
	for _, set := range [][]choice{cuts, badDisks[:3], badNetwork, badClocks[:2], staleness} {
		if g.one(3) {
			sets = append(sets, set)
		}
	}
	g.play(g.between(60, 200), g.between(10, 200), sets...)
}
