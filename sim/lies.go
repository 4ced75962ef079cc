package sim

import (
	"errors"

	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wal"
)

// untruth is what a disk does that does not keep what it said it has kept.
type untruth struct {
	// lying: syncs say that they were done, and are not.
	lying bool
	// astray is what becomes of the next write; nil if it gets where it belongs.
	astray func(vfs.Op) (name string, offset int64)
	// older is a copy of the directory that somebody keeps.
	older *vfs.Disk
	// told: what it has said is not what it holds, or need not be, when it is opened again.
	told bool
	// believed: it was opened since, so that the node may find out that it has forgotten.
	believed bool
	// condemned: it has found out, and whoever runs it empties the directory.
	condemned bool
}

// What the Amount of a Misdirect does with the next write, by its remainder, with so many
// sectors as the rest of it says.
const (
	astrayBefore  = iota // it lands that much before its place
	astrayAfter          // or behind it
	astrayInto           // or there in another file
	astrayNowhere        // or nowhere
	strays               // how many there are
)

// deceive has the disk of the spoiled node lie, or put its next write elsewhere. It does so
// only to a member: what is promised while a cluster is founded is another matter.
func (p *place) deceive(op Op) bool {
	if !p.mayBeSpoiled() || p.node.process == nil {
		return false
	}
	if op.Kind == Lie {
		p.untruth.lying = true
	} else {
		p.untruth.astray = p.stray(int(op.Amount))
	}
	p.setFaults()
	return true
}

func (p *place) stray(amount int) func(vfs.Op) (string, int64) {
	files := p.files("log-", "snapshot-", "identity", "founding")
	sectors := int64(amount/strays) * vfs.SectorSize
	return func(o vfs.Op) (string, int64) {
		switch amount % strays {
		case astrayBefore:
			return o.Name, max(0, o.Offset-sectors)
		case astrayAfter:
			return o.Name, o.Offset + sectors
		case astrayInto:
			return files[amount%len(files)], sectors
		}
		return "nowhere", 0
	}
}

// deceiving adds to the faults of the disk.
func (p *place) deceiving(f *vfs.Faults) {
	u := &p.untruth
	if u.lying {
		f.Lie = func(vfs.Op) bool {
			u.told = true
			p.node.world.report.Faults["sync that was none"]++
			return true
		}
	}
	if u.astray != nil {
		f.Misdirect = func(o vfs.Op) (string, int64) {
			if u.astray == nil {
				return "", 0
			}
			name, offset := u.astray(o)
			u.astray, u.told = nil, true
			p.node.world.report.Faults["write astray"]++
			return name, offset
		}
	}
}

// keepCopy is somebody who copies the directory, to have it should it be lost.
func (p *place) keepCopy() bool {
	if !p.mayBeSpoiled() || p.untruth.told {
		return false
	}
	p.untruth.older = p.disk.Copy()
	return true
}

// bringBack is somebody who does with the copy what he is told not to do: puts it in the place
// of the directory, though more was promised since.
func (p *place) bringBack() bool {
	older := p.untruth.older
	if older == nil || p.tampered != "" {
		return false
	}
	home, err := engine.OpenHome(older, p.config())
	p.mustRefuse(home, err, wal.ErrCopied, "an older directory")
	if _, err := wal.Adopt(older); err != nil {
		p.node.world.ends(Refused, "%s cannot be adopted: %v", p.node.id, err)
	}
	p.disk, p.untruth = older, untruth{told: true}
	p.setFaults()
	p.happens("older directory brought back")
	return true
}

// useless reports whether a directory is refused that need not hold what it should.
func (p *place) useless(err error) bool {
	for _, e := range []error{engine.ErrIncomplete, engine.ErrForeign, engine.ErrDamaged, wal.ErrCopied} {
		if p.untruth.told && errors.Is(err, e) {
			p.happens("untrue directory refused")
			return true
		}
	}
	return false
}

// believe takes note that the directory is open, and reports whether it may have less than it
// said. What was written astray may show later.
func (p *place) believe() bool {
	u := &p.untruth
	told := u.told
	u.believed = u.believed || told
	return told
}

// forgot follows what the node comes back with if its disk has forgotten: the log up to an
// entry that it had once, and an earlier term.
func (p *place) forgot(s *raft.Status) {
	n, w := p.node, p.node.world
	last := w.oracle.slots[s.Last]
	if last == nil {
		w.ends(Durability, "%s comes back with a log to %v, which nobody ever had", n.id, s.Last)
	}
	w.report.Faults["promises forgotten"]++
	hard := raft.HardState{Term: s.Term, VotedFor: s.VotedFor}
	w.trace.line(w.now, "%s has forgotten: it was at %+v with a log to %v, and is at %+v with one to %v",
		n.id, n.mirror.hardDisk, n.mirror.disk.last().Position, hard, last.Position)
	if !w.oracle.forgets(n.mirror, hard, last) {
		panic(unpromised{})
	}
	n.disk.crash(0)
	n.disk.saved.HardState, n.disk.saved.Entries = hard, nil
	for _, s := range n.mirror.disk.slots {
		n.disk.saved.Entries = append(n.disk.saved.Entries, raft.Entry{Index: s.Index, Term: s.Term, Type: s.kind, Data: s.data})
	}
	w.oracle.crashed(n)
}

// unpromised ends a run in which something has happened after which nothing is promised.
type unpromised struct{}

// noticed reports whether a node has stopped as it has found out that it has forgotten.
func (p *place) noticed(problem error) bool {
	if !p.untruth.believed || !errors.Is(problem, engine.ErrCopied) && !errors.Is(problem, raft.ErrInvariant) {
		return false
	}
	what := "stopped by what it forgot"
	if errors.Is(problem, engine.ErrCopied) {
		what = "stopped by a later start"
	}
	p.happens(what)
	p.untruth.condemned = true
	return true
}

// beheaded reports whether the first block of the log was written over, in both copies: then the
// log is taken for one that was compacted. Whoever runs the node empties the directory.
func (p *place) beheaded(err error) bool {
	var compacted *engine.CompactedError
	if !p.untruth.believed || !errors.As(err, &compacted) {
		return false
	}
	p.happens("log without its beginning")
	p.untruth.condemned = true
	return true
}
