// Package gaggle gives a handful of processes one agreed, ordered log, in a few lines:
// it is the Raft consensus algorithm, made easy to use.
//
// A process joins a cluster over a channel, which is how its nodes reach each other
// (package channel/memory within a process, channel/tcp between processes), and says
// how many nodes the cluster has:
//
//	ch := tcp.New(":7001", "host2:7001", "host3:7001")
//	n, err := gaggle.Join[string](ctx, ch, gaggle.Size(3), gaggle.Dir("data"))
//
// Join returns at once. The first nodes to meet found the cluster; there is nothing to
// bootstrap and no list of members to write. From then on:
//
//	e, err := n.Append(ctx, "lamb")              // from any node
//	p, err := n.Propose("lamb")                  // the same, without waiting
//	for e, err := range n.Entries(ctx) { … }     // the same on every node
//	err = n.Read(ctx)                            // linearizable read barrier
//	f := gaggle.OnLeader(n, "reserve", reserve)  // f runs on the leader
//
// # What is promised
//
//   - Agreement: every node yields the same entries at the same indexes. What was
//     acknowledged is never lost or reordered while a majority of the directories
//     survives, or, without them, of the members at any time.
//   - Exactly once: an Append that returns nil is in the log once, though leaders died
//     under it. One whose outcome cannot be known returns ErrUncertain and is in the
//     log at most once.
//   - Order: what one node proposes is appended in the order it proposed it.
//   - Bounds: every queue has a limit, at which a call waits or gets ErrBusy, or a frame
//     is dropped and counted, and sent again. A plain log has none but Retain.
//   - One cluster: nodes that know a name and a size found one, as long as fewer than
//     twice the size look for it while they are kept apart. See Size.
//
// # On disk
//
// A node with Dir lives in a directory: its identity, its log and its snapshots. What Append
// has acknowledged is synced on the disks of a majority. A node that is started again in its
// directory is the same node, whatever ended it, and goes on where it was. The end of the log
// stays in memory, 64 MiB of it, and Entries reads the rest from the disk.
//
// A log keeps everything, unless Retain says how much; Entries below that gives
// ErrCompacted. A disk that is full holds the node up, and Status.DiskFull says so. One that
// fails stops it, with ErrDisk. Damage is mended from the other nodes. The page docs/faults.md
// has all of it.
//
// Backup writes all that was acknowledged to a file, while the cluster goes on; a node does it,
// or, from outside, the function of that name. Restore makes of the file the directory of a node
// of a new cluster, once for each member to be, and is then done: they are joined as ever.
//
//	info, err := n.Backup(ctx, file)
//	id, err := gaggle.Restore(file, gaggle.Restoration{Dir: "data", ID: "a", Members: []string{"a", "b", "c"}})
//
// # In memory
//
// Without Dir, a node keeps its log in memory. A process that restarts is a new node, and a
// standby takes the place of the one that it was after ReplaceAfter. When half of the members
// or more have stopped before that, the cluster cannot go on: every process has to be
// restarted, standbys too, and what was acknowledged is gone. On a channel that crosses
// processes this has to be asked for with InMemory.
//
// # From joining to leading
//
// A node is Founding until it finds a cluster or enough others to found one, and then a
// Member. If the cluster has all its members it is a Standby: calls give ErrStandby, and
// Entries waits. Ready waits until the node is a member and knows a leader; nothing needs
// it, as calls wait by themselves. Status says how the node stands, and in Status.Waiting
// and Status.Problem why it does not get on; Watch yields each change as an event.
//
// Name keeps clusters on one channel apart, ID is what the node is called in errors and
// logs, Logger takes what an operator should know, and WithCodec replaces JSON. Timing says
// how soon a silent leader is replaced: LAN, the default, Local and WAN are Timings. It has
// to be well above the longest pause of a process and the time messages take.
//
// # Keeping a state
//
// Replicate joins a cluster that shares a state: commands are applied to it in one order on
// all nodes, and Do returns the result.
//
//	stock, err := gaggle.Replicate(ctx, tcp.New(":7001"), &Stock{}, (*Stock).Apply, gaggle.Size(3), gaggle.InMemory())
//	left, err := stock.Do(ctx, Order{})
//	err = stock.Read(ctx, func(s *Stock) { … })
//
// With Join, a state machine is a loop over Entries in a goroutine that applies each value:
//
//	for e, err := range n.Entries(ctx) {
//		if err != nil {
//			return err // the context's, ErrClosed, or what else Entries lists
//		}
//		state.apply(e.Value) // the same on every node, so nothing random and no clock
//	}
//
// Or it is brought up to date when it is asked for. After Read it has all that was
// acknowledged before:
//
//	err := n.Read(ctx)
//	for e, err := range n.Entries(ctx, gaggle.From(seen+1), gaggle.Until(n.Status().Applied)) {
//		… // apply e, and let seen be e.Index
//	}
//
// A decision that depends on the state can be part of applying, where all nodes take it
// alike. Or a function that OnLeader registered takes it before it appends: see
// Leader.Append for what that needs.
//
// # Contexts and errors
//
// A context bounds the call it is passed to and nothing else; a node lives until Close.
// A nil context panics. Every error of a node works with errors.Is and the sentinels of
// this package, and is an *Error that names the node, the term, and what to do next, or
// the *RemoteError of a leader handler. What is wrong with the options of Join, its errors
// say in words. Where ErrClosed is listed, ErrDisk, ErrCopied, ErrMachine, ErrDiverged or
// ErrInvariant takes its place if the node stopped itself; the last is a bug.
//
// After ErrUncertain, a value that is in the log was appended; one that is absent may yet
// be, while the node lives. Wait for the Proposal again, or give values an identity of your
// own and ignore repetitions when applying. Error texts and hints are for people and may
// change.
//
// Every function and method of this package is safe for concurrent use.
//
// # Packages
//
// This package, gaggletest, backup, channel, and the packages below channel are for users. The
// packages engine, raft, founding, wire, wal, snapshot and vfs are parts: they are documented
// for those who read or change them, and promise no stability. Where a part's type has a name
// here, use that.
//
// It needs Go 1.26. What a program imports of this module uses the standard library alone.
package gaggle
