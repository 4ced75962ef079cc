package engine

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/wire"
)

// A trap is a storage, a port and a log handler that panic when a test says so.
type trap struct {
	channel.Port
	slog.Handler
	write, send, broadcast, log bool
}

func (t *trap) Write(*raft.Write, func(uint64, error)) bool {
	if t.write {
		panic("the disk is on fire")
	}
	return true
}

func (t *trap) Do(_ Lane, job func()) { job() }

func (t *trap) Send(to raft.NodeID, class channel.Class, frame []byte) error {
	if t.send {
		panic(errors.New("the wire is on fire"))
	}
	return t.Port.Send(to, class, frame)
}

func (t *trap) Broadcast(frame []byte) error {
	if t.broadcast {
		panic("all wires are on fire")
	}
	return t.Port.Broadcast(frame)
}

func (t *trap) Handle(context.Context, slog.Record) error {
	if t.log {
		panic("the logger is on fire")
	}
	return nil
}

// trapIn puts a trap into a node that is driven by hand.
func trapIn(n *Node) *trap {
	t := &trap{Port: n.port, Handler: slog.DiscardHandler}
	n.port, n.config.Storage = t, t
	n.log = slog.New(t)
	return t
}

func (t *trap) Enabled(context.Context, slog.Level) bool { return true }

// waiters are some of everything that waits for a node, each with a way to see its end.
type waiters struct {
	ends map[string]<-chan error
	w    *Watcher
}

// waitFor begins one of each with a node.
func waitFor(t testing.TB, n *Node, prefix string, into *waiters) {
	t.Helper()
	if into.ends == nil {
		into.ends, into.w = map[string]<-chan error{}, n.Watch()
	}
	begin := func(what string, f func() error) {
		end := make(chan error, 1)
		into.ends[prefix+" "+what] = end
		go func() { end <- f() }()
	}
	ctx := context.Background()
	begin("append", func() error { _, err := n.Append(ctx, []byte("x")); return err })
	begin("append in term", func() error { _, err := n.AppendInTerm(ctx, n.Status().Term, []byte("x")); return err })
	begin("read", func() error { return n.Read(ctx) })
	begin("call", func() error { _, err := n.Call(ctx, "echo", nil); return err })
	begin("cancelled call", func() error {
		_, err := n.Call(ended(), "echo", nil)
		if err == nil {
			err = errors.New("it succeeded")
		}
		return errors.Join(err, ErrInvariant) // it need not know
	})
	begin("entries", func() error { _, err := n.Feed().Next(ctx, 1<<40, 1<<41); return err })
	synctest.Wait()
}

// wantAnswered checks that all have got an error that says what happened.
func (ws *waiters) wantAnswered(t testing.TB) {
	t.Helper()
	synctest.Wait()
	for what, end := range ws.ends {
		select {
		case err := <-end:
			if !errors.Is(err, ErrInvariant) && !errors.Is(err, ErrUncertain) && !errors.Is(err, ErrNotLeader) {
				t.Errorf("the %s ended with %v", what, err)
			}
		default:
			t.Errorf("the %s waits for ever", what)
		}
	}
	for ended := false; !ended; {
		select {
		case _, open := <-ws.w.more:
			ended = !open
		default:
			t.Fatal("the watcher waits for ever")
		}
	}
}

// wantStopped checks that a node says that it has stopped, and why.
func wantStopped(t testing.TB, n *Node, why, where string) {
	t.Helper()
	s := n.Status()
	if s.State != Stopped || !errors.Is(s.Problem, ErrInvariant) || !strings.Contains(s.Problem.Error(), "panic: "+why) ||
		!strings.Contains(s.Problem.Error(), where) || strings.Contains(s.Problem.Error(), "\n") {
		t.Errorf("the state is %v, the problem %v", s.State, s.Problem)
	}
	if _, err := n.Propose(nil); !errors.Is(err, ErrInvariant) {
		t.Errorf("a later append ended with %v", err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

// mustSayHello makes a node say hello in one of the next ticks, as it hears a new node.
func mustSayHello(n *Node) {
	n.founder.Step(founding.Heard{From: "x", Hello: &wire.Hello{Size: 3}})
}

func TestAPanicInATurnStopsTheNodeAndAnswersAllWhoWait(t *testing.T) {
	for name, c := range map[string]struct {
		spring     func(*Node, *trap)
		closing    bool // and its Close tries to hand over
		why, where string
	}{
		"the storage panics":          {func(_ *Node, tr *trap) { tr.write = true }, false, "the disk is on fire", "engine.(*Node).carryOut (turn.go:"},
		"the port panics":             {func(_ *Node, tr *trap) { tr.send = true }, true, "the wire is on fire", "engine.(*Node).sendFrame (outbox.go:"},
		"the port panics in a tick":   {func(n *Node, tr *trap) { tr.broadcast = true; mustSayHello(n) }, true, "all wires are on fire", "engine.(*Node).tick "},
		"the logger panics":           {func(n *Node, tr *trap) { tr.log = true; _ = n.do(func() { n.take("x", nonsense("x", n.ID())) }) }, true, "the logger is on fire", "engine.(*Node).complain "},
		"a task panics":               {func(n *Node, _ *trap) { _ = n.do(func() { panic(strings.Repeat("x", 1<<20)) }) }, true, "xxx", "engine.(*Node).turn "},
		"the core is not what it was": {func(n *Node, _ *trap) { n.core, n.memberStatusDue = &raft.Core{}, true }, true, "runtime error: index out of range", "engine.(*Node).fillStatus "},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, leader, _ := leads(t, 3)
				tr := trapIn(leader)
				if err := leader.Handle("echo", func(context.Context, raft.Term, []byte) ([]byte, error) { return nil, nil }); err != nil {
					t.Fatal(err)
				}
				f.ch.Isolate(leader.ID()) // so that what is begun does not end
				var all waiters
				waitFor(t, leader, "sent", &all)
				leader.Turn()
				waitFor(t, leader, "new", &all)
				c.spring(leader, tr)
				var closing sync.WaitGroup
				if c.closing {
					closing.Go(leader.handOver)
					synctest.Wait()
				}
				for leader.failed == nil && leader.now < 10_000 {
					leader.guard(leader.Turn)
					leader.Tick()
				}
				all.wantAnswered(t)
				closing.Wait()
				wantStopped(t, leader, c.why, c.where)
			})
		})
	}
}

func TestANodeThatIsStartedSurvivesPanicsOfItsPartsAndTheOthersGoOn(t *testing.T) {
	for name, spring := range map[string]func(*trap){
		"storage": func(tr *trap) { tr.write = true },
		"port":    func(tr *trap) { tr.send = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &flock{t: t, ch: memory.New()}
				var first *Node
				var tr *trap
				for i := range 3 {
					n := f.join(string(rune('a'+i)), 3)
					if i == 0 {
						first, tr = n, trapIn(n)
					}
				}
				for _, n := range f.nodes {
					n.Start()
				}
				for _, n := range f.nodes {
					if _, err := n.Append(t.Context(), []byte("x")); err != nil {
						t.Fatal(err)
					}
				}
				if err := first.do(func() { spring(tr) }); err != nil {
					t.Fatal(err)
				}
				if _, err := first.Append(t.Context(), []byte("y")); !errors.Is(err, ErrInvariant) && !errors.Is(err, ErrUncertain) {
					t.Errorf("the append ended with %v", err)
				}
				wantStopped(t, first, "the ", "engine.(*Node).turn ")
				for _, n := range f.nodes[1:] {
					if _, err := n.Append(t.Context(), []byte("z")); err != nil {
						t.Errorf("%s: %v", n.ID(), err)
					}
				}
			})
		})
	}
}

func TestWhoIsAnsweredAsTheNodeStopsFindsItStopped(t *testing.T) {
	for name, stop := range map[string]func(*Node, *trap){
		"by a panic":   func(_ *Node, tr *trap) { tr.write = true },
		"by its disk":  func(n *Node, _ *trap) { _ = n.do(func() { n.fail(ErrDisk) }) },
		"by its owner": func(n *Node, _ *trap) { n.stopping.Store(true) },
	} {
		for _, queued := range []string{"before", "in"} {
			t.Run(name+", asked "+queued+" the turn", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, n, _ := leads(t, 3)
					tr := trapIn(n)
					f.ch.Isolate(n.ID()) // so that no read is served
					var saw []State
					ask := func() {
						_ = n.inbox.putRequest(0, func(in *input) {
							in.reads = append(in.reads, &readWaiter{begin: func(error) { saw = append(saw, n.Status().State) }})
						})
					}
					ask()
					if queued == "before" {
						n.Turn()
					}
					stop(n, tr)
					propose(t, n, "x")
					if n.stopping.Load() {
						n.shutDown(ErrClosed)
					} else {
						n.guard(n.Turn)
					}
					if !slices.Equal(saw, []State{Stopped}) {
						t.Errorf("it was answered while the node was %v", saw)
					}
					_ = n.Close()
				})
			})
		}
	}
}

func TestASimulatorSeesThePanicOfATurn(t *testing.T) {
	_, n, _ := leads(t, 1)
	trapIn(n).write = true
	propose(t, n, "x")
	defer func() {
		if recover() == nil {
			t.Error("Turn has swallowed it")
		}
	}()
	n.Turn()
}

func TestAFrameThatMakesItsReceiverPanicIsRefused(t *testing.T) {
	_, n, _ := leads(t, 1)
	before := n.Status().Refused
	n.decoders = &sync.Pool{New: func() any { return (*decoding)(nil) }}
	err := receiver{n}.Receive([]byte("a frame"))
	if err == nil || !strings.Contains(err.Error(), "panic: ") || !strings.Contains(err.Error(), "engine.receiver.Receive (node.go:") {
		t.Errorf("the error is %v", err)
	}
	if s := n.Status(); s.State != Member || s.Refused != before+1 {
		t.Errorf("the node is %v and has refused %d frames", s.State, s.Refused-before)
	}
}
