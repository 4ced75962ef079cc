package search

import (
	"fmt"
	"io"
	"math/bits"
	"strings"
)

// Tell writes a path as a story: each step, and what it changes.
func Tell[S comparable](w io.Writer, m *Model[S], from S, path []Step) error {
	s := from
	var x Scratch[S]
	for n, step := range path {
		var to *S
		m.Next(&s, step.Action, &x, func(args []uint8, t *S) bool {
			if string(args) != string(step.Args) {
				return true
			}
			u := *t
			to = &u
			return false
		})
		if to == nil {
			return fmt.Errorf("step %d, %s, cannot be taken", n+1, m.Actions[step.Action].text(step.Args))
		}
		_, err := fmt.Fprintf(w, "%3d  %s\n%s", n+1, m.Actions[step.Action].text(step.Args), changes(m, &s, to))
		if err != nil {
			return err
		}
		s = *to
	}
	return nil
}

// factsPerLine is how many facts share a line.
const factsPerLine = 4

// changes lists what is so after a step and was not before, and what is so no more.
func changes[S comparable](m *Model[S], s, t *S) string {
	var b strings.Builder
	count := 0
	list := func(sign string, is, was []uint64) {
		for w := range is {
			for word := is[w] &^ was[w]; word != 0; word &= word - 1 {
				if count%factsPerLine == 0 {
					b.WriteString("\n       ")
				}
				count++
				fmt.Fprintf(&b, "%s%s  ", sign, m.Facts[w*64+bits.TrailingZeros64(word)])
			}
		}
	}
	list("+ ", m.Words(t), m.Words(s))
	list("- ", m.Words(s), m.Words(t))
	return strings.TrimPrefix(b.String(), "\n") + "\n"
}
