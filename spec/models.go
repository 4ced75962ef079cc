package spec

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed *.epr *.spared
var sources embed.FS

// Names lists the models of this directory.
func Names() []string {
	files, err := sources.ReadDir(".")
	if err != nil {
		return nil // it is compiled in
	}
	var names []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".epr"); ok {
			names = append(names, name)
		}
	}
	return names
}

// Load reads one of the models of this directory.
func Load(name string) (*Model, error) {
	source, err := sources.ReadFile(name + ".epr")
	if err != nil {
		return nil, fmt.Errorf("there is no model %s: %w", name, err)
	}
	m, err := Parse(name, string(source))
	if err != nil {
		return nil, err
	}
	return m, m.CheckOrder()
}
