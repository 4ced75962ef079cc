package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/tcp"
)

type joinOptions struct {
	size   int
	name   string
	listen string
	id     string
	json   bool
	status bool
	exit   bool
}

func joinCommand() *cobra.Command {
	var o joinOptions
	c := &cobra.Command{
		Use:   "join tcp://HOST:PORT[,HOST:PORT…] --size N",
		Short: "Run one node of a cluster",
		Long: `Runs one node. The URL lists addresses at which nodes of the cluster may be found;
not all have to be there, and nodes that are not listed are found through those that
are. Unless --listen says otherwise, the node listens on the first of them that is free
on this machine, else on any port; so the same command in three shells is a cluster.

Lines of standard input are appended, committed entries are written to standard
output. At the end of its input the node stays until it is interrupted.

The node keeps its log in memory: what the cluster holds is lost when a majority of
its nodes stops.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return join(cmd.Context(), args[0], o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	c.Flags().IntVar(&o.size, "size", 0, "how many nodes the cluster has (required)")
	c.Flags().StringVar(&o.name, "name", gaggle.DefaultName, "the cluster's name")
	c.Flags().StringVar(&o.listen, "listen", "", "the address to listen on, HOST:PORT")
	c.Flags().StringVar(&o.id, "id", "", "what to call this node (default a random name)")
	c.Flags().BoolVar(&o.json, "json", false, "write one JSON object a line")
	c.Flags().BoolVar(&o.status, "status", false, "write the node's status to standard error every second (SIGUSR1: once)")
	c.Flags().BoolVar(&o.exit, "exit", false, "leave when all lines of standard input are committed")
	_ = c.MarkFlagRequired("size")
	return c
}

func join(ctx context.Context, address string, o joinOptions, in io.Reader, out, errs io.Writer) error {
	places, err := parseURL(address)
	if err != nil {
		return err
	}
	n, err := joinAt(ctx, places, o, slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	j := &joined{node: n, out: newOutput(out, o.json), errs: newOutput(errs, o.json)}
	ctx, stop := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer func() {
		stop()
		_ = n.Close()
		others.Wait()
	}()
	others.Go(func() { j.showStatus(ctx, o.status) })
	shown := make(chan error, 1)
	others.Go(func() { shown <- j.show(ctx) })
	appended := make(chan error, 1)
	// Not waited for: nothing can interrupt a read of standard input.
	go func() { appended <- j.appendAll(ctx, in, o.exit) }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-shown:
			return err
		case err := <-appended:
			if err != nil || o.exit {
				return errors.Join(err, j.out.flush())
			}
		}
	}
}

// parseURL returns the addresses in a channel URL.
func parseURL(address string) ([]string, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok || scheme != "tcp" {
		return nil, fmt.Errorf("%q is not a channel URL: want tcp://HOST:PORT[,HOST:PORT…]", address)
	}
	places := strings.Split(strings.TrimSuffix(rest, "/"), ",")
	for _, place := range places {
		if u, err := url.Parse("tcp://" + place); err != nil || u.Port() == "" || u.Host != place {
			return nil, fmt.Errorf("%q in %q is not HOST:PORT", place, address)
		}
	}
	return places, nil
}

// joinAt joins, listening where it was told to, or else where it can.
func joinAt(ctx context.Context, places []string, o joinOptions, log *slog.Logger) (*gaggle.Node[string], error) {
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
		n, err := gaggle.Join[string](ctx, tcp.New(listen, places...), options...)
		if err == nil {
			return n, nil
		}
		last = err
		if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EADDRNOTAVAIL) {
			break
		}
	}
	return nil, last
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
	node *gaggle.Node[string]
	out  *output
	errs *output
	// written is the index up to which entries have been written out.
	written milestone
}

// show writes committed entries until the context ends. It writes out what it has
// whenever there is nothing more to write, and not for each entry.
func (j *joined) show(ctx context.Context) error {
	for e, err := range j.node.Entries(ctx) {
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, gaggle.ErrClosed) {
				return j.out.flush()
			}
			return err
		}
		j.out.committed(string(j.node.ID()), e.Index, e.Term, e.Value)
		if e.Index >= j.node.Status().Applied {
			if err := j.out.flush(); err != nil {
				return err
			}
		}
		j.written.reach(uint64(e.Index))
	}
	return nil
}

// appendAll appends the lines of a reader, many at a time, in their order, and waits
// for them if asked to.
func (j *joined) appendAll(ctx context.Context, in io.Reader, wait bool) error {
	var last *gaggle.Proposal[string]
	for line, err := range lines(in) {
		if err != nil {
			return err
		}
		p, err := j.propose(ctx, line, last)
		if err != nil {
			return err
		}
		last = p
	}
	if last == nil || !wait {
		return nil
	}
	// They commit in order: the last is committed when all are.
	e, err := last.Wait(ctx)
	if err != nil {
		return err
	}
	return j.written.wait(ctx, uint64(e.Index))
}

// propose proposes a line, and when too much is under way waits for what was before.
func (j *joined) propose(ctx context.Context, line string, before *gaggle.Proposal[string]) (*gaggle.Proposal[string], error) {
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

// showStatus writes the status every second, if asked to, and whenever the process is
// sent SIGUSR1.
func (j *joined) showStatus(ctx context.Context, always bool) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	defer signal.Stop(asked)
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
