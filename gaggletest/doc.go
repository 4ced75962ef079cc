// Package gaggletest tests programs that use gaggle: it has clusters in simulated time, with
// faults, and finds out whether a state machine comes to the same on all nodes.
//
// # A cluster in one line
//
// Cluster makes a cluster, with a leader, and closes it when the test ends:
//
//	func TestALockOutlivesALeader(t *testing.T) {
//		gaggletest.Run(t, func(t *testing.T) {
//			c := gaggletest.Cluster[claim](t, 3)
//			… // run the program on c.Node(0), c.Node(1) and c.Node(2)
//			c.Crash(c.Leader())
//			time.Sleep(time.Minute)
//			… // see what became of it
//			c.Check() // all nodes hold the same entries
//		})
//	}
//
// Within Run, time is simulated: it passes when all goroutines wait, so that a minute takes
// milliseconds. The nodes are plain [gaggle.Node]s, as the program would get from
// [gaggle.Join].
//
// # Faults
//
//	Partition, Isolate, Cut   lose what nodes send to each other
//	SlowLink, Faults          delay it, lose, repeat and reorder some of it
//	Pause, Resume             have a node stand still, and go on with what it missed
//	Crash, Restart            stop a node without a farewell; put a new one in its place
//	Heal                      undoes all but crashes
//	Chaos                     does all but crashes at random, for as long as it is told
//
// Leader waits for a leader that a majority follows and can be reached by, so it is what to
// call after a fault. Eventually waits for anything else. Nodes keep their logs in memory:
// one that crashed is lost to its cluster, and what Restart puts in its place is a standby.
//
// What is random follows from a seed, that of Seed or those of Seeds, and a test that fails
// says which. The order in which goroutines run does not follow from it.
//
// In a bubble of one's own, of testing/synctest, Cluster works too, without a seed; and
// outside of any, in real time, for programs that use a network.
//
// A loop that waits for nothing keeps time from passing. Waiting for an answer of another
// node is enough, but a cluster of one answers at once: sleep in such a loop.
//
// # State machines
//
// Nodes agree on the entries. That they agree on what becomes of them is up to the program:
// applying an entry must depend on nothing but the entries before it. A Machine says how a
// state is made, how a command is applied, and how commands are drawn, and Fuzz and Check
// look for what else it depends on:
//
//	var stock = gaggletest.Machine[*Stock, Order, int]{
//		New:   NewStock,
//		Apply: (*Stock).Apply,
//		Command: func(s *gaggletest.Source) Order {
//			return Order{gaggletest.Pick(s, "egg", "nest"), s.IntN(20) - 10}
//		},
//	}
//
//	func TestStock(t *testing.T) { gaggletest.Check(t, stock, 1, 200) }
//	func FuzzStock(f *testing.F) { gaggletest.Fuzz(f, stock) }
//
// Replicated makes a Machine of what a program gives gaggle.Replicate. Then its snapshots are
// looked at too, of which equal states must have equal ones.
//
// A plain go test tries some sequences of commands with FuzzStock too. This looks for more:
//
//	go test -fuzz=FuzzStock -fuzzminimizetime 1x
//
// Without -fuzzminimizetime, Go spends up to a minute on each interesting input to make it
// smaller, mostly in vain, as what is covered in simulated time is not the same each time.
//
// A failure names the first command after which two replicas differ, what they were through,
// and where in the state they differ. If Apply notes time.Now as text in a map Sold, it is:
//
//	gaggletest: after 1 of 200 commands (seed 1): the state of one whose commands are overwritten afterwards has
//	    .Sold["nest"] = "2000-01-01 15:05:00"
//	where that of one that does nothing else has
//	    .Sold["nest"] = "2000-01-01 04:58:55"
//	command 1: {"Item":"nest","N":-10}
package gaggletest
