package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle/sim"
)

// fuzzEventFields are the fields of each object that fuzz --json writes, and must all be
// there.
var fuzzEventFields = map[string][]string{
	"fuzzing":          {"event", "profile", "seed"},
	"happened":         {"event", "seconds", "text"},
	"happened no more": {"detail", "event", "property"},
	"finding":          {"detail", "event", "events", "file", "layer", "nodes", "ops", "picture", "profile", "property", "seed", "spares"},
	"summary":          {"commits", "elections", "event", "faults", "findings", "runs", "seed", "simulated_seconds", "trace_hash"},
}

// fuzzEvents reads all that fuzz --json wrote to standard output. To standard error goes how far
// it is, when some seconds have passed, which is no matter of the seed.
func fuzzEvents(t *testing.T, out string) []fuzzSummary {
	t.Helper()
	var events []fuzzSummary
	for line := range strings.Lines(out) {
		var fields map[string]json.RawMessage
		var e fuzzSummary
		if err := errors.Join(json.Unmarshal([]byte(line), &fields), json.Unmarshal([]byte(line), &e)); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, optional := range []string{"file", "picture"} {
			if e.Event == "finding" && fields[optional] == nil {
				fields[optional] = nil
			}
		}
		if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, fuzzEventFields[e.Event]) {
			t.Fatalf("%q has the fields %v, want %v", line, got, fuzzEventFields[e.Event])
		}
		events = append(events, e)
	}
	if len(events) == 0 || events[len(events)-1].Event != "summary" {
		t.Fatalf("the last line of %q is no summary", out)
	}
	return events
}

func TestTheSameSeedGivesTheSameTraceHash(t *testing.T) {
	hashes := map[string]bool{}
	for _, args := range [][]string{{}, {"--profile", "churn"}, {"--profile", "engines"}} {
		args = append([]string{"fuzz", "--runs", "5", "--seed", "42", "--json"}, args...)
		o := runCommand(t.Context(), nil, args...)
		if o.code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, o.code, o.errs)
		}
		if again := runCommand(t.Context(), nil, args...); again.code != 0 || again.out != o.out {
			t.Errorf("%v: first %+v, then %+v", args, o, again)
		}
		events := fuzzEvents(t, o.out)
		s := events[len(events)-1]
		if s.Seed != 42 || s.Runs != 5 || s.Findings != 0 || s.Simulated == 0 || s.Elections == 0 || len(s.Faults) == 0 || len(s.TraceHash) != 16 {
			t.Errorf("%v: the summary is %+v", args, s)
		}
		hashes[s.TraceHash] = true
	}
	if len(hashes) != 3 {
		t.Errorf("what is different has the same hash: %v", hashes)
	}
}

func TestWithoutASeedOneIsDrawnAndShown(t *testing.T) {
	o := runCommand(t.Context(), nil, "fuzz", "--runs", "2", "--profile", "graphs")
	first, rest, _ := strings.Cut(o.out, "\n")
	seed, ok := strings.CutPrefix(first, "seed ")
	if o.code != 0 || !ok || !strings.HasPrefix(rest, "nothing was found: seed "+seed+", 2 runs, ") {
		t.Fatalf("exit code %d: %q", o.code, o.out)
	}
	if again := runCommand(t.Context(), nil, "fuzz", "--runs", "2", "--profile", "graphs", "--seed", seed); again.code != 0 || again.out != o.out {
		t.Errorf("first %+v, then %+v", o, again)
	}
	if other := runCommand(t.Context(), nil, "fuzz", "--runs", "2", "--profile", "graphs"); other.out == o.out {
		t.Errorf("twice the same seed is drawn: %q", o.out)
	}
}

func TestFuzzingEndsWhenItsTimeIsOver(t *testing.T) {
	o := runCommand(t.Context(), nil, "fuzz", "--for", "1ms", "--profile", "graphs", "--json")
	events := fuzzEvents(t, o.out)
	if o.code != 0 || events[len(events)-1].Runs > 1000 {
		t.Errorf("exit code %d: %s%s", o.code, o.out, o.errs)
	}
}

func TestAnInterruptEndsFuzzingWithASummary(t *testing.T) {
	for _, c := range []struct {
		options fuzzOptions
		err     error
	}{
		{fuzzOptions{json: true}, nil}, // it was to go on until then
		{fuzzOptions{json: true, runs: 1000}, context.Canceled},
		{fuzzOptions{json: true, time: time.Hour}, context.Canceled},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		var out, errs bytes.Buffer
		f := newFuzzRun(c.options, &out, &errs)
		f.fuzz = func(ctx context.Context, _ sim.Options, _ func(sim.Report)) (sim.Report, *sim.Finding, error) {
			interrupt()
			<-ctx.Done()
			return sim.Report{Runs: 3}, nil, nil
		}
		if err := f.run(ctx); !errors.Is(err, c.err) {
			t.Errorf("%+v: the error is %v, want %v", c.options, err, c.err)
		}
		if events := fuzzEvents(t, out.String()); events[len(events)-1].Runs != 3 {
			t.Errorf("%+v: it says %q", c.options, out.String())
		}
	}
}

func TestAFuzzCommandLineThatIsWrongIsRefusedWithTheReason(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "garbage.json")
	if err := os.WriteFile(garbage, []byte("\x00 garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, reason := range map[string]string{
		"fuzz --runs 0":                          "--runs 0: must be at least 1",
		"fuzz --runs -3":                         "--runs -3: must be at least 1",
		"fuzz --runs many":                       `"many" for "--runs"`,
		"fuzz --for 0s":                          "--for 0s: must be more than 0",
		"fuzz --for -1s":                         "--for -1s: must be more than 0",
		"fuzz --for long":                        `"long" for "--for"`,
		"fuzz --for 1s --runs 1":                 "--for with --runs: use one of them",
		"fuzz --seed -1":                         `"-1" for "--seed"`,
		"fuzz --profile storms --runs 1":         "--profile storms: must be one of calm, swarm, ",
		"fuzz --profile= --runs 1":               "--profile : must be one of",
		"fuzz --out= --runs 1":                   "--out: must be the name of a file",
		"fuzz --replay=":                         "--replay: must be the name of a file",
		"fuzz --replay x --seed 1":               "--seed with --replay",
		"fuzz --replay x --out y":                "--out with --replay",
		"fuzz --replay " + garbage:               "garbage.json: sim: it is not a finding",
		"fuzz --replay " + garbage + " --json":   "garbage.json: sim: it is not a finding",
		"fuzz --replay " + garbage + "-nowhere":  "garbage.json-nowhere",
		"fuzz --replay " + filepath.Dir(garbage): "is a directory",
		"fuzz harder":                            `unknown command "harder"`,
	} {
		o := runCommand(t.Context(), nil, strings.Fields(line)...)
		if o.code != 1 || o.out != "" || !strings.HasPrefix(o.errs, "gaggle: ") || !strings.Contains(o.errs, reason) || strings.Count(o.errs, "\n") != 1 {
			t.Errorf("%s: exit code %d, output %q, message %q; want one with %q", line, o.code, o.out, o.errs, reason)
		}
	}
}

func TestTheHelpOfFuzzNamesEveryFlagAndProfile(t *testing.T) {
	o := runCommand(t.Context(), nil, "fuzz", "--help")
	want := strings.Fields("--seed --for --runs --profile --json --replay --out")
	for _, p := range sim.Profiles() {
		want = append(want, p.Name, p.About)
	}
	for _, text := range want {
		if o.code != 0 || !strings.Contains(o.out, text) {
			t.Errorf("exit code %d, the help does not say %q:\n%s", o.code, text, o.out)
		}
	}
}

// aFinding is one of a schedule that violates nothing.
func aFinding(profile string) *sim.Finding {
	s := sim.Generate(9, profile)
	s.Ops = s.Ops[:3]
	return &sim.Finding{Schedule: s, Violation: &sim.Violation{Property: sim.Linearizable, Detail: "it was odd", At: time.Second, Step: 77}}
}

// finding is a fuzzRun that finds something, and is as small as it gets.
func finding(o fuzzOptions, found *sim.Finding, out io.Writer) *fuzzRun {
	f := newFuzzRun(o, out, io.Discard)
	f.fuzz = func(context.Context, sim.Options, func(sim.Report)) (sim.Report, *sim.Finding, error) {
		return sim.Report{Runs: 5, Hash: 255}, found, nil
	}
	f.shrink = func(context.Context, *sim.Schedule, int, func(sim.Shrunk)) sim.Finding { return *found }
	return f
}

func TestAFindingIsShownAndWritten(t *testing.T) {
	t.Chdir(t.TempDir())
	var out bytes.Buffer
	found := aFinding("engines")
	found.Schedule.Ops = append(found.Schedule.Ops, sim.Op{After: 5 * time.Second, Kind: sim.ReadIndex, Node: 1}, sim.Op{After: time.Second, Kind: sim.Mend})
	err := finding(fuzzOptions{seed: 4, seeded: true, profile: "engines"}, found, &out).run(t.Context())
	if want := `"linearizable" does not hold: it was odd`; err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %q", err, want)
	}
	for _, text := range []string{
		"seed 4\n", "VIOLATED: linearizable\n  it was odd\n", "seed 9, profile engines, layer engines: ", "77 events in 1s\n", "5 ops:\n",
		"  read b\n", "to find it again: gaggle fuzz --seed 9 --runs 1 --profile engines\n",
		"gaggle fuzz --replay gaggle-finding-9.json\n", "what users saw: gaggle-finding-9.html\n",
		"a property was VIOLATED: seed 4, 5 runs, ", "trace hash 00000000000000ff\n",
	} {
		if !strings.Contains(out.String(), text) {
			t.Errorf("it does not say %q:\n%s", text, out.String())
		}
	}
	if page, err := os.ReadFile("gaggle-finding-9.html"); err != nil || !bytes.Contains(page, []byte("<html")) {
		t.Errorf("the picture is %.100q, %v", page, err)
	}
	replayed := runCommand(t.Context(), nil, "fuzz", "--replay", "gaggle-finding-9.json")
	if replayed.code != 0 || !strings.Contains(replayed.out, "It does not happen any more. It was: linearizable: it was odd\n") {
		t.Errorf("replayed: exit code %d, %s%s", replayed.code, replayed.out, replayed.errs)
	}
}

func TestAFindingIsAnObject(t *testing.T) {
	name := filepath.Join(t.TempDir(), "here")
	var out bytes.Buffer
	if err := finding(fuzzOptions{seed: 4, seeded: true, json: true, out: name}, aFinding("churn"), &out).run(t.Context()); err == nil {
		t.Error("there is no error")
	}
	events := fuzzEvents(t, out.String())
	if len(events) != 3 || events[1].Event != "finding" || events[2].Findings != 1 || events[2].Seed != 4 {
		t.Errorf("the events are %+v", events)
	}
	if _, err := os.Stat(name); err != nil {
		t.Error(err)
	}
}

func TestAFindingThatCannotBeWrittenIsShownAllTheSame(t *testing.T) {
	broken := errors.New("broken")
	for _, where := range []string{t.TempDir(), filepath.Join(t.TempDir(), "x.json")} {
		var out bytes.Buffer
		f := finding(fuzzOptions{out: where}, aFinding("engines"), &out)
		f.picture = func(*sim.Schedule, string) error { return broken }
		err := f.run(t.Context())
		if err == nil || !strings.Contains(out.String(), "VIOLATED: linearizable") || !strings.Contains(err.Error(), "does not hold") {
			t.Errorf("%v: %s", err, out.String())
		}
		if !errors.Is(err, broken) && !strings.Contains(err.Error(), "is a directory") {
			t.Errorf("the error %v does not say what failed", err)
		}
	}
}

func TestWhatDoesNotShowAgainIsShownAsItWas(t *testing.T) {
	var out bytes.Buffer
	f := finding(fuzzOptions{out: filepath.Join(t.TempDir(), "x")}, aFinding("churn"), &out)
	f.shrink = func(_ context.Context, s *sim.Schedule, _ int, _ func(sim.Shrunk)) sim.Finding {
		return sim.Finding{Schedule: s}
	}
	if err := f.run(t.Context()); err == nil || !strings.Contains(out.String(), "it was odd") {
		t.Errorf("%v: %s", err, out.String())
	}
}

// replayOf replays a finding with a run that comes to something.
func replayOf(t *testing.T, f *sim.Finding, asJSON bool, v *sim.Violation) (string, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "finding.json")
	var file, out bytes.Buffer
	if err := errors.Join(f.Write(&file), os.WriteFile(name, file.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	r := newFuzzRun(fuzzOptions{replay: name, json: asJSON}, &out, io.Discard)
	if v != nil {
		r.play = func(s *sim.Schedule, w io.Writer) (sim.Report, *sim.Violation) {
			report, _ := sim.Run(s, w)
			return report, v
		}
	}
	err := r.replay(t.Context())
	return out.String(), err
}

func TestAReplayShowsEventByEventWhatIsViolated(t *testing.T) {
	f := aFinding("partitions")
	out, err := replayOf(t, f, false, f.Violation)
	if err == nil || err.Error() != `"linearizable" does not hold: it was odd` {
		t.Errorf("the error is %v", err)
	}
	for _, text := range []string{"    0.0", "RequestPreVote", "all faults are healed\n", "VIOLATED: linearizable\n"} {
		if !strings.Contains(out, text) {
			t.Errorf("it does not say %q", text)
		}
	}
	_, err = replayOf(t, f, false, &sim.Violation{Property: sim.NoPanic, Detail: "nil"})
	if want := `"no panic" does not hold: nil; it was "linearizable" when it was found`; err == nil || err.Error() != want {
		t.Errorf("with another violation the error is %v, want %q", err, want)
	}
	out, err = replayOf(t, f, true, f.Violation)
	events := fuzzEvents(t, out)
	if err == nil || len(events) < 10 || events[0].Event != "happened" || events[len(events)-2].Event != "finding" || events[len(events)-1].Findings != 1 {
		t.Errorf("%v, %d events, %+v", err, len(events), events[len(events)-1])
	}
}

func TestAReplayThatViolatesNothingSaysSo(t *testing.T) {
	for _, profile := range []string{"churn", "engines"} {
		out, err := replayOf(t, aFinding(profile), false, nil)
		if err != nil || !strings.Contains(out, "\nIt does not happen any more. It was: linearizable: it was odd\nnothing was found: seed 9, 1 run, ") {
			t.Errorf("%s: %v, %s", profile, err, out)
		}
		out, err = replayOf(t, aFinding(profile), true, nil)
		if events := fuzzEvents(t, out); err != nil || events[len(events)-2].Event != "happened no more" {
			t.Errorf("%s: %v, %+v", profile, err, events)
		}
	}
}

func TestProgressIsShownFromTimeToTime(t *testing.T) {
	for _, c := range []struct {
		json, place bool
		want        string
	}{
		{false, false, "30 runs, 1m0s simulated, 7 elections, 0 commits, 2 faults, 5 runs/s\n" +
			"found something; after 9 runs it takes 1 op on 3 nodes\n"},
		{false, true, "\r\x1b[K30 runs, 1m0s simulated, 7 elections, 0 commits, 2 faults, 5 runs/s" +
			"\r\x1b[Kfound something; after 9 runs it takes 1 op on 3 nodes\r\x1b[K"},
		{true, false, `{"event":"progress","doing":"fuzzing","runs":30,"simulated_seconds":60,"elections":7}` + "\n" +
			`{"event":"progress","doing":"shrinking","runs":9,"ops":1,"nodes":3}` + "\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var w bytes.Buffer
			p := newFuzzProgress(&w, c.json)
			p.place = c.place
			r := sim.Report{Runs: 30, Simulated: time.Minute, Elections: 7, Faults: map[string]int{"cut": 2}}
			p.fuzzing(r) // too early
			<-time.After(6 * time.Second)
			p.fuzzing(r)
			p.fuzzing(r) // again
			<-time.After(6 * time.Second)
			p.shrinking(sim.Shrunk{Runs: 9, Ops: 1, Nodes: 3})
			p.clear()
			p.clear()
			if w.String() != c.want {
				t.Errorf("it shows %q, want %q", w.String(), c.want)
			}
		})
	}
}

func TestOpsAreDescribed(t *testing.T) {
	for want, op := range map[string]sim.Op{
		"crash b, 2 writes survive":          {Kind: sim.Crash, Node: 1, Amount: 2},
		"restart the leader":                 {Kind: sim.Restart, Node: sim.Leader},
		"cut a → c, 1":                       {Kind: sim.Cut, Other: 2, Amount: 1},
		"mend":                               {Kind: sim.Mend, Node: 3},
		"partition: {a c} from the others":   {Kind: sim.Partition, Node: 3, Amount: 5},
		"graph: links 101":                   {Kind: sim.Graph, Amount: 5},
		"former life: frame 7 again":         {Kind: sim.FormerLife, Amount: 7},
		"change: voters {a b}, learners {d}": {Kind: sim.Change, Node: sim.Leader, Amount: 8<<16 | 3},
		"noisy: of 256 frames 1 lost, 2 repeated, 3 late, of writes 4 slow": {Kind: sim.Noisy, Amount: 4<<24 | 3<<16 | 2<<8 | 1},
	} {
		if got := opWords(op); got != want {
			t.Errorf("%+v is %q, want %q", op, got, want)
		}
	}
}
