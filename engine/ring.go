package engine

// ring is a queue of proposals.
type ring struct {
	slots       []*Proposal
	start, size int
}

func (r *ring) at(i int) *Proposal { return r.slots[(r.start+i)&(len(r.slots)-1)] }

func (r *ring) push(p *Proposal) {
	if r.size == len(r.slots) {
		slots := make([]*Proposal, max(16, 2*len(r.slots)))
		for i := range r.size {
			slots[i] = r.at(i)
		}
		r.slots, r.start = slots, 0
	}
	r.slots[(r.start+r.size)&(len(r.slots)-1)] = p
	r.size++
}

func (r *ring) pop() *Proposal {
	p := r.at(0)
	r.slots[r.start] = nil
	r.start = (r.start + 1) & (len(r.slots) - 1)
	r.size--
	return p
}
