package engine

import (
	"slices"
	"testing"

	"github.com/ben-ng/gaggle/vfs"
)

// The power of a standby goes before each operation on its disk: while it makes the directory
// its home, while it begins a log as a leader sends it the log, while it becomes a member. It
// starts again, and takes the place all the same.
func TestAStandbyWhosePowerGoesTakesItsPlaceAllTheSame(t *testing.T) {
	dies := 0
	for survived := false; !survived; dies++ {
		h := newHomes(t, 3, func(c *Config) {
			c.ReplaceAfterTicks = 2 * c.Raft.ElectionTicksMax
			c.CheckpointBytes, c.TailBytes, c.Retain = 400, 64, 1
		})
		h.until("one leads", func() bool { return h.leader() != nil })
		for range 12 {
			h.append(h.nodes[0], "value")
		}
		h.addDisk()
		operations := 0
		h.disks[3].SetFaults(vfs.Faults{Fail: func(vfs.Op) error {
			if operations++; operations > dies {
				return vfs.ErrCrashed
			}
			return nil
		}})
		restart := func() {
			operations, dies = 0, dies+1_000_000
			h.disks[3].SetFaults(vfs.Faults{})
			if h.nodes[3] != nil {
				_ = h.nodes[3].Close()
			}
			h.disks[3].PowerOff()
			h.disks[3].Crash(h.random.IntN)
			h.start(3)
		}
		before := dies
		if _, err := h.tryStart(3); err != nil {
			restart()
		}
		h.crash((slices.Index(h.nodes, h.leader()) + 1) % 3)
		h.until("the standby is a member", func() bool {
			if dies == before && operations > dies {
				restart()
			}
			n := h.nodes[3]
			return n.core != nil && n.Status().State == Member && n.core.Status().Configuration.Voter(n.ID()) && n.applied == n.core.Last().Index
		})
		if dies == before && operations <= dies {
			h.disks[3].SetFaults(vfs.Faults{})
		} else if dies == before {
			restart()
			h.until("it is a member again", func() bool { return h.nodes[3].Status().State == Member })
		}
		h.append(h.nodes[3], "after")
		survived, dies = dies == before, before
		for _, n := range h.nodes {
			if n != nil {
				_ = n.Close()
			}
		}
	}
	if dies < 40 {
		t.Errorf("there are %d operations, not enough for a log and a snapshot", dies)
	}
}
