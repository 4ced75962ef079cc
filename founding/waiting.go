package founding

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ben-ng/gaggle/raft"
)

// Waiting says in words, for people, what the node waits for; it is empty for a
// member. Making the words takes time: do it when somebody wants to read them.
func (f *Founder) Waiting() string {
	switch f.saved.State {
	case Fresh:
		return f.waitingToFound()
	case Standby:
		return fmt.Sprintf("waiting for a place in the cluster that %s founded", list(f.saved.Charter.Voters))
	case Member:
	}
	return ""
}

func (f *Founder) waitingToFound() string {
	if p := f.obstacle(); p != nil {
		return f.waitingFor(p)
	}
	have := f.have()
	if missing := f.config.Size - len(have); missing > 0 {
		return fmt.Sprintf("waiting for %d more %s (have %s)", missing, plural(missing, "node"), list(have))
	}
	if all := f.poll(everybody); all.answers < f.config.Size {
		c := all.doubtful
		return fmt.Sprintf("waiting for %s: the cluster of %s may exist; if they are lost for good, restart %s",
			list(f.silent(c)), list(c.Voters), list(f.pledgedTo(c)))
	}
	if f.saved.Round == (Round{}) {
		return fmt.Sprintf("waiting a moment for others to say hello (have %s)", list(have))
	}
	return fmt.Sprintf("waiting for agreement on the founding nodes (have %s)", list(have))
}

func everybody(*peer) bool { return true }

// have lists the nodes that could found a cluster, this one included, sorted.
func (f *Founder) have() []raft.NodeID {
	ids := []raft.NodeID{f.config.ID}
	for i := range f.peers {
		if p := &f.peers[i]; f.candidate(p) {
			ids = append(ids, p.id)
		}
	}
	slices.Sort(ids)
	return ids
}

// waitingFor says what has to happen about a node that keeps this one from founding.
func (f *Founder) waitingFor(p *peer) string {
	if p.size != f.config.Size {
		return fmt.Sprintf("not founding a cluster of %d: node %s is in one of %d under this name",
			f.config.Size, label(p.id, p.name), p.size)
	}
	return fmt.Sprintf("waiting to hear a member of cluster %v, which node %s knows; if that cluster is lost for good, restart %s",
		p.cluster, label(p.id, p.name), label(p.id, p.name))
}

// pledgedTo lists the nodes that are there and have pledged to a charter, sorted.
func (f *Founder) pledgedTo(c Charter) []raft.NodeID {
	return slices.DeleteFunc(f.have(), func(id raft.NodeID) bool {
		pledge := &f.saved.Pledge
		if id != f.config.ID {
			pledge = &f.peers.get(id).pledge
		}
		return pledge.Charter.Cluster != c.Cluster
	})
}

// list lists nodes by their ids, as members and leaders are shown: names come with hellos,
// and the words would change with each, though the node waits for the same.
func list(ids []raft.NodeID) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	return strings.Join(texts, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
