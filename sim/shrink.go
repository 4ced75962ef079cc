package sim

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"time"
)

// Shrunk says how far shrinking has come.
type Shrunk struct {
	// Runs is how many it has taken.
	Runs int
	// Ops, Nodes and Noise are what is left: Noise is the bytes that are not 0, once
	// nothing follows from a seed any more.
	Ops, Nodes, Noise int
}

// Shrink makes a schedule that violates a property smaller, as long as it violates the
// same one: first it has as few Ops as possible, then as few nodes, then as little noise,
// then the most usual setup, and then the smallest amounts. It takes so many runs at
// most, and ends early when the context does; the rest follows from the schedule alone.
// It calls progress, if that is not nil, after each run. The Violation is nil if there is
// none.
func Shrink(ctx context.Context, s *Schedule, runs int, progress func(Shrunk)) Finding {
	return shrink(ctx, s, runs, run, progress)
}

// A player plays a schedule, as run does.
type player func(*Schedule, io.Writer) (Report, []byte, *Violation)

func shrink(ctx context.Context, s *Schedule, runs int, play player, progress func(Shrunk)) Finding {
	k := &shrinker{ctx: ctx, play: play, most: runs, progress: progress, tried: map[uint64]bool{}, best: s}
	if k.begin(); k.violation != nil {
		k.quiet()
		for before := (*Schedule)(nil); before != k.best; {
			before = k.best
			k.fewerOps()
			k.sooner()
			k.fewerNodes()
			k.lessNoise()
			k.usual()
			k.smaller()
			if before == k.best {
				k.otherLuck()
			}
		}
	}
	return Finding{Schedule: k.best, Violation: k.violation}
}

type shrinker struct {
	ctx      context.Context
	play     player
	most     int
	runs     int
	progress func(Shrunk)
	// tried are the sums of all schedules that were played: none is played twice.
	tried map[uint64]bool
	// best is the smallest schedule so far, with what it draws and violates.
	best      *Schedule
	drawn     []byte
	violation *Violation
}

// begin plays what is to be made smaller.
func (k *shrinker) begin() {
	_, k.drawn, k.violation = k.play(k.best, nil)
	k.runs++
	k.tried[k.best.sum()] = true
}

// try edits a copy of the best schedule, and keeps it if it violates the same.
func (k *shrinker) try(edit func(*Schedule)) bool {
	if k.runs >= k.most || k.ctx.Err() != nil {
		return false
	}
	s := k.best.clone()
	edit(s)
	sum := s.sum()
	if k.tried[sum] || s.Validate() != nil {
		return false
	}
	k.tried[sum] = true
	k.runs++
	_, drawn, violation := k.play(s, nil)
	same := violation != nil && violation.Property == k.violation.Property
	if same {
		k.best, k.drawn, k.violation = s, drawn, violation
	}
	if k.progress != nil {
		k.progress(Shrunk{k.runs, len(k.best.Ops), k.best.Setup.Nodes + k.best.Setup.Spares, len(loud(k.best.Noise))})
	}
	return same
}

func (s *Schedule) clone() *Schedule {
	c := *s
	c.Ops, c.Noise = slices.Clone(s.Ops), slices.Clone(s.Noise)
	return &c
}

// sum tells schedules apart.
func (s *Schedule) sum() uint64 {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // there is nothing in it that JSON cannot say
	}
	return sum(data)
}

// fewest finds a few of the numbers below n with which something remains. It leaves out
// half of them, a quarter, and so on to single ones, beginning with the last.
func fewest(n int, remains func(kept []int) bool) {
	kept := make([]int, n)
	for i := range kept {
		kept[i] = i
	}
	for size := n; size > 0; size /= 2 {
		for end := len(kept); end > 0; {
			from := max(end-size, 0)
			rest := slices.Delete(slices.Clone(kept), from, end)
			if remains(rest) {
				kept = rest
			}
			end = from
		}
	}
}

// quiet takes away all noise at once, which makes all that follows easier if it works.
func (k *shrinker) quiet() {
	k.try(func(s *Schedule) { s.Noise, s.NoiseSeed, s.Setup.Faults = nil, 0, Faults{} })
	k.try(func(s *Schedule) { s.Noise, s.NoiseSeed = nil, 0 })
}

func (k *shrinker) fewerOps() {
	all := k.best.Ops
	fewest(len(all), func(kept []int) bool {
		return k.try(func(s *Schedule) { s.Ops = thinned(all, kept) })
	})
}

// otherLucks is how often an Op is tried to be left out with other noise.
const otherLucks = 24

// otherLuck leaves out an Op in worlds with other noise: without it each byte of the noise
// befalls another frame, which may be all that keeps the Op in. What the new noise has too
// much is taken away afterwards.
func (k *shrinker) otherLuck() {
	for i := len(k.best.Ops) - 1; i >= 0; i-- {
		all := k.best.Ops
		rest := slices.Concat(all[:i], all[i+1:])
		if i+1 < len(all) {
			rest[i].After += all[i].After
		}
		for seed := range uint64(otherLucks) {
			if k.try(func(s *Schedule) {
				s.Ops, s.Noise, s.NoiseSeed, s.Setup.Seed = slices.Clone(rest), nil, 1+seed, s.Setup.Seed+seed%otherSeeds
			}) {
				break
			}
		}
	}
}

// thinned are some of the Ops, at the times that they had.
func thinned(ops []Op, kept []int) []Op {
	var rest []Op
	var after time.Duration
	for i, op := range ops {
		after += op.After
		if len(rest) < len(kept) && kept[len(rest)] == i {
			op.After = after
			rest = append(rest, op)
			after = 0
		}
	}
	return rest
}

// sooner lets Ops follow sooner one after the other.
func (k *shrinker) sooner() {
	for k.try(func(s *Schedule) {
		for i := range s.Ops {
			s.Ops[i].After = half(s.Ops[i].After)
		}
	}) {
	}
	for i := range k.best.Ops {
		if k.try(func(s *Schedule) { s.Ops[i].After = 0 }) {
			continue
		}
		for k.try(func(s *Schedule) { s.Ops[i].After = half(s.Ops[i].After) }) {
		}
	}
}

// half is half of a time, in milliseconds.
func half(d time.Duration) time.Duration { return (d / 2).Truncate(time.Millisecond) }

// otherSeeds are those that nodes may have instead, as with one node fewer there are
// other elections: a few, so that it is not left to luck alone.
const otherSeeds = 4

func (k *shrinker) fewerNodes() {
	for number := k.best.Setup.Nodes + k.best.Setup.Spares - 1; number >= 0; number-- {
		if k.try(func(s *Schedule) { s.removeNode(number) }) {
			continue
		}
		for seed := range uint64(otherSeeds) {
			if k.try(func(s *Schedule) { s.removeNode(number); s.Setup.Seed = seed }) {
				break
			}
		}
	}
}

// lessNoise writes down what was drawn, and sets as much of it to 0 as possible.
func (k *shrinker) lessNoise() {
	if len(k.drawn) > maxNoise {
		return
	}
	k.try(func(s *Schedule) { s.Noise, s.NoiseSeed = trimmed(k.drawn), 0 })
	if k.best.NoiseSeed != 0 {
		return
	}
	tape := k.best.Noise
	at := loud(tape)
	fewest(len(at), func(kept []int) bool {
		return k.try(func(s *Schedule) {
			clear(s.Noise)
			for _, i := range kept {
				s.Noise[at[i]] = tape[at[i]]
			}
			s.Noise = trimmed(s.Noise)
		})
	})
}

// loud are the places of the bytes that are not 0.
func loud(noise []byte) []int {
	var at []int
	for i, b := range noise {
		if b != 0 {
			at = append(at, i)
		}
	}
	return at
}

// trimmed leaves out the zeros at the end, as they follow anyway.
func trimmed(noise []byte) []byte {
	end := len(noise)
	for end > 0 && noise[end-1] == 0 {
		end--
	}
	return slices.Clone(noise[:end])
}

// usual makes the setup that of any other world.
func (k *shrinker) usual() {
	g := generator{schedule: &Schedule{}}
	g.usual()
	u := g.schedule.Setup
	for _, edit := range []func(*Setup){
		func(s *Setup) { s.Faults = Faults{} },
		func(s *Setup) { s.Faults.Lost = 0 },
		func(s *Setup) { s.Faults.Repeated = 0 },
		func(s *Setup) { s.Faults.Late = 0 },
		func(s *Setup) { s.Faults.SlowWrites = 0 },
		func(s *Setup) { s.Small = false },
		func(s *Setup) { s.HangLeader = false },
		func(s *Setup) { s.Delay = u.Delay },
		func(s *Setup) { s.WriteDelay = u.WriteDelay },
		func(s *Setup) { s.Tick = u.Tick },
		func(s *Setup) { s.Heartbeat, s.ElectionMin, s.ElectionMax = u.Heartbeat, u.ElectionMin, u.ElectionMax },
		func(s *Setup) { s.Seed = 0 },
	} {
		k.try(func(s *Schedule) { edit(&s.Setup) })
	}
}

// smaller makes amounts smaller.
func (k *shrinker) smaller() {
	for i := range k.best.Ops {
		k.try(func(s *Schedule) { s.Ops[i].Other = 0 })
		if k.try(func(s *Schedule) { s.Ops[i].Amount = 0 }) {
			continue
		}
		if k.best.Ops[i].Kind.bits() {
			for bit := range 32 {
				k.try(func(s *Schedule) { s.Ops[i].Amount &^= 1 << bit })
			}
			continue
		}
		for k.try(func(s *Schedule) { s.Ops[i].Amount /= 2 }) {
		}
	}
}
