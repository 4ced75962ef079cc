package sim

import (
	"slices"
	"time"
)

// A Profile is a kind of world: how large and how fast it is, what is done to it, and how
// often.
type Profile struct {
	Name string
	// About says in a line what it is after.
	About string
	make  func(*generator)
}

// Profiles are all there are.
func Profiles() []Profile {
	return []Profile{
		{"calm", "five nodes, few requests, nothing goes wrong", calm},
		{"swarm", "some kinds of trouble, drawn for each run, and no others", swarm},
		{"partitions", "links and nodes are cut off in every way", partitions},
		{"elections", "candidates that stand at once, voters that crash in between, old leaders", elections},
		{"churn", "members come and go, snapshots, transfers, crashes", churn},
		{"disks", "slow and hanging disks, crashes between write and sync", disks},
		{"stalls", "a leader's disk hangs, again and again, and at last for good", stalls},
		{"homes", "engines on real logs: power goes, syncs fail, disks fill up, hang and rot", homes},
		{"directories", "engines on real logs, with directories that are copied, emptied in part, or mixed up", directories},
		{"liars", "engines on real logs, one of whose disks lies, writes elsewhere, or is an older one", liars},
		{"machines", "engines on real logs with state machines: checkpoints, compaction, snapshots sent, one that diverges", machines},
		{"replacements", "engines that die or are cut off, and standbys that take their places", replacements},
		{"storage", "logs that are on disk only, and damaged there, loads, snapshots, crashes", storedLog},
		{"clocks", "clocks that run at other speeds, jump, and processes that pause", clocks},
		{"tiny", "every limit is a few entries, and requests come in floods", tiny},
		{"floods", "logs of thousands of entries, with loss and crashes", floods},
		{"graphs", "every way in which up to five nodes can be connected", graphs},
		{"engines", "whole nodes that found their cluster, with users and partitions", engines},
		{"founding", "whole nodes and spare ones meet while the network is bad", foundings},
	}
}

// Generate makes a schedule from a seed. The profile is the one of that name, or, if it
// is empty, follows from the seed too. It is nil if there is no such profile.
func Generate(seed uint64, profile string) *Schedule {
	g := &generator{state: seed}
	all := Profiles()
	if profile == "" {
		profile = all[1+g.below(len(all)-1)].Name // a calm one finds nothing
	}
	i := slices.IndexFunc(all, func(p Profile) bool { return p.Name == profile })
	if i < 0 {
		return nil
	}
	g.schedule = &Schedule{Seed: seed, Profile: profile, NoiseSeed: mix(&g.state) | 1}
	g.usual()
	all[i].make(g)
	return g.schedule
}

// generator makes up a schedule.
type generator struct {
	state    uint64
	schedule *Schedule
}

func (g *generator) below(n int) int { return int(mix(&g.state) % uint64(n)) }

// between draws a number from lo to hi.
func (g *generator) between(lo, hi int) int { return lo + g.below(hi-lo+1) }

func (g *generator) one(in int) bool { return g.below(in) == 0 }

// usual is a world on a local network.
func (g *generator) usual() {
	g.schedule.Setup = Setup{
		Nodes: 2*g.between(1, 2) + 1, Seed: mix(&g.state),
		Tick: 10 * time.Millisecond, Heartbeat: 2, ElectionMin: 10, ElectionMax: 20,
		Delay: 500 * time.Microsecond, WriteDelay: time.Millisecond,
	}
}

func (g *generator) node() uint8 {
	s := &g.schedule.Setup
	if g.one(3) {
		return Leader
	}
	return uint8(g.below(s.Nodes + s.Spares))
}

// add puts an Op at the end, some milliseconds after what is there.
func (g *generator) add(ms int, op Op) {
	op.After = time.Duration(ms) * time.Millisecond
	g.schedule.Ops = append(g.schedule.Ops, op)
}

// A choice is what may come next, an Op or a few that belong together, and how often.
type choice struct {
	weight int
	op     func(*generator) Op
	ops    func(*generator)
}

// play adds so many Ops, drawn from some, with pauses of up to so many milliseconds.
func (g *generator) play(count, pause int, choices ...[]choice) {
	all := slices.Concat(choices...)
	total := 0
	for _, c := range all {
		total += c.weight
	}
	for range count {
		x := g.below(total)
		for _, c := range all {
			if x -= c.weight; x < 0 {
				g.then(c, g.below(g.between(1, pause)))
				break
			}
		}
	}
}

// then adds what was chosen.
func (g *generator) then(c choice, ms int) {
	if c.op != nil {
		g.add(ms, c.op(g))
		return
	}
	first := len(g.schedule.Ops)
	c.ops(g)
	g.schedule.Ops[first].After += time.Duration(ms) * time.Millisecond
}

// bounce is a process that crashes and is back at once.
func bounce(g *generator) {
	n := g.node()
	if n == Leader {
		n = uint8(g.below(g.schedule.Setup.Nodes))
	}
	g.add(0, Op{Kind: Crash, Node: n, Amount: uint32(g.below(3))})
	g.add(g.below(4), Op{Kind: Restart, Node: n})
}

// deposed is a leader that is cut off, perhaps with a slow clock so that it takes longer
// to notice, while another is elected, somebody writes there, and everybody reads.
func deposed(g *generator) {
	g.add(0, Op{Kind: Mend})
	if g.one(2) {
		g.add(0, Op{Kind: ClockRate, Node: Leader, Amount: uint32(g.between(20, 60))})
	}
	g.add(g.below(30), Op{Kind: Isolate, Node: Leader})
	g.add(g.between(50, 400), Op{Kind: Propose, Node: Leader, Amount: 1})
	for i := range g.schedule.Setup.Nodes {
		g.add(g.below(10), Op{Kind: ReadIndex, Node: uint8(i)})
		if g.one(3) {
			g.add(g.below(10), Op{Kind: CompareAndSet, Node: uint8(g.below(g.schedule.Setup.Nodes)), Amount: uint32(g.below(2))})
		}
	}
	g.add(g.below(300), Op{Kind: Mend})
}

// lateAnswers is a node that hears its leader late, and reads while others append.
func lateAnswers(g *generator) {
	n := uint8(g.below(g.schedule.Setup.Nodes))
	g.add(0, Op{Kind: SlowLink, Node: Leader, Other: n, Amount: 60})
	for range 4 {
		g.add(g.below(8), Op{Kind: ReadIndex, Node: n})
		g.add(g.below(8), Op{Kind: Propose, Node: Leader, Amount: 1})
	}
	g.add(40, Op{Kind: Mend})
}

func at(kind Kind) func(*generator) Op {
	return func(g *generator) Op { return Op{Kind: kind, Node: g.node()} }
}

func upTo(kind Kind, most int) func(*generator) Op {
	return func(g *generator) Op {
		return Op{Kind: kind, Node: g.node(), Other: g.node(), Amount: uint32(g.below(most + 1))}
	}
}

// What users, networks, processes, disks, clocks and operators do.
var (
	requests = []choice{
		{30, upTo(Propose, 5), nil}, {12, at(ReadIndex), nil}, {10, upTo(CompareAndSet, 1), nil}, {2, at(GiveUp), nil},
	}
	cuts = []choice{
		{3, upTo(Cut, 1), nil}, {3, at(Isolate), nil}, {3, upTo(Partition, 1<<16), nil}, {4, at(Mend), nil},
		{1, upTo(SlowLink, 60), nil}, {1, at(Unreachable), nil}, {1, upTo(Unreachable, 0), nil},
	}
	badNetwork = []choice{{2, noisy, nil}, {4, upTo(FormerLife, maxKept), nil}}
	processes  = []choice{
		{3, upTo(Crash, 4), nil}, {6, at(Restart), nil}, {1, at(Wipe), nil}, {2, at(Pause), nil}, {3, at(Resume), nil}, {1, upTo(Sluggish, 200), nil},
	}
	badDisks = []choice{
		{3, upTo(SlowDisk, 100), nil}, {2, at(HangDisk), nil}, {5, at(HealDisk), nil}, {4, upTo(Crash, 4), nil}, {6, at(Restart), nil},
	}
	// What becomes of a log that is on a disk.
	storedLogs = []choice{
		{8, upTo(Unload, 5), nil}, {2, upTo(Damage, 100), nil}, {2, at(Repair), nil}, {4, nil, returns}, {3, nil, lagging},
	}
	badClocks = []choice{
		{3, clockRate, nil}, {3, upTo(ClockJump, 30), nil}, {2, at(Pause), nil}, {3, at(Resume), nil}, {2, upTo(Sluggish, 300), nil},
	}
	bounces   = []choice{{4, nil, bounce}}
	staleness = []choice{{5, nil, deposed}, {3, nil, lateAnswers}}
	operators = []choice{
		{3, changes, nil}, {3, upTo(Transfer, 1), nil}, {3, upTo(Compact, 5), nil},
	}
)

func noisy(g *generator) Op {
	f := g.faults()
	return Op{Kind: Noisy, Amount: uint32(f.Lost) | uint32(f.Repeated)<<8 | uint32(f.Late)<<16 | uint32(f.SlowWrites)<<24}
}

// faults is a network that is somehow bad.
func (g *generator) faults() Faults {
	some := func(most int) uint8 { return uint8(g.below(2) * g.below(most)) }
	return Faults{Lost: some(80), Repeated: some(60), Late: some(100), SlowWrites: some(80)}
}

func clockRate(g *generator) Op {
	return Op{Kind: ClockRate, Node: g.node(), Amount: uint32([]int{100, 50, 80, 90, 110, 125, 200, 400}[g.below(8)])}
}

// changes asks for some voters and some learners, mostly near to what there was.
func changes(g *generator) Op {
	s := &g.schedule.Setup
	all := uint32(1)<<(s.Nodes+s.Spares) - 1
	voters := uint32(mix(&g.state)) & all
	if voters == 0 {
		voters = 1
	}
	some, others := uint32(mix(&g.state)), uint32(mix(&g.state))
	if g.one(8) {
		voters |= 0x8000
	}
	return Op{Kind: Change, Node: Leader, Amount: voters | (some&others&all)<<16}
}

// comesBack has all nodes be members, and one that is removed become one again before it can have
// noticed.
func comesBack(g *generator) {
	s := &g.schedule.Setup
	nodes := s.Nodes + s.Spares
	all := uint32(1)<<nodes - 1
	for n := range nodes {
		g.add(0, Op{Kind: Restart, Node: uint8(n)})
		g.add(0, Op{Kind: Resume, Node: uint8(n)})
	}
	g.add(0, Op{Kind: Mend})
	g.add(1000, Op{Kind: Change, Node: Leader, Amount: all})
	gone := uint32(1) << g.below(nodes)
	g.add(500, Op{Kind: Change, Node: Leader, Amount: all &^ gone})
	g.add(g.between(10, 80), Op{Kind: Change, Node: Leader, Amount: all&^gone | gone<<16})
}

// shape is one of the three ways to be connected in part that keep other algorithms from
// having a leader (Ng, Haridi and Carbone, "Omni-Paxos: Breaking the Barriers of Partial
// Connectivity", EuroSys 2023): one node reaches all and the others only it (loss of the
// quorum), the same with a node cut off from it too (constrained election), or a chain.
func shape(g *generator) Op {
	n := g.schedule.Setup.Nodes
	hub, gone, kind := g.below(n), g.below(n), g.below(3)
	bits := uint32(0)
	for a := range n {
		for b := range a {
			star := (a == hub || b == hub) && (kind != 1 || a != gone && b != gone)
			if kind == 2 && a == b+1 || kind != 2 && star {
				bits |= 1 << pair(a, b)
			}
		}
	}
	return Op{Kind: Graph, Amount: bits}
}

func graph(g *generator) Op { return Op{Kind: Graph, Amount: uint32(mix(&g.state)) & 0x3ff} }

func calm(g *generator) {
	s := &g.schedule.Setup
	s.Nodes, s.Tick, s.WriteDelay = 5, 100*time.Millisecond, 2*time.Millisecond
	s.Heartbeat, s.ElectionMin, s.ElectionMax = 5, 30, 50
	for range 60 {
		g.add(10_000, Op{Kind: Propose, Node: Leader, Amount: 1})
		g.add(0, Op{Kind: ReadIndex, Node: Leader})
	}
}

func swarm(g *generator) {
	s := &g.schedule.Setup
	s.Spares = g.below(3)
	if g.one(2) {
		s.Faults = g.faults()
	}
	s.Small = g.one(4)
	sets := [][]choice{requests}
	for _, set := range [][]choice{cuts, badNetwork, processes, badDisks, badClocks, operators, bounces, staleness, storedLogs} {
		if g.one(2) {
			sets = append(sets, set)
		}
	}
	g.play(g.between(50, 600), g.between(5, 150), sets...)
}

func partitions(g *generator) {
	g.schedule.Setup.Faults = g.faults()
	g.play(400, 100, requests, cuts, cuts, badNetwork, []choice{{4, shape, nil}})
}

func elections(g *generator) {
	s := &g.schedule.Setup
	s.ElectionMax = s.ElectionMin + g.between(3, 6)
	s.Faults = Faults{Lost: uint8(g.below(60)), Late: uint8(g.below(100))}
	s.WriteDelay = time.Duration(g.between(1, 10)) * time.Millisecond
	g.play(400, 60, requests, cuts, bounces, bounces, staleness, operators[1:2])
}

func churn(g *generator) {
	s := &g.schedule.Setup
	s.Nodes, s.Spares = g.between(1, 4), g.between(1, 3)
	g.play(500, 60, requests, operators, operators, cuts, processes, bounces)
	if g.one(3) { // and nothing comes after it
		comesBack(g)
		return
	}
	if g.one(2) { // a whole log is compacted, and nobody appends any more
		g.add(50, Op{Kind: Mend})
		g.add(200, Op{Kind: Isolate, Node: uint8(g.below(s.Nodes))})
		g.add(50, Op{Kind: Propose, Node: Leader, Amount: 3})
		g.add(100, Op{Kind: Compact, Node: Leader})
		g.add(0, Op{Kind: Noisy, Amount: 120})
		g.add(50, Op{Kind: Mend})
		g.add(g.between(50, 400), Op{Kind: Mend})
	}
}

func disks(g *generator) {
	s := &g.schedule.Setup
	s.WriteDelay = time.Duration(g.between(1, 40)) * time.Millisecond
	s.Faults.SlowWrites = uint8(g.below(100))
	g.play(500, 60, requests, badDisks, cuts, operators[2:])
}

func clocks(g *generator) {
	g.schedule.Setup.Faults = g.faults()
	g.play(400, 80, requests, badClocks, cuts)
}

func tiny(g *generator) {
	s := &g.schedule.Setup
	s.Small, s.Spares = true, g.below(2)
	flood := []choice{{40, upTo(Propose, 64), nil}, {20, at(ReadIndex), nil}}
	g.play(500, 30, flood, requests, cuts, badNetwork, badDisks, operators)
}

func floods(g *generator) {
	s := &g.schedule.Setup
	s.Spares, s.Faults = g.below(2), Faults{Lost: uint8(g.below(20))}
	flood := []choice{{40, func(*generator) Op { return Op{Kind: Propose, Node: Leader, Amount: 64} }, nil}}
	g.play(300, 40, flood, cuts, processes, operators)
}

func graphs(g *generator) {
	s := &g.schedule.Setup
	s.Nodes = g.between(2, 5)
	g.play(60, 1500, []choice{{2, graph, nil}, {2, shape, nil}, {1, at(Mend), nil}}, requests)
}

func engines(g *generator) {
	s := &g.schedule.Setup
	s.Layer, s.Spares, s.Small = Engines, g.below(2), g.one(4)
	g.add(2000, Op{Kind: Mend}) // time to found a cluster
	if g.one(2) {
		s.Faults = Faults{Late: uint8(g.below(60))}
	}
	sets := [][]choice{requests, requests, cuts}
	for _, set := range [][]choice{badNetwork, badClocks, badDisks, processes, staleness} {
		if g.one(2) {
			sets = append(sets, set)
		}
	}
	g.play(g.between(100, 400), g.between(10, 120), sets...)
}

func foundings(g *generator) {
	s := &g.schedule.Setup
	s.Layer, s.Faults = Engines, g.faults()
	s.Spares = g.below(s.Nodes) // fewer than twice the size
	s.Delay = time.Duration(g.between(1, 20)) * time.Millisecond
	g.play(g.between(10, 60), 100, cuts, cuts, badNetwork, badNetwork, badClocks[:2])
	g.play(g.between(10, 60), 100, requests, cuts)
}
