package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A mutant is a planted bug: a patch in the form that `diff -u` writes, with a header.
//
//	A leader commits entries of earlier terms by counting.
//	From: Ongaro's thesis, figure 3.7; logcabin 44.
//	--- a/raft/commit.go
//	+++ b/raft/commit.go
//	@@ -17,3 +17,3 @@
//	…
//
// A line "Profile: NAME" says which of the simulator's profiles is after such mistakes; the simulator takes
// only that, then. A line "Survives LAYER: why" says that it is known not to be found there; sim is short for the
// three layers that are the simulator's. A line "Specification: …" has the same mistake in the
// specification, see counterpart, and "Explored: SCOPE -- SEARCH" the flags of command
// spec/explore, and of the program that it builds, with which that is found there.
type mutant struct {
	name string
	// about says what is wrong, from where it is known.
	about, from string
	// survives are the layers that it is known to survive, with the reason.
	survives map[string]string
	// specification is nil if the specification has no such mistake; explored is empty if it is
	// not searched for there.
	specification *counterpart
	explored      string
	// profile is the only one that the simulator takes; all if it is empty.
	profile string
	files   []filePatch
	// of is what the header says of the specification, and diff the rest of the file.
	of, diff string
}

type filePatch struct {
	path  string
	hunks []hunk
}

// A hunk replaces some lines by others. line is where the old ones begin, from 1, as far
// as was known when the patch was made.
type hunk struct {
	line     int
	old, new []string
}

// readMutants reads all patches of a directory, by name.
func readMutants(dir string) ([]*mutant, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.patch"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	mutants := make([]*mutant, 0, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(path) //nolint:gosec // a patch of this directory
		if err != nil {
			return nil, err
		}
		m, err := parse(strings.TrimSuffix(filepath.Base(path), ".patch"), string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		mutants = append(mutants, m)
	}
	return mutants, nil
}

// parse reads a patch.
func parse(name, text string) (*mutant, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	first := slices.IndexFunc(lines, func(s string) bool { return strings.HasPrefix(s, "--- a/") })
	if first < 0 {
		return nil, fmt.Errorf("no line begins with --- a/")
	}
	m := &mutant{name: name, survives: map[string]string{}, diff: strings.Join(lines[first:], "\n")}
	if err := m.head(lines[:first]); err != nil {
		return nil, err
	}
	for rest := lines[first:]; len(rest) > 0; {
		var err error
		if rest, err = m.file(rest); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// head reads what is before the diff. Lines that follow one go on with it.
func (m *mutant) head(lines []string) error {
	into := &m.about
	survives := map[string]*string{}
	for _, line := range lines {
		before, after, _ := strings.Cut(line, ":")
		layer, survived := strings.CutPrefix(before, "Survives ")
		switch {
		case survived:
			into = new(string)
			survives[layer] = into
		case before == "From":
			into = &m.from
		case before == "Specification":
			into = &m.of
		case before == "Explored":
			into = &m.explored
		case before == "Profile":
			into = &m.profile
		default:
			after = line
		}
		*into = strings.TrimSpace(*into + " " + strings.TrimSpace(after))
	}
	if m.about == "" || m.from == "" {
		return fmt.Errorf("the header has to say what is wrong, and in a line that begins with From: where it is known from")
	}
	for layer, why := range survives {
		if layer != simulator && !slices.Contains(layerNames, layer) {
			return fmt.Errorf("there is no layer %q to survive", layer)
		}
		m.survives[layer] = *why
	}
	if m.of == "" {
		if m.explored != "" {
			return fmt.Errorf("it says how it is explored, and has no counterpart in the specification")
		}
		return nil
	}
	var err error
	m.specification, err = parseCounterpart(m.of)
	return err
}

// why is the reason why it survives a layer; "" if it is not known to.
func (m *mutant) why(layer string) string {
	if why := m.survives[layer]; why != "" || !slices.Contains(simulated, layer) {
		return why
	}
	return m.survives[simulator]
}

// reaches reports whether a layer can see the mistake at all.
func (m *mutant) reaches(layer string) bool {
	switch layer {
	case prover:
		return m.specification != nil
	case explorer:
		return m.explored != ""
	}
	return true
}

// file reads what changes in one file, and returns the lines that follow.
func (m *mutant) file(lines []string) ([]string, error) {
	path, ok := strings.CutPrefix(lines[0], "--- a/")
	if !ok || len(lines) < 2 || lines[1] != "+++ b/"+path || !filepath.IsLocal(path) {
		return nil, fmt.Errorf("%q does not begin the changes of one file", lines[0])
	}
	f := filePatch{path: path}
	lines = lines[2:]
	for len(lines) > 0 && strings.HasPrefix(lines[0], "@@") {
		h, rest, err := readHunk(lines)
		if err != nil {
			return nil, err
		}
		f.hunks = append(f.hunks, h)
		lines = rest
	}
	if len(f.hunks) == 0 {
		return nil, fmt.Errorf("nothing changes in %s", path)
	}
	m.files = append(m.files, f)
	return lines, nil
}

var hunkHead = regexp.MustCompile(`^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@`)

func readHunk(lines []string) (hunk, []string, error) {
	head := hunkHead.FindStringSubmatch(lines[0])
	if head == nil {
		return hunk{}, nil, fmt.Errorf("%q is not the head of a hunk", lines[0])
	}
	number := func(s string) int {
		n := 1 // what is left out
		if s != "" {
			_, _ = fmt.Sscan(s, &n)
		}
		return n
	}
	h := hunk{line: number(head[1])}
	wantOld, wantNew := number(head[2]), number(head[3])
	rest := lines[1:]
	for len(h.old) < wantOld || len(h.new) < wantNew {
		if len(rest) == 0 {
			return hunk{}, nil, fmt.Errorf("a hunk ends early: %s", lines[0])
		}
		line := rest[0]
		rest = rest[1:]
		switch {
		case line == "": // an empty line whose space an editor has removed
			h.old, h.new = append(h.old, ""), append(h.new, "")
		case line[0] == ' ':
			h.old, h.new = append(h.old, line[1:]), append(h.new, line[1:])
		case line[0] == '-':
			h.old = append(h.old, line[1:])
		case line[0] == '+':
			h.new = append(h.new, line[1:])
		default:
			return hunk{}, nil, fmt.Errorf("%q cannot be in a hunk", line)
		}
	}
	if len(h.old) != wantOld || len(h.new) != wantNew || slices.Equal(h.old, h.new) {
		return hunk{}, nil, fmt.Errorf("a hunk has other lines than it says, or changes nothing: %s", lines[0])
	}
	return h, rest, nil
}

// apply returns the changed text of a file. Every line of a hunk has to be there, exactly;
// where they have moved, in one place only.
func (f *filePatch) apply(text string) (string, error) {
	lines := strings.Split(text, "\n")
	var out []string
	shift, done := 0, 0 // done are the lines taken over
	for _, h := range f.hunks {
		at, err := h.find(lines, h.line-1+shift, done)
		if err != nil {
			return "", fmt.Errorf("%s: the hunk at line %d %w", f.path, h.line, err)
		}
		shift = at - (h.line - 1)
		out = append(out, lines[done:at]...)
		out = append(out, h.new...)
		done = at + len(h.old)
	}
	return strings.Join(append(out, lines[done:]...), "\n"), nil
}

// find looks for the old lines of a hunk, from a line on: where they are expected, or
// else wherever they are.
func (h *hunk) find(lines []string, expected, from int) (int, error) {
	var places []int
	for at := from; at+len(h.old) <= len(lines); at++ {
		if !slices.Equal(lines[at:at+len(h.old)], h.old) {
			continue
		}
		if at == expected {
			return at, nil
		}
		places = append(places, at)
	}
	switch len(places) {
	case 0:
		return 0, fmt.Errorf("does not apply any more: its lines are not there")
	case 1:
		return places[0], nil
	}
	return 0, fmt.Errorf("does not apply any more: its lines have moved, and are in %d places", len(places))
}
