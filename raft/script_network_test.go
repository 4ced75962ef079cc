package raft

import (
	"fmt"
	"slices"
	"strings"
)

// maxDeliveries ends a script whose messages never end.
const maxDeliveries = 10000

func showLink(m Message) string { return fmt.Sprintf("%s → %s", m.From, m.To) }

// deliver lets the receiver of a message take it.
func (s *scripted) deliver(m Message) {
	n := s.node(m.To)
	if n.core == nil {
		return
	}
	s.say(string(m.To)+" ← "+string(m.From), "%s", brief(m.Body))
	s.indent += "  "
	_ = s.step(n, Receive{&m})
	s.indent = s.indent[2:]
}

func (s *scripted) deliverAll() {
	for range maxDeliveries {
		if len(s.network) == 0 {
			return
		}
		m := s.network[0]
		s.network = s.network[1:]
		s.deliver(m)
	}
	s.fail("the messages have no end")
}

// take removes the messages that a link's words name from the network: a→b names all
// that wait on the link, a→b 2 the second only, a→ all from a, and →b all to b.
func (s *scripted) take(r *reader) []Message {
	from, to := r.link()
	only := 0
	if r.more() && strings.Trim(r.words[0], "0123456789") == "" {
		only = int(r.number())
	}
	var taken, left []Message
	seen := 0
	for _, m := range s.network {
		on := (from == None || m.From == from) && (to == None || m.To == to)
		if on {
			seen++
		}
		if on && (only == 0 || seen == only) {
			taken = append(taken, m)
		} else {
			left = append(left, m)
		}
	}
	if len(taken) == 0 {
		s.fail("no such message is on its way; there are %d", len(s.network))
	}
	s.network = left
	return taken
}

// doDeliver: deliver, or deliver a→b c→b 2 …. Without a link, all messages are
// delivered, and those sent in answer, until there are no more.
func (s *scripted) doDeliver(r *reader) {
	if !r.more() {
		s.deliverAll()
	}
	for r.more() {
		for _, m := range s.take(r) {
			s.deliver(m)
		}
	}
}

// doDrop: drop, or drop a→b …. The messages are lost.
func (s *scripted) doDrop(r *reader) {
	if !r.more() {
		s.network = nil
	}
	for r.more() {
		s.take(r)
	}
}

// doRepeat: repeat a→b …. The messages are delivered, and stay on their way.
func (s *scripted) doRepeat(r *reader) {
	for r.more() {
		network := slices.Clone(s.network)
		taken := s.take(r)
		s.network = network
		for _, m := range taken {
			s.deliver(m)
		}
	}
}

// doCut: cut a→b, both ways cut a-b, or all around cut a.
func (s *scripted) doCut(r *reader) {
	for r.more() {
		word := r.next()
		if from, to, ok := strings.Cut(word, "→"); ok {
			s.cutLink(NodeID(from), NodeID(to))
		} else if one, other, ok := strings.Cut(word, "-"); ok {
			s.cutLink(NodeID(one), NodeID(other))
			s.cutLink(NodeID(other), NodeID(one))
		} else {
			for _, n := range s.nodes {
				s.cutLink(NodeID(word), n.id)
				s.cutLink(n.id, NodeID(word))
			}
		}
	}
}

// cutLink loses what is on its way on a link, and all that will be.
func (s *scripted) cutLink(from, to NodeID) {
	s.cut[[2]NodeID{from, to}] = true
	s.network = slices.DeleteFunc(s.network, func(m Message) bool { return m.From == from && m.To == to })
}

// doHeal: heal.
func (s *scripted) doHeal(*reader) { clear(s.cut) }

// doState: state a b.
func (s *scripted) doState(r *reader) {
	s.each(r, func(n *scriptedNode) { s.say(string(n.id), "%s", showState(n)) })
}

func showState(n *scriptedNode) string {
	st := n.core.Status()
	text := fmt.Sprintf("%s; log %v, durable %d, commit %d", showRole(st), st.Last, st.Durable, st.Commit)
	if st.Memory > st.Base.Index+1 {
		text += fmt.Sprintf(", in memory from %d", st.Memory)
	}
	return text + flagIf(st.Impaired, "impaired") + flagIf(st.Stalled, "stalled")
}

// doLog: log a b. The logs are shown side by side, with the terms of the entries, and
// · for what is compacted.
func (s *scripted) doLog(r *reader) {
	s.each(r, func(n *scriptedNode) {
		l := &n.core.log
		var b strings.Builder
		for i := Index(1); i <= l.last.Index; i++ {
			t, known := l.term(i)
			if !known {
				b.WriteString("  ·")
				continue
			}
			fmt.Fprintf(&b, "%3d", t)
		}
		s.say(string(n.id), "%s", b.String())
	})
}

// doPeers: peers a. What a leader knows of the others.
func (s *scripted) doPeers(r *reader) {
	s.each(r, func(n *scriptedNode) {
		for _, p := range n.core.Status().Peers {
			s.say(string(n.id), "%s", showPeer(p))
		}
	})
}
