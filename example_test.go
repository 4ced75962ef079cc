package gaggle_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/channel/tcp"
)

// three starts three nodes in this process and waits until they have a leader.
func three[T any](options ...gaggle.Option) (nodes []*gaggle.Node[T], stop func()) {
	return threeOn[T](memory.New(), options...)
}

// threeOn does so on a channel.
func threeOn[T any](ch channel.Channel, options ...gaggle.Option) (nodes []*gaggle.Node[T], stop func()) {
	for range 3 {
		n, err := gaggle.Join[T](context.Background(), ch, append([]gaggle.Option{gaggle.Size(3), gaggle.Local()}, options...)...)
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
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	nodes, stop := three[string]()
	defer stop()
	first, err := nodes[0].Append(ctx, "one")
	if err != nil {
		log.Fatal(err) // the examples of ErrUncertain have what to do
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
	n, err := gaggle.Join[string](context.Background(), memory.New(), gaggle.Size(3), gaggle.Local(), gaggle.ID("lonely"))
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	err = n.Ready(ctx)
	fmt.Println(errors.Is(err, context.DeadlineExceeded), n.Status().State)
	// Output: true founding
}

func ExampleNode_Status() {
	ctx := context.Background()
	n, err := gaggle.Join[string](ctx, memory.New(), gaggle.Size(1), gaggle.ID("goose"))
	if err != nil {
		log.Fatal(err)
	}
	defer n.Close()
	if err := n.Ready(ctx); err != nil {
		log.Fatal(err)
	}
	s := n.Status()
	fmt.Println(s.State, s.Role, len(s.Members), strings.HasPrefix(string(s.ID), "goose#"))
	// Output: member leader 1 true
}

func ExampleNode_Watch() {
	ctx, ch := context.Background(), memory.New()
	a, err := gaggle.Join[string](ctx, ch, gaggle.Size(2), gaggle.Local())
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	events := a.Watch(ctx) // what happens from now on
	b, err := gaggle.Join[string](ctx, ch, gaggle.Size(2), gaggle.Local())
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	for event := range events {
		if e, ok := event.(gaggle.LeaderElected); ok {
			fmt.Println("one of them leads:", e.Leader == a.ID() || e.Leader == b.ID())
			break
		}
	}
	// Output: one of them leads: true
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

// repeated makes a call again as long as the leader changed in the middle of it. Only calls that
// may run twice can be repeated so.
func repeated[A, R any](call func(context.Context, A) (R, error), arg A) (R, error) {
	for {
		r, err := call(context.Background(), arg)
		var remote *gaggle.RemoteError
		lost := errors.As(err, &remote) && strings.Contains(remote.Text, gaggle.ErrNotLeader.Error())
		if !lost && !errors.Is(err, gaggle.ErrUncertain) {
			return r, err
		}
	}
}

// A ticket is a number that nobody else has: a term has one leader, who counts.
type ticket struct {
	Term gaggle.Term
	N    uint64
}

// Unique numbers need somebody who hands them out, and are quicker to get than an entry
// of the log, as nothing is appended.
func ExampleOnLeader() {
	nodes, stop := three[string]()
	defer stop()
	var draw []func(context.Context, string) (ticket, error)
	for _, n := range nodes { // register it on every node: any of them may come to lead
		var last atomic.Uint64 // handlers run at the same time
		draw = append(draw, gaggle.OnLeader(n, "draw",
			func(_ context.Context, l *gaggle.Leader[string], _ string) (ticket, error) {
				return ticket{l.Term(), last.Add(1)}, nil
			}))
	}
	drawn := map[ticket]bool{}
	for i := range 30 {
		t, err := repeated(draw[i%3], "please") // from any node; a number may be left out
		if err != nil {
			log.Fatal(err)
		}
		drawn[t] = true
	}
	fmt.Println(len(drawn), "different tickets")
	// Output: 30 different tickets
}

// A booking is an entry: a seat has one owner.
type booking struct{ Seat, Owner string }

// seats is what a node knows of the bookings.
type seats struct {
	mu    sync.Mutex
	seen  gaggle.Index // the last entry that owner has
	owner map[string]string
}

// book is a leader handler: it checks, and then appends.
func (s *seats) book(ctx context.Context, l *gaggle.Leader[booking], b booking) (string, error) {
	// Handlers run at the same time; this one alone may check and append.
	s.mu.Lock()
	defer s.mu.Unlock()
	// Other leaders may have appended: catch up with all that is acknowledged.
	n := l.Node()
	for e, err := range n.Entries(ctx, gaggle.From(s.seen+1), gaggle.Until(n.Status().Applied)) {
		if err != nil {
			return "", err
		}
		s.owner[e.Value.Seat], s.seen = e.Value.Owner, e.Index
	}
	if owner, taken := s.owner[b.Seat]; taken {
		return owner, nil
	}
	// The caller may give up, but the mutex is held until the outcome is known.
	if _, err := l.Append(context.WithoutCancel(ctx), b); err != nil {
		return "", err
	}
	return b.Owner, nil
}

// A handler that checks what is in the log and then appends to it: no seat is booked twice,
// whoever leads. All bookings have to go this way; a plain Append would not check.
func ExampleLeader_Append() {
	nodes, stop := three[booking]()
	defer stop()
	var book []func(context.Context, booking) (string, error)
	for _, n := range nodes {
		s := &seats{owner: map[string]string{}}
		book = append(book, gaggle.OnLeader(n, "book", s.book))
	}
	var owners [3]string
	var callers sync.WaitGroup
	for i, name := range []string{"goose", "gander", "gosling"} {
		callers.Go(func() {
			owner, err := repeated(book[i], booking{"12A", name})
			if err != nil {
				log.Fatal(err)
			}
			owners[i] = owner
		})
	}
	callers.Wait()
	again, err := repeated(book[0], booking{"12A", "fox"})
	fmt.Println(owners[0] == owners[1] && owners[1] == owners[2], again == owners[0], err)
	// Output: true true <nil>
}

// Terms rise with each leader, and entries have the term of the leader that ordered them.
func ExampleLeader_Term() {
	nodes, stop := three[string]()
	defer stop()
	type terms struct{ Handler, Entry gaggle.Term }
	var note []func(context.Context, string) (terms, error)
	for _, n := range nodes {
		note = append(note, gaggle.OnLeader(n, "note",
			func(ctx context.Context, l *gaggle.Leader[string], v string) (terms, error) {
				e, err := l.Append(ctx, v) // in the handler's term, or not at all
				return terms{l.Term(), e.Term}, err
			}))
	}
	t, err := repeated(note[1], "noted")
	fmt.Println(t.Handler == t.Entry, err)
	// Output: true <nil>
}

// A handler may use its node: the log there has everything that was acknowledged before
// the call.
func ExampleLeader_Node() {
	ctx := context.Background()
	nodes, stop := three[string]()
	defer stop()
	var count []func(context.Context, string) (int, error)
	for _, n := range nodes {
		count = append(count, gaggle.OnLeader(n, "count",
			func(ctx context.Context, l *gaggle.Leader[string], word string) (int, error) {
				n, found := l.Node(), 0
				for e, err := range n.Entries(ctx, gaggle.Until(n.Status().Applied)) {
					if err != nil {
						return 0, err
					}
					if e.Value == word {
						found++
					}
				}
				return found, nil
			}))
	}
	for i, word := range []string{"egg", "nest", "egg"} {
		if _, err := nodes[i].Append(ctx, word); err != nil {
			log.Fatal(err)
		}
	}
	eggs, err := repeated(count[2], "egg")
	fmt.Println(eggs, err)
	// Output: 2 <nil>
}

// What a handler fails with reaches its caller as text.
func ExampleRemoteError() {
	nodes, stop := three[string]()
	defer stop()
	var lay []func(context.Context, int) (string, error)
	for _, n := range nodes {
		lay = append(lay, gaggle.OnLeader(n, "lay",
			func(_ context.Context, _ *gaggle.Leader[string], eggs int) (string, error) {
				return "", fmt.Errorf("%d eggs are too many", eggs)
			}))
	}
	_, err := repeated(lay[0], 100)
	var remote *gaggle.RemoteError
	if errors.As(err, &remote) {
		fmt.Println(remote.Call, "failed:", remote.Text)
	}
	// Output: lay failed: 100 eggs are too many
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

// While the node lives, it goes on with an append whose outcome is not known. Who keeps
// the Proposal can wait for it again. (To read the log instead tells less: a value that is
// absent may come later.)
func ExampleErrUncertain() {
	ch := memory.New()
	nodes, stop := threeOn[string](ch, gaggle.LAN())
	defer stop()
	n := nodes[0]
	if _, err := n.Append(context.Background(), "open account"); err != nil {
		log.Fatal(err)
	}
	ch.Isolate(n.ID())
	p, err := n.Propose("charge #17")
	if err != nil {
		log.Fatal(err)
	}
	wait := func(d time.Duration) error {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		_, err := p.Wait(ctx)
		return err
	}
	err = wait(500 * time.Millisecond)
	fmt.Println("not known yet:", errors.Is(err, gaggle.ErrUncertain), errors.Is(err, context.DeadlineExceeded))
	ch.Heal()
	err = wait(time.Minute)
	fmt.Println("in the log, once:", err == nil)
	// Output:
	// not known yet: true true
	// in the log, once: true
}

// A charge has an identity of the application's own.
type charge struct {
	ID     string
	Amount int
}

// balance applies each charge once, however often it is in the log.
func balance(ctx context.Context, n *gaggle.Node[charge]) (sum int, err error) {
	if err := n.Read(ctx); err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for e, err := range n.Entries(ctx, gaggle.Until(n.Status().Applied)) {
		if err != nil {
			return 0, err
		}
		if !seen[e.Value.ID] {
			seen[e.Value.ID] = true
			sum += e.Value.Amount
		}
	}
	return sum, nil
}

// With an identity in each value, and repetitions ignored where entries are applied, an
// uncertain append may be appended again, through any node. It is the only way when the
// node that appended it is gone.
func ExampleErrUncertain_identity() {
	ctx := context.Background()
	ch := memory.New()
	nodes, stop := threeOn[charge](ch, gaggle.LAN())
	defer stop()
	if _, err := nodes[0].Append(ctx, charge{"#16", 5}); err != nil {
		log.Fatal(err)
	}
	ch.Isolate(nodes[0].ID())
	c := charge{"#17", 10}
	soon, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	_, err := nodes[0].Append(soon, c)
	fmt.Println("not known:", errors.Is(err, gaggle.ErrUncertain))
	if _, err := nodes[1].Append(ctx, c); err != nil { // it may be in the log twice now
		log.Fatal(err)
	}
	ch.Heal()
	sum, err := balance(ctx, nodes[0])
	fmt.Println("charged:", sum, err)
	// Output:
	// not known: true
	// charged: 15 <nil>
}

// A state kept of the log is brought up to date by what came after the last entry in it.
func ExampleNode_Entries_state() {
	ctx := context.Background()
	nodes, stop := three[int]()
	defer stop()
	var sum int
	var seen gaggle.Index
	catchUp := func(n *gaggle.Node[int]) {
		if err := n.Read(ctx); err != nil { // without it, the sum may be a little old
			log.Fatal(err)
		}
		for e, err := range n.Entries(ctx, gaggle.From(seen+1), gaggle.Until(n.Status().Applied)) {
			if err != nil {
				log.Fatal(err)
			}
			sum, seen = sum+e.Value, e.Index
		}
	}
	for i := range 3 {
		if _, err := nodes[0].Append(ctx, i+1); err != nil {
			log.Fatal(err)
		}
		catchUp(nodes[1])
		fmt.Println(sum)
	}
	// Output:
	// 1
	// 3
	// 6
}

// Nodes of different names do not hear each other, though they share a channel.
func ExampleName() {
	ctx := context.Background()
	ch := memory.New()
	geese, stopGeese := threeOn[string](ch, gaggle.Name("geese"))
	defer stopGeese()
	ducks, stopDucks := threeOn[string](ch, gaggle.Name("ducks"))
	defer stopDucks()
	for word, n := range map[string]*gaggle.Node[string]{"honk": geese[0], "quack": ducks[0]} {
		if _, err := n.Append(ctx, word); err != nil {
			log.Fatal(err)
		}
		for e, err := range n.Entries(ctx, gaggle.Until(n.Status().Applied)) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(n.Status().Cluster, e.Value)
		}
	}
	// Unordered output:
	// geese honk
	// ducks quack
}

// What an operator should know goes to a slog.Logger, here that two nodes were given
// different sizes.
func ExampleLogger() {
	ctx := context.Background()
	var lines bytes.Buffer
	ch := memory.New()
	a, err := gaggle.Join[string](ctx, ch, gaggle.Size(3), gaggle.Local(), gaggle.Logger(slog.New(slog.NewTextHandler(&lines, nil))))
	if err != nil {
		log.Fatal(err)
	}
	events := a.Watch(ctx)
	b, err := gaggle.Join[string](ctx, ch, gaggle.Size(5), gaggle.Local())
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	for event := range events {
		if _, ok := event.(gaggle.ProblemFound); ok {
			break
		}
	}
	_ = a.Close() // so that nothing writes to lines any more
	fmt.Println(strings.Contains(lines.String(), "level=ERROR"), strings.Contains(lines.String(), "cluster=gaggle"))
	// Output: true true
}

// Trouble that needs a person is in the status, here that two nodes were given different
// sizes.
func ExampleNode_Status_problem() {
	ctx := context.Background()
	ch := memory.New()
	a, err := gaggle.Join[string](ctx, ch, gaggle.Size(3), gaggle.Local())
	if err != nil {
		log.Fatal(err)
	}
	defer a.Close()
	events := a.Watch(ctx)
	b, err := gaggle.Join[string](ctx, ch, gaggle.Size(5), gaggle.Local())
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()
	for event := range events {
		if _, ok := event.(gaggle.ProblemFound); ok {
			break
		}
	}
	fmt.Println(errors.Is(a.Status().Problem, gaggle.ErrSizeMismatch))
	// Output: true
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
