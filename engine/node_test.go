package engine

import (
	"runtime"
	"testing"
	"weak"
)

func TestAClosedNodeIsNotKeptInMemory(t *testing.T) {
	var nodes []weak.Pointer[Node]
	t.Run("closes its nodes when it ends", func(t *testing.T) {
		f, _, _ := leads(t, 3)
		for _, n := range f.nodes {
			// Also an append that fails comes from the pool and goes back to it.
			if _, err := n.Append(ended(), []byte("x")); err == nil {
				t.Error("an append with an ended context has succeeded")
			}
			nodes = append(nodes, weak.Make(n))
		}
	})
	runtime.GC()
	for _, n := range nodes {
		if n.Value() != nil {
			t.Error("a closed node, with its log, outlives a garbage collection")
		}
	}
}
