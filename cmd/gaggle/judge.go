package main

import (
	"fmt"

	"github.com/ben-ng/gaggle"
)

// demoLog is what a node of the demo holds.
type demoLog struct {
	name    string
	entries []gaggle.Entry[demoLine]
}

// judge returns nil if all logs hold the same entries in the same order, and each of the
// lines that were appended once; else the first thing that is wrong.
func judge(logs []demoLog, lines []string) error {
	reference := logs[0]
	for _, other := range logs[1:] {
		if err := compareLogs(reference, other); err != nil {
			return err
		}
	}
	times := make([]int, len(lines))
	for _, e := range reference.entries {
		number := e.Value.Number
		if number < 0 || number >= len(lines) {
			return fmt.Errorf("entry %d is %q, which nobody appended", e.Index, e.Value.Text)
		}
		if e.Value.Text != lines[number] {
			return fmt.Errorf("entry %d is %q, and was %q when it was appended", e.Index, e.Value.Text, lines[number])
		}
		times[number]++
	}
	for number, n := range times {
		if n != 1 {
			return fmt.Errorf("line %d, %q, is there %d times", number+1, lines[number], n)
		}
	}
	return nil
}

func compareLogs(a, b demoLog) error {
	for i, e := range a.entries[:min(len(a.entries), len(b.entries))] {
		if other := b.entries[i]; e != other {
			return fmt.Errorf("%s has %q at index %d of term %d where %s has %q at index %d of term %d",
				b.name, other.Value.Text, other.Index, other.Term, a.name, e.Value.Text, e.Index, e.Term)
		}
	}
	if len(a.entries) != len(b.entries) {
		return fmt.Errorf("%s has %d entries, %s has %d", b.name, len(b.entries), a.name, len(a.entries))
	}
	return nil
}
