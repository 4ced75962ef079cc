package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/vfs"
)

// The power may go when all of a snapshot has come, and before it is one of the node's own.
// There is nothing left to send then.
func TestASnapshotThatHadComeInFullIsInstalledAfterACrash(t *testing.T) {
	h := newHomes(t, 3, withLists)
	h.until("one leads", func() bool { return h.leader() != nil })
	h.append(h.nodes[2], "first")
	h.crash(2)
	h.until("the log begins behind what it has", func() bool {
		h.append(h.leader(), "value")
		return h.leader().core.Status().Base.Index > 20
	})
	gone := false
	h.disks[2].SetFaults(vfs.Faults{Fail: func(o vfs.Op) error {
		gone = gone || o.Kind == vfs.OpRename && strings.HasPrefix(o.Name, "incoming-")
		if gone {
			return errors.New("the power is gone")
		}
		return nil
	}})
	h.start(2)
	h.until("the last of it has come", func() bool { return gone })
	h.disks[2].SetFaults(vfs.Faults{})
	if err := h.disks[2].Sync(); err != nil { // so that the name of the file is not lost
		t.Fatal(err)
	}
	h.crash(2)
	n := h.start(2)
	h.until("it has caught up", func() bool { return n.applied == h.leader().applied && slices.Equal(listOf(n), listOf(h.leader())) })
}

// A message that takes longer than a heartbeat interval to send would hold up heartbeats.
func TestAtALowRateASnapshotComesInSmallParts(t *testing.T) {
	const rate = 100_000 // bytes a second
	h := newHomes(t, 3, func(c *Config) {
		withLists(c)
		c.SnapshotRate = rate
	})
	n := h.nodes[0]
	heartbeat := float64(n.config.TickInterval.Seconds()) * float64(n.config.Raft.HeartbeatTicks)
	if got := float64(n.chunkSize()); got > max(rate*heartbeat, minChunkBytes) {
		t.Errorf("%v bytes in a message, %v may be sent between two heartbeats", got, rate*heartbeat)
	}
	n.config.SnapshotRate = 1
	if got := n.chunkSize(); got != minChunkBytes {
		t.Errorf("%d bytes in a message, the least is %d", got, minChunkBytes)
	}
	n.config.SnapshotRate = defaultSnapshotRate
	if got := n.chunkSize(); got > chunkBytes {
		t.Errorf("%d bytes in a message, the most is %d", got, chunkBytes)
	}
}
