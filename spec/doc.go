// Package spec holds the specification of what Gaggle does, and what it takes to prove it.
//
// raft.epr is the specification: the state of a cluster, the steps that its nodes take, named
// and cut as in package raft, and what holds in every state that can be reached. It is
// written to be read from top to bottom. The package reads it and makes the questions that
// have to be answered for a proof; command spec/prove asks two solvers.
//
// # The language
//
//	sort term ordered from no_term               things of a kind; ordered ones can be compared
//	fixed relation in_quorum(node, quorum)       what is given, and never changes
//	relation leads(node)                         what actions change: relations,
//	function log_value(node, index): value       and functions,
//	ghost relation lost(term)                    and what no action depends on
//	define name(n: node) = …                     a name for a statement
//	axiom name: …                                what is true of what is fixed
//	init name: …                                 what is true at the beginning
//	safety name: …                               what is claimed of all states;
//	invariant name: …                            and what is claimed in order to prove that
//
//	action step_down(n: node, t: term) {         a step, for some n and t of anybody's choice,
//	    require higher: current(n, t)            which is only taken where all this is so;
//	    follows reached: not left(n, t)          so is this, then, which is proved;
//	    leads(n) := false                        then this changes,
//	    left(n, T) := left(n, T) or T < t        for all T at once; all else stays
//	}
//	trace name: step, step reaches …             there is such a run
//
// The right side of := is about the state before the step, so the order of updates means
// nothing. Names that begin with a capital letter stand for everything of their sort: a
// statement with N in it is claimed of every node, an update is made for every one.
//
// Formulas have: not, and, or, -> (implies), <-> (if and only if), =, !=, <, <=,
// if … then … else …, forall x: sort. … and exists x: sort. …
//
// # The proof
//
// It is by induction. All invariants hold in the first state, and whatever action is taken
// in a state where they all hold, whether a run leads there or not, they all hold after it.
// What follows from what an action requires, and from the invariants, is asked about first, and
// helps with the rest.
//
// Each pair of an action and an invariant is one question to a solver: is there a
// counterexample? The answer "unsat" says that there is none, for any number of nodes, terms
// and entries. CheckOrder sees to it that solvers can always find the answer.
package spec
