package raft

import (
	"fmt"
	"slices"
)

// random lets one thing happen at one node.
func (w *chaos) random() {
	n := w.nodes[w.ids[w.r.IntN(len(w.ids))]]
	switch x := w.r.IntN(100); {
	case x < 40:
		w.deliver()
	case x < 60:
		if !w.slow[n.id] || w.r.IntN(20) == 0 {
			w.persist(n)
		}
	case x < 75:
		w.mustStep(n, Tick{})
	case x < 90:
		w.update(n)
	case x < 95:
		w.proposed++
		_ = w.step(n, Propose{[]Entry{{Data: fmt.Appendf(nil, "%d", w.proposed)}, {Data: []byte("more")}}})
	case x < 97:
		token := w.r.Uint64()
		w.reads[token] = Index(len(w.committed))
		if w.step(n, Read{token}) != nil {
			delete(w.reads, token)
		}
	case x < 98 && w.r.IntN(4) == 0:
		w.compact(n)
	case x < 98:
		w.keep(n)
	case x < 99 && w.r.IntN(8) == 0:
		w.stats.crashes++
		w.start(n)
	case x == 99:
		w.upheaval(n)
	}
}

// keep is what happens to a log that is on a disk.
func (w *chaos) keep(n *chaosNode) {
	switch w.r.IntN(4) {
	case 0:
		w.load(n)
	case 1:
		w.mustStep(n, Unload{min(n.core.applied, n.core.persist.durable)})
	case 2:
		w.mustStep(n, Repaired{})
	}
}

// upheaval is what happens seldom.
func (w *chaos) upheaval(n *chaosNode) {
	switch w.r.IntN(10) {
	case 0:
		w.disturb(n)
	case 1:
		w.reconfigure(n)
	}
}

// disturb breaks something for a while, or heals everything.
func (w *chaos) disturb(n *chaosNode) {
	other := w.ids[w.r.IntN(len(w.ids))]
	switch w.r.IntN(8) {
	case 0:
		w.slow[n.id] = !w.slow[n.id]
	case 1:
		w.cut[[2]NodeID{n.id, other}] = true
	case 2:
		w.mustStep(n, Unreachable{other})
	case 3: // a partition into two sides
		side := map[NodeID]bool{}
		for _, id := range w.ids {
			side[id] = w.r.IntN(2) == 0
		}
		for _, from := range w.ids {
			for _, to := range w.ids {
				w.cut[[2]NodeID{from, to}] = side[from] != side[to]
			}
		}
	default:
		clear(w.cut)
		clear(w.slow)
	}
}

func (w *chaos) reconfigure(n *chaosNode) {
	if w.r.IntN(2) == 0 {
		if w.step(n, TransferLeadership{}) == nil {
			w.stats.transfers++
		}
		return
	}
	ids := slices.Clone(w.ids)
	w.r.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	voters := 1 + w.r.IntN(len(ids))
	learners := w.r.IntN(len(ids) - voters + 1)
	if w.step(n, ChangeConfiguration{ids[:voters], ids[voters : voters+learners]}) == nil {
		w.stats.changes++
	}
}
