package search

import (
	"fmt"
	"slices"
)

// maxFollowed is how many states are kept at each step of a trace: enough to find one that
// goes on, few enough that it is quick.
const maxFollowed = 200_000

// Follow takes the steps of a trace, in whichever ways there are, and returns how a state that
// it ends in is reached, and that state.
func Follow[S comparable](m *Model[S], from S, trace int) ([]Step, S, error) {
	type point struct {
		state S
		path  []Step
	}
	points := []point{{state: from}}
	var x Scratch[S]
	for n, action := range m.Traces[trace].Steps {
		var more []point
		seen := map[S]bool{}
		for i := range points {
			p := &points[i]
			m.Next(&p.state, action, &x, func(args []uint8, t *S) bool {
				c := *t
				m.Canonical(&c)
				if !seen[c] {
					seen[c] = true
					step := Step{action, slices.Clone(args)}
					more = append(more, point{*t, slices.Concat(p.path, []Step{step})})
				}
				return len(more) < maxFollowed
			})
		}
		if points = more; len(points) == 0 {
			return nil, from, fmt.Errorf("the scope has no room for step %d of trace %s, %s", n+1, m.Traces[trace].Name, m.Actions[action].Name)
		}
	}
	for i := range points {
		if m.Reached(&points[i].state, trace) {
			return points[i].path, points[i].state, nil
		}
	}
	return nil, from, fmt.Errorf("the scope has no room for the end of trace %s", m.Traces[trace].Name)
}
