// Package gaggle gives a handful of processes one agreed, ordered log, in a few lines:
// it is the Raft consensus algorithm, made easy to use.
//
// A process joins a cluster over a channel, which is how its nodes reach each other
// (package channel/memory within a process, channel/tcp between processes), and says
// how many nodes the cluster has:
//
//	ch := tcp.New(":7001", "host2:7001", "host3:7001")
//	n, err := gaggle.Join[string](ctx, ch, gaggle.Size(3), gaggle.InMemory())
//
// Join returns at once. The first nodes to meet found the cluster; there is nothing to
// bootstrap and no list of members to write. From then on:
//
//	e, err := n.Append(ctx, "lamb")              // from any node
//	for e, err := range n.Entries(ctx) { … }     // the same on every node
//	err = n.Read(ctx)                            // linearizable read barrier
//	f := gaggle.OnLeader(n, "reserve", reserve)  // f runs on the leader
//
// # What is promised
//
//   - Agreement: every node yields the same entries at the same indexes. What was
//     acknowledged is never lost or reordered while a majority of the members lives.
//   - Exactly once: an Append that returns nil is in the log once, though leaders died
//     under it. One whose outcome cannot be known returns ErrUncertain and is in the
//     log at most once.
//   - Order: what one node proposes is appended in the order it proposed it.
//   - Bounds: every queue has a limit, and at the limit a call waits or gets ErrBusy.
//
// # In memory
//
// Nodes keep their logs in memory. A process that restarts is a new node; what all of
// them held is gone when a majority of the members is gone at once. On a channel that
// crosses processes this has to be asked for with InMemory.
//
// # Contexts and errors
//
// A context bounds the call it is passed to and nothing else; a node lives until Close.
// Every error of a node works with errors.Is and the sentinels of this package, and is
// an *Error that names the node, the term, and what to do next, or the *RemoteError of a
// leader handler. What is wrong with the arguments of Join, its errors say in words.
//
// Every function and method of this package is safe for concurrent use.
package gaggle
