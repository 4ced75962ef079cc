package finite

import "slices"

// Changes are the configurations of membership.epr in a scope, and which may follow which.
type Changes struct {
	// Voters are the configurations that are not joint, the founding one first. Each is a set
	// of nodes, a bit for each of them.
	Voters []int
	// Direct: there are no joint configurations. One is followed by whichever differs from it in
	// one node, as in the algorithm of single-server changes.
	Direct bool
}

// A configuration is a majority of each of its sets of nodes; one that is not joint has one.
type configuration struct {
	voters, outgoing int
}

func (c configuration) decides(set int) bool {
	majority := func(of int) bool { return 2*ones(set&of) > ones(of) }
	return majority(c.voters) && (c.outgoing == 0 || majority(c.outgoing))
}

// all are the configurations that are not joint, and then the joint ones, from each to each other.
func (c Changes) all() []configuration {
	var list []configuration
	for _, v := range c.Voters {
		list = append(list, configuration{voters: v})
	}
	for _, from := range c.Voters {
		for _, to := range c.Voters {
			if from != to && !c.Direct {
				list = append(list, configuration{voters: to, outgoing: from})
			}
		}
	}
	return list
}

// quorums are the sets of nodes that decide in some configuration, and less of them do not.
func (c Changes) quorums(all []configuration) []int {
	nodes := 0
	for _, v := range c.Voters {
		nodes |= v
	}
	var sets []int
	for set := 1; set <= nodes; set++ {
		if set&^nodes == 0 && slices.ContainsFunc(all, func(c configuration) bool { return c.least(set) }) {
			sets = append(sets, set)
		}
	}
	return sets
}

// least reports whether a set decides, and none within it does.
func (c configuration) least(set int) bool {
	for rest := set; rest != 0; rest &= rest - 1 {
		if c.decides(set &^ (rest & -rest)) {
			return false
		}
	}
	return c.decides(set)
}

// Scope is what there is of configurations and quorums, and what is fixed about them.
func (c Changes) Scope() Scope {
	all := c.all()
	quorums := c.quorums(all)
	relation := func(holds func(args []int) bool) func(args []int) int {
		return func(args []int) int {
			if holds(args) {
				return 1
			}
			return 0
		}
	}
	return Scope{
		Sizes: map[string]int{"members": len(all), "quorum": len(quorums)},
		Fixed: map[string]func([]int) int{
			"founders":  func([]int) int { return 0 },
			"in_quorum": relation(func(a []int) bool { return quorums[a[1]]>>a[0]&1 == 1 }),
			"quorum_of": relation(func(a []int) bool { return all[a[1]].least(quorums[a[0]]) }),
			"meet":      relation(func(a []int) bool { return quorums[a[0]]&quorums[a[1]] != 0 }),
			"joins":     relation(func(a []int) bool { return c.joins(all[a[0]], all[a[1]]) }),
			"leaves": relation(func(a []int) bool {
				return all[a[0]].outgoing != 0 && all[a[1]] == configuration{voters: all[a[0]].voters}
			}),
		},
	}
}

func (c Changes) joins(from, to configuration) bool {
	if c.Direct {
		return ones(from.voters^to.voters) == 1
	}
	return from.outgoing == 0 && to.outgoing == from.voters
}
