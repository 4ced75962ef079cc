// Lamb is the shortest real use of Gaggle: three nodes, one agreed log.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

func main() {
	ctx := context.Background()
	ch := memory.New() // where the nodes meet; channel/tcp is for several processes

	nodes := make([]*gaggle.Node[string], 3)
	for i := range nodes {
		n, err := gaggle.Join[string](ctx, ch, gaggle.Size(3))
		if err != nil {
			log.Fatal(err)
		}
		defer n.Close()
		nodes[i] = n
	}

	// From any node. It returns when a majority has the value.
	for i, word := range []string{"mary", "had", "a", "little", "lamb"} {
		if _, err := nodes[i%3].Append(ctx, word); err != nil {
			log.Fatal(err)
		}
	}

	// The same on every node.
	for i, n := range nodes {
		if err := n.Read(ctx); err != nil { // everything acknowledged so far is here
			log.Fatal(err)
		}
		fmt.Print("node ", i, ":")
		for e, err := range n.Entries(ctx, gaggle.Until(n.Status().Applied)) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Print(" ", e.Value)
		}
		fmt.Println()
	}
}
