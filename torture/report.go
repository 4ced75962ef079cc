//go:build unix

package main

import (
	"bytes"
	"fmt"
	"text/tabwriter"
	"time"
)

// A report is what came of a run.
type report struct {
	took    time.Duration
	kinds   []kind
	faults  map[kind]int
	noticed int // full disks
	entries int
	lists   int
	ops     []*op
	wrong   []string
}

// maxWrong is how much of what is wrong is printed: the first of it says the most.
const maxWrong = 20

// text is the report as it is printed.
func (r *report) text() string {
	var out bytes.Buffer
	r.writeFaults(&out)
	r.writeOperations(&out)
	fmt.Fprintf(&out, "log         %d entries, compared on %d nodes, before and after all were killed at once\n", r.entries, clusterSize)
	fmt.Fprintf(&out, "histories   of %d lists\n", r.lists)
	for _, wrong := range r.wrong[:min(len(r.wrong), maxWrong)] {
		fmt.Fprintf(&out, "            %s\n", wrong)
	}
	if more := len(r.wrong) - maxWrong; more > 0 {
		fmt.Fprintf(&out, "            … and %d more\n", more)
	}
	verdict := "good: nothing acknowledged was lost, repeated or reordered, all nodes agree, and the histories are linearizable"
	if len(r.wrong) > 0 {
		verdict = "BAD"
	}
	fmt.Fprintf(&out, "verdict     %s\n", verdict)
	return out.String()
}

func (r *report) writeFaults(out *bytes.Buffer) {
	out.WriteString("faults     ")
	all := 0
	for _, k := range r.kinds {
		fmt.Fprintf(out, " %s %d", k, r.faults[k])
		all += r.faults[k]
	}
	fmt.Fprintf(out, ": %d in %.1fs", all, r.took.Seconds())
	if n := r.faults[kindFull]; n > 0 {
		fmt.Fprintf(out, "; of %d full disks, %d were noticed", n, r.noticed)
	}
	out.WriteByte('\n')
}

func (r *report) writeOperations(out *bytes.Buffer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	rows := fmt.Sprintf("operations\t%s\t%s\t%s\t\n", done, refused, unknown)
	for _, name := range []string{doAppend, doRead} {
		counts := r.outcomes(name == doRead)
		rows += fmt.Sprintf("%s\t%d\t%d\t%d\t\n", name, counts[done], counts[refused], counts[unknown])
	}
	_, _ = table.Write([]byte(rows)) // into a buffer, which takes all
	_ = table.Flush()
}

// outcomes counts what became of appends or reads.
func (r *report) outcomes(reads bool) map[outcome]int {
	counts := map[outcome]int{}
	for _, o := range r.ops {
		if o.read == reads {
			counts[o.outcome]++
		}
	}
	return counts
}
