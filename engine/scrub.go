package engine

import (
	"errors"
	"io/fs"

	"github.com/ben-ng/gaggle/raft"
	"github.com/ben-ng/gaggle/snapshot"
)

const (
	// scrubBytes is how much is looked through at a time, and scrubHeartbeats how many
	// heartbeats lie between: 1 MiB a second on a LAN, which nobody notices, and a day for
	// 80 GiB.
	scrubBytes      = 1 << 20
	scrubHeartbeats = 20
)

// scrubber looks through what is on the disk for rot, before it matters: as long as a majority
// of the other disks still has what is damaged here, and the node itself has the state of which
// a snapshot is. It goes through the log, then the snapshots from the newest on, and begins anew.
type scrubber struct {
	running bool
	// log is where in the log it goes on, 0 at its beginning.
	log raft.Index
	// inSnapshots: the log is done. snapshot is the one that it has come to, and offset where
	// in that it goes on; 0 if it is done, or none was begun.
	inSnapshots bool
	snapshot    snapshot.Info
	offset      int64
}

// tickScrub looks through the next piece, when it is time.
func (n *Node) tickScrub() {
	s := &n.scrubber
	if n.home == nil || s.running || n.now%uint64(scrubHeartbeats*n.config.Raft.HeartbeatTicks) != 0 {
		return
	}
	if s.inSnapshots && s.offset == 0 && !s.nextSnapshot(n.snapshots.List()) {
		s.inSnapshots, s.snapshot = false, snapshot.Info{}
	}
	s.running = true
	if s.inSnapshots {
		n.scrubSnapshot()
	} else {
		n.scrubLog()
	}
}

// nextSnapshot goes on to the next older snapshot, and reports whether there is one.
func (s *scrubber) nextSnapshot(newestFirst []snapshot.Info) bool {
	for _, info := range newestFirst {
		if s.snapshot.Name == "" || info.Meta.Last.Index < s.snapshot.Meta.Last.Index {
			s.snapshot = info
			return true
		}
	}
	return false
}

func (n *Node) scrubLog() {
	s, from := &n.scrubber, n.scrubber.log
	n.job(IdleLane, func() {
		next, damaged, err := n.home.log.Scrub(from, scrubBytes)
		_ = n.do(func() {
			s.running, s.log, s.inSnapshots = false, next, next == 0
			n.diskTrouble(err)
			for _, p := range damaged {
				if n.core != nil && n.core.Holds(p) {
					n.mend(p)
				}
			}
		})
	})
}

func (n *Node) scrubSnapshot() {
	s, info, from := &n.scrubber, n.scrubber.snapshot, n.scrubber.offset
	n.job(IdleLane, func() {
		next, err := n.snapshots.Scrub(info, from, scrubBytes)
		_ = n.do(func() {
			s.running, s.offset = false, next
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // there are newer ones meanwhile
				n.snapshotDamaged(info, err)
			}
		})
	})
}
