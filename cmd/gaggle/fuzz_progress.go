package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ben-ng/gaggle/sim"
)

// How often progress is shown: on a terminal, where a line replaces the one before, and
// elsewhere.
const (
	progressInPlace = 200 * time.Millisecond
	progressByLines = 5 * time.Second
)

// fuzzProgress shows how far fuzzing is.
type fuzzProgress struct {
	w     io.Writer
	json  bool
	place bool // in place
	every time.Duration
	began time.Time
	last  time.Time
	// open: there is a line on the terminal that is not over.
	open bool
}

type progressEvent struct {
	Event     string  `json:"event"`
	Doing     string  `json:"doing"`
	Runs      int     `json:"runs"`
	Simulated float64 `json:"simulated_seconds,omitempty"`
	Elections int     `json:"elections,omitempty"`
	Ops       int     `json:"ops,omitempty"`
	Nodes     int     `json:"nodes,omitempty"`
}

func newFuzzProgress(w io.Writer, asJSON bool) *fuzzProgress {
	file, ok := w.(*os.File)
	p := &fuzzProgress{w: w, json: asJSON, place: ok && !asJSON && isTerminal(file), every: progressByLines, began: time.Now()}
	if p.place {
		p.every = progressInPlace
	}
	p.last = p.began
	return p
}

// due reports whether it is time to show something.
func (p *fuzzProgress) due() bool {
	now := time.Now()
	if now.Sub(p.last) < p.every {
		return false
	}
	p.last = now
	return true
}

func (p *fuzzProgress) fuzzing(r sim.Report) {
	if p.due() {
		p.show(progressEvent{Event: "progress", Doing: "fuzzing", Runs: r.Runs, Simulated: r.Simulated.Seconds(), Elections: r.Elections},
			fmt.Sprintf("%s, %.0f runs/s", reportWords(r), float64(r.Runs)/time.Since(p.began).Seconds()))
	}
}

func (p *fuzzProgress) shrinking(s sim.Shrunk) {
	if p.due() {
		p.show(progressEvent{Event: "progress", Doing: "shrinking", Runs: s.Runs, Ops: s.Ops, Nodes: s.Nodes},
			fmt.Sprintf("found something; after %s it takes %s on %s", count(s.Runs, "run"), count(s.Ops, "op"), count(s.Nodes, "node")))
	}
}

// show shows a line. That nobody can read it is no reason to stop.
func (p *fuzzProgress) show(e progressEvent, text string) {
	switch {
	case p.json:
		if line, err := json.Marshal(e); err == nil {
			_, _ = fmt.Fprintf(p.w, "%s\n", line)
		}
	case p.place:
		_, _ = fmt.Fprintf(p.w, "\r\x1b[K%s", text)
		p.open = true
	default:
		_, _ = fmt.Fprintln(p.w, text)
	}
}

// clear takes the line away that is not over, before others are written.
func (p *fuzzProgress) clear() {
	if p.open {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
		p.open = false
	}
}
