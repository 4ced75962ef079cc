package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
)

// What the leader cannot write, the others have: they elect one of them, and go on without its
// disk, which catches up when there is room again.
func TestALeaderWhoseDiskIsFullHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disks := []*vfs.Disk{vfs.NewDisk(), vfs.NewDisk(), vfs.NewDisk()}
		nodes := startedIn(t, disks[0], disks[1], disks[2])
		defer func() {
			for _, n := range nodes {
				_ = n.Close()
			}
		}()
		if _, err := propose(t, nodes[0], "before").Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(nodes, func(n *Node) bool { return n.Status().Role == raft.Leader })
		full, others := nodes[at], slices.Delete(slices.Clone(nodes), at, at+1)
		w := full.Watch()
		defer w.Stop()
		disks[at].SetFaults(vfs.Faults{Quota: vfs.NoRoom})
		// The room of its segment is there already, so that it takes until the end of that. The
		// disks of the others are enough.
		large := strings.Repeat("x", 60<<10)
		for range 3 {
			if _, err := propose(t, full, large).Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		patience := 10 * full.ticks(uint64(full.config.Raft.ElectionTicksMax))
		time.Sleep(patience) // simulated
		synctest.Wait()
		if !slices.ContainsFunc(others, func(n *Node) bool { return n.Status().Role == raft.Leader }) {
			t.Errorf("after %v no other leads: %+v", patience, full.Status())
		}
		if s := full.Status(); s.Role != raft.Follower || !s.DiskFull || !errors.Is(s.Problem, ErrDiskFull) || errors.Is(s.Problem, ErrDiskHangs) {
			t.Errorf("the node whose disk is full is a %v, and its problem %v", s.Role, s.Problem)
		}
		item, err := propose(t, others[0], "without it").Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		disks[at].SetFaults(vfs.Faults{})
		time.Sleep(patience)
		synctest.Wait()
		if s := full.Status(); s.DiskFull || s.Problem != nil || full.core.Status().Durable < item.Index {
			t.Errorf("there is room, and the problem is %v, and %d durable, of %d", s.Problem, full.core.Status().Durable, item.Index)
		}
		if told := problemsTold(w); !slices.Equal(told, []string{"found", "solved"}) {
			t.Errorf("watchers are told %v", told)
		}
	})
}
