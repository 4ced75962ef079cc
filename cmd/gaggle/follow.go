package main

import (
	"context"

	"github.com/ben-ng/gaggle"
)

// follow shows the entries that a node commits. When it has shown all that there are for
// now it says so, with the index up to which it has. It returns when the context ends,
// when the node is closed, or when saying so fails.
func follow[T any](ctx context.Context, n *gaggle.Node[T], show func(gaggle.Entry[T]), pause func(gaggle.Index) error) error {
	next := gaggle.Index(1)
	for {
		// Everything that is there, or else what comes next, which may be one of the
		// cluster's own entries.
		until := max(n.Status().Applied, next)
		for e, err := range n.Entries(ctx, gaggle.From(next), gaggle.Until(until)) {
			if err != nil {
				return err
			}
			show(e)
		}
		if err := pause(until); err != nil {
			return err
		}
		next = until + 1
	}
}
