package raft

import (
	"errors"
	"slices"
)

// doDisk: disk slow a b, disk quick a b.
func (s *scripted) doDisk(r *reader) {
	slow := r.next() == "slow"
	s.each(r, func(n *scriptedNode) { n.slowDisk = slow })
}

// doPersist: persist a [2]. The oldest two writes, or all, become durable.
func (s *scripted) doPersist(r *reader) {
	n := s.running(NodeID(r.next()))
	times := len(n.writes)
	if r.more() {
		times = int(r.number())
	}
	for range times {
		s.say(string(n.id), "write %d is durable", n.writes[0].Number)
		s.persist(n)
		if !n.lazy {
			s.update(n)
		}
	}
}

// doCrash: crash a. It keeps what is durable.
func (s *scripted) doCrash(r *reader) {
	s.each(r, func(n *scriptedNode) {
		n.core = nil
		s.network = slices.DeleteFunc(s.network, func(m Message) bool { return m.To == n.id })
	})
}

// doRestart: restart a b [stored 5 [impaired 3|damaged 3]]. Entries up to 5 are not given to
// the core, only their terms. Impaired, some of them are damaged, the first of which is 3;
// damaged, that is not known.
func (s *scripted) doRestart(r *reader) {
	var nodes []*scriptedNode
	for r.more() && !r.skip("stored") {
		nodes = append(nodes, s.node(NodeID(r.next())))
	}
	var stored Index
	impaired, damaged := Index(0), Index(0)
	if r.more() {
		if stored = Index(r.number()); r.skip("impaired") {
			impaired = Index(r.number())
		} else if r.skip("damaged") {
			damaged = Index(r.number())
		}
	}
	for _, n := range nodes {
		n.disk.Impaired, n.disk.Damaged = impaired > 0, impaired
		s.startFrom(n, stored)
		n.damaged = max(damaged, impaired)
		s.say(string(n.id), "%s", showState(n))
	}
}

// doUnload: unload a 5. Entries up to 5 leave a's memory.
func (s *scripted) doUnload(r *reader) {
	n := s.running(NodeID(r.next()))
	_ = s.step(n, Unload{Index(r.number())})
}

// doLoad: load a→c [fails|other|nothing]. The oldest open load of a for c is answered: with
// what a's disk had then, or an error, or an entry of another term, or no entries.
func (s *scripted) doLoad(r *reader) {
	from, to := r.link()
	n := s.running(from)
	i := slices.IndexFunc(n.loads, func(l Loaded) bool { return l.Load.To == to })
	if i < 0 {
		s.fail("%s has not asked for entries for %s", from, to)
	}
	answer := n.loads[i]
	n.loads = slices.Delete(n.loads, i, i+1)
	switch {
	case r.skip("fails"):
		answer.Entries, answer.Err = nil, errors.New("the disk cannot be read")
	case r.skip("nothing"):
		answer.Entries = nil
	case r.skip("other"):
		answer.Entries[len(answer.Entries)-1].Term++
	}
	_ = s.step(n, answer)
}

// doRepaired: repaired a.
func (s *scripted) doRepaired(r *reader) {
	n := s.running(NodeID(r.next()))
	waiting := n.waiting
	n.damaged, n.waiting = 0, nil
	for _, e := range waiting {
		s.commit(n, e)
	}
	_ = s.step(n, Repaired{})
}

// doFetched: fetched a t3 5@2. A snapshot at 5@2, of a node in term 3, is durable at a.
func (s *scripted) doFetched(r *reader) {
	n := s.running(NodeID(r.next()))
	term := Term(r.prefixed("t"))
	_ = s.step(n, SnapshotFetched{term, SnapshotMeta{Last: r.position(), Configuration: s.founded, ConfigurationIndex: 1}})
}
