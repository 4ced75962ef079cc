package gaggletest

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// A pantry is a state of which the test says how it is written.
type pantry struct {
	items map[string]int
	sort  bool
	// restored is whether it was, which no two equal states may be told apart by.
	restored bool
	// tells: it writes that it was restored.
	tells bool
}

func (p *pantry) Apply(key string) int {
	p.items[key]++
	return p.items[key]
}

func (p *pantry) Snapshot() (func(io.Writer) error, error) {
	var lines []string
	for key, count := range p.items {
		lines = append(lines, fmt.Sprintf("%s %d\n", key, count))
	}
	if p.sort {
		slices.Sort(lines)
	}
	if p.tells && p.restored {
		lines = append(lines, "\n")
	}
	return func(w io.Writer) error {
		_, err := io.WriteString(w, strings.Join(lines, ""))
		return err
	}, nil
}

func (p *pantry) Restore(r io.Reader) error {
	b, err := io.ReadAll(r)
	p.items, p.restored = map[string]int{}, true
	for line := range strings.Lines(strings.TrimRight(string(b), "\n")) {
		var key string
		var count int
		if _, err := fmt.Sscan(line, &key, &count); err != nil {
			return err
		}
		p.items[key] = count
	}
	return err
}

func pantries(t *testing.T, sort, tells bool) Machine[*pantry, string, int] {
	t.Helper()
	m := Replicated(t, func() *pantry { return &pantry{items: map[string]int{}, sort: sort, tells: tells} }, (*pantry).Apply,
		func(s *Source) string { return fmt.Sprint("key", s.IntN(40)) })
	m.Hash = func(p *pantry) string { return fmt.Sprint(p.items) }
	return m
}

func TestEqualStatesOfAReplicaMustBeWrittenAsEqualBytes(t *testing.T) {
	Check(t, pantries(t, true, false), 1, 200)
	for name, c := range map[string]struct {
		sort, tells bool
		want        string
	}{
		"the order of a map":   {false, false, "has other bytes"},
		"that it was restored": {true, true, "a snapshot of what is restored has other bytes"},
	} {
		m := pantries(t, c.sort, c.tells)
		source := &Source{data: []byte(strings.Repeat("abcdefghijklmnopqrstuvwxyz", 20))}
		var commands []string
		for range 100 {
			commands = append(commands, m.draw(source))
		}
		synctest.Test(t, func(t *testing.T) {
			if text := examine(m, commands, origin{seed: 1}, false); !strings.Contains(text, c.want) {
				t.Errorf("%s: it says %q", name, text)
			}
		})
	}
}
