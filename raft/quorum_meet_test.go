package raft

import (
	"math/bits"
	"testing"
)

// maxMet is how many nodes the test of intersection goes up to.
const maxMet = 9

// A group is a set of the nodes a to i.
type group uint16

func (g group) has(id NodeID) bool { return g>>(id[0]-'a')&1 == 1 }

func (g group) ids() []NodeID {
	var ids []NodeID
	for i := range maxMet {
		if g>>i&1 == 1 {
			ids = append(ids, NodeID(rune('a'+i)))
		}
	}
	return ids
}

// deciding lists the sets of nodes that decide in a configuration.
func deciding(voters, outgoing, all group) []group {
	c := Configuration{Voters: voters.ids(), Outgoing: outgoing.ids()}
	var sets []group
	for s := group(0); s <= all; s++ {
		if s&^all == 0 && quorum(&c, s.has) {
			sets = append(sets, s)
		}
	}
	return sets
}

func disjoint(one, other []group) (a, b group, found bool) {
	for _, a := range one {
		for _, b := range other {
			if a&b == 0 {
				return a, b, true
			}
		}
	}
	return 0, 0, false
}

// Two decisions of one configuration, or of one and the joint one that leads from or to it,
// always have a node in common (§4.3). Elections and commitment rest on this. Here it is
// tried on this package's own code, with every two sets of up to nine nodes; package spec
// has it proved for any number. But for names, a configuration is how many nodes vote only
// after it, only before it, and both.
func TestQuorumsOfUpToNineNodesIntersect(t *testing.T) {
	apart := 0
	for incoming := range maxMet + 1 {
		for leaving := range maxMet + 1 - incoming {
			for staying := range maxMet + 1 - incoming - leaving {
				n := incoming + leaving + staying
				all := group(1)<<n - 1
				voters := group(1)<<(incoming+staying) - 1
				outgoing := all &^ (group(1)<<incoming - 1)
				if voters == 0 {
					continue
				}
				after := deciding(voters, 0, all)
				joint := deciding(voters, outgoing, all)
				check := func(what string, one, other []group) {
					if a, b, found := disjoint(one, other); found {
						t.Errorf("voters %v, outgoing %v: %v and %v decide, %s", voters.ids(), outgoing.ids(), a.ids(), b.ids(), what)
					}
				}
				check("both after it", after, after)
				check("both in it", joint, joint)
				check("in it and after it", joint, after)
				if outgoing == 0 {
					continue
				}
				before := deciding(outgoing, 0, all)
				check("in it and before it", joint, before)
				if _, _, found := disjoint(before, after); found {
					apart++
				}
				if bits.OnesCount16(uint16(voters|outgoing)) != n {
					t.Fatalf("voters %v, outgoing %v are not %d nodes", voters.ids(), outgoing.ids(), n)
				}
			}
		}
	}
	if apart == 0 {
		t.Error("before and after never decide without each other, so a joint configuration would be in vain")
	}
}
