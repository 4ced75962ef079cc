// Package founding is how processes that have just started become one cluster, and
// never two. All they know is a cluster name, a size N, and a channel on which everybody
// hears what anybody says: late, repeated, in another order, or not at all.
//
// A Founder is a pure state machine, as the core of package raft is: it takes one Event
// at a time (a hello was heard, a tick passed) and says in an Update what follows
// (say hello, be a member now). It has no goroutine, clock, I/O or randomness but its
// seed, so the same events give the same updates, always.
//
// # The problem
//
// Raft starts from a list of voters that all voters agree on. Somebody has to write that
// list. If a person does it for each process, the processes are no longer alike, and a
// slip makes two clusters. If each process takes the first N that it hears, two of them
// may take different ones. So the processes have to reach consensus on who reaches
// consensus.
//
// # The idea
//
// Any two sets of N out of fewer than 2N processes have a process in common. That
// is all that Paxos needs of its quorums (Lamport, "Paxos Made Simple", 2001). So the
// list of voters, the charter, is decided by one run of Paxos in which any N processes
// are a quorum, whoever they are. In its words: every node is an acceptor, the value is
// the charter, a Round is a ballot, and a Pledge is an acceptance. What is different is
// only the form. Nobody sends requests: everybody says hello to all, again and again, and
// a hello says all that its node has promised. So each loss is made good by the next
// hello, and one rule, "take what is later", copes with repetition and disorder.
//
// # The rules
//
//  1. A node says hello with its size, its round, its latest pledge and, if it knows
//     one, its cluster. Nodes of another size are reported and do not count.
//  2. A node that hears N nodes, itself among them, waits a moment and begins a round
//     of its own, later than any it knows. The one with the lowest id does so first.
//  3. A node that hears of a later round enters it: it will make no pledge in an
//     earlier one.
//  4. When N nodes have entered a round, its proposer chooses its charter, once. If N of
//     them have never pledged, it chooses the N lowest ids of those. Otherwise, it
//     takes the charter of the latest pledge that any of them has made. Those do not count
//     that have pledged to a charter of which it hears no majority of the voters.
//  5. The proposer pledges to that charter. Whoever hears of a pledge in its round, or a
//     later one, pledges to the same in that round, whether it is one of its voters
//     or not, if it hears a majority of them.
//  6. Whoever knows of N pledges in one round knows that the cluster exists. A voter of
//     the charter activates it: it is a Member. Everybody else is a Standby.
//  7. Members and standbys go on saying hello and name the charter. Whoever hears a
//     member never founds. A voter activates the charter when it hears anybody name it.
//  8. From then on the cluster's log says who has a place in it. A member whose place is
//     taken by another is a Standby, and a standby that gets one a Member (Placed). Nobody
//     becomes fresh again, and the charter, whose hash is the cluster's identity, stays.
//
// The usual course, with N = 3, a fourth node d, and lines for what each node says:
//
//	time ─────────────────────────────────────────────────────────────────▶
//
//	a ─ hello ────── round 1a ──────────── pledge 1a {a b c} ────── member
//	b ─── hello ──────────── in 1a ────────────── pledge 1a {a b c} ─ member
//	c ── hello ──────────── in 1a ─────────────── pledge 1a {a b c} ─ member
//	d ───────── hello ─────── in 1a ───────────── pledge 1a {a b c} ─ standby
//	  └─────┬───────┘└────────┬──────────┘└────────┬─────────────┘└─────┬────
//	     3 heard,        3 are in 1a,         3 have pledged       late-comers
//	    a moment's       none of them         in 1a: the           hear members
//	      quiet          has pledged         cluster exists
//
// # Why it cannot split
//
// Let N nodes pledge to charter C in round r, and let later rounds be taken in their
// order. A later round r′ gets its charter from N nodes that have entered it. One of them, x,
// is among those who pledged in r. It did so before it entered r′ (rule 3), so its
// proposer knows that x has pledged, and that the latest pledge among the N is of
// a round from r to before r′. In r itself there is one charter, C, since one proposer
// chooses once (rule 4). In any round between, the charter is C by the same argument. So
// the charter of r′ is C. Hence no two different charters ever have N pledges in one
// round each, in whatever order messages come and however long they take.
//
// This makes a decision final. A node that learns of it need not ask what it has itself
// promised since, and there is nothing to revoke.
//
// # Copies of a node
//
// All this rests on an id being one node's, which remembers what it has promised. A
// process that was started from the copy of a directory, or from an old state of it, breaks
// its promises without knowing. So a node with a directory counts in it how often it was
// started, draws a random number (a nonce) at each start, and says both in its hello. A node
// remembers the highest number of starts that it has heard for each id. Then:
//
//   - A lower number is that of a process that has been followed by another: it must stop. So
//     must both of two processes that have equal numbers and different nonces, since one
//     directory is not started twice under one number: neither knows what the other has
//     promised. What the lower, or the second, of them says is not listened to.
//   - A process stops (Update.Copied) when it hears a hello under its own id that shows this.
//     It says hello once more first, since of two that are equal the other has to hear it too.
//   - They may not hear each other, so everybody who hears both names the claim that is in
//     force in its own hello (wire.Hello.Contested); both claims, if they are equal. A
//     process that finds its id there with what shows that it must stop, stops.
//   - Whoever hears the second process reports a CopiedError, as does the process that goes on.
//     Since hellos may come late, a lower number, which may be an echo of the time before the
//     node was started again, counts only when it has been heard for SilentTicks. The
//     process itself needs no such patience: that a higher number exists is a fact.
//
// Nodes without a directory say 0 starts. They have a new id at each start, so that there is
// nothing to be copied, and are never in conflict.
//
// This finds copies that run while somebody hears both. It is no lock, and it cannot find
// out that an old state was brought back whose successors nobody has heard since it started.
//
// # What it can bear
//
// Founding succeeds within a few rounds whenever N nodes that know no cluster hear each
// other, with one exception. A charter that some nodes have pledged to may be in force, for
// all that they can know, if its other voters are silent; it has to be kept. If a
// majority of its voters has died in the short time between the proposal and
// the end of founding, then that cluster would have no quorum. The nodes found no other,
// since the silent ones may live and be at work elsewhere, and Waiting names those that a
// person may restart if they are not. With that exception, a charter may
// contain nodes that died in the meantime, a minority: the cluster starts without them.
//
// # Its limits
//
//   - With 2N processes or more, two sets of N may exist that never heard of each other,
//     each of which founds its cluster. No protocol can prevent that: either half
//     may be all there is. The time of silence before the first round makes it
//     improbable while everybody hears everybody, and when a node hears of both clusters
//     it reports a TwoClustersError. Clusters are never merged.
//   - A process that restarts without a disk has a new id and counts again. So the bound
//     is one on ids, until the cluster is founded.
//   - A cluster that is lost, with all members' memory, lives on in the memory of its
//     standbys. While a node hears one of them, but no member, it does not found another;
//     Waiting says so. Members that come back settle it, and so does a restart of
//     the standbys.
//   - A node remembers 256 others: see maxPeers.
//   - Nodes are trusted: a node that lies can split the cluster.
//   - Since anybody may be among the first N, a node of the wrong size founds with its like.
//     The bound of fewer than 2N holds for the smallest N in use.
package founding
