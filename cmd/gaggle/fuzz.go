package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ben-ng/gaggle/sim"
)

// How long a finding is shrunk at most: it takes as many runs as there are for it, unless
// runs are so slow that nobody would wait for them.
const (
	shrinkRuns = 20_000
	shrinkTime = 2 * time.Minute
)

type fuzzOptions struct {
	seed    uint64
	seeded  bool
	time    time.Duration
	runs    int
	profile string
	json    bool
	replay  string
	out     string
}

func fuzzCommand() *cobra.Command {
	var o fuzzOptions
	c := &cobra.Command{
		Use:   "fuzz",
		Short: "Try to break clusters in a simulator",
		Long: `Runs clusters in a simulator, one after the other, each with its own troubles: links
are cut, frames lost, repeated and late, processes crash, disks and clocks go wrong,
members change. Everything that nodes write, say and commit is checked against the
properties of Raft, and what users see against what they were promised. It ends when
something does not hold that has to, when its time is over, or when it is interrupted.

All of it follows from the seed: the same --seed, --runs and --profile give the same
trace hash on every machine. A finding is made as small as possible, shown, and written
to a file that --replay shows event by event; where users saw something wrong, a page
of HTML beside it shows what. The exit status is 1 if something was found, or if it could
not be looked for.

Nodes are a, b, c, …; 6@3 is the entry at index 6 of term 3, t4 is term 4, → is a message
that leaves, ← one that arrives. In objects, an op has its kind, its node (255 is whoever
leads) and how long after the one before it in nanoseconds.

How far it is goes to standard error, as objects {"event":"progress",…} with --json.
Then each line of standard output is an object too: first {"event":"fuzzing",…}, or
{"event":"happened",…} for each event of a replay, and {"event":"happened no more",…} if it
violates nothing; {"event":"finding",…} if something is
found; {"event":"summary",…} at last.

Profiles:
` + profileHelp(),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.seeded = cmd.Flags().Changed("seed")
			if err := o.check(cmd.Flags().Changed); err != nil {
				return err
			}
			f := newFuzzRun(o, cmd.OutOrStdout(), cmd.ErrOrStderr())
			if o.replay != "" {
				return f.replay(cmd.Context())
			}
			return f.run(cmd.Context())
		},
	}
	c.Flags().Uint64Var(&o.seed, "seed", 0, "what everything follows from (default a random number)")
	c.Flags().DurationVar(&o.time, "for", 0, "how long, such as 30s or 2h (default until it is interrupted)")
	c.Flags().IntVar(&o.runs, "runs", 0, "how many runs (default until it is interrupted)")
	c.Flags().StringVar(&o.profile, "profile", "", "the only profile (default any but calm for each run, from its seed)")
	c.Flags().BoolVar(&o.json, "json", false, "write one JSON object a line")
	c.Flags().StringVar(&o.replay, "replay", "", "play what was found before, from its file")
	c.Flags().StringVar(&o.out, "out", "", "where to write what is found (default gaggle-finding-SEED.json)")
	return c
}

// profileHelp lists the profiles.
func profileHelp() string {
	var b strings.Builder
	for _, p := range sim.Profiles() {
		_, _ = fmt.Fprintf(&b, "  %-11s %s\n", p.Name, p.About)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// check reports what is wrong with the options.
func (o fuzzOptions) check(given func(flag string) bool) error {
	if given("replay") {
		for _, flag := range []string{"seed", "for", "runs", "profile", "out"} {
			if given(flag) {
				return fmt.Errorf("--%s with --replay: a file says all that there is to play", flag)
			}
		}
		if o.replay == "" {
			return errors.New("--replay: must be the name of a file")
		}
		return nil
	}
	profiles := sim.Profiles()
	switch known := slices.ContainsFunc(profiles, func(p sim.Profile) bool { return p.Name == o.profile }); {
	case given("for") && given("runs"):
		return errors.New("--for with --runs: use one of them")
	case given("for") && o.time <= 0:
		return fmt.Errorf("--for %v: must be more than 0", o.time)
	case given("runs") && o.runs < 1:
		return fmt.Errorf("--runs %d: must be at least 1", o.runs)
	case given("profile") && !known:
		names := make([]string, len(profiles))
		for i, p := range profiles {
			names[i] = p.Name
		}
		return fmt.Errorf("--profile %s: must be one of %s", o.profile, strings.Join(names, ", "))
	case given("out") && o.out == "":
		return errors.New("--out: must be the name of a file")
	}
	return nil
}

// fuzzRun is one run of the command, with what it calls.
type fuzzRun struct {
	options fuzzOptions
	out     *output
	shown   *fuzzProgress

	fuzz    func(context.Context, sim.Options, func(sim.Report)) (sim.Report, *sim.Finding, error)
	shrink  func(context.Context, *sim.Schedule, int, func(sim.Shrunk)) sim.Finding
	play    func(*sim.Schedule, io.Writer) (sim.Report, *sim.Violation)
	picture func(*sim.Schedule, string) error
}

func newFuzzRun(o fuzzOptions, out, errs io.Writer) *fuzzRun {
	return &fuzzRun{
		options: o, out: newOutput(out, o.json), shown: newFuzzProgress(errs, o.json),
		fuzz: sim.Fuzz, shrink: sim.Shrink, play: sim.Run, picture: sim.Picture,
	}
}

// fuzzingEvent is the first object that --json writes.
type fuzzingEvent struct {
	Event   string `json:"event"`
	Seed    uint64 `json:"seed"`
	Profile string `json:"profile"`
}

// fuzzSummary is the last object that --json writes.
type fuzzSummary struct {
	Event     string         `json:"event"`
	Seed      uint64         `json:"seed"`
	Runs      int            `json:"runs"`
	Simulated float64        `json:"simulated_seconds"`
	Elections int            `json:"elections"`
	Commits   int            `json:"commits"`
	Faults    map[string]int `json:"faults"`
	TraceHash string         `json:"trace_hash"`
	Findings  int            `json:"findings"`
}

// run looks for something that does not hold, and shows it.
func (f *fuzzRun) run(ctx context.Context) error {
	o := &f.options
	if !o.seeded {
		o.seed = rand.Uint64N(1 << 53) // which numbers in JSON hold
	}
	f.out.event(fuzzingEvent{"fuzzing", o.seed, o.profile}, "seed %d", o.seed)
	if err := f.out.flush(); err != nil { // at once, in case it never gets to the end
		return err
	}
	limited, cancel := ctx, func() {}
	if o.time > 0 {
		limited, cancel = context.WithTimeout(ctx, o.time)
	}
	defer cancel()
	report, finding, err := f.fuzz(limited, sim.Options{Seed: o.seed, Profile: o.profile, Runs: o.runs}, f.shown.fuzzing)
	if err != nil {
		f.shown.clear()
		return err
	}
	if finding != nil {
		finding = f.smallest(ctx, finding)
	}
	f.shown.clear()
	if finding == nil {
		f.conclude(report, false)
		if o.runs > 0 || o.time > 0 {
			err = ctx.Err() // it was to go on
		}
		return errors.Join(err, f.out.flush())
	}
	s := f.save(finding)
	f.show(finding, s)
	f.conclude(report, true)
	return errors.Join(broken(finding.Violation), s.err, f.out.flush())
}

// smallest shrinks a finding. What is left after an interrupt is a finding too.
func (f *fuzzRun) smallest(ctx context.Context, finding *sim.Finding) *sim.Finding {
	limited, cancel := context.WithTimeout(ctx, shrinkTime)
	defer cancel()
	small := f.shrink(limited, finding.Schedule, shrinkRuns, f.shown.shrinking)
	if small.Violation == nil {
		return finding // it does not show again, which is worth to be seen as it was
	}
	return &small
}

// conclude says how it ended.
func (f *fuzzRun) conclude(r sim.Report, found bool) {
	s := fuzzSummary{
		Event: "summary", Seed: f.options.seed, Runs: r.Runs, Simulated: r.Simulated.Seconds(),
		Elections: r.Elections, Commits: r.Commits, Faults: r.Faults, TraceHash: fmt.Sprintf("%016x", r.Hash),
	}
	if s.Faults == nil {
		s.Faults = map[string]int{}
	}
	verdict := "nothing was found"
	if found {
		s.Findings, verdict = 1, "a property was VIOLATED"
	}
	f.out.event(s, "%s: seed %d, %s, trace hash %s", verdict, s.Seed, reportWords(r), s.TraceHash)
}

// reportWords says what happened.
func reportWords(r sim.Report) string {
	return fmt.Sprintf("%s, %v simulated, %s, %s, %s",
		count(r.Runs, "run"), r.Simulated.Round(time.Second), count(r.Elections, "election"), count(r.Commits, "commit"), count(r.FaultCount(), "fault"))
}
