package spec

import (
	"fmt"
	"strings"
)

// Spared lists the requirements of a model that its proof does not need, by action and name
// with a dot between, and says why each is there all the same. It is in the file with the
// model's name and the ending .spared, a line for each: the name, a colon, and the reason.
func Spared(model string) (map[string]string, error) {
	list := map[string]string{}
	text, err := sources.ReadFile(model + ".spared")
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", model, err)
	}
	for n, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		name, reason, ok := strings.Cut(line, ":")
		if reason = strings.TrimSpace(reason); !ok || reason == "" {
			return nil, fmt.Errorf("%s.spared: line %d: no reason is given", model, n+1)
		}
		list[name] = reason
	}
	return list, nil
}
