package founding

// A Pledge is a node's word that, as far as it is concerned, a charter founds the
// cluster. It counts in its round only. A node pledges to a charter whether it is one
// of its voters or not. The zero Pledge stands for none.
type Pledge struct {
	// Round is never later than Saved.Round: a node enters a round before it pledges.
	Round Round
	// Charter is the one that the proposer of Round chose.
	Charter Charter
}

// made reports whether there is a pledge.
func (p Pledge) made() bool { return p.Round != Round{} }

// follow takes part in what another node takes part in. Since the proposer of a round
// chooses one charter, whoever has pledged to it tells as well as the proposer what
// it is.
func (f *Founder) follow(g *greeting) {
	if f.obstacle() != nil {
		return
	}
	if g.pledgedIn.after(f.saved.Pledge.Round) && !f.saved.Round.after(g.pledgedIn) {
		// One more pledge to a charter that has lost its voters would help nobody. As
		// long as this node has made none, it may take part in a free choice.
		if c := NewCharter(f.config.Cluster, g.pledgeTo); f.alive(c) {
			f.pledge(Pledge{g.pledgedIn, c})
		}
	}
	if g.round.after(f.saved.Round) {
		f.enter(g.round)
	}
}

// enter takes part in a later round. From then on the node makes no pledge in any
// earlier one.
func (f *Founder) enter(r Round) {
	f.saved.Round = r
	f.changed()
	f.postpone()
}

// pledge makes a pledge in the node's round or in a later one.
func (f *Founder) pledge(p Pledge) {
	f.saved.Round, f.saved.Pledge = p.Round, p
	f.changed()
	f.postpone()
}

// decide ends founding if as many nodes as the cluster's size have pledged in one
// round. Any later charter would then be the same: see the package documentation.
func (f *Founder) decide(r Round) {
	if r == (Round{}) {
		return
	}
	var charter Charter
	pledges := 0
	count := func(p Pledge) {
		if p.Round == r {
			charter = p.Charter
			pledges++
		}
	}
	count(f.saved.Pledge)
	for i := range f.peers {
		count(f.peers[i].pledge)
	}
	if pledges >= f.config.Size {
		f.join(charter)
	}
}
