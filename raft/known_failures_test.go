package raft

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The tables in testdata/README.md are worth as much as they are true: what they name is
// there, and each script that covers a known failure is named.
func TestTheTableOfKnownFailuresIsThatOfTheScripts(t *testing.T) {
	readme := readFile(t, "testdata/README.md")
	_, tables, found := strings.Cut(readme, "## The figures of the thesis")
	if !found {
		t.Fatal("testdata/README.md has no tables of figures and failures")
	}
	var tests strings.Builder
	for _, file := range glob(t, "*_test.go") {
		tests.WriteString(readFile(t, file))
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(tables, -1) {
		name := m[1]
		named[name] = true
		_, err := os.Stat(filepath.Join("testdata", name+".txt"))
		if err != nil && !strings.Contains(tests.String(), "func "+name+"(t *testing.T)") {
			t.Errorf("%s is named and is neither a script nor a test", name)
		}
	}
	for _, file := range glob(t, "testdata/*.txt") {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		covers := strings.Contains(readFile(t, file), "Covers: ")
		if (covers || strings.HasPrefix(name, "thesis_figure_")) && !named[name] {
			t.Errorf("%s covers a known failure or a figure and is in no table", name)
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return files
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
