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
	pkg := func(path string) string {
		if dir := filepath.Base(filepath.Dir(path)); dir != "." {
			return dir
		}
		return "gaggle"
	}
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
				there[pkg(path)+"."+string(m[1])] = true
			}
		case strings.HasPrefix(filepath.ToSlash(path), "raft/testdata/") && strings.HasSuffix(path, ".txt"):
			there["raft."+strings.TrimSuffix(d.Name(), ".txt")] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for line := range strings.Lines(string(page)) {
		// One row of a table: what befalls it, what the node does, what one sees, who holds it.
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			continue
		}
		held := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[4], -1)
		if title := strings.TrimSpace(cells[1]); len(held) == 0 && title != "What befalls it" && title != "---" {
			t.Errorf("no test holds what is said of: %s", title)
		}
		for _, m := range held {
			named++
			if !there[m[1]] {
				t.Errorf("%s is named, and there is no such test or script", m[1])
			}
		}
	}
	if named < 50 {
		t.Errorf("only %d tests are found on the page", named)
	}
}
