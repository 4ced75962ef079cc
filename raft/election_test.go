package raft

import "testing"

// Timeouts that were the same on all nodes, or the same each time, would let the same
// candidates split the vote again and again (§3.4).
func TestElectionTimeoutsDifferFromNodeToNodeAndFromTimeToTime(t *testing.T) {
	saved, err := Found([]NodeID{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	const nodes, elections = 40, 40
	firsts, all := map[uint64]bool{}, map[uint64]bool{}
	for seed := range uint64(nodes) {
		c, err := New(DefaultConfig("a", seed), saved)
		if err != nil {
			t.Fatal(err)
		}
		own := map[uint64]bool{}
		for i := range elections {
			timeout := c.electionDue - c.now
			if timeout < uint64(c.config.ElectionTicksMin) || timeout >= uint64(c.config.ElectionTicksMax) {
				t.Fatalf("seed %d: election %d is due in %d ticks", seed, i, timeout)
			}
			if i == 0 {
				firsts[timeout] = true
			}
			own[timeout], all[timeout] = true, true
			for range timeout {
				if err := c.Step(Tick{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(own) < 8 {
			t.Errorf("seed %d: %d elections have %d timeouts", seed, elections, len(own))
		}
	}
	if config := DefaultConfig("a", 0); len(firsts) < 8 || len(all) != config.ElectionTicksMax-config.ElectionTicksMin {
		t.Errorf("%d nodes begin with %d timeouts, and have %d in all", nodes, len(firsts), len(all))
	}
}
