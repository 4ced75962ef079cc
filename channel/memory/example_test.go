package memory_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

// join starts three nodes of a cluster on a channel and waits until they have a leader.
func join(ctx context.Context, ch *memory.Channel) (nodes []*gaggle.Node[string], stop func()) {
	for range 3 {
		n, err := gaggle.Join[string](ctx, ch, gaggle.Size(3), gaggle.Local())
		if err != nil {
			log.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		if err := n.Ready(ctx); err != nil {
			log.Fatal(err)
		}
	}
	return nodes, func() {
		for _, n := range nodes {
			_ = n.Close()
		}
	}
}

// The smaller part of a cluster can do nothing, the greater part goes on. Node.ID is what a
// node is called here.
func ExampleChannel_Partition() {
	ctx := context.Background()
	ch := memory.New()
	nodes, stop := join(ctx, ch)
	defer stop()
	a, b, c := nodes[0], nodes[1], nodes[2]
	ch.Partition([]gaggle.NodeID{a.ID()}, []gaggle.NodeID{b.ID(), c.ID()})
	_, err := b.Append(ctx, "by the majority")
	fmt.Println(err)
	soon, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	fmt.Println(errors.Is(a.Read(soon), context.DeadlineExceeded))
	ch.Heal()
	fmt.Println(a.Read(ctx))
	for e, err := range a.Entries(ctx, gaggle.Until(a.Status().Applied)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Value)
	}
	// Output:
	// <nil>
	// true
	// <nil>
	// by the majority
}

// A node that is isolated hears nobody until Heal.
func ExampleChannel_Isolate() {
	ctx := context.Background()
	ch := memory.New()
	nodes, stop := join(ctx, ch)
	defer stop()
	lost := nodes[2]
	ch.Isolate(lost.ID())
	_, err := nodes[0].Append(ctx, "without it")
	fmt.Println(err)
	ch.Heal()
	for e, err := range lost.Entries(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Value)
		break
	}
	// Output:
	// <nil>
	// without it
}

// A network that loses, repeats and delays makes things slow, and nothing worse.
func ExampleChannel_SetFaults() {
	ctx := context.Background()
	ch := memory.New(memory.Seed(17))
	nodes, stop := join(ctx, ch)
	defer stop()
	ch.SetFaults(memory.Faults{Drop: 0.05, Duplicate: 0.05, MaxDelay: 5 * time.Millisecond})
	for i, word := range []string{"one", "two", "three"} {
		if _, err := nodes[i].Append(ctx, word); err != nil {
			log.Fatal(err)
		}
	}
	ch.SetFaults(memory.Faults{})
	if err := nodes[0].Read(ctx); err != nil {
		log.Fatal(err)
	}
	for e, err := range nodes[0].Entries(ctx, gaggle.Until(nodes[0].Status().Applied)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Value)
	}
	// Output:
	// one
	// two
	// three
}
