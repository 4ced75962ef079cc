package wire

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func goldenPath(name string) string { return filepath.Join("testdata", name+".hex") }

// readGolden returns the bytes of a golden file: hexadecimal, with comments.
func readGolden(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		code, _, _ := strings.Cut(line, "#")
		digits.WriteString(strings.TrimSpace(code))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return b
}

// goldens returns the bytes of every golden file, by name.
func goldens(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(goldenPath("*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	all := make(map[string][]byte)
	for _, path := range paths {
		all[strings.TrimSuffix(filepath.Base(path), ".hex")] = readGolden(t, path)
	}
	return all
}

// A difference here is a change of the format, which needs a new version: see the
// package documentation. -update is for adding samples.
func TestTheFormatIsThatOfTheGoldenFiles(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			b := mustAppend(t, &s.frame)
			if *update {
				text := "# " + s.name + ", version 2\n\n" + describe(b)
				if err := os.WriteFile(goldenPath(s.name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want := readGolden(t, goldenPath(s.name))
			if !bytes.Equal(b, want) {
				t.Fatalf("encoded as\n%x, the golden file has\n%x", b, want)
			}
			got := mustDecode(t, want)
			if len(s.frame.Messages) == 0 {
				got.Messages = nil
			}
			if !reflect.DeepEqual(*got, s.frame) {
				t.Fatalf("decoded as\n%+v, want\n%+v", *got, s.frame)
			}
		})
	}
}

func TestEveryGoldenFileHasASample(t *testing.T) {
	all := goldens(t)
	for _, s := range samples() {
		delete(all, s.name)
	}
	for name := range all {
		t.Errorf("%s has none", name)
	}
}

func TestEveryKindHasASample(t *testing.T) {
	have := make(map[kind]bool)
	for _, s := range samples() {
		for _, m := range s.frame.Messages {
			k, _, _ := open(m)
			have[k] = true
		}
	}
	for k := range layouts {
		if !have[kind(k)] {
			t.Errorf("%v has none", kind(k))
		}
	}
	for k := range kind(255) {
		known := newRaftMessage(k).Body != nil || newBody(k) != nil
		if known != (layouts[byte(k)] != "") {
			t.Errorf("%v is known to the code: %v, to the documentation's tables: %v", k, known, !known)
		}
	}
}

func TestGoldenFilesAreDescribedByTheDocumentedLayout(t *testing.T) {
	for name, b := range goldens(t) {
		if text := describe(b); strings.Contains(text, "does not fit") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}
