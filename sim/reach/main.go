// Reach reads a coverage profile, as `go test -covermode=count` writes it, and names the
// pieces of code that the simulator never reached, and those that it seldom did:
//
//	go test ./sim -coverpkg=./raft,./engine,./founding -covermode=count -coverprofile=reached
//	go run ./sim/reach reached
//
// What is never reached is not tested by the simulator, whatever it finds elsewhere. So
// that no shipped code needs marks for this, the marks are those of Go's own coverage.
// Pieces that only put something into words, as broken invariants and refusals are, are
// counted and not listed.
package main

import (
	"bufio"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: reach PROFILE")
		os.Exit(2)
	}
	if err := report(os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "reach:", err)
		os.Exit(1)
	}
}

// A block is a piece of code without a branch, and how often it was reached.
type block struct {
	file       string
	line, last int
	statements int
	count      int
}

// seldom is how many times a block may be reached and still be called rare.
const seldom = 10

func report(path string, out io.Writer) error {
	f, err := os.Open(path) //nolint:gosec // the profile that the user names
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	blocks, err := read(f)
	if err != nil {
		return err
	}
	sources := map[string]*source{}
	total, reached, words := 0, 0, 0
	var rare []block
	for _, b := range blocks {
		total += b.statements
		if b.count > 0 {
			reached += b.statements
		}
		if b.count <= seldom {
			rare = append(rare, b)
		}
	}
	slices.SortStableFunc(rare, func(a, b block) int { return cmp.Compare(a.count, b.count) })
	for _, b := range rare {
		s := sources[b.file]
		if s == nil {
			if s, err = open(b.file); err != nil {
				return err
			}
			sources[b.file] = s
		}
		if inWords(s.first(b)) {
			words++
			continue
		}
		_, _ = fmt.Fprintf(out, "%4d  %s:%d  %s  %s\n", b.count, s.path, b.line, s.function(b.line), s.first(b))
	}
	_, _ = fmt.Fprintf(out, "%d of %d statements were reached (%.1f %%); %d blocks never or seldom, and %d that only say something\n",
		reached, total, 100*float64(reached)/float64(max(total, 1)), len(rare)-words, words)
	return nil
}

// inWords reports whether a line begins something that only says that something is wrong,
// or gives a thing a name.
func inWords(line string) bool {
	for _, mark := range []string{"Errorf(", "Sprintf(", "broken(", "outOfRange(", "return err", ", err", "log.Error(", "log.Warn(", "return bad(", "func (", "case *brokenInvariant"} {
		if strings.Contains(line, mark) {
			return true
		}
	}
	return false
}

// read takes the blocks of a profile, in the order of the source. The same block may be
// in it several times.
func read(r io.Reader) ([]block, error) {
	counts := map[block]int{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "mode:") {
			continue
		}
		colon := strings.LastIndexByte(line, ':')
		if colon < 0 {
			return nil, fmt.Errorf("not a line of a profile: %q", line)
		}
		b := block{file: line[:colon]}
		var count, column int
		if _, err := fmt.Sscanf(line[colon+1:], "%d.%d,%d.%d %d %d", &b.line, &column, &b.last, &column, &b.statements, &count); err != nil {
			return nil, fmt.Errorf("not a line of a profile: %q: %w", line, err)
		}
		counts[b] += count
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	var blocks []block
	for b, count := range counts {
		b.count = count
		blocks = append(blocks, b)
	}
	slices.SortFunc(blocks, func(a, b block) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.line, b.line), cmp.Compare(a.last, b.last))
	})
	return blocks, nil
}

// source is a file of this module.
type source struct {
	path  string
	lines []string
	set   *token.FileSet
	file  *ast.File
}

// open reads a file by the name that a profile gives it, which begins with the module's.
func open(name string) (*source, error) {
	path := strings.TrimPrefix(name, "github.com/ben-ng/gaggle/")
	text, err := os.ReadFile(path) //nolint:gosec // a file that was just compiled
	if err != nil {
		return nil, err
	}
	s := &source{path: path, lines: strings.Split(string(text), "\n"), set: token.NewFileSet()}
	s.file, err = parser.ParseFile(s.set, path, text, 0)
	return s, err
}

// function names the function that a line is in.
func (s *source) function(line int) string {
	for _, d := range s.file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && s.set.Position(f.Pos()).Line <= line && line <= s.set.Position(f.End()).Line {
			return f.Name.Name
		}
	}
	return ""
}

// first is the first line of a block that says something: a block begins with the brace
// at the end of the line before.
func (s *source) first(b block) string {
	for line := b.line; line <= b.last && line < len(s.lines); line++ {
		text := strings.TrimSpace(s.lines[line-1])
		if line == b.line && strings.HasSuffix(text, "{") && b.last > b.line {
			continue
		}
		if text != "" && !strings.HasPrefix(text, "//") {
			return text
		}
	}
	return ""
}
