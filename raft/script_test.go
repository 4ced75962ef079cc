package raft

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "record what the scripts in testdata print now")

// TestScripts runs every testdata/*.txt. A script is a claim about the core, told as a
// conversation: lines that begin with # are comments, lines that begin with anything
// else are commands, and indented lines are what the command before them printed.
// What the commands and the output mean is in testdata/README.md.
//
// After every step the invariants of the node are checked, and those of the cluster.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			recorded, err := os.ReadFile(filepath.Clean(file))
			if err != nil {
				t.Fatal(err)
			}
			checkHeader(t, string(recorded))
			now := runScript(t, string(recorded))
			switch {
			case now == string(recorded):
			case *update:
				if err := os.WriteFile(file, []byte(now), 0o600); err != nil {
					t.Fatal(err)
				}
			default:
				t.Error(firstDifference(file, string(recorded), now))
			}
		})
	}
}

const outputIndent = "    "

// runScript returns the script with the output that its commands have now.
func runScript(t *testing.T, script string) string {
	s := newScripted(t)
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(script, "\n"), "\n") {
		if strings.HasPrefix(line, " ") {
			continue
		}
		b.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s.where = fmt.Sprintf("line %d: %s", i+1, line)
		s.out.Reset()
		s.command(words(line))
		for _, printed := range strings.Split(strings.TrimSuffix(s.out.String(), "\n"), "\n") {
			if printed != "" {
				b.WriteString(outputIndent + printed + "\n")
			}
		}
	}
	return b.String()
}

// checkHeader holds a script to its form: first the claim, with the section that it is from.
func checkHeader(t *testing.T, script string) {
	header := ""
	for _, line := range strings.Split(script, "\n") {
		if !strings.HasPrefix(line, "#") {
			break
		}
		header += line
	}
	if !strings.Contains(header, "§") {
		t.Error("the script does not begin with a comment that says what it claims and which section of the thesis says so")
	}
}

func firstDifference(file, recorded, now string) string {
	was, is := strings.Split(recorded, "\n"), strings.Split(now, "\n")
	i := 0
	for i < len(was) && i < len(is) && was[i] == is[i] {
		i++
	}
	from := max(0, i-3)
	show := func(lines []string) string { return strings.Join(lines[from:min(len(lines), i+4)], "\n\t") }
	return fmt.Sprintf("%s:%d: what follows is not what was recorded; after a look, `go test ./raft -update` records it\nrecorded:\n\t%s\nnow:\n\t%s",
		file, i+1, show(was), show(is))
}

// words splits a line at spaces outside of brackets, parentheses and quotes.
func words(line string) []string {
	var all []string
	depth, quoted, from := 0, false, -1
	for i, r := range line {
		switch r {
		case '"':
			quoted = !quoted
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		}
		if r == ' ' && depth == 0 && !quoted {
			if from >= 0 {
				all = append(all, line[from:i])
			}
			from = -1
		} else if from < 0 {
			from = i
		}
	}
	if from >= 0 {
		all = append(all, line[from:])
	}
	return all
}
