package gaggle_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/ben-ng/gaggle"

// mayImport is the graph of docs/ARCHITECTURE.md: what of this module each package may
// import. A package that is not listed here fails the test.
var mayImport = map[string][]string{
	"raft":                {},
	"wire":                {"raft"},
	"founding":            {"raft", "wire"},
	"vfs":                 {},
	"trace":               {"raft", "wire"},
	"snapshot":            {"raft", "wire", "vfs"},
	"wal":                 {"raft", "wire", "vfs"},
	"channel":             {"raft"},
	"channel/memory":      {"raft", "channel"},
	"channel/tcp":         {"raft", "channel"},
	"channel/channeltest": {"raft", "channel"},
	"backup":              {"raft", "wire", "snapshot", "channel"},
	"engine":              {"raft", "wire", "channel", "founding", "vfs", "wal", "snapshot", "backup"},
	"sim":                 {"raft", "wire", "channel", "founding", "vfs", "wal", "snapshot", "engine", "conform"},
	".":                   {"raft", "channel", "founding", "vfs", "backup", "trace", "engine", "internal/state"},
	"internal/state":      {},
	"cmd/gaggle":          {".", "sim", "channel", "channel/memory", "channel/tcp", "raft", "snapshot", "vfs", "wal", "backup", "trace", "conform"},
	"sim/reach":           {},
	"spec":                {},
	"spec/prove":          {"spec"},
	"spec/finite":         {"spec"},
	"spec/search":         {},
	"spec/follow":         {"spec"},
	"conform":             {"raft", "spec", "spec/follow"},
	"spec/explore":        {"spec", "spec/finite"},
	"mutants":             {},
	"mutants/hunt":        {"sim"},
	"torture":             {".", "vfs", "channel/tcp"},
	"gaggletest":          {".", "channel", "channel/memory", "internal/state"},
	"examples/lamb":       {".", "channel/memory"},
	"examples/counter":    {".", "channel/memory"},
	"examples/kv":         {".", "channel", "channel/memory"},
	"bench":               {".", "channel", "channel/memory", "channel/tcp"},
}

// outside is what packages may import that is neither ours nor the standard library's.
// What a user embeds needs nothing.
var outside = map[string][]string{
	"cmd/gaggle": {"github.com/spf13/cobra"},
	"sim":        {"github.com/anishathalye/porcupine"},
	"torture":    {"github.com/anishathalye/porcupine"},
	"bench": {
		"go.etcd.io/raft/v3", "go.etcd.io/raft/v3/raftpb", "google.golang.org/protobuf/proto",
		"go.etcd.io/etcd/server/v3/storage/wal", "go.etcd.io/etcd/server/v3/storage/wal/walpb",
		"github.com/hashicorp/raft", "github.com/hashicorp/raft-wal",
	},
}

// pure is all that the core may import of the standard library: nothing that does I/O,
// keeps time, is random, or locks.
var pure = map[string][]string{
	"raft":     {"encoding/binary", "errors", "fmt", "slices", "strings"},
	"founding": {"cmp", "crypto/sha256", "encoding/binary", "errors", "fmt", "hash/crc32", "slices", "strings"},
}

func TestImportsPointOneWay(t *testing.T) {
	for dir, imports := range importsByDir(t) {
		allowed, ok := mayImport[dir]
		if !ok {
			t.Errorf("%s is not in the graph: add it to mayImport and to docs/ARCHITECTURE.md", dir)
		}
		for _, imported := range imports {
			checkImport(t, dir, imported, allowed)
		}
	}
}

func checkImport(t *testing.T, dir, imported string, allowed []string) {
	ours, isOurs := strings.CutPrefix(imported, module)
	standard := !strings.Contains(strings.Split(imported, "/")[0], ".")
	switch {
	case isOurs:
		if ours = strings.TrimPrefix(ours, "/"); ours == "" {
			ours = "."
		}
		if !slices.Contains(allowed, ours) {
			t.Errorf("%s imports %s: the graph does not allow it", dir, ours)
		}
	case standard:
		if list, ok := pure[dir]; ok && !slices.Contains(list, imported) {
			t.Errorf("%s imports %s: it is to stay pure", dir, imported)
		}
	case !slices.Contains(outside[dir], imported):
		t.Errorf("%s imports %s: it may only use the standard library", dir, imported)
	}
}

// importsByDir lists the imports of every package, those of its tests aside.
func importsByDir(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && name != "." || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir := path.Dir(filepath.ToSlash(name))
		found[dir] = append(found[dir], []string{}...)
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[dir] = append(found[dir], imported)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
