package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/ben-ng/gaggle"
)

type joinOptions struct {
	size   int
	name   string
	listen string
	id     string
	dir    string
	trace  string
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

Lines of standard input, of at most 1,000,000 bytes, are appended; committed entries
are written to standard output. How the node stands is written to standard error
whenever it changes: where it listens, what it waits for, whether it is a member or a
standby, who leads. At the end of its input the node stays until it is interrupted. A
standby takes no lines: one that is typed into it ends the process.

The exit status is 0 if all lines of standard input are known to be committed, with
--exit after the last one, without it when the node is interrupted. It is 130 if the
node is interrupted before, which says how many lines are not, and 1 after an error.

With --json each line of standard output is an object {"event":"committed",…} and each
of standard error {"event":"listening",…}, {"event":"status",…}, {"event":"uncommitted",…}
at an interrupt, or a record of the log with "level" and "msg". In JSON, what is not
UTF-8 becomes U+FFFD.

With --trace every step of the node's part in Raft is written to a file, with hashes in the
place of lines, for those who check what a cluster did. Started again in its --dir, the node
goes on with its file; without --dir each start needs a new one. If the file cannot be
written any more, a warning says so, and the node goes on.

With --dir the node lives in a directory, and a committed line is on the disks of a majority
of the nodes: whatever ends it, the same command goes on where it was, and writes out all
lines again. Without, it keeps its log in memory: a node that leaves, with --exit too, does
not come back, and when half of the N nodes or more are gone before others have taken their
places, nothing is committed any more. Connections are neither encrypted nor
authenticated; a node that listens on any port does so on all interfaces, unless all
addresses are of this machine alone.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("join takes one channel URL, tcp://HOST:PORT[,HOST:PORT…], and got %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return join(cmd.Context(), args[0], o, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	c.Flags().IntVar(&o.size, "size", 0, "how many nodes the cluster has (required)")
	c.Flags().StringVar(&o.name, "name", gaggle.DefaultName, "the cluster's name")
	c.Flags().StringVar(&o.listen, "listen", "", "the address to listen on, HOST:PORT")
	c.Flags().StringVar(&o.id, "id", "", "what to call this node (default a random name)")
	c.Flags().StringVar(&o.dir, "dir", "", "the directory that this node lives in (default: its log is in memory)")
	c.Flags().StringVar(&o.trace, "trace", "", "a file to write every step of the node to")
	c.Flags().BoolVar(&o.json, "json", false, "write one JSON object a line")
	c.Flags().BoolVar(&o.status, "status", false, "write the node's status to standard error every second (SIGUSR1: once)")
	c.Flags().BoolVar(&o.exit, "exit", false, "leave when all lines of standard input are committed")
	_ = c.MarkFlagRequired("size")
	return c
}

func join(ctx context.Context, address string, o joinOptions, in io.Reader, out, errs io.Writer) error {
	asked := make(chan os.Signal, 1)
	relayStatusSignal(asked) // first of all: until then the signal ends the process
	defer signal.Stop(asked)
	places, err := parseURL(address)
	if err != nil {
		return err
	}
	if o.size < 1 || o.size > gaggle.MaxSize {
		return fmt.Errorf("--size %d: must be from 1 to %d", o.size, gaggle.MaxSize)
	}
	n, listening, err := joinAt(ctx, places, o, newLog(errs, o.json))
	if err != nil {
		return err
	}
	j := newJoined(n, newOutput(out, o.json), newOutput(errs, o.json))
	j.errs.listening(string(n.ID()), listening)
	running, stop := context.WithCancel(ctx)
	var others sync.WaitGroup
	defer func() {
		stop()
		_ = n.Close()
		others.Wait()
		_ = j.out.flush() // the interrupt may have come in the middle of showing
	}()
	changed := make(chan struct{}, 1)
	others.Go(func() { j.watch(running, changed) })
	others.Go(func() { j.showStatus(running, asked, changed, o.status) })
	shown := make(chan error, 1)
	others.Go(func() { shown <- j.show(running) })
	appended, allAppended := make(chan error, 1), false
	go func() { appended <- j.appendAll(running, in) }()
	for err == nil {
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case err = <-shown:
		case err = <-appended:
			if allAppended = true; err == nil && o.exit {
				return nil
			}
		}
	}
	if ctx.Err() == nil {
		return err
	}
	if !allAppended {
		<-appended //nolint:errcheck // it was interrupted
	}
	_ = n.Close() // so that the outcome of each line is known
	open := j.settle(ctx)
	if open > 0 {
		j.errs.uncommitted(string(n.ID()), open)
	}
	if open > 0 || o.exit {
		return ctx.Err()
	}
	return nil // it was to stay until it is interrupted
}

// newLog returns a log for what an operator should know.
func newLog(w io.Writer, asJSON bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelWarn}
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
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
