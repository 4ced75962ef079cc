package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
)

// families are the layers that share something: what is in two of them shares nothing but the
// mutant.
var families = [][]string{{scripts}, simulated, {explorer, prover}}

const documentHead = `# What finds planted mistakes

Each patch in [mutants/patches](../mutants/patches) plants one mistake that other implementations of Raft
have had, or that its papers warn of, and says where it is from. This table says which layer of tests finds
it, and how fast. ` + "`make layers`" + ` makes it; nothing in it is written by hand.

| Layer | What it is |
|---|---|
| scripts | the scripted and unit tests of the packages, until the first that fails |
| safety | the simulator, where only what a user can see counts: entries that differ or are lost, answers that are not true, histories that are not linearizable, nodes that stop or do not go on |
| invariants | the same runs of the simulator; what counts is what has to hold inside: of logs, disks, votes and messages, and what the core asserts of itself |
| checker | the same runs; what counts is that each step of a core is one of the specification's |
| explorer | a search through the states of the specification in a small scope, with the same mistake in it |
| prover | the proof of the specification, with the same mistake in it: a solver finds a counterexample |

Which of them are independent of each other: scripts share nothing with the others. safety, invariants and checker
look at the same runs from the same seeds, so a mistake that no run comes across is found by none of them; but
what they look at is different, and each goes on as if the others had seen nothing. explorer and prover share the
model, and that somebody has said what the mistake is in its words: they see no Go code, and a mistake has to
be expressible there to be within their reach. The checker and these two share the specification.

"–" is where a layer has looked, and found nothing; where nothing is, the mistake is out of its reach, or
was not tried. A property of the explorer or prover may be an invariant of the proof. Seconds are those until the finding, on two cores that others used as well; the three layers of the
simulator had %s seconds together for each mistake, with runs of all profiles; or, for the %d whose
patches name the profile that is after such mistakes, of that one.

`

// document writes down what layers have made of all mutants, as far as they have been tried.
func document(file string, mutants []*mutant, earlier []*result) error {
	var b strings.Builder
	all := make([]*result, len(mutants))
	for i, m := range mutants {
		all[i] = stillTrue(earlier, m)
	}
	_, _ = fmt.Fprintf(&b, documentHead, given(all), named(mutants))
	summary(&b, mutants, all)
	b.WriteString("\n## All of them\n\n| Mistake | " + strings.Join(layerNames, " | ") + " |\n" + strings.Repeat("|---", len(layerNames)+1) + "|\n")
	for _, r := range all {
		b.WriteString("| " + strings.Join(r.cells(layerNames), " | ") + " |\n")
	}
	return os.WriteFile(file, []byte(b.String()), 0o644) //nolint:gosec // a document for everybody to read
}

// given says how long the simulator had, as far as that can be told: where it found nothing.
func given(all []*result) string {
	least, most := math.Inf(1), 0.0
	for _, r := range all {
		for _, layer := range simulated {
			if o := r.of(layer); o != nil && !o.Killed {
				least, most = min(least, o.Seconds), max(most, o.Seconds)
			}
		}
	}
	return fmt.Sprintf("%.0f to %.0f", math.Floor(least), most)
}

// named is how many mutants name a profile.
func named(mutants []*mutant) int {
	count := 0
	for _, m := range mutants {
		if m.profile != "" {
			count++
		}
	}
	return count
}

// whole reports whether scripts and the simulator have looked at a mutant.
func whole(r *result) bool {
	return !slices.ContainsFunc(append([]string{scripts}, simulated...), func(layer string) bool { return r.of(layer) == nil })
}

func summary(b *strings.Builder, mutants []*mutant, all []*result) {
	var missing []string
	counts := map[int]int{}
	inFamilies := 0
	tried := 0
	for i, r := range all {
		if !whole(r) {
			missing = append(missing, mutants[i].name)
			continue
		}
		tried++
		counts[min(len(r.killers()), wantedKillers)]++
		if familiesOf(r) >= wantedKillers {
			inFamilies++
		}
	}
	_, _ = fmt.Fprintf(b, "## How many\n\nOf %d mistakes, scripts and the simulator have looked at %d. ", len(all), tried)
	_, _ = fmt.Fprintf(b, "Of these, %d are found by two layers or more, %d by one, and %d by none; %d are found by layers that share nothing: scripts, the simulator, the specification.\n\n",
		counts[wantedKillers], counts[1], counts[0], inFamilies)
	b.WriteString("| Layer | has looked at | found |\n|---|---|---|\n")
	for _, layer := range layerNames {
		killed, asked := tallyOf(all, layer)
		_, _ = fmt.Fprintf(b, "| %s | %d | %d |\n", layer, asked, killed)
	}
	b.WriteString("\n## Found by fewer than two layers\n\n")
	for i, r := range all {
		if !whole(r) || len(r.killers()) >= wantedKillers {
			continue
		}
		by := "nobody"
		if names := r.killers(); len(names) > 0 {
			by = names[0] + " alone"
		}
		why := "no reason is known."
		if known := reasons(mutants[i], r); len(known) > 0 {
			why = strings.Join(known, " ")
		}
		_, _ = fmt.Fprintf(b, "- **%s**, by %s: %s\n", r.Mutant, by, why)
	}
	if len(missing) > 0 {
		_, _ = fmt.Fprintf(b, "\n## Not tried\n\nScripts and the simulator have not looked at these, or not since they were changed: %s.\n", strings.Join(missing, ", "))
	}
}

// familiesOf is how many families of layers have found a mutant.
func familiesOf(r *result) int {
	count := 0
	for _, family := range families {
		if slices.ContainsFunc(family, func(layer string) bool { o := r.of(layer); return o != nil && o.Killed }) {
			count++
		}
	}
	return count
}
