package gaggle_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/channel/tcp"
)

// three starts three nodes in this process and waits until they have a leader.
func three[T any](options ...gaggle.Option) (nodes []*gaggle.Node[T], stop func()) {
	ch := memory.New()
	for range 3 {
		n, err := gaggle.Join[T](context.Background(), ch, append(options, gaggle.Size(3), gaggle.Local())...)
		if err != nil {
			log.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		if err := n.Ready(context.Background()); err != nil {
			log.Fatal(err)
		}
	}
	return nodes, func() {
		for _, n := range nodes {
			_ = n.Close()
		}
	}
}

// leaderOf returns the node that leads.
func leaderOf[T any](nodes []*gaggle.Node[T]) *gaggle.Node[T] {
	for _, n := range nodes {
		if n.Status().Leader == n.ID() {
			return n
		}
	}
	return nodes[0]
}

func Example() {
	ctx := context.Background()
	nodes, stop := three[string]()
	defer stop()
	for i, word := range strings.Fields("mary had a little lamb") {
		if _, err := nodes[i%3].Append(ctx, word); err != nil {
			log.Fatal(err)
		}
	}
	seen := 0
	for e, err := range nodes[2].Entries(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Value)
		if seen++; seen == 5 {
			break
		}
	}
	// Output:
	// mary
	// had
	// a
	// little
	// lamb
}

func ExampleJoin() {
	ctx := context.Background()
	n, err := gaggle.Join[string](ctx, memory.New(), gaggle.Size(1), gaggle.ID("a"))
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	e, err := n.Append(ctx, "hello")
	fmt.Println(e.Value, err)
	// Output: hello <nil>
}

// Nodes of different processes meet over TCP. Each is told where it may find another;
// one address is enough.
func ExampleJoin_tcp() {
	ctx := context.Background()
	first := tcp.New("127.0.0.1:0")
	a, err := gaggle.Join[string](ctx, first, gaggle.Size(2), gaggle.InMemory())
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	b, err := gaggle.Join[string](ctx, tcp.New("127.0.0.1:0", first.Addr()), gaggle.Size(2), gaggle.InMemory())
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	e, err := b.Append(ctx, "over the wire")
	fmt.Println(e.Value, err)
	// Output: over the wire <nil>
}

// Any type that JSON can carry can be an entry.
func ExampleJoin_struct() {
	type order struct {
		Item string
		N    int
	}
	nodes, stop := three[order]()
	defer stop()
	_, err := nodes[0].Append(context.Background(), order{"egg", 12})
	if err != nil {
		log.Fatal(err)
	}
	for e, err := range nodes[1].Entries(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d × %s\n", e.Value.N, e.Value.Item)
		break
	}
	// Output: 12 × egg
}

// Values of type []byte are stored as they are, without a codec.
func ExampleJoin_bytes() {
	nodes, stop := three[[]byte]()
	defer stop()
	_, err := nodes[0].Append(context.Background(), []byte{0xca, 0xfe})
	if err != nil {
		log.Fatal(err)
	}
	for e, err := range nodes[1].Entries(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%x\n", e.Value)
		break
	}
	// Output: cafe
}

func ExampleNode_Append() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	nodes, stop := three[string]()
	defer stop()
	first, err := nodes[0].Append(ctx, "one")
	if err != nil {
		log.Fatal(err) // see ExampleErrUncertain for what to do
	}
	second, err := nodes[2].Append(ctx, "two")
	fmt.Println(first.Index < second.Index, err)
	// Output: true <nil>
}

// Propose keeps many values under way at once; they keep their order.
func ExampleNode_Propose() {
	ctx := context.Background()
	nodes, stop := three[int]()
	defer stop()
	var last *gaggle.Proposal[int]
	for i := range 1000 {
		p, err := nodes[1].Propose(i)
		if err != nil {
			log.Fatal(err)
		}
		last = p
	}
	e, err := last.Wait(ctx) // when the last is committed, all are
	if err != nil {
		log.Fatal(err)
	}
	next := 0
	for e, err := range nodes[1].Entries(ctx, gaggle.Until(e.Index)) {
		if err != nil || e.Value != next {
			log.Fatal(e, err)
		}
		next++
	}
	fmt.Println(next)
	// Output: 1000
}

// Entries replays the log, and then goes on as it grows.
func ExampleNode_Entries() {
	ctx, stopReading := context.WithCancel(context.Background())
	nodes, stop := three[string]()
	defer stop()
	done := make(chan bool)
	go func() {
		defer close(done)
		for e, err := range nodes[2].Entries(ctx) {
			if err != nil {
				return // the context's error, or ErrClosed
			}
			fmt.Println(e.Value)
			if e.Value == "later" {
				stopReading()
			}
		}
	}()
	for _, v := range []string{"now", "later"} {
		if _, err := nodes[0].Append(context.Background(), v); err != nil {
			log.Fatal(err)
		}
	}
	<-done
	// Output:
	// now
	// later
}

func ExampleFrom() {
	ctx := context.Background()
	nodes, stop := three[string]()
	defer stop()
	var second gaggle.Entry[string]
	for _, v := range []string{"first", "second", "third"} {
		e, err := nodes[0].Append(ctx, v)
		if err != nil {
			log.Fatal(err)
		}
		if v == "second" {
			second = e
		}
	}
	for e, err := range nodes[0].Entries(ctx, gaggle.From(second.Index), gaggle.Until(nodes[0].Status().Applied)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Value)
	}
	// Output:
	// second
	// third
}

// After Read, everything acknowledged anywhere before it can be read on this node.
func ExampleNode_Read() {
	ctx := context.Background()
	nodes, stop := three[string]()
	defer stop()
	if _, err := nodes[0].Append(ctx, "paid"); err != nil {
		log.Fatal(err)
	}
	if err := nodes[1].Read(ctx); err != nil {
		log.Fatal(err)
	}
	for e, err := range nodes[1].Entries(ctx, gaggle.Until(nodes[1].Status().Applied)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Value)
	}
	// Output: paid
}

func ExampleNode_Ready() {
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	n, err := gaggle.Join[string](ctx, memory.New(), gaggle.Size(3), gaggle.Local(), gaggle.ID("lonely"))
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	err = n.Ready(ctx)
	fmt.Println(errors.Is(err, context.DeadlineExceeded), n.Status().State)
	// Output: true founding
}

func ExampleNode_Status() {
	nodes, stop := three[string](gaggle.ID("goose"))
	defer stop()
	s := leaderOf(nodes).Status()
	fmt.Println(s.State, s.Role, len(s.Members), strings.HasPrefix(string(s.ID), "goose#"))
	// Output: member leader 3 true
}

func ExampleNode_Watch() {
	ctx := context.Background()
	n, err := gaggle.Join[string](ctx, memory.New(), gaggle.Size(1), gaggle.Local())
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	for event := range n.Watch(ctx) {
		if e, ok := event.(gaggle.LeaderElected); ok {
			fmt.Println("leads:", e.Leader == n.ID())
			break
		}
	}
	// Output: leads: true
}

// Closing answers everybody who waits. The cluster goes on without the node as long as
// a majority is left.
func ExampleNode_Close() {
	ctx := context.Background()
	nodes, stop := three[string]()
	defer stop()
	_ = leaderOf(nodes).Close()
	for _, n := range nodes {
		if n.Status().State == gaggle.Stopped {
			_, err := n.Append(ctx, "too late")
			fmt.Println(errors.Is(err, gaggle.ErrClosed))
			continue
		}
		_, err := n.Append(ctx, "still here")
		fmt.Println(err)
	}
	// Unordered output:
	// true
	// <nil>
	// <nil>
}

// A function that runs on the leader decides on behalf of all.
func ExampleOnLeader() {
	ctx := context.Background()
	nodes, stop := three[string]()
	defer stop()
	var greet []func(context.Context, string) (string, error)
	for _, n := range nodes {
		greet = append(greet, gaggle.OnLeader(n, "greet",
			func(_ context.Context, _ *gaggle.Leader[string], name string) (string, error) {
				return "hello, " + name, nil
			}))
	}
	answer, err := greet[2](ctx, "goose")
	fmt.Println(answer, err)
	// Output: hello, goose <nil>
}

// What a handler appends is appended while its node leads, or not at all, so what it
// has checked still holds.
func ExampleLeader_Append() {
	ctx := context.Background()
	nodes, stop := three[string]()
	defer stop()
	var claim []func(context.Context, string) (gaggle.Index, error)
	for _, n := range nodes {
		claim = append(claim, gaggle.OnLeader(n, "claim",
			func(ctx context.Context, l *gaggle.Leader[string], name string) (gaggle.Index, error) {
				e, err := l.Append(ctx, "claimed by "+name)
				return e.Index, err
			}))
	}
	index, err := claim[0](ctx, "gander")
	if err != nil {
		log.Fatal(err)
	}
	for e, err := range nodes[0].Entries(ctx, gaggle.From(index)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Value)
		break
	}
	// Output: claimed by gander
}

// Without a majority nothing is acknowledged, and the error says what is known.
func ExampleError() {
	nodes, stop := three[string]()
	defer stop()
	_, _ = nodes[1].Close(), nodes[2].Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err := nodes[0].Append(ctx, "alone")
	var e *gaggle.Error
	fmt.Println(errors.As(err, &e) && e.Op == "append", errors.Is(err, context.DeadlineExceeded))
	// Output: true true
}

// An uncertain append is in the log once or not at all. Appending it again could
// write it twice; reading first tells.
func ExampleErrUncertain() {
	ctx := context.Background()
	nodes, stop := three[string]()
	defer stop()
	_, err := nodes[0].Append(ctx, "charge #17")
	if errors.Is(err, gaggle.ErrUncertain) {
		if err := nodes[1].Read(ctx); err != nil {
			log.Fatal(err)
		}
		// Look for "charge #17" in nodes[1].Entries(ctx, gaggle.Until(…)).
	}
	fmt.Println(err)
	// Output: <nil>
}

// Timing is for networks that are neither Local, LAN nor WAN.
func ExampleTiming() {
	ctx := context.Background()
	satellite := gaggle.Timing{Heartbeat: time.Second, ElectionMin: 5 * time.Second, ElectionMax: 10 * time.Second}
	n, err := gaggle.Join[string](ctx, memory.New(), gaggle.Size(3), satellite)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(n.Close())
	// Output: <nil>
}

// gobCodec is what a codec looks like.
type gobCodec struct{}

func (gobCodec) Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(v)
	return b.Bytes(), err
}

func (gobCodec) Unmarshal(data []byte, v any) error {
	return gob.NewDecoder(bytes.NewReader(data)).Decode(v)
}

func ExampleWithCodec() {
	nodes, stop := three[map[string]int](gaggle.WithCodec(gobCodec{}))
	defer stop()
	_, err := nodes[0].Append(context.Background(), map[string]int{"eggs": 12})
	if err != nil {
		log.Fatal(err)
	}
	for e, err := range nodes[1].Entries(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Value["eggs"])
		break
	}
	// Output: 12
}

func ExampleInMemory() {
	_, err := gaggle.Join[string](context.Background(), tcp.New("127.0.0.1:0"), gaggle.Size(3))
	fmt.Fprintln(os.Stderr, err)
	fmt.Println(strings.Contains(err.Error(), "gaggle.InMemory()"))
	// Output: true
}
