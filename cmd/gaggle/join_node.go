package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/tcp"
)

// joinAt joins, listening where it was told to, or else where it can.
func joinAt(ctx context.Context, places []string, o joinOptions, log *slog.Logger) (*gaggle.Node[[]byte], error) {
	options := []gaggle.Option{gaggle.Size(o.size), gaggle.Name(o.name), gaggle.InMemory(), gaggle.Logger(log)}
	if o.id != "" {
		options = append(options, gaggle.ID(o.id))
	}
	candidates := []string{o.listen}
	if o.listen == "" {
		candidates = append(slices.Clone(places), anyPort(places))
	}
	var last error
	for _, listen := range candidates {
		n, err := gaggle.Join[[]byte](ctx, tcp.New(listen, places...), options...)
		if err == nil {
			return n, nil
		}
		last = err
		if !mayBeElsewhere(err) {
			break
		}
	}
	return nil, last
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
	// written is the index up to which entries have been written out.
	written milestone
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
// when all of them are committed and written out.
func (j *joined) appendAll(ctx context.Context, in io.Reader) error {
	underWay := make(chan *gaggle.Proposal[[]byte], joinWindow)
	proposed := make(chan error, 1)
	// Not waited for: see join.
	go func() {
		defer close(underWay)
		proposed <- j.proposeAll(ctx, in, underWay)
	}()
	var last gaggle.Index
	for p := range underWay {
		e, err := p.Wait(ctx)
		if err != nil {
			return err
		}
		last = e.Index
	}
	if err := j.written.wait(ctx, uint64(last)); err != nil {
		return err
	}
	return <-proposed
}

// proposeAll proposes the lines of a reader.
func (j *joined) proposeAll(ctx context.Context, in io.Reader, underWay chan<- *gaggle.Proposal[[]byte]) error {
	var before *gaggle.Proposal[[]byte]
	for line, err := range lines(in) {
		if err != nil {
			return err
		}
		p, err := j.propose(ctx, []byte(line), before)
		if err != nil {
			return err
		}
		select {
		case underWay <- p:
		case <-ctx.Done():
			return ctx.Err()
		}
		before = p
	}
	return nil
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

// showStatus writes the status every second, if asked to, and whenever it is asked for.
func (j *joined) showStatus(ctx context.Context, asked <-chan os.Signal, always bool) {
	var tick <-chan time.Time
	if always {
		t := time.NewTicker(time.Second)
		defer t.Stop()
		tick = t.C
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
		case <-tick:
		}
		j.errs.status(j.node.Status())
		if j.errs.flush() != nil {
			return
		}
	}
}
