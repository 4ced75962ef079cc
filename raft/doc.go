// Package raft is the Raft consensus algorithm, and nothing else: no goroutine,
// clock, disk, network, lock or source of randomness. A Core takes one Event at a
// time (a message came, a tick passed, a write is durable, somebody proposes) and
// says, in an Update, what follows: what to write, what to send, what to apply, what
// to answer. Whoever owns the Core carries that out. The same events in the same
// order give the same updates, always, which is what makes it testable: the package's
// scripts and simulators replay it byte for byte.
//
// The algorithm is that of Diego Ongaro's thesis, "Consensus: Bridging Theory and
// Practice" (Stanford, 2014); section and figure numbers in this package refer to it.
//
// # What is in here
//
//   - elections with pre-vote (§9.6) and a leader that resigns when it hears no
//     quorum (§6.2); both are always on                            election.go
//   - replication, pipelined and limited in messages and bytes     replication.go, progress.go
//   - what a follower does with it                                 follower.go
//   - commitment                                                   commit.go, quorum.go
//   - membership change by joint consensus, with learners (§4)     membership.go
//   - linearizable reads (§6.4)                                    read.go
//   - leadership transfer (§3.10)                                  transfer.go
//   - snapshots (§5)                                               snapshot.go
//   - what may not leave before it is on disk                      persistence.go
//   - entries that are on disk only, and damaged ones              stored.go, saved.go
//   - a disk that hangs                                            stall.go
//   - what must hold after every step                              invariants.go
//
// # The disk
//
// Nothing waits for the disk but what must. A Core hands out numbered writes and
// goes on; the owner says Persisted when one is durable. In between, the Core keeps
// back exactly this: messages that speak of a term or vote that is not durable
// yet, acknowledgements of entries that are not, and a leader's or candidate's
// own part in a quorum. A leader therefore writes its own disk while it replicates,
// and may commit before its own write is done (§10.2.1).
//
// The log need not be in memory: the core knows the terms of all of it, as runs, and holds
// the later entries. Of the others it asks for what a follower needs (Load), and the owner
// applies them by itself (CommittedStored). A node whose disk has lost what entries said,
// but not which there were, goes on as a voter; it does not stand for election, nor
// acknowledge them again, until they are repaired. If all others have compacted what is lost, a
// snapshot of any of them stands for it (SnapshotFetched). A leader whose disk hangs hands over.
//
//	           events                         update
//	messages ─┐                          ┌─▶ Write ────▶ log writer ─▶ Persisted ─┐
//	ticks ────┤      ┌────────────┐      ├─▶ Messages ─▶ channel                  │
//	proposals ┼─────▶│    Core    │──────┼─▶ Committed ▶ applier ────▶ Applied ───┤
//	reads ────┤      └────────────┘      ├─▶ Loads ────▶ log reader ─▶ Loaded ────┤
//	          │                          └─▶ Reads, Changes ▶ whoever asked       │
//	          └◀──────────────────────────────────────────────────────────────────┘
package raft
