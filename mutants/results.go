package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// An outcome is what one layer made of a mutant.
type outcome struct {
	Layer  string `json:"layer"`
	Killed bool   `json:"killed"`
	// By is the test that failed, or the property that did not hold, and where.
	By string `json:"by,omitempty"`
	// Detail is what was said.
	Detail string `json:"detail,omitempty"`
	// Seed and Runs are the simulator's.
	Seed uint64 `json:"seed,omitempty"`
	Runs int    `json:"runs,omitempty"`
	// Seconds are how long it took to find it, or how long it was looked for.
	Seconds float64 `json:"seconds"`
	// Of tells the mutants apart that had the same name, as far as the layer sees them.
	Of string `json:"of,omitempty"`
}

// A result is what the layers made of a mutant: those that were asked and can see it.
type result struct {
	Mutant   string    `json:"mutant"`
	Outcomes []outcome `json:"outcomes"`
	// Error says why it could not be tried.
	Error string `json:"error,omitempty"`
}

// of is that of a layer; nil if it was not asked.
func (r *result) of(layer string) *outcome {
	for i := range r.Outcomes {
		if r.Outcomes[i].Layer == layer {
			return &r.Outcomes[i]
		}
	}
	return nil
}

// killers are the layers that have found it.
func (r *result) killers() []string {
	var names []string
	for _, o := range r.Outcomes {
		if o.Killed {
			names = append(names, o.Layer)
		}
	}
	return names
}

// add puts an outcome in the place of an earlier one of that layer.
func (r *result) add(o outcome) {
	r.Outcomes = slices.DeleteFunc(r.Outcomes, func(had outcome) bool { return had.Layer == o.Layer })
	r.Outcomes = append(r.Outcomes, o)
	slices.SortFunc(r.Outcomes, func(a, b outcome) int {
		return slices.Index(layerNames, a.Layer) - slices.Index(layerNames, b.Layer)
	})
}

// fingerprint is what an outcome of a layer is about: it is out of date when that changes.
func (m *mutant) fingerprint(layer string) string {
	text := m.diff
	switch layer {
	case prover:
		text = m.of
	case explorer:
		text = m.of + "\n" + m.explored
	case safety, invariants, checker:
		text += m.profile
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:12]
}

// stillTrue returns what of earlier results is about a mutant as it is now.
func stillTrue(earlier []*result, m *mutant) *result {
	r := &result{Mutant: m.name}
	for _, had := range earlier {
		if had.Mutant != m.name {
			continue
		}
		for _, o := range had.Outcomes {
			if m.reaches(o.Layer) && o.Of == m.fingerprint(o.Layer) {
				r.add(o)
			}
		}
	}
	return r
}

// readResults reads earlier results; there are none if there is no such file.
func readResults(file string) ([]*result, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file) //nolint:gosec // named by whoever runs this
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []*result
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return all, nil
}

// merge puts the outcomes of a result into a file of results. Only one process does at a time.
func merge(file string, r *result) error {
	if file == "" {
		return nil
	}
	all, err := readResults(file)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(had *result) bool { return had.Mutant == r.Mutant })
	if at < 0 {
		all = append(all, &result{Mutant: r.Mutant})
		at = len(all) - 1
	}
	all[at].Error = r.Error
	for _, o := range r.Outcomes {
		all[at].add(o)
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
