package sim

import (
	"errors"
	"slices"
	"strings"

	"github.com/ben-ng/gaggle/engine"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wal"
)

// What the Amount of a Tamper does, by its remainder. What takes something away, or puts it
// there, is done to the spoiled node only, as it ends its promises.
const (
	tamperCopy      = iota // somebody starts a node in a copy of the directory
	tamperOther            // somebody starts it in the directory of another node
	tamperNewest           // the newest segment of the log is gone
	tamperLog              // all of the log is
	tamperIdentity         // the file that says whose it is
	tamperBirth            // the file that tells it from a copy
	tamperFounding         // the file of what was promised while the cluster was founded
	tamperSnapshots        // all snapshots
	tamperForeign          // the newest segment is that of another node
	tamperKeep             // somebody keeps a copy of the directory
	tamperOlder            // and puts it in its place
	tampers                // how many there are
)

// tamper does something to the directory. What makes it another one than it was needs a node
// that is down and was a member, or there was nothing in it yet.
func (p *place) tamper(amount uint32) bool {
	switch amount %= tampers; {
	case p.cut.armed:
		return false // it would be what is done here that it happens in
	case amount == tamperCopy:
		return p.tryCopy()
	case amount == tamperOther:
		return p.tryOther()
	case amount == tamperKeep:
		return p.keepCopy()
	case !p.mayBeSpoiled() || p.node.process != nil || p.tampered != "":
		return false
	case amount == tamperOlder:
		return p.bringBack()
	case amount == tamperForeign:
		return p.swapSegment()
	default:
		return p.takeAway(amount)
	}
}

// mustRefuse holds the error of who opens a directory that is not the node's against the one
// that it must be.
func (p *place) mustRefuse(home *engine.Home, err, must error, what string) {
	if err == nil {
		_ = home.Close()
	}
	if !errors.Is(err, must) {
		p.node.world.violated(Refused, "%s: %s is answered with %v, must be %v", p.node.id, what, err, must)
	}
}

// tryCopy has somebody start the node in a copy of its directory, whether it runs or not.
func (p *place) tryCopy() bool {
	if p.tampered != "" || p.untruth.told {
		return false
	}
	c := p.disk.Copy()
	before := c.String()
	home, err := engine.OpenHome(c, p.config())
	p.mustRefuse(home, err, wal.ErrCopied, "a copy of its directory")
	if after := c.String(); after != before {
		p.node.world.violated(Refused, "a copy of the directory of %s is refused, and changed from\n%s to\n%s", p.node.id, before, after)
	}
	p.happens("directory copied")
	return true
}

// tryOther has somebody start the node in the directory of another node of the cluster, which
// is in use, or else in that of another cluster.
func (p *place) tryOther() bool {
	other := p.node.world.nodes[(p.node.number+1)%len(p.node.world.nodes)].place
	if other == nil || other == p || other.tampered != "" || other.untruth.told {
		return false
	}
	config := p.config()
	if other.home != nil {
		home, err := engine.OpenHome(other.disk, config)
		p.mustRefuse(home, err, vfs.ErrLocked, "the directory of a node that runs")
	} else {
		config.Cluster = "another"
		home, err := engine.OpenHome(other.disk, config)
		p.mustRefuse(home, err, engine.ErrForeign, "the directory of another cluster's node")
	}
	p.happens("directory of another")
	return true
}

func (p *place) happens(what string) {
	w := p.node.world
	w.report.Faults[what]++
	w.trace.line(w.now, "%s: %s", p.node.id, what)
}

// takings are what a Tamper takes away: the files whose names begin so, and how the one who opens
// what is left is refused; nil if that begins as another node, or is none the worse.
var takings = [tampers]struct {
	what   string
	prefix []string
	must   error
}{
	tamperNewest:    {"newest segment gone", []string{"log-"}, nil},
	tamperLog:       {"log gone", []string{"log-", "spare-"}, engine.ErrIncomplete},
	tamperIdentity:  {"identity gone", []string{"identity"}, engine.ErrIncomplete},
	tamperBirth:     {"birth gone", []string{"birth"}, wal.ErrCopied},
	tamperFounding:  {"founding gone", []string{"founding"}, engine.ErrIncomplete},
	tamperSnapshots: {"snapshots gone", []string{"snapshot-"}, nil},
}

// takeAway removes some of the files.
func (p *place) takeAway(amount uint32) bool {
	t := takings[amount]
	files := p.files(t.prefix...)
	if len(files) == 0 || amount == tamperIdentity && len(p.files("lost-identity")) > 0 {
		return false // it would be taken for a node that was interrupted as it began anew, and does it again
	}
	must := t.must
	if amount == tamperNewest {
		if files = files[len(files)-1:]; len(p.files("log-")) == 1 {
			must = engine.ErrIncomplete
		}
	}
	for _, name := range files {
		if err := p.disk.Remove(name); err != nil {
			p.node.world.ends(NoPanic, "%s cannot be removed: %v", name, err)
		}
	}
	_ = p.disk.Sync()
	p.tampered, p.must = t.what, must
	p.happens(t.what)
	return true
}

// swapSegment puts the newest segment of another node in the place of the newest here.
func (p *place) swapSegment() bool {
	mine := p.files("log-")
	for _, other := range p.node.world.nodes {
		if other == p.node || other.place == nil || len(other.place.files("log-")) == 0 || len(mine) == 0 {
			continue
		}
		theirs := other.place.files("log-")
		b, err := vfs.ReadFile(other.place.disk, theirs[len(theirs)-1])
		if err == nil {
			err = vfs.WriteFile(p.disk, mine[len(mine)-1], b)
		}
		if err != nil {
			return false
		}
		p.tampered, p.must = "segment of another", engine.ErrForeign
		p.happens(p.tampered)
		return true
	}
	return false
}

// files are those whose names begin with one of some prefixes, in their order.
func (p *place) files(prefixes ...string) []string {
	names, err := p.disk.List()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	})
}

// refused looks at how a directory that was tampered with is opened. It reports whether it is
// of no use, so that whoever runs the node has to empty it.
func (p *place) refused(home *engine.Home, err error) bool {
	what, must := p.tampered, p.must
	p.tampered, p.must = "", nil
	if must == nil {
		return false
	}
	p.mustRefuse(home, err, must, what)
	p.happens("directory refused")
	return true
}
