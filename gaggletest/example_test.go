package gaggletest_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/gaggletest"
)

// What a test and a fuzz test are given.
var (
	t *testing.T
	f *testing.F
)

// The functions below are bodies of tests, so they are run as such.
func TestTheExamplesPass(test *testing.T) {
	for name, example := range map[string]func(){
		"package":   Example,
		"Run":       ExampleRun,
		"Seeds":     ExampleSeeds,
		"Cluster":   ExampleCluster,
		"Partition": ExampleNodes_Partition,
		"Crash":     ExampleNodes_Crash,
		"Restart":   ExampleNodes_Restart,
		"Pause":     ExampleNodes_Pause,
		"SlowLink":  ExampleNodes_SlowLink,
		"Chaos":     ExampleNodes_Chaos,
		"Check":     ExampleCheck,
	} {
		test.Run(name, func(sub *testing.T) {
			t = sub
			example()
		})
	}
}

func FuzzStock(fuzz *testing.F) {
	f = fuzz
	ExampleFuzz()
}

// A test of a program on three nodes, of which the leader is lost.
func Example() {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		c.Append(c.Node(1), "before")
		c.Crash(c.Leader())
		c.Append(c.Leader(), "after") // Leader waits for the next one
		c.Check()
	})
}

// In simulated time a minute takes some milliseconds.
func ExampleRun() {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		time.Sleep(time.Minute)
		c.Append(c.Node(0), "a minute later")
	})
}

// The same test with ten seeds, as subtests from seed=1 to seed=10.
func ExampleSeeds() {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		c.Isolate(c.Node(c.Rand().IntN(3)))
		c.Append(c.Leader(), "by a majority")
		c.Check()
	}, gaggletest.Seeds(10))
}

// A test that uses a network has to live in real time: without Run it does.
func ExampleCluster() {
	c := gaggletest.Cluster[string](t, 3)
	c.Append(c.Node(0), "in real time")
	c.Check()
}

// The smaller part can do nothing, the greater part goes on.
func ExampleNodes_Partition() {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		old := c.Leader()
		c.Partition(c.Followers()) // the others are a group too: the leader alone

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := old.Append(ctx, "alone"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an append without a majority: %v", err)
		}
		c.Append(c.Leader(), "by the others")
		c.Heal()
		c.Check()
	})
}

// What waits at a node that crashes ends, and may have happened.
func ExampleNodes_Crash() {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		leader := c.Leader()
		c.Append(leader, "first")
		p, err := leader.Propose("second")
		if err != nil {
			t.Fatal(err)
		}
		c.Crash(leader)
		if _, err := p.Wait(t.Context()); err != nil && !errors.Is(err, gaggle.ErrClosed) {
			t.Errorf("the append ends with %v", err)
		}
		c.Check()
	})
}

// A node that is restarted is a standby, and takes a place when one has long been empty.
func ExampleNodes_Restart() {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		n := c.Restart(c.Followers()[0])
		c.Eventually("it knows that it is a standby", func() bool { return n.Status().State == gaggle.Standby })
		if _, err := n.Append(t.Context(), "x"); !errors.Is(err, gaggle.ErrStandby) {
			t.Errorf("an append at a standby: %v", err)
		}
		c.Eventually("it has taken the place of the one it was", func() bool { return n.Status().State == gaggle.Member })
		c.Append(n, "y")
	})
}

// A leader that stands still is replaced, and does not know it when it goes on.
func ExampleNodes_Pause() {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		old := c.Leader()
		c.Pause(old)
		c.Append(c.Leader(), "meanwhile")
		c.Resume(old)
		if err := old.Read(t.Context()); err != nil { // shows what was appended meanwhile
			t.Error(err)
		}
		c.Check()
	})
}

// Reads that go over a slow link wait for it.
func ExampleNodes_SlowLink() {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[string](t, 3)
		n := c.Followers()[0]
		c.SlowLink(n, c.Leader(), 100*time.Millisecond)
		began := time.Now()
		if err := n.Read(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 100*time.Millisecond {
			t.Errorf("the read took %v", took)
		}
	})
}

// A program runs while one fault follows the other.
func ExampleNodes_Chaos() {
	gaggletest.Run(t, func(t *testing.T) {
		c := gaggletest.Cluster[int](t, 3)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan int)
		go func() { // the program
			acknowledged := 0
			for i := 0; ctx.Err() == nil; i++ {
				if _, err := c.Node(i%3).Append(ctx, i); err == nil {
					acknowledged++
				}
			}
			ended <- acknowledged
		}()
		c.Chaos(20 * time.Second)
		stop()
		if <-ended == 0 {
			t.Error("nothing was appended")
		}
		c.Check()
	})
}

// A stock is a state machine: a struct and a method.
type stock struct{ Items map[string]int }

type change struct {
	Item string
	By   int
}

// apply makes a change, unless too little is left, and returns what is left.
func (s *stock) apply(c change) int {
	if s.Items[c.Item]+c.By >= 0 {
		s.Items[c.Item] += c.By
	}
	return s.Items[c.Item]
}

func stockMachine() gaggletest.Machine[*stock, change, int] {
	return gaggletest.Machine[*stock, change, int]{
		New:   func() *stock { return &stock{map[string]int{}} },
		Apply: (*stock).apply,
		Command: func(s *gaggletest.Source) change {
			return change{gaggletest.Pick(s, "egg", "nest"), s.IntN(20) - 10}
		},
		Snapshot: func(s *stock) ([]byte, error) { return json.Marshal(s) },
		Restore: func(data []byte) (*stock, error) {
			s := &stock{map[string]int{}}
			return s, json.Unmarshal(data, s)
		},
	}
}

// Two hundred commands, on several replicas, must come to the same.
func ExampleCheck() {
	gaggletest.Check(t, stockMachine(), 1, 200)
}

// In a function FuzzStock(f *testing.F), this is all.
func ExampleFuzz() {
	gaggletest.Fuzz(f, stockMachine())
}
