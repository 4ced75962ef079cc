package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// maxExtra is what the simulator may take beyond its time, for a run that does not end.
const maxExtra = time.Minute

// hunt has the simulator look for violations of each of the wanted classes of properties, for as
// long as the settings say. All look at the same runs.
func (t *tree) hunt(ctx context.Context, s *settings, m *mutant, wanted []string) ([]outcome, error) {
	program, err := t.build(ctx, []string{"build"}, "./mutants/hunt")
	if err != nil {
		return nil, err
	}
	limit := time.Duration(s.seconds*float64(time.Second)) + maxExtra
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	c := exec.CommandContext(limited, program, "-seconds", fmt.Sprint(s.seconds), "-seed", fmt.Sprint(s.seed), //nolint:gosec // built above
		"-profile", cmp.Or(s.profile, m.profile), "-classes", strings.Join(wanted, ","))
	c.Dir, c.Stderr = t.dir, os.Stderr
	out, err := c.Output()
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		return simulatorHangs(wanted, limit), nil
	case err != nil:
		return nil, fmt.Errorf("the simulator fails: %w", err)
	}
	return readHunt(out, wanted)
}

// simulatorHangs is that a run has stalled, which is for users to see.
func simulatorHangs(wanted []string, limit time.Duration) []outcome {
	all := make([]outcome, 0, len(wanted))
	for _, layer := range wanted {
		o := outcome{Layer: layer, Seconds: limit.Seconds()}
		if layer == safety {
			o.Killed, o.By = true, "the simulator does not end"
		}
		all = append(all, o)
	}
	return all
}

// readHunt reads what command hunt prints.
func readHunt(out []byte, wanted []string) ([]outcome, error) {
	type finding struct {
		Property, Detail, Profile string
		Seed                      uint64
		Runs                      int
		Seconds                   float64
	}
	var r struct {
		Runs    int
		Seconds float64
		Found   map[string]finding
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return nil, fmt.Errorf("what the simulator says cannot be read: %w", err)
	}
	all := make([]outcome, 0, len(wanted))
	for _, layer := range wanted {
		o := outcome{Layer: layer, Runs: r.Runs, Seconds: r.Seconds}
		if f, ok := r.Found[layer]; ok {
			o = outcome{
				Layer: layer, Killed: true, By: f.Property + ", " + f.Profile, Detail: end(f.Detail),
				Seed: f.Seed, Runs: f.Runs, Seconds: f.Seconds,
			}
		}
		all = append(all, o)
	}
	return all, nil
}

// ofSimulator are the layers of a list that look at runs of the simulator.
func ofSimulator(layers []string) []string {
	return slices.DeleteFunc(slices.Clone(layers), func(layer string) bool { return !slices.Contains(simulated, layer) })
}
