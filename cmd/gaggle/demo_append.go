package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"

	"github.com/ben-ng/gaggle"
)

// How many lines are under way at once at most, and about how many bytes of them. Both
// are well below what a node takes.
const (
	demoWindow      = 4096
	demoWindowBytes = 16 << 20
)

// run appends all values and returns what the nodes that are left hold then.
func (d *demoRun) run(ctx context.Context, values []string) ([]demoLog, error) {
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
		return nil, err
	}
	if d.options.killLeader {
		more, err := d.append(ctx, all[half:], d.killLeader)
		if err != nil {
			return nil, err
		}
		uncertain = append(uncertain, more...)
	}
	if err := d.appendLost(ctx, uncertain); err != nil {
		return nil, err
	}
	return d.logs(ctx)
}

// append appends lines, each through a random node, many at a time, and returns those
// whose outcome is not known because their node was stopped. If meanwhile is given, it
// is run while the first of them are under way.
func (d *demoRun) append(ctx context.Context, all []demoLine, meanwhile func(context.Context) error) ([]demoLine, error) {
	type underWay struct {
		line     demoLine
		proposal *gaggle.Proposal[demoLine]
	}
	var uncertain []demoLine
	queue := make([]underWay, 0, demoWindow)
	queueBytes := 0
	settle := func() error {
		if meanwhile != nil {
			if err := meanwhile(ctx); err != nil {
				return err
			}
			meanwhile = nil
		}
		for _, u := range queue {
			_, err := u.proposal.Wait(ctx)
			switch {
			case errors.Is(err, gaggle.ErrClosed):
				uncertain = append(uncertain, u.line)
			case err != nil:
				return err
			}
		}
		queue, queueBytes = queue[:0], 0
		return nil
	}
	for _, line := range all {
		alive := d.alive()
		p, err := alive[rand.IntN(len(alive))].Propose(line)
		if err != nil {
			return nil, err
		}
		queue = append(queue, underWay{line, p})
		queueBytes += len(line.Text)
		if len(queue) == d.window || queueBytes >= demoWindowBytes {
			if err := settle(); err != nil {
				return nil, err
			}
		}
	}
	err := settle()
	return uncertain, err
}

// killLeader stops whichever node leads, without a word to the others.
func (d *demoRun) killLeader(ctx context.Context) error {
	n, err := d.leader(ctx)
	if err != nil {
		return err
	}
	n.plug.pull()
	n.stopped.Store(true)
	d.out.event(stoppedEvent{"stopped", n.name}, "%-8s is stopped", n.name)
	_ = d.out.flush() // an error comes again at the end
	return n.Close()
}

// leader returns the node that leads, and waits for one if none does.
func (d *demoRun) leader(ctx context.Context) (*demoNode, error) {
	for {
		for _, n := range d.nodes {
			if s := n.Status(); s.Leader == n.ID() {
				d.leads(s) // which its watcher may not have come to yet
				return n, nil
			}
		}
		if err := d.nodes[0].Read(ctx); err != nil {
			return nil, err
		}
	}
}

// appendLost appends, of the lines whose outcome was not known, those that turn out
// not to be in the log. A read barrier that a new leader has confirmed settles it: what
// only the stopped node's log had is lost for good then.
func (d *demoRun) appendLost(ctx context.Context, uncertain []demoLine) error {
	if len(uncertain) == 0 {
		return nil
	}
	log, err := d.log(ctx, d.alive()[0])
	if err != nil {
		return err
	}
	there := make(map[int]bool, len(log.entries))
	for _, e := range log.entries {
		there[e.Value.Number] = true
	}
	lost := slices.DeleteFunc(uncertain, func(l demoLine) bool { return there[l.Number] })
	_, err = d.append(ctx, lost, nil)
	return err
}

// log returns what a node holds when it has caught up with the cluster.
func (d *demoRun) log(ctx context.Context, n *demoNode) (demoLog, error) {
	if err := n.Read(ctx); err != nil {
		return demoLog{}, err
	}
	log := demoLog{name: n.name}
	for e, err := range n.Entries(ctx, gaggle.Until(n.Status().Applied)) {
		if err != nil {
			return demoLog{}, err
		}
		log.entries = append(log.entries, e)
	}
	return log, nil
}

// logs returns what each node that is left holds, when it has shown all of it.
func (d *demoRun) logs(ctx context.Context) ([]demoLog, error) {
	var logs []demoLog
	for _, n := range d.alive() {
		log, err := d.log(ctx, n)
		if err != nil {
			return nil, err
		}
		if len(log.entries) > 0 {
			if err := n.shown.wait(ctx, uint64(log.entries[len(log.entries)-1].Index)); err != nil {
				return nil, err
			}
		}
		logs = append(logs, log)
	}
	return logs, nil
}
