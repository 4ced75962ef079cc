package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel"
	"github.com/ben-ng/gaggle/channel/memory"
	"github.com/ben-ng/gaggle/channel/tcp"
)

// demoWindow is how many lines are under way at once.
const demoWindow = 4096

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
random, shows what each node commits, and compares the nodes at the end. The exit
status is 0 only if all nodes that are left hold the same entries in the same order,
each line once.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), o, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	c.Flags().IntVar(&o.nodes, "nodes", 3, "how many nodes")
	c.Flags().StringVar(&o.channel, "channel", "memory", "how they reach each other: memory or tcp")
	c.Flags().BoolVar(&o.killLeader, "kill-leader", false, "stop the leader half-way")
	c.Flags().BoolVar(&o.json, "json", false, "write one JSON object a line")
	return c
}

// demoLine is what the demo appends: the number makes equal lines different.
type demoLine struct {
	Number int    `json:"n"`
	Text   string `json:"v"`
}

// demoNode is one node of the demo.
type demoNode struct {
	*gaggle.Node[demoLine]
	name    string
	stopped atomic.Bool
	// shown is the index up to which its entries have been written out.
	shown milestone
}

type demoRun struct {
	options demoOptions
	out     *output
	nodes   []*demoNode

	mu        sync.Mutex
	elections map[gaggle.Term]bool
}

func demo(ctx context.Context, o demoOptions, in io.Reader, w io.Writer) error {
	began := time.Now()
	values, err := demoInput(in)
	if err != nil {
		return err
	}
	if o.killLeader && o.nodes < 3 {
		return fmt.Errorf("--kill-leader with %d nodes: what is left would have no majority; use 3 or more", o.nodes)
	}
	d := &demoRun{options: o, out: newOutput(w, o.json), elections: map[gaggle.Term]bool{}}
	following, stopFollowing := context.WithCancel(ctx)
	var followers sync.WaitGroup
	defer func() {
		stopFollowing()
		for _, n := range d.nodes {
			_ = n.Close()
		}
		followers.Wait()
	}()
	if err := d.start(ctx); err != nil {
		return err
	}
	for _, n := range d.nodes {
		followers.Go(func() { d.follow(following, n) })
		followers.Go(func() { d.watch(following, n) })
	}
	identical, err := d.run(ctx, values)
	if err != nil {
		return errors.Join(err, d.out.flush())
	}
	d.mu.Lock()
	s := summaryEvent{"summary", len(d.alive()), len(values), identical, len(d.elections), time.Since(began).Seconds()}
	d.mu.Unlock()
	verdict := "hold the same entries in the same order, each line once"
	if !identical {
		verdict = "DIFFER"
	}
	d.out.event(s, "%d nodes %s: %d entries, %d elections, %.2f s", s.Nodes, verdict, s.Entries, s.Elections, s.Seconds)
	if err := d.out.flush(); err != nil {
		return err
	}
	if !identical {
		return errors.New("the nodes do not agree")
	}
	return nil
}

func demoInput(in io.Reader) ([]string, error) {
	var values []string
	if !isTerminal(in) {
		for line, err := range lines(in) {
			if err != nil {
				return nil, err
			}
			values = append(values, line)
		}
	}
	if len(values) == 0 {
		values = strings.Fields("mary had a little lamb")
	}
	return values, nil
}

// start makes the nodes and waits until all of them are ready.
func (d *demoRun) start(ctx context.Context) error {
	var meeting channel.Channel = memory.New()
	var first *tcp.Channel
	for i := range d.options.nodes {
		switch d.options.channel {
		case "memory":
		case "tcp":
			// All but the first only know where the first is.
			c := tcp.New("127.0.0.1:0")
			if first == nil {
				first = c
			} else {
				c = tcp.New("127.0.0.1:0", first.Addr())
			}
			meeting = c
		default:
			return fmt.Errorf("--channel %s: must be memory or tcp", d.options.channel)
		}
		name := fmt.Sprintf("node-%d", i+1)
		n, err := gaggle.Join[demoLine](ctx, meeting, gaggle.Size(d.options.nodes), gaggle.ID(name), gaggle.InMemory(), gaggle.Local())
		if err != nil {
			return err
		}
		d.nodes = append(d.nodes, &demoNode{Node: n, name: name})
	}
	for _, n := range d.nodes {
		if err := n.Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// follow shows what a node commits.
func (d *demoRun) follow(ctx context.Context, n *demoNode) {
	for e, err := range n.Entries(ctx) {
		if err != nil {
			return
		}
		d.out.committed(n.name, e.Index, e.Term, e.Value.Text)
		n.shown.reach(uint64(e.Index))
	}
}

// watch shows who leads, once for each term. The first leader may have been elected
// before the watching began.
func (d *demoRun) watch(ctx context.Context, n *demoNode) {
	s := n.Status()
	events := n.Watch(ctx)
	if s.Leader != "" {
		d.elected(s.Leader, s.Term)
	}
	for e := range events {
		if e, ok := e.(gaggle.LeaderElected); ok {
			d.elected(e.Leader, e.Term)
		}
	}
}

func (d *demoRun) elected(leader gaggle.NodeID, term gaggle.Term) {
	d.mu.Lock()
	seen := d.elections[term]
	d.elections[term] = true
	d.mu.Unlock()
	if !seen {
		name, _, _ := strings.Cut(string(leader), "#")
		d.out.leader(name, term)
	}
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

// run appends all values and reports whether all nodes then hold the same.
func (d *demoRun) run(ctx context.Context, values []string) (bool, error) {
	half := len(values)
	if d.options.killLeader {
		half = len(values) / 2
	}
	all := make([]demoLine, len(values))
	for i, v := range values {
		all[i] = demoLine{i, v}
	}
	uncertain, err := d.append(ctx, all[:half], nil)
	if err != nil {
		return false, err
	}
	if d.options.killLeader {
		more, err := d.append(ctx, all[half:], d.killLeader)
		if err != nil {
			return false, err
		}
		uncertain = append(uncertain, more...)
	}
	if err := d.appendLost(ctx, uncertain); err != nil {
		return false, err
	}
	return d.compare(ctx, len(values))
}

// append appends lines, each through a random node, many at a time, and returns those
// whose outcome is not known because their node was stopped. If meanwhile is given, it
// is run while the first of them are under way.
func (d *demoRun) append(ctx context.Context, all []demoLine, meanwhile func()) ([]demoLine, error) {
	type underWay struct {
		line     demoLine
		proposal *gaggle.Proposal[demoLine]
	}
	var uncertain []demoLine
	queue := make([]underWay, 0, demoWindow)
	settle := func() error {
		for _, u := range queue {
			_, err := u.proposal.Wait(ctx)
			switch {
			case errors.Is(err, gaggle.ErrClosed):
				uncertain = append(uncertain, u.line)
			case err != nil:
				return err
			}
		}
		queue = queue[:0]
		return nil
	}
	for _, line := range all {
		alive := d.alive()
		p, err := alive[rand.IntN(len(alive))].Propose(line)
		if errors.Is(err, gaggle.ErrClosed) {
			uncertain = append(uncertain, line)
			continue
		}
		if err != nil {
			return nil, err
		}
		if queue = append(queue, underWay{line, p}); len(queue) == demoWindow {
			if meanwhile != nil {
				meanwhile()
				meanwhile = nil
			}
			if err := settle(); err != nil {
				return nil, err
			}
		}
	}
	if meanwhile != nil {
		meanwhile()
	}
	return uncertain, settle()
}

// killLeader stops whichever node leads.
func (d *demoRun) killLeader() {
	for _, n := range d.nodes {
		if s := n.Status(); s.Leader == n.ID() {
			n.stopped.Store(true)
			d.out.event(stoppedEvent{"stopped", n.name}, "%-8s is stopped", n.name)
			_ = n.Close()
			return
		}
	}
}

// appendLost appends, of the lines whose outcome was not known, those that turn out
// not to be in the log. A read barrier that a new leader has confirmed settles it.
func (d *demoRun) appendLost(ctx context.Context, uncertain []demoLine) error {
	if len(uncertain) == 0 {
		return nil
	}
	n := d.alive()[0]
	committed, err := d.upToDate(ctx, n)
	if err != nil {
		return err
	}
	there := make(map[int]bool, len(committed))
	for _, e := range committed {
		there[e.Value.Number] = true
	}
	lost := slices.DeleteFunc(uncertain, func(l demoLine) bool { return there[l.Number] })
	_, err = d.append(ctx, lost, nil)
	return err
}

// upToDate returns what a node has committed when it has caught up with the cluster.
func (d *demoRun) upToDate(ctx context.Context, n *demoNode) ([]gaggle.Entry[demoLine], error) {
	if err := n.Read(ctx); err != nil {
		return nil, err
	}
	var all []gaggle.Entry[demoLine]
	for e, err := range n.Entries(ctx, gaggle.Until(n.Status().Applied)) {
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// compare reports whether all nodes that are left hold the same entries, with each of
// so many lines once, and have shown them.
func (d *demoRun) compare(ctx context.Context, lines int) (bool, error) {
	var reference []gaggle.Entry[demoLine]
	for i, n := range d.alive() {
		all, err := d.upToDate(ctx, n)
		if err != nil {
			return false, err
		}
		if len(all) > 0 {
			if err := n.shown.wait(ctx, uint64(all[len(all)-1].Index)); err != nil {
				return false, err
			}
		}
		if i == 0 {
			reference = all
		} else if !slices.Equal(all, reference) {
			return false, nil
		}
	}
	times := make([]int, lines)
	for _, e := range reference {
		if e.Value.Number < 0 || e.Value.Number >= lines {
			return false, nil
		}
		times[e.Value.Number]++
	}
	return !slices.ContainsFunc(times, func(n int) bool { return n != 1 }), nil
}
