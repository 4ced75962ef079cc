// Package sim runs clusters in a world of its own, in one goroutine, from one seed: a
// deterministic simulator that does to them whatever can be done, and says when
// something does not hold that has to.
//
// # A run
//
// A Schedule is everything that a run depends on. It has three parts: a Setup (how many
// nodes, how fast their clocks, disks and links), a list of Ops (at this time this node
// crashes, that link is cut, a user appends) and Noise, bytes from which is drawn what
// befalls each frame and each write (lost, repeated, late). Generate makes a schedule
// from a seed and a Profile; Run plays it. The same schedule gives the same run, byte for
// byte, which Report.Hash tells. When the Ops are over all faults are healed, and the
// cluster has a bounded time to come to rest: a leader, an answer for everybody who
// waits, and the same log everywhere.
//
//	        Ops                       Noise
//	         │                          │
//	         ▼                          ▼
//	┌──── world: one queue of events, ordered by time ────┐
//	│  clocks tick · frames arrive · writes become durable │
//	└───────┬──────────────────┬───────────────────┬──────┘
//	        ▼                  ▼                   ▼
//	     process            process             process     the shipped code, a turn
//	   core or engine     core or engine      core or engine  at a time
//	        │                  │                   │
//	        └──── writes · messages · what is committed ────┐
//	                           ▼                             ▼
//	                        oracle                         users
//	          what Raft must never do              what a user must never see
//
// There are two layers. In one, each process is a raft.Core with an owner that does the
// least; it has a disk that it restarts from, with all of its log or with the terms of a
// part of it, entries of which may be damaged until others give them back, or a snapshot that
// stands for them, and everything that the core can do is used. In the other, each process is an engine.Node, unchanged, on a channel and a
// storage of this package: it founds its cluster, speaks in bytes, forwards, and keeps
// sessions. No code that ships knows of the simulator.
//
// # What is checked
//
// The oracle hears of each write, each message and each commit, and keeps the logs of all
// nodes, in memory and on disk, and of all terms. As an index and a term name one entry
// in the whole run, an entry is one slot, logs are lists of pointers to slots, and most
// checks compare two pointers. After each step it checks the properties of figure 3.2 of
// Ongaro's thesis, the invariants of package raft, and what an inductive proof of Raft
// needs between them: that what a node says is on its disk, that what it acknowledges is
// in its log as in the leader's, that a leader has a quorum's votes, that what a quorum
// may have acknowledged, for all that anybody can know, is in the log of whoever is
// elected and of whoever is voted for. These are broken long before a cluster shows it.
// (That a prefix may be "choosable" until enough nodes have left a term is from Taube et
// al., "Modularity for Decidability of Deductive Verification with Applications to
// Distributed Systems", PLDI 2018.)
//
// When all faults are mended at the end, somebody has to lead, every member to have committed
// and applied what the leader has, and the leader to know that.
//
// Beside that, each step of each core is held against the specification that is proved
// (package conform), until a disk has not kept what it said it had, which that does not know.
//
// The users hear what engines yield and answer: each value once, those of a node in its
// order, the same on all nodes, nothing that was said not to be there, reads that see
// what was acknowledged before, and a history that is linearizable, which package
// porcupine checks.
//
// Each property has a Class: what users can see, what has to hold inside, and the specification. Run
// ends with the first that does not hold. Survey looks for some classes, and goes on after what is
// of others as far as it can, so that one can tell what would be found without those.
//
// # Real logs
//
// Engines of a durable Setup live in directories of package vfs with the real log in them.
// When the power goes, any of the sectors that were not synced are there or not, and any of
// the changes of the directory; the node opens what is left, and the oracle holds it against
// what was durable: all of that has to be back, with a first part of what was under way. Syncs
// fail, which has to stop the node; disks fill up, which must only hold it up; and the disk of
// one node rots, in log and snapshots, so that it has to get entries from the others, or,
// where its promises cannot be read, come back as somebody else.
//
// Directories are mistaken for others: nodes are started in copies, and in directories that are
// in use or of another cluster. And of one node, while it is down, files are taken away, or
// replaced by those of another node. It has to be refused as docs/faults.md says, or to come back
// as somebody else; who was refused gets an empty directory, and is a new node.
//
// The disk of one node lies: it says that a sync was done, and was not, or puts a write in
// another place; or somebody puts an older copy in the place of its directory. Then the node may
// come back, in good faith, with less than it has promised. It has to be a state that it once
// had; and as long as nobody can rely any more on what it has forgotten, nothing else may
// suffer, which the oracle goes on to check. If somebody can, the run ends, as nothing is
// promised then. A node that finds out that it has forgotten stops, and its directory is emptied.
//
// # State machines
//
// Some durable engines have a state machine, which comes to the state of a model of it: each
// value is applied once, in order, also after a snapshot; users are answered what Apply gave at
// that index; what is restored is the state at the index of its last value; reads see it; and at
// the end all machines have applied everything. Checkpoints are close together, so that logs are
// compacted, and nodes that were cut off or down are sent snapshots, in several parts. The power
// goes in the middle of what a disk does, at a chosen change of a snapshot, of one that comes, or
// of the log. The machine of one node may come to another state: that node has to stop, and no
// other. (Unless a snapshot of it has come to others before the sums of the states were compared,
// which nobody prevents.) Who is stopped so gets an empty directory, and is a new node. Other
// engines are plain logs that retain a few entries.
//
// # Places
//
// Some engines, with directories or without, have spare ones beside them, which stand by. Members
// die for good, as long as what is left of each configuration that may be in effect is a quorum,
// and come back as new nodes; or they are down, cut off or paused for longer than the patience of
// the others, and come back as they were. At the end every voter is one that lives, as long as
// any standby does, nobody is a learner, and nobody takes itself for a member who is none.
//
// # What is not there
//
// No two processes run in copies of one directory: the tests of packages engine and founding do
// that. Calls of leader handlers run in goroutines and are not simulated; the tests of the root
// package do that under testing/synctest.
package sim
