package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/ben-ng/gaggle/founding"
	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/vfs"
	"github.com/ben-ng/gaggle/wire"
)

// A standby that was about to become a member has voted and acknowledged: if its log is gone, it
// is not one that has promised nothing yet.
func TestAStandbyWhoseLogIsGoneIsRefused(t *testing.T) {
	disk := vfs.NewDisk()
	open := func() (*Home, error) {
		return OpenHome(disk, HomeConfig{ID: "d", Cluster: "test", Size: 3, Mark: [16]byte{1}})
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	h, err := open()
	must(err)
	charter := founding.Charter{Cluster: wire.ClusterID{1}, Voters: []raft.NodeID{"a", "b", "c"}}
	must(h.saveFounding(&founding.Saved{State: founding.Standby, Charter: charter}))
	must(h.Close())
	h, err = open() // without a log, as it has none yet
	must(err)
	saved, err := raft.Found(charter.Voters)
	must(err)
	must(h.begin(saved))
	must(h.Close())
	must(disk.Remove(begunFile)) // as directories were that are older than this file
	h, err = open()
	must(err)
	must(h.Close())
	names, err := disk.List()
	must(err)
	for _, name := range names {
		if strings.HasPrefix(name, "log-") || strings.HasPrefix(name, "spare-") {
			must(disk.Remove(name))
		}
	}
	if _, err := open(); !errors.Is(err, ErrIncomplete) {
		t.Errorf("without its log: %v", err)
	}
}
