package gaggle_test

import (
	"context"
	"fmt"
	"log"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
)

// A Shelf is a state that all nodes share.
type Shelf struct{ Count map[string]int }

// A Delivery is a command: it changes the shelf.
type Delivery struct {
	Item string
	N    int
}

// Apply applies a command, and returns how many there are then.
func (s *Shelf) Apply(d Delivery) int {
	if left := s.Count[d.Item] + d.N; left >= 0 {
		s.Count[d.Item] = left
	}
	return s.Count[d.Item]
}

// A command may be given to any node, and its result is that of its place in the order.
func ExampleReplicate() {
	ctx := context.Background()
	ch := memory.New()
	var shelves []*gaggle.Replica[Shelf, Delivery, int]
	for range 3 {
		r, err := gaggle.Replicate(ctx, ch, &Shelf{map[string]int{}}, (*Shelf).Apply, gaggle.Size(3), gaggle.Local())
		if err != nil {
			log.Fatal(err)
		}
		defer r.Close()
		shelves = append(shelves, r)
	}
	for i, n := range []int{5, -2, -4} { // there are never fewer than none
		left, err := shelves[i].Do(ctx, Delivery{"egg", n})
		fmt.Println(left, err)
	}
	// Everything that was acknowledged is seen by Read, on any node.
	if err := shelves[0].Read(ctx, func(s *Shelf) { fmt.Println("eggs:", s.Count["egg"]) }); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 5 <nil>
	// 3 <nil>
	// 3 <nil>
	// eggs: 3
}
