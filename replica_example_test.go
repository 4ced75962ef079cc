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

// Peek shows what this node has applied, at once. That is all that was done on it; what was done
// elsewhere may be missing, unless a Read comes first.
func ExampleReplica_Peek() {
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
	here, there := shelves[0], shelves[1]
	if _, err := here.Do(ctx, Delivery{"egg", 5}); err != nil {
		log.Fatal(err)
	}
	eggs := func(s *Shelf) { fmt.Println("eggs:", s.Count["egg"]) }
	here.Peek(eggs)

	if err := there.Read(ctx, func(*Shelf) {}); err != nil {
		log.Fatal(err)
	}
	there.Peek(eggs) // 0 would be as good without the Read

	_ = there.Close()
	there.Peek(eggs) // what it had then
	// Output:
	// eggs: 5
	// eggs: 5
	// eggs: 5
}
