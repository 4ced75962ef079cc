// Command mutants tests the tests. Each patch in patches plants one bug that other
// implementations of Raft have had, or that its papers warn of. The command applies each
// to a copy of the module, and looks who notices: the scripted and unit tests, and the
// simulator by itself, within a minute.
//
//	go run ./mutants                     all of them; takes an hour and more
//	go run ./mutants -run snapshot -j 4  those with such a name, four at a time
//
// It fails if a bug survives that is not known to, or if the simulator finds fewer than
// it used to. The bugs are patches, not switches, so that no code that ships knows of them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
)

// expectedBySimulator is how many of the mutants the simulator finds by itself, at least,
// within fullSeconds each on one core.
const (
	expectedBySimulator = 98
	fullSeconds         = 60
)

// settings are what the command line says.
type settings struct {
	only    *regexp.Regexp
	jobs    int
	seconds float64
	seed    uint64
	profile string
	json    bool
	layers  []string
	control bool
}

func main() {
	s, err := readFlags()
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		err = run(ctx, s, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func readFlags() (*settings, error) {
	only := flag.String("run", "", "the mutants whose names match this `regexp`")
	layers := flag.String("layers", strings.Join(layerNames, ","), "the `layers` that look for the bugs")
	s := &settings{}
	flag.IntVar(&s.jobs, "j", 1, "how many mutants to run at a time")
	flag.Float64Var(&s.seconds, "seconds", fullSeconds, "how long the simulator has for each")
	flag.Uint64Var(&s.seed, "seed", 1, "the first seed of the simulator")
	flag.StringVar(&s.profile, "profile", "", "the only `profile` of the simulator; all if it is empty")
	flag.BoolVar(&s.json, "json", false, "print JSON")
	flag.BoolVar(&s.control, "control", true, "see first that nothing is found where nothing is planted")
	flag.Parse()
	var err error
	if s.only, err = regexp.Compile(*only); err != nil {
		return nil, err
	}
	s.layers = strings.Split(*layers, ",")
	for _, layer := range s.layers {
		if !slices.Contains(layerNames, layer) {
			return nil, fmt.Errorf("there is no layer %q, only %s", layer, strings.Join(layerNames, " and "))
		}
	}
	return s, nil
}

func run(ctx context.Context, s *settings, out io.Writer) error {
	root, err := root()
	if err != nil {
		return err
	}
	all, err := readMutants(filepath.Join(root, "mutants", "patches"))
	if err != nil {
		return err
	}
	mutants := slices.DeleteFunc(slices.Clone(all), func(m *mutant) bool { return !s.only.MatchString(m.name) })
	if len(mutants) == 0 {
		return fmt.Errorf("no mutant has such a name")
	}
	names, err := files(root)
	if err != nil {
		return err
	}
	if s.control {
		if err := control(ctx, s, root, names); err != nil {
			return err
		}
	}
	results, err := tryAll(ctx, s, root, names, mutants)
	if err != nil {
		return err
	}
	if s.json {
		err = printJSON(out, results)
	} else {
		err = printTable(out, results)
	}
	return errors.Join(err, judge(s, results, len(all)))
}

// root is the directory of the module.
func root() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("go list -m: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// control sees that the layers find nothing where nothing was planted. If they do, what
// they find in a mutant says nothing.
func control(ctx context.Context, s *settings, root string, names []string) error {
	t, err := newTree(root, names)
	if err != nil {
		return err
	}
	defer t.remove()
	r := try(ctx, s, t, &mutant{name: "nothing"})
	switch {
	case r.Error != "":
		return fmt.Errorf("the tree as it is: %s", r.Error)
	case r.Scripts != nil && r.Scripts.Killed:
		return fmt.Errorf("the tree as it is fails %s", r.Scripts.By)
	case r.Simulator != nil && r.Simulator.Killed:
		return fmt.Errorf("the simulator finds something in the tree as it is: %s, seed %d: %s", r.Simulator.By, r.Simulator.Seed, r.Simulator.Detail)
	}
	return nil
}

// tryAll tries the mutants, each worker in a tree of its own.
func tryAll(ctx context.Context, s *settings, root string, names []string, mutants []*mutant) ([]*result, error) {
	results := make([]*result, len(mutants))
	next := make(chan int, len(mutants))
	for i := range mutants {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	defer workers.Wait()
	for range max(s.jobs, 1) {
		t, err := newTree(root, names)
		if err != nil {
			return nil, err
		}
		workers.Go(func() {
			defer t.remove()
			for i := range next {
				results[i] = try(ctx, s, t, mutants[i])
				fmt.Fprintf(os.Stderr, "%d of %d: %s\n", i+1, len(mutants), strings.Join(results[i].cells(), " | "))
			}
		})
	}
	workers.Wait()
	return results, ctx.Err()
}

// try plants a bug and lets the layers look for it.
func try(ctx context.Context, s *settings, t *tree, m *mutant) *result {
	r := &result{Mutant: m.name, Known: true}
	undo, err := t.plant(m)
	for _, layer := range s.layers {
		if err != nil {
			break
		}
		var o outcome
		if layer == scripts {
			o, err = t.tests(ctx, m)
			r.Scripts = &o
		} else {
			o, err = t.hunt(ctx, s)
			r.Simulator = &o
		}
		r.Known = r.Known && (o.Killed || m.survives[layer] != "")
	}
	if err = errors.Join(err, undo()); err != nil {
		r.Error, r.Known = err.Error(), false
	}
	return r
}

// A result is what all layers made of a mutant.
type result struct {
	Mutant    string   `json:"mutant"`
	Scripts   *outcome `json:"scripts,omitempty"`
	Simulator *outcome `json:"simulator,omitempty"`
	// Error says why it could not be tried.
	Error string `json:"error,omitempty"`
	// Known says that its patch names each layer that it has survived.
	Known bool `json:"known"`
}

func (r *result) killed() bool {
	return r.Scripts != nil && r.Scripts.Killed || r.Simulator != nil && r.Simulator.Killed
}

// cells are the result in a line of a table.
func (r *result) cells() []string {
	if r.Error != "" {
		return []string{r.Mutant, r.Error}
	}
	by := func(o *outcome) string {
		if o.Killed {
			return o.By
		}
		return "–"
	}
	cells := []string{r.Mutant}
	if r.Scripts != nil {
		cells = append(cells, by(r.Scripts))
	}
	if o := r.Simulator; o != nil {
		cells = append(cells, by(o), fmt.Sprint(o.Runs), fmt.Sprintf("%.1f s", o.Seconds))
	}
	return cells
}

func printTable(out io.Writer, results []*result) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	heads := "MUTANT"
	if results[0].Scripts != nil {
		heads += "\tFAILING TEST"
	}
	if results[0].Simulator != nil {
		heads += "\tSIMULATOR\tRUNS\tTIME"
	}
	_, _ = fmt.Fprintln(w, heads)
	byScripts, bySimulator, killed := 0, 0, 0
	for _, r := range results {
		_, _ = fmt.Fprintln(w, strings.Join(r.cells(), "\t"))
		if r.Scripts != nil && r.Scripts.Killed {
			byScripts++
		}
		if r.Simulator != nil && r.Simulator.Killed {
			bySimulator++
		}
		if r.killed() {
			killed++
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d mutants, %d killed: %d by tests, %d by the simulator\n", len(results), killed, byScripts, bySimulator)
	return err
}

func printJSON(out io.Writer, results []*result) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(results)
}

// judge says what is not as it should be: who survives and is not known to, and whether
// the simulator finds less than it used to.
func judge(s *settings, results []*result, all int) error {
	var errs []error
	bySimulator := 0
	for _, r := range results {
		switch {
		case r.Error != "":
			errs = append(errs, fmt.Errorf("%s: %s", r.Mutant, r.Error))
		case !r.killed() && !r.Known:
			errs = append(errs, fmt.Errorf("%s survives", r.Mutant))
		}
		if r.Simulator != nil && r.Simulator.Killed {
			bySimulator++
		}
	}
	complete := len(results) == all && s.seconds >= fullSeconds && s.profile == "" && slices.Contains(s.layers, simulator)
	if complete && bySimulator < expectedBySimulator {
		errs = append(errs, fmt.Errorf("the simulator finds %d, it used to find %d", bySimulator, expectedBySimulator))
	}
	return errors.Join(errs...)
}
