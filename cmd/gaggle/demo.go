package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/channel/tcp"
)

type demoOptions struct {
	nodes      int
	channel    string
	killLeader bool
	json       bool
}

func demoCommand() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run a cluster in this process and append lines to it",
		Long: `Runs a cluster in this process, appends every line of standard input (or, if that is
a terminal or empty, the words "mary had a little lamb"), each through a node chosen at
random, shows what each node commits as it does, and compares the nodes at the end. The
exit status is 0 only if all nodes that are left hold the same entries in the same
order, each line once; it is 130 after an interrupt, and else 1.

The input is read to its end before the nodes start, so that half-way is known. Lines,
of at most 1,000,000 bytes, are appended many at a time through several nodes, so their
order is the cluster's and not that of the input; the built-in words are appended one
after the other.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	c.Flags().IntVar(&o.nodes, "nodes", 3, "how many nodes")
	c.Flags().StringVar(&o.channel, "channel", "memory", "how they reach each other: memory or tcp")
	c.Flags().BoolVar(&o.killLeader, "kill-leader", false, "stop the leader half-way, without a word to the others")
	c.Flags().BoolVar(&o.json, "json", false, "write one JSON object a line")
	return c
}

// check reports what is wrong with the options.
func (o demoOptions) check() error {
	switch {
	case o.nodes < 1 || o.nodes > gaggle.MaxSize:
		return fmt.Errorf("--nodes %d: must be from 1 to %d", o.nodes, gaggle.MaxSize)
	case o.channel != "memory" && o.channel != "tcp":
		return fmt.Errorf("--channel %s: must be memory or tcp", o.channel)
	case o.killLeader && o.nodes < 3:
		return fmt.Errorf("--kill-leader with %d nodes: what is left would have no majority; use 3 or more", o.nodes)
	}
	return nil
}

// demoNode is one node of the demo.
type demoNode struct {
	*gaggle.Node[demoLine]
	name    string
	plug    *plug
	stopped atomic.Bool
	// shown is the index up to which its entries have been written out.
	shown milestone
}

type demoRun struct {
	options demoOptions
	// window is how many lines are under way at once.
	window int
	out    *output
	nodes  []*demoNode

	mu        sync.Mutex
	elections map[gaggle.Term]bool
}

func demo(ctx context.Context, o demoOptions, in io.Reader, w io.Writer) error {
	began := time.Now()
	if err := o.check(); err != nil {
		return err
	}
	values, err := demoInput(ctx, in)
	if err != nil {
		return err
	}
	window := demoWindow
	if len(values) == 0 {
		values, window = strings.Fields("mary had a little lamb"), 1 // it should read well
	}
	d := &demoRun{options: o, window: window, out: newOutput(w, o.json), elections: map[gaggle.Term]bool{}}
	defer d.close()
	if err := d.start(ctx); err != nil {
		return err
	}
	logs, err := d.runShowing(ctx, values)
	if err != nil {
		return errors.Join(err, d.out.flush())
	}
	return d.conclude(logs, values, time.Since(began))
}

// conclude says how it ended. The error is nil only if it ended well.
func (d *demoRun) conclude(logs []demoLog, values []string, took time.Duration) error {
	verdict := judge(logs, values)
	text := count(len(logs), "node") + " with the same entries in the same order, each line once"
	if verdict != nil {
		text = count(len(logs), "node") + " that DIFFER"
	}
	s := summaryEvent{"summary", len(logs), len(values), verdict == nil, len(d.elections), rounded(took)}
	entries := fmt.Sprintf("%d entries", s.Entries)
	if s.Entries == 1 {
		entries = "1 entry"
	}
	d.out.event(s, "%s: %s, %s, %.2f s", text, entries, count(s.Elections, "election"), s.Seconds)
	if verdict != nil {
		verdict = fmt.Errorf("the nodes do not agree: %w", verdict)
	}
	return errors.Join(verdict, d.out.flush())
}

// rounded is a time in seconds, as exact as it is worth reading.
func rounded(d time.Duration) float64 { return math.Round(d.Seconds()*100) / 100 }

// demoInput reads all that is to be appended.
func demoInput(ctx context.Context, in io.Reader) ([]string, error) {
	var values []string
	if !isTerminal(in) {
		read := make(chan error, 1)
		// Not waited for: nothing can interrupt a read of standard input.
		go func() {
			var err error
			var line string
			for line, err = range lines(in) {
				values = append(values, line)
			}
			read <- err
		}()
		select {
		case err := <-read:
			if err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return values, nil
}

// start makes the nodes and waits until all of them are ready.
func (d *demoRun) start(ctx context.Context) error {
	meeting := memory.New()
	var first *tcp.Channel
	for i := range d.options.nodes {
		way := &plug{Channel: meeting}
		if d.options.channel == "tcp" {
			// All but the first only know where the first is.
			c := tcp.New("127.0.0.1:0")
			if first == nil {
				first = c
			} else {
				c = tcp.New("127.0.0.1:0", first.Addr())
			}
			way.Channel = c
		}
		name := fmt.Sprintf("node-%d", i+1)
		n, err := gaggle.Join[demoLine](ctx, way, gaggle.Size(d.options.nodes), gaggle.ID(name),
			gaggle.WithCodec(demoCodec{}), gaggle.InMemory(), gaggle.Local())
		if err != nil {
			return err
		}
		d.nodes = append(d.nodes, &demoNode{Node: n, name: name, plug: way})
	}
	for _, n := range d.nodes {
		if err := n.Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demoRun) close() {
	for _, n := range d.nodes {
		_ = n.Close()
	}
}

// runShowing appends all values, shows what happens meanwhile, and returns what the nodes
// that are left hold then.
func (d *demoRun) runShowing(ctx context.Context, values []string) ([]demoLog, error) {
	showing, stopShowing := context.WithCancel(ctx)
	var followers sync.WaitGroup
	defer func() {
		stopShowing()
		followers.Wait()
	}()
	for _, n := range d.nodes {
		followers.Go(func() { d.follow(showing, n) })
		followers.Go(func() { d.watch(showing, n) })
	}
	logs, err := d.run(ctx, values)
	for _, n := range d.alive() {
		d.leads(n.Status()) // which its watcher may not have come to yet
	}
	return logs, err
}

// follow shows what a node commits. It ends early only if the node does, and whoever
// waits for the entries to be shown will notice that.
func (d *demoRun) follow(ctx context.Context, n *demoNode) {
	_ = follow(ctx, n.Node, func(e gaggle.Entry[demoLine]) {
		d.out.committed(n.name, e.Index, e.Term, e.Value.Text)
	}, func(shown gaggle.Index) error {
		_ = d.out.flush() // an error comes again at the end
		n.shown.reach(uint64(shown))
		return nil
	})
}

// watch shows who leads. The first leader was elected before the watching began.
func (d *demoRun) watch(ctx context.Context, n *demoNode) {
	events := n.Watch(ctx)
	d.leads(n.Status())
	for e := range events {
		if e, ok := e.(gaggle.LeaderElected); ok {
			d.elected(e.Leader, e.Term)
		}
	}
}

func (d *demoRun) leads(s gaggle.Status) {
	if s.Leader != "" {
		d.elected(s.Leader, s.Term)
	}
}

// elected shows a leader, once for each term, and before it returns, whoever does it:
// what is shown next may be that it was stopped.
func (d *demoRun) elected(leader gaggle.NodeID, term gaggle.Term) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.elections[term] {
		return
	}
	d.elections[term] = true
	name, _, _ := strings.Cut(string(leader), "#")
	d.out.leader(name, term)
	_ = d.out.flush() // an error comes again at the end
}

func (d *demoRun) alive() []*demoNode {
	var alive []*demoNode
	for _, n := range d.nodes {
		if !n.stopped.Load() {
			alive = append(alive, n)
		}
	}
	return alive
}
