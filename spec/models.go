package spec

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.epr *.spared
var sources embed.FS

// Names lists the models of this directory. A further dot in a file's name makes it a part of
// another.
func Names() []string {
	files, err := sources.ReadDir(".")
	if err != nil {
		return nil // it is compiled in
	}
	var names []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".epr"); ok && !strings.Contains(name, ".") {
			names = append(names, name)
		}
	}
	return names
}

// Load reads one of the models of this directory: the file with its name and, if there are
// any, those that go on from it, with the invariants that prove it and the runs there are.
func Load(name string) (*Model, error) {
	var parts []Source
	for _, part := range []string{"", ".proof", ".runs"} {
		file := name + part + ".epr"
		text, err := sources.ReadFile(file)
		switch {
		case err == nil:
			parts = append(parts, Source{file, string(text)})
		case part == "":
			return nil, fmt.Errorf("there is no model %s: %w", name, err)
		}
	}
	m, err := Parse(name, parts...)
	if err != nil {
		return nil, err
	}
	return m, m.CheckOrder()
}
