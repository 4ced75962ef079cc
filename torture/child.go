//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/ben-ng/gaggle"
	"github.com/ben-ng/gaggle/channel/tcp"
	"github.com/ben-ng/gaggle/vfs"
)

// clusterName is the name of the cluster.
const clusterName = "torture"

// fullAgain is how long a process waits that could not begin as its disk is full: a moment
// beside the time that disks are full.
const fullAgain = 50 * time.Millisecond

// A child is a process with one node.
type child struct {
	node  *gaggle.Node[value]
	lists *lists

	mu  sync.Mutex
	out *json.Encoder
	// failed is told what must not be.
	failed chan error
}

// beNode is a node's process, and returns its exit code. It ends when its input does.
func beNode(in io.Reader, out, errs io.Writer) int {
	err := serve(bufio.NewReader(in), out, slog.New(slog.NewTextHandler(errs, nil)))
	if err != nil && !errors.Is(err, io.EOF) {
		_, _ = fmt.Fprintln(errs, "torture: node:", err) // there is nowhere else to say it
		return exitFound
	}
	return exitGood
}

func serve(in io.Reader, out io.Writer, log *slog.Logger) error {
	lines := json.NewDecoder(in)
	var config nodeConfig
	if err := lines.Decode(&config); err != nil {
		return err
	}
	// The system chooses the port, as one that was this node's may be somebody's by now.
	ch := tcp.NewConfig(tcp.Config{Listen: "127.0.0.1:0", Advertise: config.Advertise, Peers: config.Peers})
	node, err := joinWhenThereIsRoom(config, ch, log)
	if err != nil {
		return err
	}
	c := &child{node: node, lists: newLists(node), out: json.NewEncoder(out), failed: make(chan error, 1)}
	if err := c.out.Encode(reply{Outcome: done, Address: ch.Addr()}); err != nil {
		return err
	}
	go func() { c.fail(c.obey(lines)) }()
	return <-c.failed
}

// joinWhenThereIsRoom joins, and waits for room on the disk if that is what is missing.
func joinWhenThereIsRoom(config nodeConfig, ch *tcp.Channel, log *slog.Logger) (*gaggle.Node[value], error) {
	for {
		n, err := gaggle.Join[value](context.Background(), ch, gaggle.Name(clusterName), gaggle.ID(config.Name),
			gaggle.Size(config.Size), gaggle.WithCodec(valueCodec{}), gaggle.Dir(config.Dir), gaggle.Logger(log))
		if !errors.Is(err, vfs.ErrFull) {
			return n, err
		}
		log.Warn("cannot begin", slog.Any("error", err))
		time.Sleep(fullAgain)
	}
}

// fail ends the process, for the first reason that is given.
func (c *child) fail(err error) {
	select {
	case c.failed <- err:
	default:
	}
}

// obey does what the lines say until they end. Values are proposed in the order of the
// lines; all else goes on at once.
func (c *child) obey(lines *json.Decoder) error {
	for {
		var r request
		if err := lines.Decode(&r); err != nil {
			return err
		}
		if r.Do != doAppend {
			go c.answer(r, c.do)
			continue
		}
		r.Value.Pad = padding(r.Value.Op, r.Pad)
		p, err := c.node.Propose(r.Value)
		go c.answer(r, func(ctx context.Context, r request) (reply, error) {
			if err != nil {
				return reply{}, err
			}
			return c.finishAppend(ctx, r, p)
		})
	}
}

// answer does what a request asks for, and writes the reply.
func (c *child) answer(r request, do func(context.Context, request) (reply, error)) {
	ctx, stop := context.WithTimeout(context.Background(), time.Duration(r.WithinMS)*time.Millisecond)
	defer stop()
	a, err := do(ctx, r)
	a.ID, a.Outcome = r.ID, done
	switch {
	case errors.Is(err, gaggle.ErrInvariant):
		c.fail(err)
	case errors.Is(err, gaggle.ErrUncertain):
		a.Outcome, a.Error = unknown, err.Error()
	case err != nil:
		a.Outcome, a.Error = refused, err.Error()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.out.Encode(a); err != nil {
		c.fail(err)
	}
}

func (c *child) do(ctx context.Context, r request) (reply, error) {
	switch r.Do {
	case doRead:
		return c.read(ctx, r)
	case doReady:
		return reply{}, c.node.Ready(ctx)
	case doLog:
		return c.log(ctx, r)
	case doStatus:
		s := c.node.Status()
		a := &nodeStatus{State: s.State.String(), Leader: string(s.Leader), Term: s.Term, DiskFull: s.DiskFull}
		// That there was no room for a snapshot is one until the next, and a machine with much to
		// do has slow disks.
		if s.Problem != nil && !errors.Is(s.Problem, vfs.ErrFull) && !errors.Is(s.Problem, gaggle.ErrDiskHangs) {
			a.Problem = s.Problem.Error()
		}
		return reply{Status: a}, nil
	}
	return reply{}, fmt.Errorf("nobody knows what %q is", r.Do)
}

// finishAppend waits for a value that was proposed. What comes behind the acknowledgement is
// not the operation's any more: if that fails, so does the process.
func (c *child) finishAppend(ctx context.Context, r request, p *gaggle.Proposal[value]) (reply, error) {
	e, err := p.Wait(ctx)
	if err != nil {
		return reply{}, err
	}
	list, err := c.lists.after(context.Background(), r.Value.List, e.Index)
	if err != nil {
		c.fail(err)
		return reply{}, gaggle.ErrUncertain
	}
	return reply{Index: e.Index, Term: e.Term, List: list}, nil
}

func (c *child) read(ctx context.Context, r request) (reply, error) {
	if err := c.node.Read(ctx); err != nil {
		return reply{}, err
	}
	list, err := c.lists.now(context.Background(), r.List)
	if err != nil {
		c.fail(err)
	}
	return reply{List: list}, err
}

// logPage is how many entries one reply tells of.
const logPage = 2048

// log tells of the log from an index on, as far as it has been applied.
func (c *child) log(ctx context.Context, r request) (reply, error) {
	var a reply
	for e, err := range c.node.Entries(ctx, gaggle.From(r.From), gaggle.Until(c.node.Status().Applied)) {
		if err != nil {
			return reply{}, err
		}
		e.Value.Pad = nil
		a.Entries = append(a.Entries, logEntry{e.Index, e.Term, e.Value})
		if len(a.Entries) == logPage {
			break
		}
	}
	return a, nil
}
