// Command hunt plays one random schedule after the other in the simulator until
// something does not hold that has to, or the time is over, and prints what it found as
// JSON.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/ben-ng/gaggle/sim"
)

// A result is what a hunt has come to. Property is empty if nothing was found.
type result struct {
	Runs     int     `json:"runs"`
	Seconds  float64 `json:"seconds"`
	Property string  `json:"property,omitempty"`
	Detail   string  `json:"detail,omitempty"`
	// Specification is what did not fit the specification by then.
	Specification string `json:"specification,omitempty"`
	Seed          uint64 `json:"seed,omitempty"`
	Profile       string `json:"profile,omitempty"`
}

// What a run may take: beyond that, a turn does not come to an end.
const (
	maxRun  = 30 * time.Second
	maxHeap = 2 << 30
)

func main() {
	seconds := flag.Float64("seconds", 60, "how long to go on")
	seed := flag.Uint64("seed", 1, "the first `seed`; each run takes the next")
	profile := flag.String("profile", "", "the only `profile`; all if it is empty")
	flag.Parse()
	if sim.Generate(*seed, *profile) == nil {
		fmt.Fprintf(os.Stderr, "hunt: there is no profile %q\n", *profile)
		os.Exit(2)
	}

	h := hunt{began: time.Now(), profile: *profile}
	h.at.Store(*seed)
	go h.watch()
	limit := time.Duration(*seconds * float64(time.Second))
	for time.Since(h.began) < limit {
		h.since.Store(int64(time.Since(h.began)))
		s := sim.Generate(h.at.Load(), *profile)
		_, violation := sim.Run(s, nil)
		h.runs.Add(1)
		if violation != nil {
			h.specification = violation.Specification
			h.end(s, string(violation.Property), violation.Detail)
		}
		h.at.Add(1)
	}
	h.end(nil, "", "")
}

type hunt struct {
	began   time.Time
	profile string
	// at is the seed of the present run, since when it goes on.
	at    atomic.Uint64
	since atomic.Int64
	runs  atomic.Int64
	// specification is what did not fit in the last run.
	specification string
}

// watch ends the hunt when a run does not come to an end: the simulator counts events,
// and sees no end of what happens within one.
func (h *hunt) watch() {
	for range time.Tick(500 * time.Millisecond) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		took := time.Since(h.began) - time.Duration(h.since.Load())
		if took > maxRun || m.HeapAlloc > maxHeap {
			h.end(sim.Generate(h.at.Load(), h.profile), "a turn ends",
				fmt.Sprintf("a run has taken %v and %d MiB", took.Round(time.Second), m.HeapAlloc>>20))
		}
	}
}

func (h *hunt) end(s *sim.Schedule, property, detail string) {
	r := result{Runs: int(h.runs.Load()), Seconds: time.Since(h.began).Seconds(), Property: property, Detail: detail, Specification: h.specification}
	if s != nil {
		r.Seed, r.Profile = s.Seed, s.Profile
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		fmt.Fprintln(os.Stderr, "hunt:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
