package engine

import (
	"fmt"
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// A repetition in the log is in no Entries loop, also not in one that reads what the node
// applied before it was started, or what is compacted and still in a file.
func TestARepetitionIsNoValueAfterARestartEither(t *testing.T) {
	for _, retain := range []raft.Index{0, 1} {
		t.Run(fmt.Sprintf("retain %d", retain), func(t *testing.T) {
			h := newHomes(t, 1, func(c *Config) { c.CheckpointBytes, c.TailBytes, c.Retain = 300, 64, retain })
			h.until("it leads", func() bool { return h.leader() != nil })
			n := h.nodes[0]
			p := propose(t, n, "once")
			h.until("it is appended", func() bool { return len(p.ready) > 0 })
			repeated := n.core.Last().Index + 1
			turnWith(n, func() { n.step(raft.Propose{Entries: []raft.Entry{{Data: p.command}}}) })
			h.until("it is behind two snapshots", func() bool {
				h.appendMany(n, 5) // in one write, so that all is in one file
				list := n.snapshots.List()
				return len(list) == 2 && list[1].Meta.Last.Index > repeated+2 && (retain == 0 || n.feed.available > repeated+2)
			})
			// The next snapshot knows only what was known then.
			latest := n.checkpoints.latest
			h.until("there is another", func() bool { h.appendMany(n, 5); return n.checkpoints.latest > latest })
			if base := n.home.log.Stats().Base.Index; base >= repeated {
				t.Fatalf("the log begins after %d on the disk, too", base)
			}
			h.crash(0)
			n = h.start(0)
			h.until("it leads again", func() bool { return h.leader() != nil })
			seen := map[string]bool{}
			for from := n.feed.available; from <= n.applied; {
				items, err := n.Feed().Next(t.Context(), from, n.applied)
				if err != nil {
					t.Fatal(err)
				}
				if len(items) == 0 {
					break
				}
				for _, item := range items {
					if value := string(item.Value); seen[value] || item.Index == repeated {
						t.Errorf("%q is there twice, or at %d", value, item.Index)
					}
					seen[string(item.Value)] = true
				}
				from = items[len(items)-1].Index + 1
			}
			if len(seen) < 3 {
				t.Errorf("only %d values are there", len(seen))
			}
		})
	}
}
