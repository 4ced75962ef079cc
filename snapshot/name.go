package snapshot

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ben-ng/gaggle/raft"
)

const (
	wholePrefix    = "snapshot-"
	incomingPrefix = "incoming-"
	asideSuffix    = ".tmp"
)

func wholeName(at raft.Position) string {
	return fmt.Sprintf("%s%016x-%016x", wholePrefix, at.Index, at.Term)
}

// parseWhole is the inverse of wholeName, and false for every other name.
func parseWhole(name string) (at raft.Position, ok bool) {
	_, err := fmt.Sscanf(name, wholePrefix+"%016x-%016x", &at.Index, &at.Term)
	return at, err == nil && wholeName(at) == name
}

// isAside reports whether a file is one that was being written.
func isAside(name string) bool {
	whole, ok := strings.CutSuffix(name, asideSuffix)
	if ok {
		_, ok = parseWhole(whole)
	}
	return ok
}

func incomingName(id Identity) string {
	return fmt.Sprintf("%s%016x-%016x-%016x-%016x", incomingPrefix, id.Last.Index, id.Last.Term, id.Size, id.Sum)
}

// parseIncoming is the inverse of incomingName, and false for every other name.
func parseIncoming(name string) (id Identity, ok bool) {
	_, err := fmt.Sscanf(name, incomingPrefix+"%016x-%016x-%016x-%016x", &id.Last.Index, &id.Last.Term, &id.Size, &id.Sum)
	return id, err == nil && incomingName(id) == name
}

// newestFirst sorts positions of what is committed: a later index is newer.
func newestFirst(a, b raft.Position) int {
	return cmp.Or(cmp.Compare(b.Index, a.Index), cmp.Compare(b.Term, a.Term))
}
