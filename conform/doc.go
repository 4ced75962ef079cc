// Package conform holds what the nodes of a cluster did against the specification of it,
// spec/raft.epr: every step that a core took, with all that it wrote and said, becomes steps of the
// specification, each with its arguments. What these require has to be so, in the state that all steps
// before have led to; and when they are taken, that state has to be the node's: its role, term and
// vote, its log, what it knows to be committed, what it hands to its disk, and what it says.
//
// Nothing is searched for: which steps of the specification a step of a core is, follows from the
// event and the effects that a raft.Tracer is told of. This translation (start.go, event.go,
// effect.go, update.go) is what has to be believed, beside the specification and package
// spec/follow, which evaluates it.
//
// Index 1 and term 1 of a log, which is the founding configuration, are index0 and term0 of the
// specification. A quorum is what the configuration in effect at the node calls one; the specification,
// whose members do not change, then says nothing of two quorums of different configurations.
// What a core is not told of, as damage that its owner finds and mends while it runs, is not seen.
package conform
