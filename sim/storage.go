package sim

import (
	"errors"

	"github.com/ben-ng/gaggle/raft"
)

// What a disk of the Cores layer keeps beside the writes: the whole log, of which a core
// that starts may be given only a part, and in which entries may be damaged. Which there
// are is never lost.

// lastIndex is above every index of a run.
const lastIndex = raft.Index(1) << 40

var errDamaged = errors.New("sim: the entry is damaged")

// given is what a node that starts is given: of so many percent of the log, and of all up to
// the last damaged entry, only the terms.
func (d *disk) given(onDisk int) raft.Saved {
	saved := d.saved
	n := len(saved.Entries) * min(onDisk, 100) / 100
	for i := range saved.Entries {
		if d.damaged[saved.Entries[i].Index] {
			n = max(n, i+1)
			if !saved.Impaired {
				saved.Impaired, saved.Damaged = true, saved.Entries[i].Index
			}
		}
	}
	for _, e := range saved.Entries[:n] {
		if last := len(saved.Stored) - 1; last >= 0 && saved.Stored[last].Term == e.Term {
			saved.Stored[last].Last = e.Index
		} else {
			saved.Stored = append(saved.Stored, raft.TermRun{First: e.Index, Last: e.Index, Term: e.Term})
		}
		if e.Type == raft.EntryConfiguration && e.Index > saved.Snapshot.Last.Index {
			saved.Configurations = append(saved.Configurations, e)
		}
	}
	saved.Entries = saved.Entries[n:]
	faults := d.node.world.report.Faults
	if n > 0 {
		faults["start with a log on disk"]++
	}
	if saved.Impaired {
		faults["start with a damaged log"]++
	}
	return saved
}

// entry is one of the log; nil if it is damaged.
func (d *disk) entry(i raft.Index) *raft.Entry {
	if d.damaged[i] {
		return nil
	}
	return &d.saved.Entries[i-d.saved.Compacted.Index-1]
}

// read is what the disk has for a load: entries up to one that is damaged.
func (d *disk) read(l raft.Load) raft.Loaded {
	answer := raft.Loaded{Load: l}
	size := 0
	for i := l.First; i <= l.Last; i++ {
		e := d.entry(i)
		if e == nil {
			break
		}
		if size += e.Size(); size > l.MaxBytes && len(answer.Entries) > 0 {
			break
		}
		answer.Entries = append(answer.Entries, *e)
	}
	if len(answer.Entries) == 0 {
		answer.Err = errDamaged
	}
	return answer
}

// damage spoils an entry of the log.
func (d *disk) damage(number uint32) bool {
	n := len(d.saved.Entries)
	if n == 0 {
		return false
	}
	i := d.saved.Entries[int(number)%n].Index
	if d.damaged[i] {
		return false
	}
	if d.damaged == nil {
		d.damaged = map[raft.Index]bool{}
	}
	d.damaged[i] = true
	return true
}

// cut forgets the damage from one index to another.
func (d *disk) cut(from, to raft.Index) {
	for i := range d.damaged {
		if from <= i && i <= to {
			delete(d.damaged, i)
		}
	}
}

// reading is a core's open questions for what is on its disk.
type reading struct {
	last  uint64
	open  map[uint64]raft.Loaded
	ready []raft.Loaded
}

// load begins to read. What the disk has now is what comes, though that may be late.
func (p *coreProcess) load(l raft.Load) {
	w, r := p.node.world, &p.reading
	answer := p.node.disk.read(l)
	if w.net.faults.SlowWrites > 0 && w.noise.draw() > 223 {
		answer.Entries, answer.Err = nil, errors.New("sim: the disk cannot be read")
	}
	r.last++
	if r.open == nil {
		r.open = map[uint64]raft.Loaded{}
	}
	r.open[r.last] = answer
	p.node.disk.beginRead(r.last)
}

// loaded has the answer to a load wait for the next turn.
func (p *coreProcess) loaded(number uint64) {
	r := &p.reading
	answer := r.open[number]
	delete(r.open, number)
	r.ready = append(r.ready, answer)
	w := p.node.world
	if answer.Err != nil {
		w.report.Faults["load failed"]++
	} else {
		w.report.Faults["entries loaded"]++
	}
	w.trace.add(7, uint64(p.node.number), uint64(answer.Load.First), uint64(len(answer.Entries)))
	if w.trace.told() {
		w.trace.line(w.now, "%s has read %d entries from %d on for %s: %v", p.node.id, len(answer.Entries), answer.Load.First, answer.Load.To, answer.Err)
	}
}

// toApply is committed entries in their order: first those on disk, then the others.
type toApply struct {
	stored raft.Range
	runs   [][]raft.Entry
}

// apply applies what is committed as far as it can be read, and reports whether the core
// was told of any.
func (p *coreProcess) apply() bool {
	before := p.last
	for len(p.queue) > 0 {
		next := &p.queue[0]
		for i := next.stored.First; i > 0 && i <= next.stored.Last; i++ {
			e := p.node.disk.entry(i)
			if e == nil {
				next.stored.First = i
				return p.tellApplied(before)
			}
			p.applyOne(e)
			next.stored.First = i + 1
		}
		for _, run := range next.runs {
			for i := range run {
				p.applyOne(&run[i])
			}
		}
		p.queue = p.queue[1:]
	}
	return p.tellApplied(before)
}

func (p *coreProcess) applyOne(e *raft.Entry) {
	p.last = e.Index
	p.node.world.oracle.applied(p.node, e)
}

func (p *coreProcess) tellApplied(before raft.Index) bool {
	if p.last == before {
		return false
	}
	p.must(raft.Applied{Index: p.last})
	return true
}

// unload lets what is applied and durable leave memory, except for the last few entries.
func (p *coreProcess) unload(keep raft.Index) bool {
	s := p.raft.Status()
	upTo := min(p.last, s.Durable)
	upTo -= min(upTo, keep)
	if upTo < s.Memory {
		return false
	}
	p.must(raft.Unload{UpTo: upTo})
	return true
}

// repaired tells the core when nothing in its log is damaged any more.
func (p *coreProcess) repaired() {
	if p.impaired && len(p.node.disk.damaged) == 0 {
		p.impaired = false
		p.must(raft.Repaired{})
	}
}
