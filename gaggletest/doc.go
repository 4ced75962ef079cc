// Package gaggletest tests programs that use gaggle.
//
// # A cluster in one line
//
// Cluster makes a cluster, with a leader, and closes it when the test ends. Within Run
// time is simulated, so a test may wait for minutes, and still ends in milliseconds:
//
//	func TestALockIsFreedWhenItsHolderCrashes(t *testing.T) {
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
// Partition, Isolate, Cut, SlowLink, Faults, Pause and Crash do harm to it, and Heal undoes
// all but crashes; Chaos does so at random, for as long as it is told. Leader waits for a
// leader that a majority follows; Eventually waits for anything.
//
// All of it follows from a seed, but for the order in which goroutines run: see Run.
package gaggletest
