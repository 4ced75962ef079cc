// The counter example has three nodes increment one number at the same time. A program
// that reads the number, adds one and writes it back loses increments, as two may read the
// same; a command that says what to do, and is applied where all are in one order, loses none.
package main

import (
	"context"
	"fmt"
	"log"
	"sync"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

// A Counter is the replicated state.
type Counter struct{ N int }

// An Op is a command: to add to the counter, or to set it.
type Op struct {
	Add int  `json:",omitempty"`
	Set *int `json:",omitempty"`
}

// Apply does an Op and returns what the counter is then.
func (c *Counter) Apply(op Op) int {
	if op.Set != nil {
		c.N = *op.Set
	}
	c.N += op.Add
	return c.N
}

type replica = gaggle.Replica[Counter, Op, int]

// add increments the counter as it should be done: all of it is one command.
func add(ctx context.Context, r *replica) error {
	_, err := r.Do(ctx, Op{Add: 1})
	return err
}

// readThenWrite increments it as it should not be: between the read, though that is
// linearizable, and the write, others read the same.
func readThenWrite(ctx context.Context, r *replica) error {
	var n int
	if err := r.Read(ctx, func(c *Counter) { n = c.N }); err != nil {
		return err
	}
	n++
	_, err := r.Do(ctx, Op{Set: &n})
	return err
}

// count has all nodes increment a counter that begins with 0, each as often as it is told,
// and returns what became of it.
func count(ctx context.Context, nodes []*replica, each int, increment func(context.Context, *replica) error) (n int, err error) {
	zero := 0
	if _, err := nodes[0].Do(ctx, Op{Set: &zero}); err != nil {
		return 0, err
	}
	ends := make(chan error, len(nodes))
	var all sync.WaitGroup
	for _, r := range nodes {
		all.Go(func() {
			var err error
			for i := 0; i < each && err == nil; i++ {
				err = increment(ctx, r)
			}
			ends <- err
		})
	}
	all.Wait()
	for range nodes {
		if err := <-ends; err != nil {
			return 0, err
		}
	}
	err = nodes[0].Read(ctx, func(c *Counter) { n = c.N })
	return n, err
}

// join makes so many nodes of one cluster.
func join(ctx context.Context, size int) ([]*replica, error) {
	ch := memory.New()
	var nodes []*replica
	for range size {
		r, err := gaggle.Replicate(ctx, ch, &Counter{}, (*Counter).Apply, gaggle.Size(size))
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, r)
	}
	return nodes, nil
}

func main() {
	const size, each = 3, 100
	ctx := context.Background()
	nodes, err := join(ctx, size)
	if err != nil {
		log.Fatal(err)
	}
	right, err := count(ctx, nodes, each, add)
	if err != nil {
		log.Fatal(err)
	}
	wrong, err := count(ctx, nodes, each, readThenWrite)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("one command each:  %d of %d\n", right, size*each)
	fmt.Printf("read, then write:  %d of %d\n", wrong, size*each)
	for _, r := range nodes {
		if err := r.Close(); err != nil {
			log.Fatal(err)
		}
	}
}
