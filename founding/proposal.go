package founding

// A schedule says when a node that founds begins a round of its own.
type schedule struct {
	// ready says that the node hears enough others; attemptAt is meaningful then.
	ready     bool
	attemptAt uint64
	// chooseAt is when the node stops waiting for those who have not entered its round.
	chooseAt uint64
	// rounds counts what happened since the node was ready last.
	rounds int
}

// maxDoublings is how often the time given to a round doubles: up to 16 times.
const maxDoublings = 4

// attempt begins a round if it is this node's turn.
func (f *Founder) attempt() {
	candidates, _ := f.candidates()
	switch {
	case candidates < f.config.Size || f.obstacle() != nil:
		f.schedule = schedule{}
	case !f.schedule.ready:
		f.schedule.ready = true
		f.wait(f.config.QuietTicks)
	case f.now >= f.schedule.attemptAt:
		f.begin()
	}
}

// begin begins a round that is later than any this node knows.
func (f *Founder) begin() {
	f.enter(Round{f.saved.Round.Number + 1, f.tag})
	f.propose()
}

// postpone leaves time to the round that others, or this node, are in. The first half
// of it is for entering the round.
func (f *Founder) postpone() {
	ticks := f.config.RoundTicks << min(f.schedule.rounds, maxDoublings)
	f.schedule.rounds++
	f.schedule.chooseAt = f.now + uint64(ticks)/2
	f.wait(ticks)
}

// wait sets the time of this node's next round. Of nodes that hear the same, the one
// with the lowest id is first, and each of the others leaves it one more round's time.
// The rest is chance, so that nodes that keep disturbing each other cease to.
func (f *Founder) wait(ticks int) {
	_, before := f.candidates()
	chance := 1 + f.random.below(ticks)/2
	f.schedule.attemptAt = f.now + uint64(ticks+before*f.config.RoundTicks+chance)
}

// candidates counts the nodes that could found a cluster, this one included, and those
// of them that come before it.
func (f *Founder) candidates() (all, before int) {
	all = 1
	for i := range f.peers {
		if p := &f.peers[i]; f.candidate(p) {
			all++
			if p.id < f.config.ID {
				before++
			}
		}
	}
	return all, before
}

func (f *Founder) candidate(p *peer) bool {
	return p.size == f.config.Size && p.state == Fresh && f.there(p)
}

func (f *Founder) there(p *peer) bool { return p.there(f.now, f.config.SilentTicks) }

// obstacle is a node that knows a cluster of this name of which this node cannot be a
// standby yet: it has heard no member, or the cluster has another size. While such
// a node is there, this one takes no part in founding another cluster.
func (f *Founder) obstacle() *peer {
	for i := range f.peers {
		if p := &f.peers[i]; p.state != Fresh && f.there(p) {
			return p
		}
	}
	return nil
}

// propose chooses the charter of this node's round, if it is in one and enough others
// have entered it.
func (f *Founder) propose() {
	r := f.saved.Round
	mine := r.Proposer == f.tag && r.after(f.saved.Pledge.Round)
	if !mine || f.saved.State != Fresh || f.obstacle() != nil {
		return
	}
	if charter, ok := f.choose(); ok {
		f.pledge(Pledge{r, charter})
		f.decide(r)
	}
}

// choose finds a charter that this node's round may have, if it has one yet. If
// enough nodes have entered the round without ever having pledged, then no charter can
// be in force, and the choice is free. Otherwise the latest pledge may be that of a
// charter in force, which must be kept.
func (f *Founder) choose() (Charter, bool) {
	entered := f.poll(func(p *peer) bool { return p.round == f.saved.Round })
	all, _ := f.candidates()
	switch {
	case entered.asked < all && f.now < f.schedule.chooseAt:
		// The more have entered, the more likely enough of them have never pledged.
		return Charter{}, false
	case len(entered.unpledged) >= f.config.Size:
		return NewCharter(f.config.Cluster, entered.unpledged[:f.config.Size]), true
	case entered.answers >= f.config.Size:
		return entered.latest.Charter, true
	}
	return Charter{}, false
}
