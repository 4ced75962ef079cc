// Command mutants tests the tests. Each patch in patches plants one bug that other
// implementations of Raft have had, or that its papers warn of. The command applies each
// to a copy of the module, and looks who notices: the scripted and unit tests, the simulator with
// one class of properties at a time, and, where the specification can have the same mistake, the
// search through its states and its proof.
//
//	go run ./mutants                     all of them; takes some hours
//	go run ./mutants -run snapshot -j 4  those with such a name, four at a time
//	go run ./mutants -layers prover      what the proof says of those that are within its reach
//	go run ./mutants -results FILE       goes on where FILE has nothing yet, and adds to it
//	go run ./mutants -results FILE -document docs/mutants.md   writes down what FILE has
//
// It fails if fewer than two layers find a bug, and its patch does not say why, or if the simulator
// finds fewer than it used to. The bugs are patches, not switches, so that no code that ships knows of them.
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

// expectedBySimulator is how many of the mutants the simulator finds, at least, within fullSeconds
// each on one core: so many it found in half that time.
const (
	expectedBySimulator = 115
	fullSeconds         = 10
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
	// results is the file of results that is gone on with, document what is made of it.
	results, document string
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
	flag.Float64Var(&s.seconds, "seconds", fullSeconds, "how long the simulator has for each mutant")
	flag.StringVar(&s.results, "results", "", "go on with the results in this `file`")
	flag.StringVar(&s.document, "document", "", "try nothing, and write the results into this `file`")
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
			return nil, fmt.Errorf("there is no layer %q, only %s", layer, strings.Join(layerNames, ", "))
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
	earlier, err := readResults(s.results)
	if err != nil {
		return err
	}
	if s.document != "" {
		return document(s.document, all, earlier)
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
	results, err := tryAll(ctx, s, root, names, mutants, earlier)
	if err != nil {
		return err
	}
	if s.json {
		err = printJSON(out, results)
	} else {
		err = printTable(out, s, results)
	}
	return errors.Join(err, judge(s, mutants, results, len(all)))
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
	r := try(ctx, s, t, &mutant{name: "nothing"}, &result{Mutant: "nothing"})
	if r.Error != "" {
		return fmt.Errorf("the tree as it is: %s", r.Error)
	}
	for _, o := range r.Outcomes {
		if o.Killed {
			return fmt.Errorf("%s find something in the tree as it is: %s, seed %d: %s", o.Layer, o.By, o.Seed, o.Detail)
		}
	}
	return nil
}

// tryAll tries the mutants, each worker in a tree of its own.
func tryAll(ctx context.Context, s *settings, root string, names []string, mutants []*mutant, earlier []*result) ([]*result, error) {
	results := make([]*result, len(mutants))
	next := make(chan int, len(mutants))
	for i := range mutants {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	defer workers.Wait()
	var merging sync.Mutex
	var failed error
	for range max(s.jobs, 1) {
		t, err := newTree(root, names)
		if err != nil {
			return nil, err
		}
		workers.Go(func() {
			defer t.remove()
			for i := range next {
				r := try(ctx, s, t, mutants[i], stillTrue(earlier, mutants[i]))
				results[i] = r
				fmt.Fprintf(os.Stderr, "%d of %d: %s\n", i+1, len(mutants), strings.Join(r.cells(s.layers), " | "))
				if ctx.Err() != nil {
					return
				}
				merging.Lock()
				failed = errors.Join(failed, merge(s.results, r))
				merging.Unlock()
			}
		})
	}
	workers.Wait()
	return results, errors.Join(failed, ctx.Err())
}

// try plants a bug and lets the layers look for it that can see it, and have not yet.
func try(ctx context.Context, s *settings, t *tree, m *mutant, r *result) *result {
	missing := slices.DeleteFunc(slices.Clone(s.layers), func(layer string) bool { return !m.reaches(layer) || r.of(layer) != nil })
	if len(missing) == 0 {
		return r
	}
	undo, err := t.plant(m)
	if err == nil {
		err = t.ask(ctx, s, m, missing, r)
	}
	if err = errors.Join(err, undo()); err != nil {
		r.Error = err.Error()
	}
	return r
}

// ask lets layers look for what is planted.
func (t *tree) ask(ctx context.Context, s *settings, m *mutant, layers []string, r *result) error {
	add := func(all ...outcome) {
		for _, o := range all {
			o.Of = m.fingerprint(o.Layer)
			r.add(o)
		}
	}
	if wanted := ofSimulator(layers); len(wanted) > 0 {
		all, err := t.hunt(ctx, s, m, wanted)
		if err != nil {
			return err
		}
		add(all...)
	}
	for _, layer := range layers {
		var o outcome
		var err error
		switch layer {
		case scripts:
			o, err = t.tests(ctx, m)
		case explorer, prover:
			o, err = t.model(ctx, m, layer)
		default:
			continue // the simulator was asked above
		}
		if err != nil {
			return err
		}
		add(o)
	}
	return nil
}

// cells are the result in a line of a table.
func (r *result) cells(layers []string) []string {
	if r.Error != "" {
		return []string{r.Mutant, r.Error}
	}
	cells := []string{r.Mutant}
	for _, layer := range layers {
		cells = append(cells, r.of(layer).cell())
	}
	return cells
}

// cell is who found it and after how long; – if nobody did, and nothing if it was not asked.
func (o *outcome) cell() string {
	switch {
	case o == nil:
		return ""
	case !o.Killed:
		return "–"
	}
	return fmt.Sprintf("%s (%.1f s)", o.By, o.Seconds)
}

func printTable(out io.Writer, s *settings, results []*result) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "MUTANT\t%s\n", strings.ToUpper(strings.Join(s.layers, "\t")))
	killed := 0
	for _, r := range results {
		_, _ = fmt.Fprintln(w, strings.Join(r.cells(s.layers), "\t"))
		if len(r.killers()) > 0 {
			killed++
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d mutants, %d killed: %s\n", len(results), killed, strings.Join(tally(results), ", "))
	return err
}

// tally says how many each layer has found, of how many it has looked at.
func tally(results []*result) []string {
	var all []string
	for _, layer := range layerNames {
		if killed, asked := tallyOf(results, layer); asked > 0 {
			all = append(all, fmt.Sprintf("%s %d of %d", layer, killed, asked))
		}
	}
	return all
}

// tallyOf is how many a layer has found, of how many it has looked at.
func tallyOf(results []*result, layer string) (killed, asked int) {
	for _, r := range results {
		if o := r.of(layer); o != nil {
			asked++
			if o.Killed {
				killed++
			}
		}
	}
	return killed, asked
}

func printJSON(out io.Writer, results []*result) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(results)
}

// judge says what is not as it should be: who is found by fewer than two layers, and not known to
// survive the others, and whether the simulator finds less than it used to.
func judge(s *settings, mutants []*mutant, results []*result, all int) error {
	var errs []error
	bySimulator := 0
	for i, r := range results {
		if r.Error != "" {
			errs = append(errs, fmt.Errorf("%s: %s", r.Mutant, r.Error))
			continue
		}
		if fewest := min(wantedKillers, len(r.Outcomes)); len(r.killers()) < fewest && len(reasons(mutants[i], r)) == 0 {
			errs = append(errs, fmt.Errorf("%s is found by %d layers of %d", r.Mutant, len(r.killers()), len(r.Outcomes)))
		}
		if slices.ContainsFunc(r.killers(), func(layer string) bool { return slices.Contains(simulated, layer) }) {
			bySimulator++
		}
	}
	complete := len(results) == all && s.seconds >= fullSeconds && s.profile == "" && len(ofSimulator(s.layers)) == len(simulated)
	if complete && bySimulator < expectedBySimulator {
		errs = append(errs, fmt.Errorf("the simulator finds %d, it used to find %d", bySimulator, expectedBySimulator))
	}
	return errors.Join(errs...)
}

// wantedKillers is how many layers are to find each bug.
const wantedKillers = 2

// reasons are why a mutant is not found by layers that have looked for it, as far as its patch
// says. If no layer has found it, it has to say so of each.
func reasons(m *mutant, r *result) []string {
	var all []string
	for _, o := range r.Outcomes {
		why := m.why(o.Layer)
		switch {
		case o.Killed:
		case why == "" && len(r.killers()) == 0:
			return nil
		case why != "" && !slices.Contains(all, why):
			all = append(all, why)
		}
	}
	return all
}
