package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/tcp"
)

// joinAt joins, listening where it was told to, or else where it can, which it returns.
func joinAt(ctx context.Context, places []string, o joinOptions, log *slog.Logger) (*gaggle.Node[[]byte], string, error) {
	options := []gaggle.Option{gaggle.Size(o.size), gaggle.Name(o.name), gaggle.Logger(log), keeping(o.dir)}
	if o.id != "" {
		options = append(options, gaggle.ID(o.id))
	}
	if o.trace != "" {
		options = append(options, gaggle.Trace(o.trace))
	}
	candidates := []string{o.listen}
	if o.listen == "" {
		candidates = append(slices.Clone(places), anyPort(places))
	}
	var last error
	for _, listen := range candidates {
		ch := tcp.New(listen, places...)
		n, err := gaggle.Join[[]byte](ctx, ch, options...)
		if err == nil {
			return n, ch.Addr(), nil
		}
		last = err
		if !mayBeElsewhere(err) {
			break
		}
	}
	return nil, "", last
}

// keeping says where a node keeps its log.
func keeping(dir string) gaggle.Option {
	if dir == "" {
		return gaggle.InMemory()
	}
	return gaggle.Dir(dir)
}

// mayBeElsewhere reports whether an address cannot be listened on because it is another
// node's, on this machine or on another one. A name that is not known here may be so later.
func mayBeElsewhere(err error) bool {
	var unknown *net.DNSError
	return notHere(err) || errors.As(err, &unknown)
}

// anyPort is where to listen if no listed address is this machine's: at any port, and
// reachable from where the listed ones are.
func anyPort(places []string) string {
	for _, place := range places {
		host, _, _ := net.SplitHostPort(place)
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return ":0"
		}
	}
	return "127.0.0.1:0"
}

// joined is a node and where it writes.
type joined struct {
	node *gaggle.Node[[]byte]
	out  *output
	errs *output
	// open counts the lines that were read and are not known to be committed.
	open atomic.Int64
	// underWay are the lines that were proposed, in their order, behind the one that is waited for.
	underWay chan *gaggle.Proposal[[]byte]
	waiting  *gaggle.Proposal[[]byte]
	// proposing is held while a line is on its way into underWay.
	proposing sync.Mutex
	// written is the index up to which entries have been written out.
	written milestone
}

func newJoined(n *gaggle.Node[[]byte], out, errs *output) *joined {
	return &joined{node: n, out: out, errs: errs, underWay: make(chan *gaggle.Proposal[[]byte], joinWindow)}
}

// show writes committed entries until the context ends.
func (j *joined) show(ctx context.Context) error {
	return follow(ctx, j.node, func(e gaggle.Entry[[]byte]) {
		j.out.committed(string(j.node.ID()), e.Index, e.Term, string(e.Value))
	}, func(shown gaggle.Index) error {
		if err := j.out.flush(); err != nil {
			return err
		}
		j.written.reach(uint64(shown))
		return nil
	})
}

// joinWindow is how many lines are under way at once.
const joinWindow = 4096

// appendAll appends the lines of a reader, many at a time, in their order, and returns
// when all of them are committed and written out, or the context has ended.
func (j *joined) appendAll(ctx context.Context, in io.Reader) error {
	proposed := make(chan error, 1)
	// Not waited for: nothing can interrupt a read of standard input.
	go func() {
		defer close(j.underWay)
		proposed <- j.proposeAll(ctx, in)
	}()
	var last gaggle.Index
	for j.next(ctx) {
		e, err := j.waiting.Wait(ctx)
		if err != nil {
			return err
		}
		j.waiting = nil
		j.open.Add(-1)
		last = e.Index
	}
	if err := j.written.wait(ctx, uint64(last)); err != nil {
		return err
	}
	select {
	case err := <-proposed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// next waits for the next line under way. There is none after the last, or when the context has
// ended.
func (j *joined) next(ctx context.Context) bool {
	select {
	case j.waiting = <-j.underWay:
	case <-ctx.Done():
	}
	return j.waiting != nil
}

// settle returns how many lines that were read are not committed, as far as the node knows, which is
// closed. What has become of a line may have been written out, and be known to who waits for it
// a little later: an interrupt in between must not make it one that may be lost.
func (j *joined) settle(ended context.Context) int {
	j.proposing.Lock()
	defer j.proposing.Unlock()
	for p := j.waiting; ; {
		if p != nil {
			if _, err := p.Wait(ended); err == nil {
				j.open.Add(-1)
			}
		}
		select {
		case p = <-j.underWay:
			if p != nil {
				continue
			}
		default:
		}
		return int(j.open.Load())
	}
}

// proposeAll proposes the lines of a reader.
func (j *joined) proposeAll(ctx context.Context, in io.Reader) error {
	var before *gaggle.Proposal[[]byte]
	for line, err := range lines(in) {
		if err != nil {
			return err
		}
		if before, err = j.begin(ctx, []byte(line), before); err != nil {
			return err
		}
	}
	return nil
}

// begin proposes a line and puts it under way.
func (j *joined) begin(ctx context.Context, line []byte, before *gaggle.Proposal[[]byte]) (*gaggle.Proposal[[]byte], error) {
	j.proposing.Lock()
	defer j.proposing.Unlock()
	j.open.Add(1)
	p, err := j.propose(ctx, line, before)
	if err != nil {
		return nil, err
	}
	select {
	case j.underWay <- p:
		return p, nil
	default:
	}
	select {
	case j.underWay <- p:
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// propose proposes a line, and when too much is under way waits for what was before.
func (j *joined) propose(ctx context.Context, line []byte, before *gaggle.Proposal[[]byte]) (*gaggle.Proposal[[]byte], error) {
	for {
		p, err := j.node.Propose(line)
		if !errors.Is(err, gaggle.ErrBusy) || before == nil {
			return p, err
		}
		if _, err := before.Wait(ctx); err != nil {
			return nil, err
		}
	}
}

// watch says when the status may have changed, until the context ends.
func (j *joined) watch(ctx context.Context, changed chan<- struct{}) {
	for e := range j.node.Watch(ctx) {
		if _, ok := e.(gaggle.Committed); ok {
			continue // there are many, and they are written out themselves
		}
		select {
		case changed <- struct{}{}:
		default: // it was said, and nobody has looked yet
		}
	}
}

// standing is what of a status is news when it changes.
type standing struct {
	state   gaggle.State
	waiting string
	leader  gaggle.NodeID
	term    gaggle.Term
	// electing: there is no leader, which is no trouble yet.
	electing bool
}

func standingOf(s gaggle.Status) standing {
	now := standing{s.State, s.Waiting, s.Leader, s.Term, electing(s)}
	if s.Leader == "" {
		now.term = 0 // candidates count on, which is no news
	}
	return now
}

// showStatus writes the status when it changes, whenever it is asked for, and, if it
// always has to, every second.
func (j *joined) showStatus(ctx context.Context, asked <-chan os.Signal, changed <-chan struct{}, always bool) {
	t := time.NewTicker(time.Second) // what a node waits for changes without an event
	defer t.Stop()
	var shown standing
	for {
		due := false
		select {
		case <-ctx.Done():
			return
		case <-asked:
			due = true
		case <-t.C:
			due = always
		case <-changed:
		}
		s := j.node.Status()
		if now := standingOf(s); due || now != shown {
			shown = now
			j.errs.status(s)
			if j.errs.flush() != nil {
				return
			}
		}
	}
}
