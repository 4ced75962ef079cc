// Command gaggle runs nodes of a Gaggle cluster: a demonstration in one process
// (gaggle demo), one node a process (gaggle join), or many clusters in a simulator that
// tries to break them (gaggle fuzz).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with everything it touches passed in. It returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	root := &cobra.Command{
		Use:           "gaggle",
		Short:         "Several processes, one agreed log",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(demoCommand(), joinCommand(), fuzzCommand(), logCommand(), adoptCommand(), backupCommand(), restoreCommand(), checkTraceCommand())
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return 130 // as shells report an interrupt
	}
	_, _ = fmt.Fprintln(errs, "gaggle:", strings.TrimPrefix(err.Error(), "gaggle: "))
	return 1
}
