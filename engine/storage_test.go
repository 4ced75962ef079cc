package engine

import (
	"testing"

	"github.com/ben-ng/gaggle/raft"
)

// A slowDisk is a storage whose writes become durable when a test says so, unless it is fast.
type slowDisk struct {
	fast   bool
	number uint64
	done   func(uint64, error)
}

func (d *slowDisk) Write(w *raft.Write, done func(uint64, error)) bool {
	d.number, d.done = w.Number, done
	return d.fast
}

func (d *slowDisk) Do(_ Lane, job func()) { job() }
func (d *slowDisk) Close() error          { return nil }

// sync makes all that was written durable, and says so once.
func (d *slowDisk) sync() { d.done(d.number, nil) }

// leadsOnDisks is leads with a disk for each node, which are slow from here on. The
// leader's is the first.
func leadsOnDisks(t *testing.T, size int) (f *flock, leader *Node, disks []*slowDisk) {
	t.Helper()
	f, leader, _ = leads(t, size)
	add := func(n *Node) {
		d := &slowDisk{}
		n.config.Storage = d
		disks = append(disks, d)
	}
	add(leader)
	for _, n := range f.nodes {
		if n != leader {
			add(n)
		}
	}
	return f, leader, disks
}

func TestAnAppendIsAcknowledgedWhenAMajorityHasItOnDisk(t *testing.T) {
	for name, order := range map[string][]int{
		"the leader's disk first":   {0, 1, 2},
		"the leader's disk last":    {1, 2, 0},
		"the leader's disk between": {2, 0, 1},
		"five, the leader's third":  {1, 3, 0, 2, 4},
		"five, the leader's last":   {4, 3, 2, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			f, leader, disks := leadsOnDisks(t, len(order))
			var all []*Proposal
			for range 3 {
				all = append(all, propose(t, leader, "x"))
				f.settle()
			}
			majority := len(order)/2 + 1
			for synced := range order {
				for range 2 {
					f.tick()
				}
				for i, p := range all {
					if done := len(p.ready) > 0; done != (synced >= majority) {
						t.Fatalf("with %d disks of %d, append %d is acknowledged: %v", synced, len(order), i, done)
					}
				}
				disks[order[synced]].sync()
				f.settle()
			}
		})
	}
}

// A storage may still be writing when its node has stopped.
func TestADiskMaySpeakAfterItsNodeIsClosed(t *testing.T) {
	f, leader, disks := leadsOnDisks(t, 3)
	p := propose(t, leader, "x")
	f.settle()
	before := leader.applied
	if err := leader.Close(); err != nil {
		t.Fatal(err)
	}
	for _, d := range disks {
		d.sync()
	}
	f.settle()
	if _, err := wait(t, p); err == nil || leader.applied != before {
		t.Errorf("a closed node acknowledged an append: %v", err)
	}
}
