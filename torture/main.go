//go:build unix

// Command torture runs five nodes as five processes, each with a directory of its own, has
// clients append to lists and read them, and meanwhile kills the processes, pauses them, cuts
// and delays what they say to each other, and fills their disks. Then it heals everything,
// compares the logs, kills all five at once, starts them again, compares once more, and looks
// whether some order explains every answer that a client got.
//
//	go run ./torture -for 60s
//	go run ./torture -for 5m -seed 7 -faults kill,pause
//
// It prints which faults there were, what became of the operations, and a verdict. It exits
// with 0 if nothing acknowledged was lost, repeated or reordered, all nodes agree, and what
// was read is linearizable; with 1 if not, when the directories and the nodes' logs stay; and
// with 2 if it could not be done. The seed repeats what it tries, not what comes of it: the
// processes are real.
//
// A killed process loses nothing that it has given to the kernel. What a machine loses whose
// power fails is for the simulator, whose disks forget what was not synced.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The first argument of a process of this program that is not the one that was asked for.
const (
	nodeArgument   = "node"   // one node, told what to do on its standard input
	insideArgument = "inside" // the same with mounts of its own
)

// Exit codes.
const (
	exitGood  = 0
	exitFound = 1
	exitError = 2
)

func main() {
	args := os.Args[1:]
	switch {
	case len(args) > 0 && args[0] == nodeArgument:
		os.Exit(beNode(os.Stdin, os.Stdout, os.Stderr))
	case len(args) > 0 && args[0] == insideArgument:
		os.Exit(command(args[1:], true))
	}
	if code, done := runInside(args); done {
		os.Exit(code)
	}
	os.Exit(command(args, false))
}

// settings are what the command line says.
type settings struct {
	duration time.Duration
	seed     uint64
	dir      string
	kinds    []kind
	clients  int
	verbose  bool
	// mounts: there may be disks in memory.
	mounts bool
}

func readFlags(args []string, errs io.Writer) (*settings, error) {
	s := &settings{}
	flags := flag.NewFlagSet("torture", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.DurationVar(&s.duration, "for", time.Minute, "how long faults are injected")
	flags.Uint64Var(&s.seed, "seed", 0, "what the schedule is drawn from; 0 is a new one")
	flags.StringVar(&s.dir, "dir", "", "where the nodes' directories are made; the system's for temporary files if empty")
	flags.IntVar(&s.clients, "clients", 10, "how many clients there are")
	flags.BoolVar(&s.verbose, "v", false, "print each fault as it begins and ends")
	names := flags.String("faults", joinKinds(allKinds()), "the `kinds` of faults")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	for _, name := range strings.Split(*names, ",") {
		k := kind(strings.TrimSpace(name))
		if !slices.Contains(allKinds(), k) {
			return nil, fmt.Errorf("there are no faults %q, only %s", k, joinKinds(allKinds()))
		}
		s.kinds = append(s.kinds, k)
	}
	if s.clients < 1 {
		return nil, fmt.Errorf("there have to be clients")
	}
	for s.seed == 0 {
		s.seed = rand.Uint64()
	}
	return s, nil
}

// command is the program, once it is where it can run, and returns its exit code.
func command(args []string, mounts bool) int {
	s, err := readFlags(args, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		return exitError
	}
	s.mounts = mounts
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	found, err := run(ctx, s, os.Stdout)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "torture:", err)
		return exitError
	case found:
		return exitFound
	}
	return exitGood
}
