package founding

import (
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// An origin is which process it is that goes by an id: the so many-th since the node's
// directory was made, and which one, should there be two. Without a directory, starts is
// 0: then nothing could be copied, and the id is the process's own.
type origin struct{ starts, nonce uint64 }

func originOf(h *wire.Hello) origin { return origin{h.Starts, h.Nonce} }

func (f *Founder) origin() origin { return origin{f.config.Starts, f.config.Nonce} }

// supersedes reports whether the word of a process that is o shows that one that is p may
// not go on: it was started from a directory that has been started again since, or as often
// by somebody else.
func (o origin) supersedes(p origin) bool {
	return o != p && o.starts >= p.starts && p.starts > 0
}

// A rival is a process that goes by an id that is, or may be, another's. The zero rival
// is none.
type rival struct {
	origin origin
	// since and heardAt are when it was heard first, and last.
	since, heardAt uint64
}

// there reports whether the rival was heard lately.
func (r *rival) there(now uint64, silentTicks int) bool {
	return r.origin.starts > 0 && now-r.heardAt < uint64(silentTicks)
}

// rivalled notes that a process goes by the id of another one that is known, and that
// the known one does not give way. It is reported when it is certain. That two have the
// same number of starts always is. That one has a smaller number may be an old hello that
// has come late, but those cease to come.
func (f *Founder) rivalled(id raft.NodeID, name string, known origin, r *rival, said origin) {
	if !r.there(f.now, f.config.SilentTicks) {
		*r = rival{since: f.now}
	}
	r.origin, r.heardAt = said, f.now
	f.greeter.hurry(f.config.HelloTicks) // so that it learns
	if said.starts == known.starts || f.now-r.since >= uint64(f.config.SilentTicks) {
		f.stands(&CopiedError{Node: id, Name: name, Starts: known.starts, Other: said.starts})
	}
}

// superseded reports whether a hello is that of a process that should not speak for its id
// any more, or not alone. What such a process promises cannot be relied on.
func (f *Founder) superseded(e Heard) bool {
	p, said := f.peers.get(e.From), originOf(e.Hello)
	if p == nil || !p.origin.supersedes(said) {
		return false
	}
	f.rivalled(e.From, e.Hello.Name, p.origin, &p.rival, said)
	return true
}

// heardOwnID follows a hello under this node's id, which may be its own.
func (f *Founder) heardOwnID(h *wire.Hello) {
	mine, said := f.origin(), originOf(h)
	switch {
	case said.supersedes(mine):
		f.stop(said.starts)
	case mine.supersedes(said):
		f.rivalled(f.config.ID, f.config.Name, mine, &f.rival, said)
	}
}

// heardContested follows what another node has heard of processes that go by one id.
func (f *Founder) heardContested(claims []wire.Claim) {
	for i := range claims {
		c := &claims[i]
		if said := (origin{c.Starts, c.Nonce}); c.ID == f.config.ID && said.supersedes(f.origin()) {
			f.stop(c.Starts)
		}
	}
}

// stop says that this process must not go on, and says hello once more: the other one may
// be no better, and has to hear it.
func (f *Founder) stop(starts uint64) {
	if f.copied {
		return
	}
	f.copied = true
	f.out.Copied = &CopiedError{Node: f.config.ID, Name: f.config.Name, Starts: starts, Other: f.config.Starts}
	f.greeter = greeter{}
}

// contested lists the claims to ids that several processes go by, as far as that is
// known and there is room. Of two that were started equally often, each is told of the
// other.
func (f *Founder) contested() []wire.Claim {
	var claims []wire.Claim
	for i := range f.peers {
		p := &f.peers[i]
		if !p.rival.there(f.now, f.config.SilentTicks) {
			continue
		}
		claims = append(claims, claim(p.id, p.origin))
		if p.rival.origin.starts == p.origin.starts {
			claims = append(claims, claim(p.id, p.rival.origin))
		}
	}
	return claims[:min(len(claims), wire.MaxContested)]
}

func claim(id raft.NodeID, o origin) wire.Claim {
	return wire.Claim{ID: id, Starts: o.starts, Nonce: o.nonce}
}
