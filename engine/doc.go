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
//	               log    channel    sessions    waiters
//	                                    │
//	                                   feed ──▶ Entries
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
