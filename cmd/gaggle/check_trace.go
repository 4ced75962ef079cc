package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ben-ng/gaggle/conform"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/trace"
)

func checkTraceCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "check-trace FILE...",
		Short: "Hold what the nodes of a cluster did against the specification",
		Long: `Reads the files that the nodes of one cluster wrote with join --trace, from its founding on,
one of each node that ever was a member, and holds every step against the specification of
the algorithm. The steps of all nodes are put into one order in which every message is said
before it is received.

With --json each line is an object {"event":"checked",…} or {"event":"disagreement",…}.

The exit status is 0 if all steps fit, and 1 if one does not, or a file cannot be read.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			checker, err := conform.New()
			if err != nil {
				return err
			}
			return checkTraces(args, checker, &logReport{w: cmd.OutOrStdout(), json: asJSON})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object a line")
	return c
}

// A stepChecker holds steps against a specification: conform.Checker.
type stepChecker interface {
	Ready(node raft.NodeID, t *raft.Trace) bool
	Take(node raft.NodeID, t *raft.Trace) error
}

// The objects that check-trace --json writes.
type (
	tracesChecked struct {
		Event          string         `json:"event"`
		Files          int            `json:"files"`
		Steps          int            `json:"steps"`
		Kinds          map[string]int `json:"kinds"`
		Seconds        float64        `json:"seconds"`
		StepsPerSecond float64        `json:"steps_per_second"`
	}
	traceDisagrees struct {
		Event string      `json:"event"`
		File  string      `json:"file"`
		Node  raft.NodeID `json:"node"`
		Step  int         `json:"step"`
		What  string      `json:"what"`
	}
)

// A tracedNode is a file, and the next step in it; nil at its end.
type tracedNode struct {
	path   string
	file   *os.File
	reader *trace.Reader
	next   *raft.Trace
	// step counts the steps up to next.
	step int
}

func openTrace(path string) (*tracedNode, error) {
	f, err := os.Open(path) //nolint:gosec // which the user has named
	if err != nil {
		return nil, err
	}
	n := &tracedNode{path: path, file: f}
	if n.reader, err = trace.NewReader(bufio.NewReader(f)); err == nil {
		err = n.advance()
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// advance reads the next step. A torn end is one: its process was killed.
func (n *tracedNode) advance() (err error) {
	n.next, err = n.reader.Next()
	n.step++
	if errors.Is(err, io.EOF) || errors.Is(err, trace.ErrTorn) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", n.path, err)
	}
	return nil
}

// A traceCheck is the traces of a cluster, in the order of their nodes.
type traceCheck struct {
	nodes   []*tracedNode
	checker stepChecker
	kinds   map[string]int
	steps   int
}

func checkTraces(paths []string, checker stepChecker, r *logReport) error {
	check := traceCheck{checker: checker, kinds: map[string]int{}}
	defer func() {
		for _, n := range check.nodes {
			_ = n.file.Close()
		}
	}()
	for _, path := range paths {
		n, err := openTrace(path)
		if err != nil {
			return err
		}
		check.nodes = append(check.nodes, n)
	}
	slices.SortStableFunc(check.nodes, func(a, b *tracedNode) int { return cmp.Compare(a.reader.Node(), b.reader.Node()) })
	for i, n := range check.nodes[1:] {
		if before := check.nodes[i]; before.reader.Node() == n.reader.Node() {
			return fmt.Errorf("%s and %s are both of %s", before.path, n.path, n.reader.Node())
		}
	}
	began := time.Now()
	at, err := check.run()
	seconds := time.Since(began).Seconds()
	if at != nil {
		r.say(traceDisagrees{"disagreement", at.path, at.reader.Node(), at.step, err.Error()},
			"step %d of %s, in %s: %v", at.step, at.reader.Node(), at.path, err)
		err = fmt.Errorf("step %d of %s does not fit", at.step, at.reader.Node())
	}
	check.summary(r, seconds)
	return errors.Join(err, r.err)
}

// run takes steps in turn until all are taken. It returns the node whose step does not fit, and
// why; no node if a file cannot be read.
func (c *traceCheck) run() (*tracedNode, error) {
	for {
		taken := false
		for _, n := range c.nodes {
			if n.next == nil || !c.checker.Ready(n.reader.Node(), n.next) {
				continue
			}
			if err := c.checker.Take(n.reader.Node(), n.next); err != nil {
				return n, err
			}
			c.kinds[stepKind(n.next)]++
			c.steps++
			taken = true
			if err := n.advance(); err != nil {
				return nil, err
			}
		}
		if !taken {
			return c.stuck()
		}
	}
}

// stuck returns the first node that is not at its end, when no step can be taken.
func (c *traceCheck) stuck() (*tracedNode, error) {
	for _, n := range c.nodes {
		if n.next == nil {
			continue
		}
		what := stepKind(n.next)
		if e, ok := n.next.Event.(raft.Receive); ok {
			what = fmt.Sprintf("%+v from %s in term %d", e.Message.Body, e.Message.From, e.Message.Term)
		}
		why := "the trace of another member may be missing"
		if i := slices.IndexFunc(c.nodes, func(n *tracedNode) bool { return n.reader.Stopped() }); i >= 0 {
			why = fmt.Sprintf("the recording of %s has stopped, as it could not be written", c.nodes[i].path)
		}
		return n, fmt.Errorf("nobody has said what it receives: %s; %s", what, why)
	}
	return nil, nil //nolint:nilnil // all are at their ends
}

func stepKind(t *raft.Trace) string {
	switch {
	case t.Saved != nil:
		return "Start"
	case t.Update != nil:
		return "Update"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", t.Event), "raft.")
}

func (c *traceCheck) summary(r *logReport, seconds float64) {
	kinds := make([]string, 0, len(c.kinds))
	for _, kind := range slices.Sorted(maps.Keys(c.kinds)) {
		kinds = append(kinds, fmt.Sprintf("%d %s", c.kinds[kind], kind))
	}
	rate := float64(c.steps) / max(seconds, 1e-9)
	r.say(tracesChecked{"checked", len(c.nodes), c.steps, c.kinds, seconds, rate},
		"%d steps of %d nodes fit (%s), in %.2f s, %.0f a second", c.steps, len(c.nodes), strings.Join(kinds, ", "), seconds, rate)
}
