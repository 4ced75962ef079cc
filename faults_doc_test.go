package gaggle_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The promises of docs/faults.md are worth as much as the tests that hold them.
func TestTheTestsNamedInFaultsExist(t *testing.T) {
	page, err := os.ReadFile("docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, "_test.go"):
			b, err := os.ReadFile(path) //nolint:gosec // a file of this module
			if err != nil {
				return err
			}
			for _, m := range declared.FindAllSubmatch(b, -1) {
				there[string(m[1])] = true
			}
		case strings.HasPrefix(filepath.ToSlash(path), "raft/testdata/") && strings.HasSuffix(path, ".txt"):
			there[strings.TrimSuffix(d.Name(), ".txt")] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 {
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[3], -1) {
			named++
			if !there[m[1]] {
				t.Errorf("%s is named, and there is no such test or script", m[1])
			}
		}
	}
	if named < 30 {
		t.Errorf("only %d tests are found on the page", named)
	}
}
