// Package engine turns the crank of the Raft core: it moves what comes in to the
// core, and what the core says to the log, the channel and whoever waits.
//
// # One turn
//
// A Node is driven by Turn, which never blocks: it takes everything that is
// waiting, steps the core through it, and hands out what follows, one batch for
// each destination. Whoever calls Turn owns the node's state; all that others can
// touch is behind the inbox. Start runs Turn in a goroutine whenever there is
// something to do, and a tick is one of those things. A simulator calls Turn itself.
//
//	  Append, Read, Call          frames            time
//	        │                       │                 │
//	        ▼                       ▼                 ▼
//	┌─────────────────────────── inbox ──────────────────────────┐
//	└──────────────────────────────┬──────────────────────────────┘
//	                         Turn  │  ticks first, then frames, then our own work
//	        ┌──────────────────────┼─────────────────────┐
//	        ▼                      ▼                     ▼
//	    founding               raft.Core           proposer, reads, calls
//	 (until a member)              │                (what this node wants)
//	                               ▼
//	             write · messages · committed · answers
//	                │        │          │          │
//	             storage  channel    sessions    waiters
//	                                    │
//	                                  feed
//	                        Entries ◀───┴───▶ applier ──▶ Machine
//
// # The disk
//
// A node with a Home lives in a directory: its identity, its log (package wal), and its
// snapshots (package snapshot). No turn waits for them but those in which the node gets its
// cluster or its place. A write of the core goes to the Storage, which says when it is durable;
// everything else that reads or writes is a job in one of its lanes, which leaves its result
// in the inbox. Without a Home, a write is durable when it is handed out.
//
// What is applied leaves memory when there is more than TailBytes of it (tail.go), and is read
// back for peers and readers that are behind (backlog.go, feed.go). At a checkpoint, which is an
// entry of the log, each node writes a snapshot and compacts its log behind the one before
// (checkpoint.go); a member that needs what is compacted gets the file in chunks (sending.go,
// receiving.go). Entries that are damaged are fetched from whoever has them (mending.go), and
// looked for (scrub.go). A node that cannot read what it has promised becomes another one
// (home.go).
//
// # The state machine
//
// A Machine is called by one goroutine, the applier's, in the order of the log, and beside
// the turns: one that is slow delays the answers of its node, and neither ticks nor
// acknowledgements. The applier takes the values from the feed, so that of a log on a disk
// nothing is in memory because the machine has not come to it. A proposal is answered when the machine of its own node has applied it.
//
// # Exactly once
//
// What a node appends carries the number of its session and a serial number
// (thesis §6.3). The session was opened by an entry of the log, and every node keeps
// the same table of sessions as it applies: of each, the last serial applied. An entry
// with the next serial counts; one with an earlier serial is a repetition, one with a
// later serial overtook something, and neither counts. So a node may send what it has
// again whenever it does not know better, to whichever leader there is, and it still
// appears once, and in the order it was proposed in.
package engine
